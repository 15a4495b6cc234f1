/* Frame lines: "#\t0xPC\tFUNC+0xOFF\tFILE:LINE", one or more tabs before FILE,
 * which may hold tabs and colons itself; or "#\t0xPC" where Go knows no name. */
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

/* The slot of an address, or the one to take for it: two are tried. */
static struct known_frame *known_slot(struct text_parser *t, uint64_t address)
{
    uint64_t h = (address ^ t->p->index->seed) * 0x9e3779b97f4a7c15u;
    struct known_frame *k = &t->known[(h >> 32) & (KNOWN_FRAMES - 2)];

    if (k[1].epoch == t->epoch && k[1].address == address)
        return k + 1;
    if (k->epoch == t->epoch && k->address != address && k[1].epoch != t->epoch)
        return k + 1;
    return k;
}

static int add_frame(struct text_parser *t, struct frame_line f)
{
    struct record *r = &t->record;

    if (r->n_frames == PROFILE_STACK_MAX)
        return text_spill(t, ERR_LIMIT);
    r->frames[r->n_frames++] = f;
    r->n_named += f.function != NO_ID;
    return 0;
}

static bool scan_span(struct str *s, struct str want)
{
    if (s->n < want.n || memcmp(s->p, want.p, want.n) != 0)
        return false;
    s->p += want.n;
    s->n -= want.n;
    return true;
}

static void scan_tabs(struct str *s)
{
    while (scan_char(s, '\t'))
        ;
}

size_t frameline_known(struct text_parser *t, const char *p, size_t n)
{
    struct str s = {p, n};
    struct frame_line f;
    uint64_t offset;
    int64_t line;

    if (!scan_word(&s, "#\t") || !scan_hex(&s, &f.address) || !scan_char(&s, '\t'))
        return 0;
    f.known = known_slot(t, f.address);
    if (f.known->epoch != t->epoch || f.known->address != f.address)
        return 0;
    const struct function *known = &t->p->functions.p[f.known->function];
    if (!scan_span(&s, profile_text(t->p, known->name)) || !scan_char(&s, '+') ||
        !scan_hex(&s, &offset) || f.address - offset != f.known->entry || !scan_char(&s, '\t'))
        return 0;
    scan_tabs(&s);
    if (!scan_span(&s, profile_text(t->p, known->file)) || !scan_char(&s, ':') ||
        !scan_i64(&s, &line) || line != f.known->line || !scan_char(&s, '\n'))
        return 0;
    n -= s.n;
    if (n - 1 > t->o.line_max || t->record.n_frames == PROFILE_STACK_MAX)
        return 0;
    f.entry = f.known->entry;
    f.function = f.known->function;
    f.line = f.known->line;
    (void)add_frame(t, f);
    return n;
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
                        struct frame_line *f)
{
    struct function function = {0};
    int rc;

    if ((rc = profile_string(t->p, name, &function.name)) ||
        (rc = profile_string(t->p, file, &function.file)))
        return rc;
    function.system_name = function.name;
    return profile_function(t->p, function, &f->function);
}

int frameline_read(struct text_parser *t, struct str line)
{
    struct frame_line f = {.function = NO_ID};
    struct str head, name, file;
    uint64_t offset;
    int rc;

    if (t->o.stats_only)
        return 0;
    if (!scan_word(&line, "#\t") || !scan_hex(&line, &f.address))
        return text_fail(t, ERR_SYNTAX, "not a frame: \"#\\t0x…\"");
    if (!line.n)
        return t->record.over ? 0 : add_frame(t, f);
    if (!scan_char(&line, '\t') || !str_split(&line, '\t', &head) || !line.p ||
        !split_function(head, &name, &offset))
        return text_fail(t, ERR_SYNTAX, "no FUNC+0xOFF in the frame");
    scan_tabs(&line);
    if (!split_file(line, &file, &f.line))
        return text_fail(t, ERR_SYNTAX, "no FILE:LINE in the frame");
    f.entry = f.address - offset;
    if (t->record.over)
        return 0;
    if ((rc = intern_frame(t, name, file, &f)))
        return text_spill(t, rc);
    f.known = known_slot(t, f.address);
    *f.known = (struct known_frame){f.address, f.entry, t->epoch, f.function, NO_ID, f.line};
    return add_frame(t, f);
}
