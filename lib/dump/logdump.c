/* A diff in a log line and back. The log may come as we wrote it (JSON or
 * logfmt), behind a container runtime's prefix ("2026-… stderr F {…}"), or
 * within docker's json-file ({"log":"{\"msg\":…}\n",…}), even twice. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/dump/dump.h"
#include "lib/profile/diff.h"
#include "lib/profile/proto.h"

#define FIELD "diff_base64"
#define STACKS_MOST 2048
#define GZ_BYTES_MAX (64 * 1024)
#define INFLATED_BYTES_MAX (8u << 20)
#define ID_FIELD_MAX 256
#define WRAPPED_MAX 3

/* ---- writing ---- */

/* The max largest samples of `all`, as .pb.gz. */
static int cut_encode(const struct profile *all, size_t max, struct profile *cut,
                      struct buf *gz)
{
    buf_reset(gz);
    int rc = profile_cut(cut, all, profile_value_index(all, NULL), max);

    return rc ? rc : proto_encode_gzip(cut, gz);
}

static size_t base64_bytes(size_t n)
{
    return (n + 2) / 3 * 4;
}

int log_dump_write(const void *diff_gz, size_t n, size_t max_bytes, struct profile *scratch[2],
                   struct buf *out)
{
    struct profile *all = scratch[1], *cut = scratch[0];
    size_t fits = 0, over;
    struct buf gz;
    int rc;

    buf_init(&gz, GZ_BYTES_MAX);
    /* Of one side alone, the label that tells the sides apart is dropped. */
    if ((rc = proto_decode(cut, diff_gz, n, NULL)) ||
        (rc = profile_diff(all, cut, NULL, DIFF_BASE, NULL)))
        goto out;
    over = (all->samples.n < STACKS_MOST ? all->samples.n : STACKS_MOST) + 1;
    for (size_t most = over - 1; fits + 1 < over; most = fits + (over - fits) / 2) {
        rc = cut_encode(all, most, cut, &gz);
        if (rc && rc != ERR_LIMIT)
            goto out;
        *(rc || base64_bytes(gz.len) > max_bytes ? &over : &fits) = most;
    }
    rc = cut_encode(all, fits, cut, &gz);
    if (!rc && base64_bytes(gz.len) > max_bytes)
        rc = ERR_LIMIT;
    if (!rc)
        base64_encode(out, gz.p, gz.len);
    if (!rc)
        rc = buf_status(out);
out:
    buf_free(&gz);
    return rc;
}

/* ---- reading ---- */

/* One line's fields, as far as they are needed. */
struct fields {
    char id[ID_FIELD_MAX];
    struct buf base64;
    bool found;
};

static void fields_set(struct fields *f, struct str key, struct str value)
{
    if (str_is(key, "id"))
        str_copy(f->id, sizeof f->id, value);
    if (!str_is(key, FIELD))
        return;
    buf_reset(&f->base64);
    buf_str(&f->base64, value);
    f->found = !f->base64.overflow;
}

/* Takes a value at the front of *rest: bare up to a blank, or quoted. What is
 * escaped within quotes stays so: neither of the two fields has any. */
static struct str value_take(struct str *rest)
{
    size_t n = 0;
    bool quoted = rest->n && rest->p[0] == '"';

    if (quoted)
        *rest = (struct str){rest->p + 1, rest->n - 1};
    while (n < rest->n && rest->p[n] != (quoted ? '"' : ' '))
        n += quoted && rest->p[n] == '\\' && n + 1 < rest->n ? 2 : 1;
    struct str value = {rest->p, n};
    n += n < rest->n;
    *rest = (struct str){rest->p + n, rest->n - n};
    return value;
}

/* key=value pairs; words without = (a prefix) are passed over. */
static void logfmt_read(struct str line, struct fields *f)
{
    while (line.n) {
        size_t n = 0;
        while (n < line.n && line.p[n] != '=' && line.p[n] != ' ')
            n++;
        struct str key = {line.p, n};
        bool pair = n < line.n && line.p[n] == '=';
        n += n < line.n;
        line = (struct str){line.p + n, line.n - n};
        if (pair)
            fields_set(f, key, value_take(&line));
    }
}

/* Reads a line, and what is wrapped in it, into f. */
static void line_read(struct str line, int wrapped, struct fields *f)
{
    const char *brace = line.n ? memchr(line.p, '{', line.n) : NULL;
    cJSON *root = NULL;

    if (brace)
        root = cJSON_ParseWithLengthOpts(brace, (size_t)(line.p + line.n - brace), NULL, false);
    if (!cJSON_IsObject(root)) {
        logfmt_read(line, f);
        cJSON_Delete(root);
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        if (!cJSON_IsString(item))
            continue;
        struct str value = str_of(item->valuestring);
        bool inner = wrapped && str_contains(value, FIELD);
        if (inner)
            line_read(str_trim(value), wrapped - 1, f);
        else
            fields_set(f, str_of(item->string), value);
    }
    cJSON_Delete(root);
}

/* Whole or not at all: gzip's CRC tells. */
static int candidate_decode(const struct fields *f, struct buf *gz)
{
    struct buf inflated;

    buf_reset(gz);
    int rc = base64_decode(gz, buf_view(&f->base64));
    if (rc)
        return rc;
    if (!gzip_sniff(gz->p, gz->len))
        return ERR_SYNTAX;
    buf_init(&inflated, INFLATED_BYTES_MAX);
    rc = gzip_inflate(&inflated, gz->p, gz->len);
    buf_free(&inflated);
    return rc;
}

int log_dump_read(struct str log_text, const char *id, struct buf *out, struct errmsg *e)
{
    struct buf gz, best;
    struct fields f = {.found = false};
    struct str line;
    int damaged = 0, good = 0, rc = 0;

    buf_init(&f.base64, base64_bytes(GZ_BYTES_MAX));
    buf_init(&gz, GZ_BYTES_MAX);
    buf_init(&best, GZ_BYTES_MAX);
    while (str_split(&log_text, '\n', &line)) {
        if (!str_contains(line, FIELD))
            continue;
        f.found = false;
        f.id[0] = '\0';
        line_read(str_trim(line), WRAPPED_MAX, &f);
        if (id && strcmp(f.id, id) != 0)
            continue;
        if (!f.found || candidate_decode(&f, &gz)) {
            damaged++;
            continue;
        }
        good++;
        buf_reset(&best);
        buf_str(&best, buf_view(&gz));
    }
    if (good) {
        if (!(rc = buf_reserve(out, best.len)))
            buf_str(out, buf_view(&best));
    } else if (damaged) {
        rc = err_set(e, ERR_CUT, "the log has %d dumps, all of them cut or damaged", damaged);
    } else {
        rc = err_set(e, -ENOENT, "no line of the log carries %s of %.128s", FIELD,
                     id ? id : "a dump");
    }
    buf_free(&best);
    buf_free(&gz);
    buf_free(&f.base64);
    return rc;
}
