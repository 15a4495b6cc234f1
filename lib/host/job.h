/* What the agent has the pool do: blocking calls of lib/store, one at a time.
 * Ownership: jobs live in the agent; their bytes are the agent's and stay
 * untouched until the job is done. */
#ifndef LW_HOST_JOB_H
#define LW_HOST_JOB_H

#include "lib/store/store.h"
#include "lib/watch/io.h"

#define JOBS_MAX 48

enum job_kind {
    JOB_FREE,
    JOB_DUMP,
    JOB_NATIVE,
    JOB_MANIFEST,
    JOB_OUTCOME,
    JOB_KEEP,
    JOB_HISTORY
};

struct agent;

struct job {
    enum job_kind kind;
    struct agent *agent;
    struct work work;
    int target;
    struct store_result result;
    /* OUTCOME */
    char target_name[TARGET_NAME_MAX];
    uint64_t life;
    enum outcome_cause cause;
    int exit_code;
    const char *source;
    struct moment death;
    bool sync; /* HISTORY */
};

/* Takes a free job, or NULL when all are under way. */
struct job *job_take(struct agent *a, enum job_kind kind, int target);
/* Hands it to the pool. 0; otherwise it is free again. */
int job_submit(struct job *j, bool urgent);
/* What to do with its result, by the agent (on the loop). */
void agent_job_done(struct agent *a, struct job *j);

#endif
