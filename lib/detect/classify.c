/* The rules of patterns.def, applied: the first whose every word holds names
 * the leak. Where the culprit is a library's helper the user's line is looked
 * for in other stacks, those that call what makes such a helper. */
#include "lib/detect/classify.h"

#include <string.h>

#include "lib/detect/owner.h"

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

#define MAKERS_MAX 3

enum whose { OWN, LIBRARY, SITE };
enum scope { ANYWHERE, GROWING, SAME_TYPE, SAME_FUNCTION };

#define ANY 0u
#define ON(op) (1u << BLOCKING_##op)
_Static_assert(BLOCKING_COUNT <= 32, "a rule has a bit for each operation");

struct rule {
    enum pattern pattern;
    enum whose whose;
    unsigned ops;
    const char *inner, *outer;
    const char *beside;
    enum scope scope;
    const char *makers;
    const char *advice;
};

#define RULE(pattern, whose, ops, inner, outer, beside, scope, makers, advice) \
    {PATTERN_##pattern, whose, ops, inner, outer, beside, scope, makers, advice},
static const struct rule rules[] = {
#include "lib/detect/patterns.def"
};
#undef RULE

static const struct {
    const char *text, *words;
} names[PATTERNS] = {
    [PATTERN_UNKNOWN] = {"unknown", "of no known pattern"},
    [PATTERN_CHANNEL_SEND] = {"channel-send", "a channel from which nobody receives"},
    [PATTERN_CONTEXT_IGNORED] = {"context-ignored", "a goroutine that nothing ends"},
    [PATTERN_GRPC] = {"grpc", "gRPC connections or streams left open"},
    [PATTERN_DATABASE] = {"database", "database connections that are not given back"},
    [PATTERN_STREAM_WRITE] = {"stream-write", "a stream whose client is gone"},
    [PATTERN_SYNC] = {"sync", "a lock or group that is never released"},
    [PATTERN_TIMER] = {"timer", "timers or tickers that are never stopped"},
    [PATTERN_HTTP_BODY] = {"http-body", "HTTP responses that are not closed"},
    [PATTERN_IO_WAIT] = {"io-wait", "a wait for a peer without a deadline"},
};

const char *pattern_text(enum pattern p)
{
    return names[(unsigned)p < PATTERNS ? p : PATTERN_UNKNOWN].text;
}

const char *pattern_words(enum pattern p)
{
    return names[(unsigned)p < PATTERNS ? p : PATTERN_UNKNOWN].words;
}

/* ---- functions ---- */

/* One word of a list: "whole name", "start*", "^leaf". */
static bool word_is(struct str word, struct str function, bool leaf)
{
    if (word.n && word.p[0] == '^') {
        if (!leaf)
            return false;
        word = (struct str){word.p + 1, word.n - 1};
    }
    if (word.n && word.p[word.n - 1] == '*')
        return function.n >= word.n - 1 && memcmp(function.p, word.p, word.n - 1) == 0;
    return str_eq(word, function);
}

static bool list_has(const char *list, struct str function, bool leaf)
{
    struct str rest = str_of(list), word;

    while (str_split(&rest, '|', &word))
        if (word_is(word, function, leaf))
            return true;
    return false;
}

/* Whether one of frames [from, to) is in the list; an empty list asks nothing. */
static bool frames_have(const char *list, const struct frame *frames, size_t from, size_t to)
{
    if (!list[0])
        return true;
    for (size_t i = from; i < to; i++)
        if (list_has(list, frames[i].function, i == 0))
            return true;
    return false;
}

/* ---- the input, seen from the user's frame ---- */

struct view {
    const struct classify_input *in;
    size_t user; /* index of the frame to look at */
    bool own;    /* it is the user's */
    struct frame scratch[HISTORY_FRAMES_MAX];
};

static size_t stack_read(struct view *v, const struct classify_stacks *s, uint32_t i)
{
    return s->frames_of(s->ctx, i, v->scratch, HISTORY_FRAMES_MAX);
}

/* Whether a stack is near enough to be of the culprit's kind: its user's frame in
 * the same function (or that which started it), type or package, or wherever. */
static bool in_scope(const struct view *v, enum scope scope, const struct frame *frames,
                     size_t n)
{
    struct str mine = v->in->frames[v->user].function, maker = v->in->created_by.function;
    bool own;
    struct str theirs = frames[owner_frame(frames, n, &own)].function;

    switch (scope) {
    case ANYWHERE: return true;
    case GROWING: return own && str_eq(owner_package(mine), owner_package(theirs));
    case SAME_TYPE: return own && str_eq(owner_type(mine), owner_type(theirs));
    case SAME_FUNCTION:
        return own && (str_eq(owner_declared(mine), owner_declared(theirs)) ||
                       (maker.n > 0 && str_eq(owner_declared(maker), owner_declared(theirs))));
    }
    return false;
}

static bool stacks_have(struct view *v, const struct classify_stacks *s, const struct rule *r)
{
    for (uint32_t i = 0; i < s->n; i++) {
        size_t n = stack_read(v, s, i);

        if (n && frames_have(r->beside, v->scratch, 0, n) &&
            in_scope(v, r->scope, v->scratch, n))
            return true;
    }
    return false;
}

static bool rule_applies(struct view *v, const struct rule *r)
{
    const struct classify_input *in = v->in;
    enum whose whose = in->class == HISTORY_SITES ? SITE : v->own ? OWN : LIBRARY;
    size_t inner_end = v->own ? v->user : in->n;

    if (r->whose != whose)
        return false;
    if (r->ops != ANY && !(r->ops & (1u << in->blocking)))
        return false;
    if (!frames_have(r->inner, in->frames, 0, inner_end) ||
        !frames_have(r->outer, in->frames, v->user, in->n))
        return false;
    if (!r->beside[0] || stacks_have(v, &in->beside, r))
        return true;
    return r->scope != GROWING && stacks_have(v, &in->sites, r);
}

/* ---- who made it ---- */

/* Whether a stack's user's frame calls one of the makers, or, for a rule that
 * names none, the module that started the culprit. */
static bool calls_maker(const struct view *v, const struct rule *r, const struct frame *frames,
                        size_t user)
{
    const struct frame *root = &v->in->frames[v->in->n - 1];
    struct str module = owner_module(root->function);

    if (r->makers[0])
        return frames_have(r->makers, frames, 0, user);
    if (owner_of(root) == OWNER_STANDARD || v->in->class == HISTORY_SITES)
        return false; /* half of all stacks go through net/http */
    for (size_t i = 0; i < user; i++)
        if (str_eq(owner_module(frames[i].function), module))
            return true;
    return false;
}

/* Whether goroutines of that function still wait there themselves: then what it
 * holds is theirs. */
static bool waits_itself(struct view *v, struct str function)
{
    const struct classify_stacks *s = &v->in->beside;

    for (uint32_t i = 0; i < s->n; i++) {
        bool own = false;
        size_t n = stack_read(v, s, i);
        size_t user = owner_frame(v->scratch, n, &own);

        if (own && str_eq(v->scratch[user].function, function))
            return true;
    }
    return false;
}

/* The users' frames that call a maker, each function once. */
struct makers {
    struct frame frames[MAKERS_MAX];
    int n;
};

static void makers_add(struct makers *m, const struct frame *f)
{
    for (int i = 0; i < m->n; i++)
        if (str_eq(m->frames[i].function, f->function))
            return;
    if (m->n < MAKERS_MAX)
        m->frames[m->n++] = *f;
}

static void find_makers(struct view *v, const struct classify_stacks *s, const struct rule *r,
                        bool done_waiting, struct makers *m)
{
    for (uint32_t i = 0; i < s->n && m->n < MAKERS_MAX; i++) {
        bool own = false;
        size_t n = stack_read(v, s, i);
        size_t user = owner_frame(v->scratch, n, &own);
        struct frame found;

        if (!own || !calls_maker(v, r, v->scratch, user))
            continue;
        found = v->scratch[user];
        if (!done_waiting || !waits_itself(v, found.function))
            makers_add(m, &found);
    }
}

/* Who holds most is the maker. Who merely allocated is one if nobody else did;
 * of several none is named, for they may all be sound. */
static void look_elsewhere(struct view *v, const struct rule *r, struct classification *out,
                           struct makers *m)
{
    const struct classify_input *in = v->in;
    bool certain = true;

    if (in->created_by.function.n && owner_of(&in->created_by) == OWNER_USER)
        makers_add(m, &in->created_by);
    else
        find_makers(v, &in->sites, r, true, m);
    if (m->n == 0)
        find_makers(v, &in->sites, r, false, m);
    if (m->n == 0) {
        find_makers(v, &in->allocs, r, false, m);
        find_makers(v, &in->beside, r, false, m);
        certain = m->n == 1;
    }
    if (m->n == 0 || !certain)
        return;
    m->n = 1;
    out->at = m->frames[0];
    out->own = out->elsewhere = true;
}

/* ---- the sentence ---- */

/* "pattern.price (body.go:25)" */
static void put_frame(struct buf *b, const struct frame *f)
{
    struct str file = f->file;

    buf_str(b, owner_short(f->function));
    for (size_t i = file.n; i > 0; i--)
        if (file.p[i - 1] == '/') {
            file = (struct str){file.p + i, file.n - i};
            break;
        }
    if (!file.n)
        return;
    buf_puts(b, " (");
    buf_str(b, file);
    buf_printf(b, ":%d)", (int)f->line);
}

static void put_place(struct buf *b, const struct rule *r, const struct classification *c,
                      const struct makers *m)
{
    struct str list = str_of(r->makers), maker = {NULL, 0};

    if (c->own) {
        put_frame(b, &c->at);
        return;
    }
    for (int i = 0; i < m->n; i++) {
        buf_puts(b, i == 0 ? "one of " : ", ");
        put_frame(b, &m->frames[i]);
    }
    if (m->n)
        return;
    if (str_split(&list, '|', &maker) && maker.n) {
        maker = owner_short(maker);
        if (maker.p[maker.n - 1] == '*')
            maker.n--;
        buf_puts(b, "whoever calls ");
        buf_str(b, maker);
        return;
    }
    buf_puts(b, "what calls ");
    put_frame(b, &c->at);
}

static void advise(const struct rule *r, const struct makers *m, struct classification *out)
{
    static const struct str mark = {"{at}", 4};
    struct str rest = str_of(r->advice);
    struct buf b;

    buf_fixed(&b, out->advice, sizeof(out->advice));
    for (; rest.n; rest.p++, rest.n--) {
        if (!str_starts(rest, mark.p)) {
            buf_putc(&b, rest.p[0]);
            continue;
        }
        put_place(&b, r, out, m);
        rest.p += mark.n - 1;
        rest.n -= mark.n - 1;
    }
    (void)buf_cstr(&b);
}

void classify(const struct classify_input *in, struct classification *out)
{
    struct view v = {.in = in};
    const struct rule *r = rules;
    struct makers makers = {.n = 0};

    *out = (struct classification){.pattern = PATTERN_UNKNOWN};
    if (in->n == 0)
        return;
    v.user = owner_frame(in->frames, in->n, &v.own);
    /* A library's goroutine is best known by what was started. */
    if (in->class == HISTORY_STACKS && owner_of(&in->frames[v.user]) <= OWNER_KNOWN)
        v.user = in->n - 1;
    out->at = in->frames[v.user];
    out->own = v.own;
    while (r < rules + COUNT_OF(rules) - 1 && !rule_applies(&v, r))
        r++;
    out->pattern = r->pattern;
    if (!v.own)
        look_elsewhere(&v, r, out, &makers);
    advise(r, &makers, out);
}
