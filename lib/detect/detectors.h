/* What the rows of the table point to, and what detectors share. Internal to
 * detect; nothing is owned. */
#ifndef LW_DETECT_DETECTORS_H
#define LW_DETECT_DETECTORS_H

#include "lib/detect/detect.h"

#define MINUTE_MS (60 * 1000LL)
#define HOUR_MS (60 * MINUTE_MS)

/* A span of real time as this run's time scale has it; at least 1 ms. */
int64_t detect_scaled(const struct detect_view *v, int64_t ms);

/* Writes a comparison down where somebody asked for it; m.holds is set here. */
void measure_put(const struct detect_view *v, struct measure m);

/* Whether a window of this length lies in the part of this life that is judged,
 * from from_ms to t_ms; written down where it does not. */
bool window_is_full(const struct detect_view *v, const char *detector, const char *subject,
                    int64_t from_ms, int64_t window_ms);

/* Least (greatest) values of a signal in n blocks of block_ms (unscaled) that
 * end at end_ms, oldest first; NAN where nothing was read. No part of this life
 * before from_ms counts. */
void window_least(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                  int64_t end_ms, int64_t block_ms, int n, float *out);
void window_greatest(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                     int64_t end_ms, int64_t block_ms, int n, float *out);

/* A: stacks that climb without giving back. VERDICT_DRIFT, or VERDICT_STEP. */
void stack_ratchet_run(const struct detect_view *v, struct finding *out);
/* B: live heap or memory that climbs without giving back. VERDICT_HEAP, or
 * VERDICT_MEMORY. */
void memory_ratchet_run(const struct detect_view *v, struct finding *out);
/* C: the least of a whole day climbs. The kind follows the signal. */
void daily_floor_run(const struct detect_view *v, struct finding *out);

/* What lifts the daily floor of goroutines, as far as stacks tell. */
enum floor_lift {
    FLOOR_UNKNOWN,        /* there are no stacks */
    FLOOR_BY_ONE,         /* a stack that grew past the others */
    FLOOR_BY_MANY,        /* all grew alike: traffic */
    FLOOR_BY_CONNECTIONS, /* what waits for input, or is allowed to grow */
};
/* Names the stacks that hold a good share of the floor's rise (sum goroutines,
 * over so many hours that end at end_ms). */
enum floor_lift floor_culprits(const struct detect_view *v, int64_t end_ms, int hours,
                               double sum, struct finding *out);

/* The GC takes more and more of the CPU and can free no more: VERDICT_GC_BOUND. */
void gc_bound_run(const struct detect_view *v, struct finding *out);

/* What one more goroutine of the culprits costs in memory, and how much of
 * memory's growth since from_ms each explains: bytes_each and explains of a
 * finding that names stacks. Both stay 0 where memory does not follow them. */
void culprit_attribute(const struct detect_view *v, int64_t from_ms, struct finding *f);

/* Names the heap sites that grew most since from_ms. */
void culprit_sites(const struct detect_view *v, int64_t from_ms, struct finding *out);

#endif
