/* The ratchet tests, over plain arrays of block minima, oldest first. A count
 * that only ever climbs is told from one that swings by its *give-back*: the
 * largest drawdown of the minima, as a share of the rise. Internal to detect;
 * nothing is owned. */
#ifndef LW_DETECT_RATCHET_H
#define LW_DETECT_RATCHET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One window in which a stack is judged. */
struct rung {
    int64_t block_ms;
    int n;             /* blocks */
    double least_rise; /* goroutines, from the first minimum to the last */
    double of_start;   /* the same as a share of the first minimum */
    double give_back;  /* at most, as a share of the rise */
    double each_third; /* at least, as a share of the rise; 0: climbs in steps */
};

/* Whether it rises enough, gives back no more than allowed, and each third of
 * the window holds its share; n >= 4. */
bool ratchet_climbs(const float *v, const struct rung *r);
/* The step form instead of the thirds: at least three distinct levels, and the
 * last half holds at least a fifth of the rise. */
bool ratchet_steps(const float *v, const struct rung *r);
/* Missing blocks (NAN) take the value before them, the first ones the first
 * known. False when no block is known. */
bool ratchet_fill(float *v, size_t n);

#endif
