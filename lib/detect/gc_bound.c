/* GC-bound: GOMEMLIMIT holds the heap's goal (NextGC) where it is, live heap has
 * come close to it, and each collection frees less, so that they follow faster
 * and faster. The service is killed by latency long before the kernel comes.
 * Source: MemStats.GCCPUFraction is the share of the CPU available since the
 * program's start; two readings give that of the time between. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/detect/detectors.h"

#define READ_EVERY_MS (5 * MINUTE_MS)
#define SPAN_READINGS 6 /* half an hour */
#define FLAT 0.05       /* NextGC varies by no more */
#define CPU_LEAST 0.10  /* of the available CPU: suspect */
#define CPU_LIKELY 0.25 /* what a collector that never stops may take: likely */
#define RISE_LEAST 1.5  /* times the share of half an hour before */
/* The least goal that GOGC=100 sets: there the heap is small and traffic alone says
 * how often it is collected. */
#define GOAL_LEAST_BYTES (4 << 20)

void gc_push(struct gc_readings *g, int64_t t_ms, int64_t uptime_ms, double cpu_fraction,
             uint64_t next_gc_bytes, int64_t time_scale)
{
    int64_t every_ms = detect_scale(READ_EVERY_MS, time_scale);
    if (!(cpu_fraction >= 0 && cpu_fraction <= 1) || uptime_ms < 0)
        return;
    if (g->n > 0 && t_ms - g->p[g->n - 1].t_ms < every_ms)
        return;
    if (g->n == GC_READINGS_MAX)
        memmove(&g->p[0], &g->p[1], (size_t)--g->n * sizeof(g->p[0]));
    g->p[g->n].t_ms = t_ms;
    g->p[g->n].cpu_s = cpu_fraction * (double)uptime_ms / 1000;
    g->p[g->n].next_gc_bytes = (double)next_gc_bytes;
    g->n++;
}

static double cpu_between(const struct gc_readings *g, int a, int b)
{
    double seconds = (double)(g->p[b].t_ms - g->p[a].t_ms) / 1000;
    return fmax(0, (g->p[b].cpu_s - g->p[a].cpu_s) / seconds);
}

/* Held where it is, and not by its own lower bound. */
static bool goal_is_held(const struct gc_readings *g, int from)
{
    double low = INFINITY, high = 0;
    for (int i = from; i < g->n; i++) {
        low = fmin(low, g->p[i].next_gc_bytes);
        high = fmax(high, g->p[i].next_gc_bytes);
    }
    return low > (1 + FLAT) * GOAL_LEAST_BYTES && high <= (1 + FLAT) * low;
}

void gc_bound_run(const struct detect_view *v, struct finding *out)
{
    const struct gc_readings *g = v->gc;
    if (g == NULL || g->n < SPAN_READINGS + 2 || g->p[g->n - 1].t_ms > v->t_ms)
        return;
    int last = g->n - 1, from = last - SPAN_READINGS;
    double before = cpu_between(g, from - 1, from), now = cpu_between(g, last - 1, last);
    bool held = goal_is_held(g, from);
    struct measure m = {.detector = "gc-bound",
                        .subject = "garbage collection",
                        .what = "share of the CPU",
                        .window_ms = g->p[last].t_ms - g->p[from].t_ms,
                        .value = 100 * now,
                        .bound = 100 * fmax(CPU_LEAST, RISE_LEAST * before),
                        .unit = "%"};
    measure_put(v, m);
    if (!held || now < CPU_LEAST || now < RISE_LEAST * before)
        return;
    out->kind = VERDICT_GC_BOUND;
    out->grade = now >= CPU_LIKELY ? GRADE_LIKELY : GRADE_SUSPECT;
    out->window_ms = m.window_ms;
    out->since_ms = g->p[from].t_ms;
    snprintf(
        out->evidence, sizeof(out->evidence),
        "garbage collection takes %.0f %% of the CPU, %.0f %% half an hour before, and its "
        "goal stands still at %.0f MiB",
        100 * now, 100 * before, g->p[last].next_gc_bytes / 1048576);
}
