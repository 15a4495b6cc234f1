/* Credentials: read for each request (they are rotated by replacing the file),
 * held until its end, never logged. */
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/host/fetch_parts.h"
#include "lib/host/file.h"

#define SECRET_MAX 8192

enum secret_form { SECRET_BEARER, SECRET_BASIC, SECRET_HEADER };

static const char *const form_prefix[] = {"Authorization: Bearer ", "Authorization: Basic ",
                                          ""};

/* One printable line: a line end inside would become a header of its own. */
static bool is_one_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
            return false;
    return s.n > 0;
}

static int header_add(struct curl_slist **list, enum secret_form form, struct str secret)
{
    struct buf line;
    buf_init(&line, 2 * SECRET_MAX);
    buf_puts(&line, form_prefix[form]);
    if (form == SECRET_BASIC)
        base64_encode(&line, secret.p, secret.n);
    else
        buf_str(&line, secret);
    int rc = buf_status(&line);
    struct curl_slist *longer = rc ? NULL : curl_slist_append(*list, buf_cstr(&line));
    if (longer)
        *list = longer;
    else
        rc = -ENOMEM;
    if (line.p)
        explicit_bzero(line.p, line.len);
    buf_free(&line);
    return rc;
}

static int secret_add(struct curl_slist **list, const char *path, enum secret_form form,
                      struct errmsg *e)
{
    char storage[SECRET_MAX];
    struct buf b;
    if (!*path)
        return 0;
    buf_fixed(&b, storage, sizeof storage);
    int rc = file_read(path, &b);
    struct str secret = str_trim(buf_view(&b));
    if (rc)
        err_set(e, rc, "%s: %s", path, err_text(rc));
    else if (!is_one_line(secret))
        rc = err_set(e, ERR_SYNTAX, "%s: not one line of text", path);
    else if (form == SECRET_HEADER && !memchr(secret.p, ':', secret.n))
        rc = err_set(e, ERR_SYNTAX, "%s: not of the form 'Name: value'", path);
    else
        rc = header_add(list, form, secret);
    explicit_bzero(storage, sizeof storage);
    return rc;
}

int fetch_headers(const struct settings *s, struct curl_slist **out, struct errmsg *e)
{
    *out = NULL;
    int rc = secret_add(out, s->target_bearer_file, SECRET_BEARER, e);
    if (!rc)
        rc = secret_add(out, s->target_basic_file, SECRET_BASIC, e);
    if (!rc)
        rc = secret_add(out, s->target_header_file, SECRET_HEADER, e);
    if (!rc)
        return 0;
    curl_slist_free_all(*out);
    *out = NULL;
    return rc;
}
