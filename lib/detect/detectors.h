/* What the rows of the table point to, and what detectors share. Internal to
 * detect; nothing is owned. */
#ifndef LW_DETECT_DETECTORS_H
#define LW_DETECT_DETECTORS_H

#include "lib/detect/detect.h"

/* A span of real time as this run's time scale has it; at least 1 ms. */
int64_t detect_scaled(const struct detect_view *v, int64_t ms);

/* A: stacks that climb without giving back. VERDICT_DRIFT, or VERDICT_STEP. */
void ratchet_run(const struct detect_view *v, struct finding *out);

#endif
