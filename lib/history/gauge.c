/* Signals: least, mean and greatest of each slot, six tiers.
 *
 * A running slot is folded into the next coarser tier when it is over; only
 * whole slots are written. After a restart the running slots are folded again
 * from the finer tier's slots, which always reach further back than one slot
 * of the coarser. The mean of a coarse slot is the mean of its finer slots.
 *
 * A record's body is per signal two bits, GAUGE_…, then the floats they call
 * for. SAME refers to the record before in the page. */
#include <math.h>

#include "lib/history/inside.h"

enum gauge_code { GAUGE_NONE, GAUGE_SAME, GAUGE_ONE, GAUGE_THREE };

struct slot {
    int64_t t_ms;
    struct history_point of[HISTORY_SIGNALS]; /* mean NAN: none */
};

static int64_t start_of(int64_t t_ms, int tier)
{
    return t_ms - t_ms % signal_tiers[tier].step_ms;
}

static struct gauge *gauge_of(const struct history *h, int slot, int tier)
{
    return &h->gauges[slot * SIGNAL_TIERS + tier];
}

static void gauge_add(struct gauge *g, int s, float min, float mean, float max)
{
    if (isnan(mean))
        return;
    if (g->of[s].n == 0 || min < g->of[s].min)
        g->of[s].min = min;
    if (g->of[s].n == 0 || max > g->of[s].max)
        g->of[s].max = max;
    g->of[s].sum += (double)mean;
    g->of[s].n++;
}

static struct history_point gauge_point(const struct gauge *g, int s)
{
    if (g->of[s].n == 0)
        return (struct history_point){g->t_ms, NAN, NAN, NAN};
    return (struct history_point){g->t_ms, g->of[s].min, (float)(g->of[s].sum / g->of[s].n),
                                  g->of[s].max};
}

/* ---- records ---- */

static bool same(float a, float b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Writes one signal's part of a body; returns its code. */
static enum gauge_code point_write(struct writer *w, struct gauge *g, int s)
{
    struct history_point p = gauge_point(g, s);
    float three[3] = {p.min, p.mean, p.max};
    bool single = same(p.min, p.max);

    if (isnan(p.mean))
        return GAUGE_NONE;
    if (single && same(g->told[s], p.min))
        return GAUGE_SAME;
    memcpy(w->p, three, single ? sizeof(float) : sizeof(three));
    w->p += single ? sizeof(float) : sizeof(three);
    g->told[s] = single ? p.min : NAN;
    return single ? GAUGE_ONE : GAUGE_THREE;
}

static void slot_write(struct history *h, uint32_t stream, struct gauge *g)
{
    struct writer w;
    uint8_t *codes;

    if (!ring_room(h, stream, 1 + HISTORY_SIGNALS * 3 * sizeof(float))) {
        if (ring_open(h, stream, true, g->t_ms) != 0)
            return;
        for (int s = 0; s < HISTORY_SIGNALS; s++)
            g->told[s] = NAN;
    }
    ring_begin(&w, h, stream, g->t_ms, 0);
    codes = w.p++;
    *codes = 0;
    for (int s = 0; s < HISTORY_SIGNALS; s++)
        *codes |= (uint8_t)((unsigned)point_write(&w, g, s) << (2 * s));
    ring_end(&w);
}

/* Reads a record's body over the one before it. */
static bool slot_read(const uint8_t *p, const uint8_t *end, int64_t t_ms, struct slot *last,
                      struct slot *out)
{
    unsigned codes;

    if (p >= end)
        return false;
    codes = *p++;
    out->t_ms = t_ms;
    for (int s = 0; s < HISTORY_SIGNALS; s++) {
        enum gauge_code code = (enum gauge_code)((codes >> (2 * s)) & 3);
        size_t n = code == GAUGE_THREE ? 3 : code == GAUGE_ONE ? 1 : 0;
        float v[3];
        out->of[s] = (struct history_point){t_ms, NAN, NAN, NAN};
        if ((size_t)(end - p) < n * sizeof(float))
            return false;
        memcpy(v, p, n * sizeof(float));
        p += n * sizeof(float);
        if (code == GAUGE_NONE)
            continue;
        if (code == GAUGE_SAME)
            out->of[s] = last->of[s];
        else
            out->of[s] = (struct history_point){t_ms, v[0], v[n / 2], v[n - 1]};
        out->of[s].t_ms = t_ms;
        last->of[s] = out->of[s];
    }
    return p == end;
}

bool gauge_check(const struct reader *r)
{
    struct slot last = {0}, out;

    return r->flags == 0 && slot_read(r->p, r->end, r->t_ms, &last, &out);
}

/* A reader of slots: forgets at each page what SAME refers to. */
struct slots {
    struct reader r;
    uint32_t page;
    struct slot last, slot;
};

static void slots_seek(struct slots *it, const struct history *h, uint32_t stream, int64_t t_ms)
{
    reader_seek(&it->r, h, stream, t_ms);
    it->page = NONE;
}

static bool slots_next(struct slots *it)
{
    if (!reader_next(&it->r))
        return false;
    if (it->page != it->r.page) {
        it->page = it->r.page;
        for (int s = 0; s < HISTORY_SIGNALS; s++)
            it->last.of[s] = (struct history_point){0, NAN, NAN, NAN};
    }
    return slot_read(it->r.p, it->r.end, it->r.t_ms, &it->last, &it->slot);
}

/* ---- writing ---- */

/* Writes a slot that is over and empties it; its points go to *out. */
static void gauge_flush(struct history *h, int slot, int tier, struct slot *out)
{
    struct gauge *g = gauge_of(h, slot, tier);

    out->t_ms = g->t_ms;
    for (int s = 0; s < HISTORY_SIGNALS; s++)
        out->of[s] = gauge_point(g, s);
    slot_write(h, ring_stream(slot, tier), g);
    memset(g->of, 0, sizeof(g->of));
    g->t_ms = 0;
}

/* Adds a slot of the tier below (or a reading) to a tier's running slot. */
static void gauge_feed(struct history *h, int slot, int tier, const struct slot *in,
                       bool cascade)
{
    struct gauge *g = gauge_of(h, slot, tier);
    int64_t t_ms = start_of(in->t_ms, tier);

    if (t_ms < g->t_ms || t_ms <= h->streams[ring_stream(slot, tier)].last_ms)
        return;
    if (g->t_ms != 0 && g->t_ms != t_ms) {
        struct slot done;
        gauge_flush(h, slot, tier, &done);
        if (cascade && tier + 1 < SIGNAL_TIERS)
            gauge_feed(h, slot, tier + 1, &done, true);
    }
    g->t_ms = t_ms;
    for (int s = 0; s < HISTORY_SIGNALS; s++)
        gauge_add(g, s, in->of[s].min, in->of[s].mean, in->of[s].max);
}

void history_push_signals(struct history *h, int target, int64_t t_ms,
                          const float values[HISTORY_SIGNALS])
{
    struct slot in = {.t_ms = t_ms};

    if (h->read_only || !target_ok(h, target) || t_ms <= 0 || t_ms > TIME_MAX)
        return;
    for (int s = 0; s < HISTORY_SIGNALS; s++)
        in.of[s] = (struct history_point){t_ms, values[s], values[s], values[s]};
    gauge_feed(h, h->slot[target], 0, &in, true);
}

void gauge_load(struct history *h)
{
    for (int i = 0; i < HISTORY_TARGETS_MAX * SIGNAL_TIERS; i++)
        for (int s = 0; s < HISTORY_SIGNALS; s++)
            h->gauges[i].told[s] = NAN;
    for (int slot = 0; slot < HISTORY_TARGETS_MAX; slot++) {
        for (int tier = 1; tier < SIGNAL_TIERS; tier++) {
            struct slots it;
            int64_t done_ms = h->streams[ring_stream(slot, tier)].last_ms;
            int64_t from_ms = done_ms == 0 ? 0 : done_ms + signal_tiers[tier].step_ms;
            slots_seek(&it, h, ring_stream(slot, tier - 1), from_ms);
            while (slots_next(&it))
                if (it.slot.t_ms >= from_ms)
                    gauge_feed(h, slot, tier, &it.slot, false);
        }
    }
}

/* ---- reading ---- */

struct query {
    enum history_signal s;
    int64_t from_ms, to_ms;
    struct points points;
};

static void query_put(struct query *q, struct history_point p)
{
    if (!isnan(p.mean) && p.t_ms >= q->from_ms && p.t_ms < q->to_ms)
        points_put(&q->points, p);
}

/* The running slots up to a tier, as slots of that tier. */
static void query_running(const struct history *h, int slot, int tier, struct query *q)
{
    struct gauge sum = *gauge_of(h, slot, tier);

    for (int finer = tier - 1; finer >= 0; finer--) {
        const struct gauge *g = gauge_of(h, slot, finer);
        struct history_point p = gauge_point(g, (int)q->s);
        int64_t t_ms = start_of(g->t_ms, tier);
        if (g->t_ms == 0)
            continue;
        if (sum.t_ms != t_ms) {
            query_put(q, gauge_point(&sum, (int)q->s));
            sum = (struct gauge){.t_ms = t_ms};
        }
        gauge_add(&sum, (int)q->s, p.min, p.mean, p.max);
    }
    query_put(q, gauge_point(&sum, (int)q->s));
}

size_t history_signal(const struct history *h, int target, enum history_signal s,
                      int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      struct history_point *out, size_t max)
{
    struct query q = {s, from_ms, to_ms, {out, 0, max}};
    int finest = 0;

    if (!target_ok(h, target))
        return 0;
    while (finest < SIGNAL_TIERS - 1 && signal_tiers[finest].step_ms < step_ms)
        finest++;
    for (int tier = SIGNAL_TIERS - 1; tier >= finest; tier--) {
        struct slots it;
        int64_t until_ms = to_ms;
        for (int i = finest; i < tier; i++)
            if (ring_oldest(h, ring_stream(h->slot[target], i)) < until_ms)
                until_ms = ring_oldest(h, ring_stream(h->slot[target], i));
        slots_seek(&it, h, ring_stream(h->slot[target], tier), from_ms);
        while (slots_next(&it) && it.slot.t_ms < until_ms)
            query_put(&q, it.slot.of[s]);
    }
    query_running(h, h->slot[target], finest, &q);
    return points_finish(&q.points);
}
