#include "lib/profile/goroutines.h"

#include <string.h>

#include "lib/profile/scan.h"

enum {
    EXPECT_HEADER, /* of the body's first goroutine: anything else is not pprof */
    BETWEEN,       /* blank lines, then a header */
    FRAMES,        /* FUNC(ARGS), then its file */
    CREATOR,       /* where it was made */
    SKIP,          /* up to the next blank line: ancestors, what is elided */
};

void goroutines_begin(struct goroutines_parser *p, goroutine_fn fn, void *ctx)
{
    p->fn = fn;
    p->ctx = ctx;
    p->rc = 0;
    p->state = EXPECT_HEADER;
    p->pending = false;
    p->n = 0;
    p->text_used = p->line_used = 0;
}

/* Copies s into the goroutine's own text; what does not fit is "". */
static struct str keep(struct goroutines_parser *p, struct str s)
{
    char *at = p->text + p->text_used;

    if (s.n > sizeof(p->text) - p->text_used)
        return (struct str){at, 0};
    if (s.n > 0)
        memcpy(at, s.p, s.n);
    p->text_used += s.n;
    return (struct str){at, s.n};
}

static bool room_for(const struct goroutines_parser *p, struct str s)
{
    return p->g.n_frames < GOROUTINE_FRAMES_MAX && s.n <= sizeof(p->text) - p->text_used;
}

/* ---- "goroutine 7 [chan send, 12 minutes, locked to thread]:" ---- */

/* What stands between the brackets, without labels, which come last there or, in
 * Go 1.27, behind: a line that they made too long to be held has no end. */
static bool read_inside(struct str s, struct str *inside)
{
    const char *close = memchr(s.p, ']', s.n);
    const char *labels = memmem(s.p, s.n, " labels:{", 9);
    const char *end = labels != NULL && (close == NULL || labels < close) ? labels : close;

    if (end == NULL)
        return false;
    *inside = (struct str){s.p, (size_t)(end - s.p)};
    s = (struct str){end + 1, s.n - inside->n - 1};
    return end == labels || str_starts(s, ":") || str_starts(s, " {");
}

static bool drop_end(struct str *s, const char *suffix)
{
    if (!str_ends(*s, suffix))
        return false;
    s->n -= strlen(suffix);
    return true;
}

/* The state and its marks: "chan receive (nil chan) (leaked) (scan)". */
static void read_state(struct goroutines_parser *p, struct str s)
{
    for (bool more = true; more;) {
        bool leaked = drop_end(&s, " (leaked)");

        p->g.leaked = p->g.leaked || leaked;
        more = leaked || drop_end(&s, " (scan)") || drop_end(&s, " (durable)");
    }
    p->g.state = keep(p, s);
}

static void read_attribute(struct goroutines_parser *p, struct str s)
{
    int64_t minutes;

    if (str_is(s, "locked to thread"))
        p->g.locked = true;
    else if (drop_end(&s, " minutes") && str_i64(s, &minutes) == 0 && minutes >= 0)
        p->g.minutes = minutes;
}

/* "chan send, 12 minutes, locked to thread" */
static void read_bracket(struct goroutines_parser *p, struct str s)
{
    struct str one;

    (void)str_split(&s, ',', &one);
    read_state(p, one);
    while (str_split(&s, ',', &one))
        read_attribute(p, str_trim(one));
}

static bool read_header(struct goroutines_parser *p, struct str line)
{
    struct str head, word, inside;
    uint64_t id;

    /* Between the id and the bracket a crash's traceback has gp= and m=. */
    if (!scan_word(&line, "goroutine ") || !str_split(&line, '[', &head) || line.p == NULL ||
        !str_split(&head, ' ', &word) || str_u64(word, &id) != 0 || !read_inside(line, &inside))
        return false;
    p->g.id = id;
    p->g.minutes = -1;
    p->g.leaked = p->g.locked = p->g.elided = false;
    p->g.n_frames = 0;
    p->g.created_by = (struct frame){.function = {p->text, 0}};
    p->g.creator = 0;
    p->text_used = 0;
    p->pending = false;
    read_bracket(p, inside);
    p->state = FRAMES;
    return true;
}

/* ---- the stack ---- */

static void elide(struct goroutines_parser *p)
{
    p->g.elided = true;
    p->pending = false;
}

/* "FUNC(ARGS)" or "FUNC(...)": no argument has a parenthesis. C's functions,
 * where a symbolizer knows them, stand alone. */
static void read_function(struct goroutines_parser *p, struct str line)
{
    const char *open = memrchr(line.p, '(', line.n);
    struct str name = line;

    if (open != NULL && open > line.p && line.p[line.n - 1] == ')')
        name.n = (size_t)(open - line.p);
    p->pending = false;
    if (p->g.elided)
        return;
    if (!room_for(p, name)) {
        elide(p);
        return;
    }
    p->g.frames[p->g.n_frames++] = (struct frame){.function = keep(p, name)};
    p->pending = true;
}

/* "\tFILE:LINE +0x1d fp=… sp=… pc=…": nothing behind the line has a colon, and the
 * file may have all else. */
static void read_file(struct goroutines_parser *p, struct frame *f, struct str line)
{
    const char *colon = memrchr(line.p, ':', line.n);
    struct str digits, rest;
    int64_t v;

    if (colon == NULL)
        return;
    rest = (struct str){colon + 1, (size_t)(line.p + line.n - colon) - 1};
    if (!str_split(&rest, ' ', &digits) || str_i64(digits, &v) != 0 || v < 0 || v > INT32_MAX)
        return;
    f->file = keep(p, (struct str){line.p + 1, (size_t)(colon - line.p) - 1});
    f->line = (int32_t)v;
}

/* "created by FUNC" and, since Go 1.21, " in goroutine 7". */
static void read_creator(struct goroutines_parser *p, struct str line)
{
    static const char in[] = " in goroutine ";
    const char *at = memmem(line.p, line.n, in, sizeof(in) - 1);
    struct str id;

    if (at != NULL) {
        id = (struct str){at + sizeof(in) - 1, line.n - (size_t)(at - line.p) - sizeof(in) + 1};
        if (str_u64(id, &p->g.creator) != 0)
            p->g.creator = 0;
        line.n = (size_t)(at - line.p);
    }
    p->g.created_by.function = keep(p, line);
    p->state = CREATOR;
}

static void read_frame(struct goroutines_parser *p, struct str line)
{
    if (line.p[0] == '\t') {
        if (p->pending)
            read_file(p, &p->g.frames[p->g.n_frames - 1], line);
        p->pending = false;
    } else if (scan_word(&line, "created by ")) {
        read_creator(p, line);
    } else if (str_starts(line, "...") && str_ends(line, " elided...")) {
        elide(p); /* what follows is the root's end: there is a gap before it */
    } else if (str_starts(line, "[originating from goroutine ")) {
        p->state = SKIP; /* the ancestors' stacks are not its own */
    } else if (str_starts(line, "non-Go function")) {
        p->pending = false; /* debug=1 has nothing of it */
    } else {
        read_function(p, line);
    }
}

/* ---- lines ---- */

static void hand_over(struct goroutines_parser *p)
{
    if (p->state == FRAMES || p->state == CREATOR || p->state == SKIP) {
        p->n++;
        p->fn(p->ctx, &p->g);
    }
    if (p->state != EXPECT_HEADER)
        p->state = BETWEEN;
}

static void read_line(struct goroutines_parser *p, struct str line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0) {
        hand_over(p);
        return;
    }
    switch (p->state) {
    case EXPECT_HEADER:
        if (!read_header(p, line))
            p->rc = ERR_NOT_PPROF;
        break;
    case BETWEEN: (void)read_header(p, line); break;
    case FRAMES: read_frame(p, line); break;
    case CREATOR:
        if (line.p[0] == '\t')
            read_file(p, &p->g.created_by, line);
        p->state = SKIP;
        break;
    case SKIP: break;
    }
}

/* Keeps the begin of a line; what is beyond its bound is dropped. */
static void hold(struct goroutines_parser *p, const char *bytes, size_t n)
{
    size_t room = sizeof(p->line) - p->line_used;

    if (n > room)
        n = room;
    if (n > 0)
        memcpy(p->line + p->line_used, bytes, n);
    p->line_used += n;
}

int goroutines_feed(struct goroutines_parser *p, const void *bytes, size_t n)
{
    const char *at = bytes, *end = at + n;

    while (at < end && p->rc == 0) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);

        if (newline && p->line_used == 0 && length <= sizeof(p->line)) {
            read_line(p, (struct str){at, length});
        } else {
            hold(p, at, length);
            if (newline)
                read_line(p, (struct str){p->line, p->line_used});
        }
        if (!newline)
            break;
        p->line_used = 0;
        at = newline + 1;
    }
    return p->rc;
}

int goroutines_end(struct goroutines_parser *p)
{
    if (p->rc == 0 && p->line_used > 0)
        p->rc = p->state == EXPECT_HEADER ? ERR_NOT_PPROF : ERR_CUT;
    if (p->rc == 0 && p->state == EXPECT_HEADER)
        p->rc = ERR_CUT;
    if (p->rc == 0)
        hand_over(p);
    return p->rc;
}

/* ---- what both texts show ---- */

/* debug=2's "panic" is runtime.gopanic; the names without a dot are of C. */
static bool is_common(struct str function)
{
    return !str_starts(function, "runtime.") && !str_starts(function, "internal/runtime/") &&
           str_contains(function, ".");
}

size_t frames_common(struct frame *frames, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (is_common(frames[i].function))
            frames[kept++] = frames[i];
    return kept;
}
