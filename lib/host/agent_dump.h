/* The part of the agent that renders a dump and follows it to the disk.
 * Ownership: nothing of its own; everything is the agent's. */
#ifndef LW_HOST_AGENT_DUMP_H
#define LW_HOST_AGENT_DUMP_H

#include "lib/host/agent.h"

/* Renders phase 1 of the target's job and hands it to the pool, or waits for
 * the bundle. */
void agent_dump_begin(struct agent *a, int target);
void agent_native_begin(struct agent *a, int target);
void agent_dump_written(struct agent *a, struct job *j);
void agent_native_written(struct agent *a, struct job *j);
/* The bundle is free: what waits for it begins. */
void agent_bundle_free(struct agent *a);

/* agent.c */
void agent_perform(struct agent *a, struct actions *list);

#endif
