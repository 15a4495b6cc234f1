/* Frame lines: "#\t0xPC\tFUNC+0xOFF\tFILE:LINE", one or more tabs before FILE,
 * which may hold tabs and colons itself; or "#\t0xPC" where Go knows no name. */
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

/* "FUNC+0xOFF": the last plus; names of closures and C have others. */
static bool split_function(struct str s, struct frame_text *x)
{
    size_t n = scan_behind(s, '+'); /* 0xOFF */
    const char *end = s.p + s.n;
    struct str rest = {end - n, n};
    uint64_t offset;

    if (n + 1 >= s.n)
        return false;
    /* Eight bytes that end with the digits are there: the plus is, and a name. */
    if (s.n >= 8 && n >= 3 && n <= 10 && rest.p[0] == '0' && rest.p[1] == 'x') {
        if (!scan_hex8(scan_justify(scan_load(end - 8), (unsigned)n - 2), &offset))
            return false;
    } else if (!scan_hex(&rest, &offset) || rest.n) {
        return false;
    }
    x->name = (struct str){s.p, s.n - n - 1};
    x->entry = x->address - offset;
    return true;
}

/* "FILE:LINE": the last colon. */
static bool split_file(struct str s, struct frame_text *x)
{
    size_t n = scan_behind(s, ':');
    const char *end = s.p + s.n;
    struct str rest = {end - n, n};
    uint64_t digits;
    int64_t v;

    if (n == s.n)
        return false;
    if (s.n >= 8 && n && n <= 8 &&
        scan_dec8(scan_justify(scan_load(end - 8), (unsigned)n), &digits))
        v = (int64_t)digits;
    else if (!scan_i64(&rest, &v) || rest.n || v < INT32_MIN || v > INT32_MAX)
        return false;
    x->file = (struct str){s.p, s.n - n - 1};
    x->line = (int32_t)v;
    return true;
}

static int split(struct text_parser *t, struct str line, struct frame_text *x)
{
    struct str head;
    size_t tabs;

    if (!scan_word(&line, "#\t") || !scan_hex(&line, &x->address))
        return text_fail(t, ERR_SYNTAX, "not a frame: \"#\\t0x…\"");
    if (!line.n)
        return 0;
    if (!scan_char(&line, '\t') || !str_split(&line, '\t', &head) || !line.p ||
        !split_function(head, x))
        return text_fail(t, ERR_SYNTAX, "no FUNC+0xOFF in the frame");
    tabs = scan_run(line, '\t');
    if (!split_file((struct str){line.p + tabs, line.n - tabs}, x))
        return text_fail(t, ERR_SYNTAX, "no FILE:LINE in the frame");
    return 0;
}

/* Decodes a line that is not known; when the record goes on to count, interns it. */
static int decode(struct text_parser *t, struct str line)
{
    struct record *r = &t->record;
    struct call *c = &r->frames[r->n_frames];
    struct frame_text x = {0};
    uint32_t known = NO_ID;
    int rc = split(t, line, &x);

    if (rc)
        return rc;
    r->n_named += x.name.n != 0;
    if (r->over)
        return 0;
    *c = (struct call){x.address, x.entry, NO_ID, NO_ID, x.line};
    if (x.name.n) {
        if ((rc = memo_function(t->p, &x, &c->function)))
            return text_spill(t, rc);
        known = memo_add_line(t->p, line, &x, c);
    }
    r->known[r->n_frames++] = known;
    return 0;
}

int frameline_read(struct text_parser *t, struct str line)
{
    struct record *r = &t->record;
    uint32_t known;

    if (t->o.stats_only)
        return 0;
    if (r->n_frames == PROFILE_STACK_MAX)
        return text_spill(t, ERR_LIMIT);
    known = memo_line(t->p, line);
    if (known == NO_ID)
        return decode(t, line);
    r->known[r->n_frames] = known;
    r->frames[r->n_frames++] = t->p->index->known_lines.p[known].call;
    r->n_named++;
    return 0;
}
