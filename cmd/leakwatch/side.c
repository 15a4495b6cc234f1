#include "cmd/leakwatch/side.h"

#include <string.h>

int side_read(struct side *s, const char *text, const char *file,
              const struct settings *settings, struct errmsg *e)
{
    (void)file;
    (void)settings;
    int error = profile_init(&s->profile, CMD_PROFILE_BYTES);

    s->text = text;
    str_copy(s->name, sizeof(s->name), str_of(strcmp(text, "-") == 0 ? "stdin" : text));
    return error ? err_set(e, error, "%s", err_text(error))
                 : profile_read(&s->profile, text, e);
}

void side_free(struct side *s)
{
    profile_free(&s->profile);
}
