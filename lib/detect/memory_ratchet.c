/* B, the memory ratchet: live heap (what the last GC left) or memory climbs for
 * hours and gives nothing back.
 *
 * A cache that fills climbs as well, but ever slower. So the climb's own curve
 * is continued: where it would settle well below the limit the finding is no
 * more than suspect, until it has stopped slowing down. */
#include <math.h>
#include <stdio.h>

#include "lib/detect/detectors.h"
#include "lib/detect/ratchet.h"

#define BLOCK_MS (30 * MINUTE_MS)
#define BLOCKS_MAX 24
#define GIVE_BACK 0.08
#define EACH_THIRD 0.30

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

static void climb_tell(const struct detect_view *v, const struct memory_rung *m,
                       const float *least, int64_t end_ms, struct finding *out)
{
    double from = (double)least[0], to = (double)least[m->blocks - 1];
    char window[MOMENT_TEXT_MAX];

    out->kind = m->kind;
    out->grade = GRADE_LIKELY;
    out->window_ms = m->blocks * detect_scaled(v, BLOCK_MS);
    out->since_ms = end_ms - out->window_ms;
    snprintf(out->evidence, sizeof(out->evidence),
             "%s rose from %.1f to %.1f MiB in %s and gave back at most %.0f %% of the rise",
             m->name, from / 1048576, to / 1048576, span_text(out->window_ms, window),
             100 * GIVE_BACK);
    culprit_sites(v, out->since_ms, out);
}

static bool rung_climbs(const struct detect_view *v, const struct memory_rung *m,
                        struct finding *out)
{
    int64_t block_ms = detect_scaled(v, BLOCK_MS), end_ms = v->t_ms / block_ms * block_ms;
    int64_t from_ms = v->life_start_ms + detect_scaled(v, DETECT_GRACE_MS);
    float least[BLOCKS_MAX];
    struct climb_shape shape;
    struct rung r = {BLOCK_MS, m->blocks, 0, 0, GIVE_BACK, EACH_THIRD};

    if (end_ms - m->blocks * block_ms < from_ms)
        return false;
    window_least(v, m->signal, from_ms, end_ms, BLOCK_MS, m->blocks, least);
    if (!ratchet_fill(least, (size_t)m->blocks))
        return false;
    r.least_rise = least_rise(v, m, (double)least[0]);
    ratchet_shape(least, &r, &shape);
    ratchet_measure(v, "memory-ratchet", m->name, &shape, &r, "bytes");
    if (!ratchet_climbs(&shape, &r))
        return false;
    climb_tell(v, m, least, end_ms, out);
    return true;
}

void memory_ratchet_run(const struct detect_view *v, struct finding *out)
{
    for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++)
        if (rung_climbs(v, &rungs[i], out))
            return;
}
