/* B, the memory ratchet: live heap (what the last GC left) or memory climbs for
 * hours and gives nothing back.
 *
 * A cache that fills climbs as well, but ever slower. So the climb's own curve
 * is continued: where it would settle well below the limit the finding is no
 * more than suspect, until it has stopped slowing down. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/detect/detectors.h"
#include "lib/detect/ratchet.h"

#define BLOCK_MS (30 * MINUTE_MS)
#define BLOCKS_MAX 24
#define DOUBT_BLOCKS_MAX 96
#define GIVE_BACK 0.08
#define EACH_THIRD 0.30
#define HEAP_SHARE 0.3
#define SETTLES_BELOW 0.9   /* of the limit */
#define SLOWS_AT_LEAST 0.75 /* the last third, as a share of the first */

struct memory_rung {
    enum history_signal signal;
    enum verdict_kind kind;
    int blocks;
    double of_limit; /* least rise */
    const char *name;
};

static const struct memory_rung rungs[] = {
    {HISTORY_HEAP_BYTES, VERDICT_HEAP, 16, 0.06, "live heap"},
    {HISTORY_HEAP_BYTES, VERDICT_HEAP, 24, 0.06, "live heap"},
    {HISTORY_MEMORY_BYTES, VERDICT_MEMORY, 16, 0.12, "memory"},
    {HISTORY_MEMORY_BYTES, VERDICT_MEMORY, 24, 0.12, "memory"},
};

/* Without a limit a climb is measured by where it began. */
static double least_rise(const struct detect_view *v, const struct memory_rung *m, double start)
{
    double whole = v->limit_bytes > 0 ? (double)v->limit_bytes : 4 * start;
    return m->of_limit * whole;
}

/* The level around a block, so that one block's noise does not bend a curve. */
static double level_at(const float *v, int n, int i)
{
    i = i < 1 ? 1 : i > n - 2 ? n - 2 : i;
    return ((double)v[i - 1] + (double)v[i] + (double)v[i + 1]) / 3;
}

/* Where the climb would settle if each third rose by as much less than the one
 * before as the last did than the first: a geometric series. That it slows down
 * a little is taken for granted, since noise can hide as much. */
static double settles_at(const float *v, int n)
{
    int k = n / 3;
    double first = level_at(v, n, k) - level_at(v, n, 0);
    double last = level_at(v, n, n - 1) - level_at(v, n, 2 * k);
    if (first <= 0 || last <= 0)
        return INFINITY; /* no curve that slows down */
    double ratio = sqrt(fmin(last / first, 1) * SLOWS_AT_LEAST);
    return (double)v[n - 1] + last * ratio / (1 - ratio);
}

static double newest(const struct detect_view *v, enum history_signal s)
{
    float value;
    window_least(v, s, v->life_start_ms, v->t_ms + 1, HOUR_MS, 1, &value);
    return (double)value;
}

/* Whether the curve settles before the kernel would kill. What the live heap
 * needs of memory (garbage, spans, stacks) is taken as what it needs now. */
static bool settles(const struct detect_view *v, const struct memory_rung *m, double at_bytes)
{
    double memory_each = 1;
    if (v->limit_bytes <= 0 || isinf(at_bytes))
        return false;
    if (m->signal == HISTORY_HEAP_BYTES)
        memory_each = newest(v, HISTORY_MEMORY_BYTES) / newest(v, HISTORY_HEAP_BYTES);
    if (!(memory_each >= 1)) /* memory is not read */
        memory_each = 1;
    return at_bytes * memory_each < SETTLES_BELOW * (double)v->limit_bytes;
}

/* Whether memory climbs because live heap does: it rose by a good part of what
 * memory did (half, at the default GOGC), only less evenly, since the profile is
 * sampled. */
static bool heap_climbs_with(const struct detect_view *v, const struct memory_rung *m,
                             int64_t end_ms, double memory_rise)
{
    float heap[BLOCKS_MAX];
    window_least(v, HISTORY_HEAP_BYTES, v->life_start_ms, end_ms, BLOCK_MS, m->blocks, heap);
    return ratchet_fill(heap, (size_t)m->blocks) &&
           level_at(heap, m->blocks, m->blocks - 1) - level_at(heap, m->blocks, 0) >=
               HEAP_SHARE * memory_rise;
}

static void climb_tell(const struct detect_view *v, const struct memory_rung *m,
                       const float *least, int64_t end_ms, struct finding *out)
{
    double from = (double)least[0], to = (double)least[m->blocks - 1];
    char window[MOMENT_TEXT_MAX];

    out->kind = m->kind;
    if (m->kind == VERDICT_MEMORY && heap_climbs_with(v, m, end_ms, to - from))
        out->kind = VERDICT_HEAP;
    out->grade = GRADE_LIKELY;
    out->window_ms = m->blocks * detect_scaled(v, BLOCK_MS);
    out->since_ms = end_ms - out->window_ms;
    snprintf(out->evidence, sizeof(out->evidence),
             "%s rose from %.1f to %.1f MiB in %s and gave back at most %.0f %% of the rise",
             m->name, from / 1048576, to / 1048576, span_text(out->window_ms, window),
             100 * GIVE_BACK);
    if (m->kind == VERDICT_HEAP) /* else the heap is not what grew */
        if (out->kind == VERDICT_HEAP)
            culprit_sites(v, out->since_ms, out);
}

/* A cache began to fill when the life began, so that its curve is best seen over
 * all of it; two days at most, for a leak that begins late is as straight. */
static double life_settles_at(const struct detect_view *v, const struct memory_rung *m,
                              int64_t from_ms, int64_t end_ms)
{
    float least[DOUBT_BLOCKS_MAX];
    int64_t blocks = (end_ms - from_ms) / detect_scaled(v, BLOCK_MS);
    int n = blocks < DOUBT_BLOCKS_MAX ? (int)blocks : DOUBT_BLOCKS_MAX;
    window_least(v, m->signal, from_ms, end_ms, BLOCK_MS, n, least);
    return ratchet_fill(least, (size_t)n) ? settles_at(least, n) : INFINITY;
}

static void climb_doubt(double at_bytes, struct finding *out)
{
    size_t n = strlen(out->evidence);
    out->grade = GRADE_SUSPECT;
    snprintf(out->evidence + n, sizeof(out->evidence) - n,
             "; but it may be a cache that fills: at this pace it settles at %.0f MiB",
             at_bytes / 1048576);
}

static bool rung_climbs(const struct detect_view *v, const struct memory_rung *m,
                        struct finding *out)
{
    int64_t block_ms = detect_scaled(v, BLOCK_MS), end_ms = v->t_ms / block_ms * block_ms;
    int64_t from_ms = v->life_start_ms + detect_scaled(v, DETECT_GRACE_MS);
    float least[BLOCKS_MAX];
    struct climb_shape shape;
    struct rung r = {BLOCK_MS, m->blocks, 0, 0, GIVE_BACK, EACH_THIRD};

    if (end_ms - m->blocks * block_ms < from_ms) {
        /* Blocks lie at multiples of their size: it may take one more. */
        (void)window_is_full(v, "memory-ratchet", m->name, from_ms, (m->blocks + 1) * block_ms);
        return false;
    }
    window_least(v, m->signal, from_ms, end_ms, BLOCK_MS, m->blocks, least);
    if (!ratchet_fill(least, (size_t)m->blocks))
        return false;
    r.least_rise = least_rise(v, m, (double)least[0]);
    ratchet_shape(least, &r, &shape);
    ratchet_measure(v, "memory-ratchet", m->name, &shape, &r, "bytes");
    if (!ratchet_climbs(&shape, &r))
        return false;
    climb_tell(v, m, least, end_ms, out);
    double at_bytes = life_settles_at(v, m, from_ms, end_ms);
    if (settles(v, m, at_bytes))
        climb_doubt(at_bytes, out);
    return true;
}

void memory_ratchet_run(const struct detect_view *v, struct finding *out)
{
    for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
        struct finding f = {0};
        if (rung_climbs(v, &rungs[i], &f) && f.grade > out->grade)
            *out = f;
    }
}
