#include "tests/eval/memory.h"

#include <math.h>

#define MIB 1048576.0
#define STACK_BYTES 6e3          /* of one goroutine, its descriptor included */
#define RUNTIME_BYTES (18 * MIB) /* text, tables, GC structures */
#define SPAN_OVERHEAD 1.03       /* of the heap: size classes, partly empty spans */
#define SCAVENGE_S 300.0         /* how slowly the runtime gives back a peak */
#define ALLOCATION_BYTES 25e3    /* a second by one handler */
#define GOAL_MIN 1.02            /* a collector at its memory limit still needs room */

void memory_open(struct memory *m, const struct service_class *c, struct chance *chance)
{
    static const double limits_mib[] = {256, 512, 768, 1024, 2048};
    *m = (struct memory){.gogc = c->gogc > 0 ? c->gogc : 1};
    m->limit_bytes = limits_mib[(int)chance_between(chance, 0, 5)] * MIB;
    m->go_limit_bytes = c->gomemlimit * m->limit_bytes;
}

void memory_restart(struct memory *m, double live_bytes)
{
    m->live_bytes = m->heap_sys_bytes = live_bytes;
    m->room_bytes = 0;
}

/* What is not heap. */
static double other_bytes(double goroutines)
{
    return RUNTIME_BYTES + STACK_BYTES * goroutines;
}

/* To where the heap grows before the next collection. GOMEMLIMIT counts all that
 * the runtime holds, stacks too, and gives way when the live heap leaves no room. */
static double goal_bytes(const struct memory *m, double live_bytes, double goroutines)
{
    double goal = live_bytes * (1 + m->gogc);
    if (m->go_limit_bytes > 0)
        goal = fmin(goal, (m->go_limit_bytes - other_bytes(goroutines)) / SPAN_OVERHEAD);
    return fmax(goal, live_bytes * GOAL_MIN);
}

double memory_resident(const struct memory *m, double live_bytes, double goroutines)
{
    return SPAN_OVERHEAD * goal_bytes(m, live_bytes, goroutines) + other_bytes(goroutines);
}

double memory_room(const struct memory *m, double live_bytes, double goroutines,
                   double bytes_a_goroutine)
{
    double low = 0, high = m->limit_bytes;
    for (int i = 0; i < 50; i++) {
        double added = (low + high) / 2;
        double more = bytes_a_goroutine > 0 ? added / bytes_a_goroutine : 0;
        if (memory_resident(m, live_bytes + added, goroutines + more) < m->limit_bytes)
            low = added;
        else
            high = added;
    }
    return low;
}

/* File pages fill what is free within hours, and reclaim takes them in lumps. */
static void page_cache_step(struct memory *m, double step_s, double resident_bytes,
                            double traffic_share, struct chance *chance)
{
    m->page_cache_bytes += step_s * 5e-5 * m->limit_bytes * (0.5 + traffic_share);
    if (resident_bytes + m->page_cache_bytes > 0.93 * m->limit_bytes)
        m->page_cache_bytes *= chance_between(chance, 0.80, 0.97);
}

/* How high the heap stood before the last collection: at its goal, unless the
 * program has not allocated so much yet. Only the first rise of a life, or a
 * sudden one of the goal, takes a while. */
static double peak_bytes(struct memory *m, const struct memory_use *use, double step_s)
{
    double goal = goal_bytes(m, use->live_bytes, use->goroutines);
    double allocated = ALLOCATION_BYTES * use->handlers * step_s;
    allocated += fmax(0, use->live_bytes - m->live_bytes);
    m->room_bytes = fmin(goal - use->live_bytes, m->room_bytes + allocated);
    m->live_bytes = use->live_bytes;
    return use->live_bytes + m->room_bytes;
}

double memory_step(struct memory *m, const struct service_class *c,
                   const struct memory_use *use, struct chance *chance)
{
    double step_s = class_step_s(c), noise = c->noise > 0 ? c->noise : 1;
    /* A sample sees that peak, or a little less. */
    double peak = peak_bytes(m, use, step_s) * chance_between(chance, 0.97, 1);
    m->heap_sys_bytes -= (m->heap_sys_bytes - peak) * fmin(1, step_s / SCAVENGE_S);
    m->heap_sys_bytes = fmax(m->heap_sys_bytes, peak);
    double bytes =
        SPAN_OVERHEAD * m->heap_sys_bytes + other_bytes(use->goroutines) + use->native_bytes;
    bytes *= 1 + 0.004 * noise * chance_gauss(chance);
    if (!c->page_cache)
        return bytes;
    page_cache_step(m, step_s, bytes, use->traffic_share, chance);
    return bytes + m->page_cache_bytes;
}
