/* What the files of the agent share; nobody else includes it. agent.c performs
 * and feeds back, agent_open.c opens and closes, agent_dump.c renders a dump and
 * follows it to the disk. Ownership: everything is the agent's. */
#ifndef LW_HOST_AGENT_PARTS_H
#define LW_HOST_AGENT_PARTS_H

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
/* What is wrong with the directory: in status, and once in the log. error 0: no
 * more. */
void agent_store_trouble(struct agent *a, const char *what, const char *why);
void agent_note_store(struct agent *a, const char *what, int error, const struct errmsg *why);

#endif
