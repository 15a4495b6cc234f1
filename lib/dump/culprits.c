/* Goroutines are counted, heap is weighed. Which of them leads the list? A
 * goroutine that waits for ever holds what its stack points to, so that a leak
 * of goroutines shows in the heap too, and there it is the effect: goroutines
 * lead when they grew by a good share of what there was. They lead as well when
 * their stacks alone weigh more than the heap's growth. */
#include "lib/dump/culprits.h"

#include <string.h>

#include "lib/detect/detect.h"
#include "lib/detect/owner.h"
#include "lib/dump/dump.h"
#include "lib/profile/diff.h"

#define LEADERS_MAX 5
#define GOROUTINES_MATTER 64
/* The smallest stack and its descriptor. */
#define GOROUTINE_BYTES 2560
#define FRAMES_MAX 128
#define HOUR_MS 3600000.0

struct found {
    struct stack_delta deltas[MANIFEST_CULPRITS_MAX];
    int n;                     /* those that grew */
    double growth, base_total; /* of all stacks together */
};

/* Noise beside the first is not named. */
#define LEAST_SHARE 0.01
#define LEAD_SHARE 0.25

static bool worth_naming(const struct stack_delta *d, const struct stack_delta *first)
{
    double grown = (double)d->now - (double)d->base;

    return grown > 0 && d->now_sample != UINT32_MAX &&
           grown >= LEAST_SHARE * ((double)first->now - (double)first->base);
}

/* The answer to our own request costs the target memory too; it is no leak. */
static bool is_of_pprof(const struct profile *p, uint32_t sample)
{
    struct frame frames[FRAMES_MAX];
    size_t n = sample_frames(p, &p->samples.p[sample], frames, FRAMES_MAX);

    for (size_t i = 0; i < n; i++)
        if (str_starts(frames[i].function, "net/http/pprof.") ||
            str_starts(frames[i].function, "runtime/pprof."))
            return true;
    return false;
}

static bool is_background(const struct profile *p, uint32_t sample)
{
    struct frame frames[FRAMES_MAX];

    return detect_exempt(frames, sample_frames(p, &p->samples.p[sample], frames, FRAMES_MAX),
                         NULL, 0);
}

/* With each handler that hangs grow the goroutines that every connection has:
 * what may grow by itself does not lead where something else grew about as much. */
static void let_blocked_lead(const struct profile *now, struct found *f)
{
    int first = 0;

    while (first < f->n && is_background(now, f->deltas[first].now_sample))
        first++;
    if (first == 0 || first == f->n)
        return;
    struct stack_delta lead = f->deltas[first], *top = &f->deltas[0];
    if ((double)lead.now - (double)lead.base <
        LEAD_SHARE * ((double)top->now - (double)top->base))
        return;
    memmove(top + 1, top, (size_t)first * sizeof *top);
    *top = lead;
}

static void find(struct culprit_sides sides, const char *type, struct found *out)
{
    *out = (struct found){0};
    if (!sides.now)
        return;
    int value = profile_value_index(sides.now, type);
    int n =
        profile_rank(sides.now, sides.base, value, out->deltas, MANIFEST_CULPRITS_MAX, NULL);
    for (int i = 0; i < n; i++)
        if (worth_naming(&out->deltas[i], &out->deltas[0]) &&
            !is_of_pprof(sides.now, out->deltas[i].now_sample))
            out->deltas[out->n++] = out->deltas[i];
    if (!profile_is_heap(sides.now))
        let_blocked_lead(sides.now, out);
    if (sides.base)
        out->base_total =
            (double)profile_total(sides.base, profile_value_index(sides.base, type));
    out->growth = (double)profile_total(sides.now, value) - out->base_total;
}

static bool goroutines_lead(const struct manifest *m, const struct found *goroutines,
                            const struct found *heap)
{
    if (!strcmp(m->verdict.kind, "heap"))
        return false;
    if (!strcmp(m->verdict.kind, "drift") || !strcmp(m->verdict.kind, "step"))
        return true;
    if (goroutines->growth >= GOROUTINES_MATTER &&
        goroutines->growth >= goroutines->base_total / 4)
        return true;
    return goroutines->growth * GOROUTINE_BYTES >= heap->growth;
}

static void culprit_fill(struct manifest_culprit *c, const struct manifest *m,
                         struct culprit_sides sides, const struct found *f, int i,
                         const char *unit)
{
    const struct stack_delta *d = &f->deltas[i];
    struct frame frames[FRAMES_MAX];
    const struct sample *s = &sides.now->samples.p[d->now_sample];
    size_t n = sample_frames(sides.now, s, frames, FRAMES_MAX);
    double growth = (double)d->now - (double)d->base;

    *c = (struct manifest_culprit){.before = d->base, .now = d->now};
    str_copy(c->unit, sizeof c->unit, str_of(unit));
    fingerprint_frames(frames, n, c->fingerprint);
    if (n) {
        const struct frame *at = &frames[owner_frame(frames, n, NULL)];
        str_copy(c->function, sizeof c->function, at->function);
        str_copy(c->file, sizeof c->file, at->file);
        c->line = at->line;
    }
    if (m->baseline.age_ms > 0)
        c->per_hour = growth * HOUR_MS / (double)m->baseline.age_ms;
    if (f->growth > 0)
        c->share = growth < f->growth ? growth / f->growth : 1;
}

static void append(struct manifest *m, struct culprit_sides sides, const struct found *f,
                   int most, const char *unit, struct naming_stack where[MANIFEST_CULPRITS_MAX])
{
    for (int i = 0; i < f->n && i < most && m->n_culprits < MANIFEST_CULPRITS_MAX; i++) {
        where[m->n_culprits] = (struct naming_stack){f->deltas[i].now_sample, NAMING_NONE};
        culprit_fill(&m->culprits[m->n_culprits++], m, sides, f, i, unit);
    }
}

void culprits_find(struct manifest *m, struct culprit_sides goroutines,
                   struct culprit_sides heap, struct naming_stack where[MANIFEST_CULPRITS_MAX])
{
    struct found g, h;

    find(goroutines, "goroutine", &g);
    find(heap, "inuse_space", &h);
    m->n_culprits = 0;
    if (goroutines_lead(m, &g, &h)) {
        append(m, goroutines, &g, h.n ? LEADERS_MAX : MANIFEST_CULPRITS_MAX, "goroutines",
               where);
        append(m, heap, &h, MANIFEST_CULPRITS_MAX, "bytes", where);
    } else {
        append(m, heap, &h, g.n ? LEADERS_MAX : MANIFEST_CULPRITS_MAX, "bytes", where);
        append(m, goroutines, &g, MANIFEST_CULPRITS_MAX, "goroutines", where);
    }
}
