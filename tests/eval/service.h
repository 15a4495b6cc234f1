/* A Go service in one pod, sample after sample, until its time is over or the
 * kernel kills it. The same class and seed give the same samples.
 * Ownership: a plain value of the caller's. */
#ifndef LW_EVAL_SERVICE_H
#define LW_EVAL_SERVICE_H

#include "tests/eval/leaks.h"

#include <stdint.h>

#define BURSTS_MAX 64
#define ABSENCES_MAX 32

struct sample {
    int64_t t_s, uptime_s;
    int64_t goroutines;
    int64_t live_bytes; /* heap after the last collection */
    int64_t resident_bytes;
    int64_t limit_bytes;
    int64_t handlers, workers, pool, burst, subscribers; /* counts of stacks */
    int64_t leaked[CLASS_LEAKS_MAX];
    bool leaking;
    bool seen;   /* false: this scrape failed */
    bool killed; /* the last sample of the trace; always seen */
};

struct burst {
    double start_s, length_s, goroutines;
    bool ended;
};

struct service {
    const struct service_class *kind;
    struct chance chance;
    struct traffic traffic;
    struct memory memory;
    struct leaks leaks;
    double t_s;
    bool killed;

    double born_s, booted_s, restart_s; /* of this life: start, serving, end */
    double workers, pool, pool_step_s;
    double live_base_bytes, handler_bytes;
    double cache_s, batch_day_s;
    double spike_from_s, spike_s, spike_top;
    double subscribers, subscribers_day; /* how many at noon, and today's share of them */
    double subscriber_bytes;
    int64_t day;
    struct burst bursts[BURSTS_MAX];
    int n_bursts;
    struct span absences[ABSENCES_MAX]; /* seconds from, to */
    int n_absences;
};

void service_open(struct service *s, const struct service_class *c, uint64_t seed);
bool service_next(struct service *s, struct sample *out); /* false: the trace is over */

#endif
