/* Questions about stacks: values at a moment, growth, minima, series.
 *
 * A *walk* visits the moments of a span in order: of the tier that suits, of
 * coarser tiers before that one begins, and of finer tiers after its newest
 * slot. It decodes each record once, whatever the number of stacks asked for.
 * The values of the block's scratch are its storage: one walk at a time. */
#include <math.h>

#include "lib/history/inside.h"

struct walk {
    const struct history *h;
    const uint32_t *stacks; /* what is watched */
    size_t n;
    int64_t origin_ms, group_ms; /* moments of one group are asked for as one; 0: each */
    int64_t *values;             /* by slot, after the newest moment */
    int64_t *least;              /* by watched stack, in the group so far */
    int64_t group_start_ms;      /* INT64_MIN: none is open */
    bool fresh;                  /* no moment of this tier yet */
    bool count_all;              /* the moment's values are all news */
    void (*visit)(struct walk *w);
    void *ctx;
};

/* Slot of a stack as callers name it; NONE: never heard of. */
static uint32_t slot_of(const struct history *h, uint32_t stack)
{
    if (stack == HISTORY_OTHER)
        return 0;
    return stack < h->stack_top ? stack + 1 : NONE;
}

/* Index in least[] of a watched slot: the first that asked for it. */
static size_t least_at(const struct walk *w, uint32_t slot)
{
    return w->h->watched[slot] - 1;
}

static void watch_set(struct walk *w, bool on)
{
    for (size_t i = 0; i < w->n; i++) {
        uint32_t slot = slot_of(w->h, w->stacks[i]);
        if (slot == NONE)
            continue;
        if (!on)
            w->h->watched[slot] = 0;
        else if (w->h->watched[slot] == 0)
            w->h->watched[slot] = (uint32_t)i + 1;
    }
}

static void group_close(struct walk *w)
{
    if (w->group_start_ms != INT64_MIN)
        w->visit(w);
    w->group_start_ms = INT64_MIN;
}

/* Opens the group of a moment when it is another; true when it is new. */
static bool group_open(struct walk *w, int64_t t_ms)
{
    int64_t start_ms = t_ms;

    if (w->group_ms > 0)
        start_ms -= (t_ms - w->origin_ms) % w->group_ms;
    if (start_ms == w->group_start_ms)
        return false;
    group_close(w);
    w->group_start_ms = start_ms;
    for (size_t i = 0; i < w->n; i++)
        w->least[i] = INT64_MAX;
    return true;
}

static void record_visit(struct walk *w, struct reader *r)
{
    const struct history *h = w->h;
    bool key = (r->flags & (RECORD_KEY | RECORD_CONT)) == RECORD_KEY;
    struct entry e;
    uint32_t slot = 0;

    /* What has no entry later in a group kept the value it had. */
    if (!(r->flags & RECORD_CONT))
        w->count_all = group_open(w, r->t_ms) || key || w->fresh;
    w->fresh = false;
    if (key)
        memset(w->values, 0, slots_of(h) * sizeof(*w->values));
    while (entry_next(&r->p, r->end, &slot, &e)) {
        w->values[e.slot] += e.change;
        if (h->watched[e.slot] != 0) {
            int64_t *least = &w->least[least_at(w, e.slot)];
            if (w->values[e.slot] - e.below < *least)
                *least = w->values[e.slot] - e.below;
        }
    }
    if ((r->flags & RECORD_MORE) || !w->count_all)
        return;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t watched = slot_of(h, w->stacks[i]);
        if (watched != NONE && w->values[watched] < w->least[least_at(w, watched)])
            w->least[least_at(w, watched)] = w->values[watched];
    }
}

static void walk_tier(struct walk *w, uint32_t stream, int64_t from_ms, int64_t to_ms)
{
    struct reader r;

    if (from_ms >= to_ms || w->h->streams[stream].last_ms < from_ms)
        return;
    memset(w->values, 0, slots_of(w->h) * sizeof(*w->values));
    w->fresh = true;
    reader_seek(&r, w->h, stream, from_ms);
    while (reader_next(&r) && r.t_ms < to_ms) {
        if (r.t_ms >= from_ms)
            record_visit(w, &r);
        else
            track_apply(&r, w->values);
    }
}

/* Visits the moments of [from_ms, to_ms), by preference those of one tier. */
static void walk_span(struct walk *w, uint32_t channel, int tier, int64_t from_ms,
                      int64_t to_ms)
{
    const struct history *h = w->h;
    int64_t done_ms = 0;

    w->values = h->values[0];
    w->least = h->values[1];
    w->group_start_ms = INT64_MIN;
    watch_set(w, true);
    for (int i = STACK_TIERS - 1; i >= 0; i--) {
        uint32_t stream = channel_stream(channel, i);
        int64_t until_ms = to_ms, since_ms = from_ms;
        for (int finer = tier; finer < i; finer++)
            if (ring_oldest(h, channel_stream(channel, finer)) < until_ms)
                until_ms = ring_oldest(h, channel_stream(channel, finer));
        if (i < tier && done_ms >= since_ms)
            since_ms = done_ms + 1;
        walk_tier(w, stream, since_ms, until_ms);
        if (h->streams[stream].last_ms > done_ms)
            done_ms = h->streams[stream].last_ms;
    }
    group_close(w);
    watch_set(w, false);
}

/* ---- minima ---- */

struct minima {
    int64_t start_ms;
    size_t n_blocks;
    float *out;
};

static void minima_visit(struct walk *w)
{
    struct minima *m = w->ctx;
    size_t block = (size_t)((w->group_start_ms - m->start_ms) / w->group_ms);

    for (size_t i = 0; i < w->n; i++) {
        uint32_t slot = slot_of(w->h, w->stacks[i]);
        float v = slot == NONE ? 0 : (float)w->least[least_at(w, slot)];
        float *cell = &m->out[i * m->n_blocks + block];
        if (isnan(*cell) || v < *cell)
            *cell = v;
    }
}

/* Blocks that are whole slots of a tier are answered from that tier; others
 * from one at least twice as fine. */
static int minima_tier(int64_t start_ms, int64_t block_ms)
{
    for (int tier = STACK_TIERS - 1; tier > 0; tier--) {
        int64_t step_ms = stack_tiers[tier].step_ms;
        if (step_ms * 2 <= block_ms || (block_ms % step_ms == 0 && start_ms % step_ms == 0))
            return tier;
    }
    return 0;
}

void history_minima(const struct history *h, int target, enum history_class class,
                    const uint32_t *stacks, size_t n_stacks, int64_t end_ms, int64_t block_ms,
                    size_t n_blocks, float *out)
{
    struct minima m = {.n_blocks = n_blocks, .out = out};
    struct walk w = {.h = h, .stacks = stacks, .n = n_stacks, .visit = minima_visit, .ctx = &m};

    for (size_t i = 0; i < n_stacks * n_blocks; i++)
        out[i] = NAN;
    if (!target_ok(h, target) || block_ms <= 0 || n_blocks == 0 || n_stacks == 0 ||
        n_stacks > h->at.stacks_max || n_blocks > (size_t)(TIME_MAX / block_ms))
        return;
    m.start_ms = end_ms - (int64_t)n_blocks * block_ms;
    w.origin_ms = m.start_ms;
    w.group_ms = block_ms;
    walk_span(&w, channel_of(h, target, class), minima_tier(m.start_ms, block_ms), m.start_ms,
              end_ms);
}

/* ---- one stack's series ---- */

static void curve_visit(struct walk *w)
{
    struct points *points = w->ctx;
    uint32_t slot = slot_of(w->h, w->stacks[0]);
    float min = slot == NONE ? 0 : (float)w->least[least_at(w, slot)];
    float last = slot == NONE ? 0 : (float)w->values[slot];

    points_put(points, (struct history_point){w->group_start_ms, min, last, last});
}

size_t history_series(const struct history *h, int target, enum history_class class,
                      uint32_t stack, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      struct history_point *out, size_t max)
{
    struct points points = {out, 0, max};
    struct walk w = {.h = h, .stacks = &stack, .n = 1, .visit = curve_visit, .ctx = &points};
    int tier = 0;

    if (!target_ok(h, target))
        return 0;
    while (tier < STACK_TIERS - 1 && stack_tiers[tier].step_ms < step_ms)
        tier++;
    /* Finer moments at the newest end are one point a slot. */
    w.group_ms = tier > 0 ? stack_tiers[tier].step_ms : 0;
    walk_span(&w, channel_of(h, target, class), tier, from_ms, to_ms);
    return points_finish(&points);
}

/* ---- moments ---- */

/* State at a moment from the finest tier that reaches there. */
static int64_t state_at(const struct history *h, uint32_t channel, int64_t t_ms,
                        int64_t *values)
{
    for (int tier = 0; tier < STACK_TIERS; tier++)
        if (ring_oldest(h, channel_stream(channel, tier)) <= t_ms)
            return track_state(h, channel_stream(channel, tier), t_ms, values);
    return 0;
}

static int64_t oldest_of(const struct history *h, uint32_t channel)
{
    int64_t oldest_ms = INT64_MAX;

    for (int tier = 0; tier < STACK_TIERS; tier++)
        if (ring_oldest(h, channel_stream(channel, tier)) < oldest_ms)
            oldest_ms = ring_oldest(h, channel_stream(channel, tier));
    return oldest_ms;
}

size_t history_at(const struct history *h, int target, enum history_class class, int64_t t_ms,
                  struct history_value *out, size_t max, int64_t *at_ms)
{
    int64_t *values = h->values[0];
    int64_t found_ms, other;
    size_t n = 0;

    if (!target_ok(h, target) || max == 0)
        return 0;
    found_ms = state_at(h, channel_of(h, target, class), t_ms, values);
    if (found_ms == 0)
        return 0;
    if (at_ms != NULL)
        *at_ms = found_ms;
    other = values[0];
    for (uint32_t i = 1; i < slots_of(h); i++) {
        if (values[i] == 0)
            continue;
        if (n + 1 < max)
            out[n++] = (struct history_value){i - 1, values[i]};
        else
            other += values[i];
    }
    out[n++] = (struct history_value){HISTORY_OTHER, other};
    return n;
}

size_t history_grown(const struct history *h, int target, enum history_class class,
                     int64_t from_ms, int64_t to_ms, int64_t least_rise,
                     struct history_growth *out, size_t max)
{
    const int64_t *before = h->values[0], *now = h->values[1];
    size_t n = 0;
    uint32_t channel;

    if (!target_ok(h, target))
        return 0;
    channel = channel_of(h, target, class);
    if (from_ms < oldest_of(h, channel))
        from_ms = oldest_of(h, channel);
    if (state_at(h, channel, from_ms, h->values[0]) == 0 ||
        state_at(h, channel, to_ms, h->values[1]) == 0)
        return 0;
    for (uint32_t i = 1; i < slots_of(h); i++) {
        int64_t rise = now[i] - before[i];
        size_t at = n;
        if (rise <= 0 || rise < least_rise)
            continue;
        while (at > 0 && out[at - 1].now - out[at - 1].before < rise)
            at--;
        if (at == max)
            continue;
        if (n < max)
            n++;
        memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof(*out));
        out[at] = (struct history_growth){i - 1, before[i], now[i]};
    }
    return n;
}
