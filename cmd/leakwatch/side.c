#include "cmd/leakwatch/side.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/host/host.h"
#include "lib/view/difftext.h"

enum side_kind side_kind(const char *text)
{
    struct stat st;

    if (history_moment_sniff(str_of(text)))
        return SIDE_MOMENT;
    if (strcmp(text, "-") == 0)
        return SIDE_FILE;
    if (stat(text, &st) == 0)
        return S_ISDIR(st.st_mode) ? SIDE_FOLDER : SIDE_FILE;
    /* A name with a slash or an ending is a file that is missing. */
    return strchr(text, '/') || strstr(text, ".pb") || strstr(text, ".txt") ? SIDE_FILE
                                                                            : SIDE_ID;
}

static void side_name(struct side *s, const char *folder, const char *file)
{
    struct buf name;

    buf_fixed(&name, s->name, sizeof(s->name));
    buf_puts(&name, folder);
    if (file)
        buf_printf(&name, "/%s", file);
    (void)buf_cstr(&name);
}

static int read_folder(struct side *s, const char *text, const char *file, struct errmsg *e)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", text, file);

    if (n < 0 || n >= (int)sizeof(path))
        return err_set(e, -ENAMETOOLONG, "%s: the name is too long", text);
    side_name(s, text, file);
    return profile_read(&s->profile, path, e);
}

static int read_dump(struct side *s, const char *text, const char *file,
                     const struct settings *settings, struct errmsg *e)
{
    char id[DUMP_ID_MAX] = "";
    struct folder f;
    struct buf bytes;
    int error = folder_open(&f, settings, e);

    if (error)
        (void)err_set(e, error, "%s is no file here, and the dumps in %s cannot be read", text,
                      settings->dir);
    buf_init(&bytes, CMD_FILE_BYTES);
    if (error == 0)
        error = store_resolve(&f.store, text, id, e);
    side_name(s, id, file);
    if (error == 0) {
        error = store_read_file(&f.store, id, file, &bytes);
        if (error)
            (void)err_set(e, error, "%s: %s", s->name, err_text(error));
        else
            error = profile_load(&s->profile, s->name, buf_view(&bytes), e);
    }
    buf_free(&bytes);
    folder_close(&f);
    return error;
}

int side_read(struct side *s, const char *text, const char *file,
              const struct settings *settings, struct errmsg *e)
{
    int error = profile_init(&s->profile, CMD_PROFILE_BYTES);

    if (error)
        return err_set(e, error, "%s", err_text(error));
    switch (side_kind(text)) {
    case SIDE_FOLDER: return read_folder(s, text, file, e);
    case SIDE_ID: return read_dump(s, text, file, settings, e);
    case SIDE_FILE:
    case SIDE_MOMENT: break;
    }
    side_name(s, strcmp(text, "-") == 0 ? "stdin" : text, NULL);
    return profile_read(&s->profile, text, e);
}

int side_moment(struct side *s, const char *text, const struct folder *f, int target,
                enum history_class class, struct errmsg *e)
{
    char when[MOMENT_TEXT_MAX];
    int64_t t_ms, at_ms = 0;
    int error = profile_init(&s->profile, CMD_PROFILE_BYTES);

    if (error)
        return err_set(e, error, "%s", err_text(error));
    error = history_moment(f->history, moment_now(), str_of(text), &t_ms, e);
    if (error)
        return error;
    error = profile_from_history(&s->profile, f->history, target, class, t_ms, &at_ms);
    if (error)
        return err_set(e, error, "%s: %s", text,
                       error == -ENOENT ? "the history does not reach back that far"
                                        : err_text(error));
    side_name(s, moment_rfc3339(history_wall_ms(f->history, at_ms), when), NULL);
    return 0;
}

void side_free(struct side *s)
{
    profile_free(&s->profile);
}
