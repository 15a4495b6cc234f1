/* What leaks in a trace: by which law, at which place, how much so far.
 * Ownership: a plain value of the caller's. */
#ifndef LW_EVAL_LEAKS_H
#define LW_EVAL_LEAKS_H

#include "tests/eval/memory.h"
#include "tests/eval/traffic.h"

struct leak {
    struct leak_plan plan;
    double bytes_each; /* live heap that one leaked goroutine holds */
    double rate;       /* bytes a second on average */
    double bytes;      /* leaked in this life */
    double next_stair_s;
};

struct leaks {
    struct leak all[CLASS_LEAKS_MAX];
    int n;
    double onset_s, stop_s;
    double kill_s; /* from the onset to the kill, about */
};

/* Draws times and sizes. */
void leaks_open(struct leaks *l, const struct service_class *c, struct chance *chance);

/* Sets the rates, so that memory at a typical live heap is full when it should
 * be. burst_goroutines: what all bursts of the trace bring. */
void leaks_scale(struct leaks *l, const struct service_class *c, const struct memory *m,
                 double live_bytes, double goroutines, double burst_goroutines);

bool leaks_active(const struct leaks *l, double t_s);
void leaks_step(struct leaks *l, double t_s, double step_s, double traffic_relative,
                double burst_ended, struct chance *chance);
void leaks_restart(struct leaks *l, double t_s); /* a new life has leaked nothing */

double leak_goroutines(const struct leak *k);
double leaks_sum(const struct leaks *l, enum leak_site site); /* bytes */

#endif
