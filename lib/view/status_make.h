/* Shared by the two makers of a status; nobody else includes it. */
#ifndef LW_VIEW_STATUS_MAKE_H
#define LW_VIEW_STATUS_MAKE_H

#include "lib/view/status.h"

void status_target_init(struct status_target *t, const char *name);
/* The agent's version, the history's usage, the moment. */
void status_head(struct status *s, const struct history *h, int64_t now_wall_ms,
                 const char *source);
/* A stack as people know it: its fingerprint and the frame to look at. */
void status_name_stack(const struct history *h, uint32_t stack, struct manifest_culprit *out);
/* The newest value of a signal at newest_ms, at most a day or so older; false
 * when there is none. */
bool status_signal_at(const struct history *h, int target, enum history_signal s,
                      int64_t newest_ms, int64_t *value, int64_t *at_ms);
/* What grew in [from_ms, to_ms]: stacks of goroutines, or heap sites. */
void status_grown(struct status_target *t, const struct history *h, int target,
                  enum history_class class, int64_t from_ms, int64_t to_ms);
/* Both short series of [from_ms, to_ms). */
void status_series(struct status_target *t, const struct history *h, int target,
                   int64_t from_ms, int64_t to_ms);

#endif
