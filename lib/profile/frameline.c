/* Frame lines: "#\t0xPC\tFUNC+0xOFF\tFILE:LINE", one or more tabs before FILE,
 * which may hold tabs and colons itself; or "#\t0xPC" where Go knows no name. */
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

static int add_frame(struct text_parser *t, const struct known_line *f)
{
    struct record *r = &t->record;

    if (r->n_frames == PROFILE_STACK_MAX)
        return text_spill(t, ERR_LIMIT);
    r->frames[r->n_frames++] = *f;
    r->n_named += f->function != NO_ID;
    return 0;
}

static void scan_tabs(struct str *s)
{
    while (scan_char(s, '\t'))
        ;
}

/* "FUNC+0xOFF": the last plus; names of closures and C have others. */
static bool split_function(struct str s, struct str *name, uint64_t *offset)
{
    const char *plus = s.n ? memrchr(s.p, '+', s.n) : NULL;
    struct str rest;

    if (!plus || plus == s.p)
        return false;
    *name = (struct str){s.p, (size_t)(plus - s.p)};
    rest = (struct str){plus + 1, s.n - name->n - 1};
    return scan_hex(&rest, offset) && !rest.n;
}

/* "FILE:LINE": the last colon. */
static bool split_file(struct str s, struct str *file, int32_t *line)
{
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
    struct str rest;
    int64_t v;

    if (!colon)
        return false;
    *file = (struct str){s.p, (size_t)(colon - s.p)};
    rest = (struct str){colon + 1, s.n - file->n - 1};
    if (!scan_i64(&rest, &v) || rest.n || v < INT32_MIN || v > INT32_MAX)
        return false;
    *line = (int32_t)v;
    return true;
}

static int intern_frame(struct text_parser *t, struct str name, struct str file,
                        struct known_line *f)
{
    struct function function = {0};
    int rc;

    if ((rc = profile_string(t->p, name, &function.name)) ||
        (rc = profile_string(t->p, file, &function.file)))
        return rc;
    function.system_name = function.name;
    return profile_function(t->p, function, &f->function);
}

/* Decodes a line; when the record goes on to count, interns its names. */
static int decode(struct text_parser *t, struct str line, struct known_line *f)
{
    struct str head, name, file;
    uint64_t offset;

    if (!scan_word(&line, "#\t") || !scan_hex(&line, &f->address))
        return text_fail(t, ERR_SYNTAX, "not a frame: \"#\\t0x…\"");
    if (!line.n)
        return 0;
    if (!scan_char(&line, '\t') || !str_split(&line, '\t', &head) || !line.p ||
        !split_function(head, &name, &offset))
        return text_fail(t, ERR_SYNTAX, "no FUNC+0xOFF in the frame");
    scan_tabs(&line);
    if (!split_file(line, &file, &f->line))
        return text_fail(t, ERR_SYNTAX, "no FILE:LINE in the frame");
    f->entry = f->address - offset;
    return t->record.over ? 0 : text_spill(t, intern_frame(t, name, file, f));
}

int frameline_read(struct text_parser *t, struct str line)
{
    struct known_line f = {.function = NO_ID, .location = NO_ID};
    const struct known_line *known;
    int rc;

    if (t->o.stats_only)
        return 0;
    f.hash = str_hash(line, t->p->index->seed);
    t->record.hash = hash_pair(t->record.hash, f.hash);
    known = memo_line(t->p, f.hash);
    if (known)
        return add_frame(t, known);
    rc = decode(t, line, &f);
    if (rc || t->record.over)
        return rc;
    memo_add_line(t->p, &f);
    return add_frame(t, &f);
}
