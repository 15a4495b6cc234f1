/* Growth that traffic explains: clients that are there, and wait. A stack that
 * climbs while the stacks of the traffic climb is no leak yet, unless it waits in
 * a way in which no client keeps it. Internal to detect; nothing is owned. */
#ifndef LW_DETECT_TRAFFIC_H
#define LW_DETECT_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/profile/profile.h"

/* Whether a goroutine with this stack (leaf first) can be waiting on behalf of
 * somebody who is still there: in a select, for a message, for a condition. One
 * that waits to send, to write, for a lock or at a timer is kept by no client; nor
 * is the helper that a library leaves behind for what was not closed. */
bool traffic_can_explain(const struct frame *frames, size_t n);

/* Both over n block minima, oldest first.
 * other goes up and down, and grew as the climber did, each against where it
 * began: then the climber may be a pool that keeps what a busy hour needed. */
bool traffic_swings_alike(const float *climber, const float *other, int n);
/* other went with the climber all the way, about one for one: connections whose
 * other ends are there. For stacks that wait for input alone. */
bool traffic_follows(const float *climber, const float *other, int n);

#endif
