/* The ratchet tests, over plain arrays of block minima, oldest first. What only
 * ever climbs is told from what swings by its *give-back*: the largest drawdown
 * of the minima, as a share of the rise. Internal to detect; nothing is owned. */
#ifndef LW_DETECT_RATCHET_H
#define LW_DETECT_RATCHET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/detect/detect.h"

/* One window in which a series is judged. */
struct rung {
    int64_t block_ms;
    int n;             /* blocks, at least 4 */
    double least_rise; /* from the first minimum to the last */
    double of_start;   /* the same as a share of the first minimum */
    double give_back;  /* at most, as a share of the rise */
    double each_third; /* at least, as a share of the rise; 0: climbs in steps */
};

/* What there is to be judged of a series. */
struct climb_shape {
    double rise, least_rise;        /* of the series, and what the rung asks for */
    double given_back, least_third; /* shares of the rise */
    double third[3];                /* rise of each third */
    double late;                    /* share of the rise in the last half */
    double jump;                    /* largest rise from block to block, as a share */
    int levels;                     /* distinct values, counted up to 3 */
};
void ratchet_shape(const float *v, const struct rung *r, struct climb_shape *out);

/* Whether it rises enough, gives back no more than allowed, and each third of
 * the window holds its share. The comparisons go to v->measures, where there is
 * such, under these names. */
bool ratchet_climbs(const struct climb_shape *s, const struct rung *r);
/* The step form instead of the thirds: at least three distinct levels, no one
 * step that holds nearly all of the rise, and a fifth of it in the last half. */
bool ratchet_steps(const struct climb_shape *s, const struct rung *r);
/* Either, as the rung asks. */
bool ratchet_holds(const struct climb_shape *s, const struct rung *r);
void ratchet_measure(const struct detect_view *v, const char *detector, const char *subject,
                     const struct climb_shape *s, const struct rung *r, const char *unit);

/* Missing blocks (NAN) take the value before them, the first ones the first
 * known. False when no block is known. */
bool ratchet_fill(float *v, size_t n);

#endif
