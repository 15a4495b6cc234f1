/* /metrics: OpenMetrics text of a running agent. Ownership: appends to out. */
#ifndef LW_VIEW_METRICS_H
#define LW_VIEW_METRICS_H

#include "lib/base/buf.h"
#include "lib/watch/watch.h"

#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* n_settings_problems, store_problem: what the watch does not know. */
void metrics_write(const struct watch *w, int n_settings_problems, bool store_problem,
                   struct buf *out);

#endif
