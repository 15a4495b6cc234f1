/* Gathers what lib/detect/classify asks for: the culprit's frames and what it
 * waits for, the stacks that grow with it, the heap sites that might be its
 * maker's; and says which culprits are one leak. */
#include "lib/dump/naming.h"

#include <string.h>

#include "lib/detect/classify.h"
#include "lib/detect/owner.h"
#include "lib/profile/diff.h"

#define RANK_MAX 256
#define SET_MAX (2 * RANK_MAX)
/* Of the culprit's own growth: what grows less has nothing to do with it. */
#define BESIDE_SHARE 8
#define BESIDE_LEAST 16

/* Stacks by growth, of a profile or of the history. */
struct set {
    const struct profile *p; /* NULL: ids are the history's */
    const struct history *h;
    uint32_t ids[SET_MAX];
    int64_t grown[SET_MAX];
    uint32_t n;
};

static size_t set_frames(void *ctx, uint32_t i, struct frame *out, size_t max)
{
    const struct set *s = ctx;

    return s->p ? sample_frames(s->p, &s->p->samples.p[s->ids[i]], out, max)
                : history_frames(s->h, s->ids[i], out, max);
}

static void set_add(struct set *s, uint32_t id, int64_t grown)
{
    if (s->n == SET_MAX || grown <= 0)
        return;
    s->ids[s->n] = id;
    s->grown[s->n++] = grown;
}

static void set_rank(struct set *s, const struct profile *now, const struct profile *base,
                     const char *type)
{
    struct stack_delta deltas[RANK_MAX];
    int n = profile_rank(now, base, profile_value_index(now, type), deltas, RANK_MAX, NULL);

    s->p = now;
    for (int i = 0; i < n; i++)
        if (deltas[i].now_sample != UINT32_MAX)
            set_add(s, deltas[i].now_sample, deltas[i].now - deltas[i].base);
}

static void set_grown(struct set *s, const struct naming_sources *in, enum history_class class)
{
    struct history_growth grown[RANK_MAX];
    size_t n = history_grown(in->history, in->target, class, in->from_ms, in->to_ms, 1, grown,
                             RANK_MAX);

    s->h = in->history;
    for (size_t i = 0; i < n; i++)
        if (grown[i].stack != HISTORY_OTHER)
            set_add(s, grown[i].stack, grown[i].now - grown[i].before);
}

static void goroutines_gather(struct set *s, const struct naming_sources *in)
{
    if (in->ranked && in->goroutine)
        set_rank(s, in->goroutine, in->goroutine_base, "goroutine");
    else if (in->history)
        set_grown(s, in, HISTORY_STACKS);
}

/* What grew first; then whatever is in use, since few bytes are seen only when
 * they are sampled, which may have been before the baseline. */
static void sites_gather(struct set *s, const struct naming_sources *in)
{
    if (in->ranked && in->heap) {
        set_rank(s, in->heap, in->heap_base, "inuse_space");
        set_rank(s, in->heap, NULL, "inuse_space");
    } else if (in->history) {
        set_grown(s, in, HISTORY_SITES);
    }
}

/* Only a user's frame can be a maker, and what grows of one type or function
 * with the culprit: the other sites need not be read again for each culprit. */
static void keep_users(struct set *s)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        bool own;

        (void)owner_frame(frames, set_frames(s, i, frames, HISTORY_FRAMES_MAX), &own);
        if (!own)
            continue;
        s->ids[kept] = s->ids[i];
        s->grown[kept++] = s->grown[i];
    }
    s->n = kept;
}

/* Since the start of the program: who never called a maker is not one. */
static void allocs_gather(struct set *s, const struct naming_sources *in)
{
    if (in->ranked && in->heap)
        set_rank(s, in->heap, NULL, "alloc_space");
}

/* ---- one culprit ---- */

struct subject {
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n;
    enum blocking blocking;
    struct frame created_by; /* function empty: not known */
};

/* The sample of a stack of the history, which knows the hidden frames. */
static uint32_t sample_of(const struct naming_sources *in, uint32_t stack)
{
    const struct profile *p = in->goroutine;

    for (size_t i = 0; p && in->history && stack != NAMING_NONE && i < p->samples.n; i++)
        if (history_find_key(in->history, sample_key(p, &p->samples.p[i])) == stack)
            return (uint32_t)i;
    return NAMING_NONE;
}

static void subject_read(struct subject *s, const struct naming_sources *in,
                         struct naming_stack at, bool bytes)
{
    const struct profile *p = bytes ? in->heap : in->goroutine;
    uint32_t sample = at.sample;

    s->n = 0;
    s->blocking = BLOCKING_UNKNOWN;
    if (sample == NAMING_NONE && !bytes)
        sample = sample_of(in, at.stack);
    if (p && sample != NAMING_NONE)
        s->n = sample_frames(p, &p->samples.p[sample], s->frames, HISTORY_FRAMES_MAX);
    else if (in->history && at.stack != NAMING_NONE)
        s->n = history_frames(in->history, at.stack, s->frames, HISTORY_FRAMES_MAX);
    if (bytes)
        return;
    s->blocking = p && sample != NAMING_NONE
                      ? blocking_of_sample(in->pcs, p, &p->samples.p[sample])
                      : blocking_of_frames(s->frames, s->n);
}

/* The state of debug=2 says which lock, and what nothing can wake; which way the
 * input or output goes the frames say better. */
static void origin_read(struct subject *s, const struct naming_sources *in,
                        const char *fingerprint)
{
    const struct confirm_origin *o = NULL;
    enum blocking state;

    s->created_by = (struct frame){0};
    for (int i = 0; in->origins && fingerprint[0] && i < DETECT_CULPRITS_MAX && !o; i++)
        if (strcmp(in->origins[i].stack, fingerprint) == 0)
            o = &in->origins[i];
    if (!o)
        return;
    s->created_by = (struct frame){.function = str_of(o->created_by),
                                   .file = str_of(o->created_file),
                                   .line = o->created_line};
    state = blocking_of_state(str_of(o->state));
    if (state == BLOCKING_NEVER || s->blocking == BLOCKING_UNKNOWN ||
        (s->blocking == BLOCKING_SEMAPHORE && state != BLOCKING_UNKNOWN))
        s->blocking = state;
}

static struct classify_stacks beside_of(struct set *s, int64_t growth, bool bytes)
{
    int64_t least = bytes ? BESIDE_LEAST : growth / BESIDE_SHARE;
    struct classify_stacks out = {.frames_of = set_frames, .ctx = s};

    while (out.n < s->n && s->grown[out.n] >= least)
        out.n++;
    return out;
}

static bool is_bytes(const struct manifest_culprit *c)
{
    return strcmp(c->unit, "bytes") == 0;
}

static void name_one(struct manifest_culprit *c, const struct subject *s, struct set *beside,
                     struct set *sites, struct set *allocs)
{
    bool bytes = is_bytes(c);
    struct classify_input in = {
        .class = bytes ? HISTORY_SITES : HISTORY_STACKS,
        .blocking = s->blocking,
        .frames = s->frames,
        .n = s->n,
        .beside = beside_of(beside, c->now - c->before, bytes),
        .sites = {set_frames, sites, sites->n},
        .allocs = {set_frames, allocs, allocs->n},
        .created_by = s->created_by,
    };
    struct classification named;

    classify(&in, &named);
    str_copy(c->pattern, sizeof c->pattern, str_of(pattern_text(named.pattern)));
    str_copy(c->blocking, sizeof c->blocking, str_of(bytes ? "" : blocking_text(s->blocking)));
    str_copy(c->advice, sizeof c->advice, str_of(named.advice));
    if (!named.own || named.elsewhere)
        str_copy(c->helper, sizeof c->helper,
                 bytes ? str_of(c->function) : s->frames[s->n - 1].function);
    str_copy(c->function, sizeof c->function, named.at.function);
    str_copy(c->file, sizeof c->file, named.at.file);
    c->line = named.at.line;
}

/* ---- which are one leak ---- */

static bool is_known(const struct manifest_culprit *c)
{
    return c->pattern[0] && strcmp(c->pattern, pattern_text(PATTERN_UNKNOWN)) != 0;
}

static bool grew_alike(const struct manifest_culprit *a, const struct manifest_culprit *b)
{
    double x = (double)a->now - (double)a->before, y = (double)b->now - (double)b->before;

    return strcmp(a->unit, b->unit) == 0 && x <= 1.25 * y && y <= 1.25 * x;
}

/* A leak shows as several stacks: a library's helpers, a reader and a writer,
 * the heap that the function of a goroutine left behind. */
static bool is_one_leak(const struct manifest_culprit *first, const struct manifest_culprit *c)
{
    if (!first->pattern[0] || !c->pattern[0])
        return false;
    if (str_eq(owner_declared(str_of(first->function)), owner_declared(str_of(c->function))) &&
        strcmp(first->file, c->file) == 0)
        return true;
    if (!is_known(first) || strcmp(first->pattern, c->pattern) != 0)
        return false;
    if (c->helper[0]) /* whose maker is not known */
        return strcmp(c->helper, c->function) == 0;
    return grew_alike(first, c);
}

static void join(struct manifest_culprit *culprits, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = 0; k < i && !culprits[i].part_of[0]; k++)
            if (!culprits[k].part_of[0] && is_one_leak(&culprits[k], &culprits[i]))
                str_copy(culprits[i].part_of, sizeof culprits[i].part_of,
                         str_of(culprits[k].fingerprint));
}

void culprits_name(struct manifest_culprit *culprits, const struct naming_stack *where, int n,
                   const struct naming_sources *in)
{
    struct set beside = {0}, sites = {0}, allocs = {0};
    struct subject s;

    goroutines_gather(&beside, in);
    sites_gather(&sites, in);
    allocs_gather(&allocs, in);
    keep_users(&sites);
    keep_users(&allocs);
    for (int i = 0; i < n; i++) {
        subject_read(&s, in, where[i], is_bytes(&culprits[i]));
        origin_read(&s, in, is_bytes(&culprits[i]) ? "" : culprits[i].fingerprint);
        if (s.n)
            name_one(&culprits[i], &s, &beside, &sites, &allocs);
    }
    join(culprits, n);
}
