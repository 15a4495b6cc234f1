#include "lib/host/job.h"

#include <errno.h>
#include <string.h>

#include "lib/host/agent.h"

/* The names under which a baseline's three files are kept. */
static void keep_files(struct agent *a, struct job *j)
{
    static const char *const kinds[] = {"text", "native", "heap"};
    size_t at = 0;

    for (int i = 0; i < 3 && j->result.error == 0; i++) {
        char name[DISK_NAME_MAX];
        struct buf text;
        uint64_t n;

        memcpy(&n, a->keep.p + at, sizeof(n));
        at += sizeof(n);
        buf_fixed(&text, name, sizeof(name));
        buf_printf(&text, "baseline-%s.%s.pb.gz", j->target_name, kinds[i]);
        if (n > 0)
            j->result.error = store_put(&a->store, name, a->keep.p + at, (size_t)n);
        at += (size_t)n;
    }
}

static void run_outcome(struct agent *a, struct job *j)
{
    int stamped = store_stamp_outcome(&a->store, j->target_name, j->life, j->cause,
                                      j->exit_code, j->source, j->death, &j->result.why);

    j->result.error = stamped < 0 ? stamped : 0;
}

static void run_history(struct agent *a, struct job *j)
{
    j->result.error = store_write_history(&a->store, a->dirty.p, a->dirty.len, j->sync);
}

/* On a thread of the pool: only the store and what this job owns. */
static void run(struct work *work)
{
    struct job *j = work->ctx;
    struct agent *a = j->agent;
    struct store_result *r = &j->result;

    switch (j->kind) {
    case JOB_DUMP: store_write_dump(&a->store, &a->manifest, &a->bundle, r); break;
    case JOB_NATIVE: store_write_native(&a->store, &a->manifest, &a->bundle, r); break;
    case JOB_MANIFEST: r->error = store_write_manifest(&a->store, &a->manifest, &r->why); break;
    case JOB_OUTCOME: run_outcome(a, j); break;
    case JOB_KEEP: keep_files(a, j); break;
    case JOB_HISTORY: run_history(a, j); break;
    case JOB_FREE: break;
    }
}

static void done(struct work *work)
{
    struct job *j = work->ctx;
    struct agent *a = j->agent;
    struct job copy = *j;

    j->kind = JOB_FREE;
    a->jobs_active--;
    agent_job_done(a, &copy);
}

struct job *job_take(struct agent *a, enum job_kind kind, int target)
{
    for (int i = 0; i < JOBS_MAX; i++) {
        struct job *j = &a->jobs[i];

        if (j->kind != JOB_FREE)
            continue;
        *j = (struct job){.kind = kind, .agent = a, .target = target};
        j->work = (struct work){.run = run, .done = done, .ctx = j};
        str_copy(j->target_name, sizeof(j->target_name),
                 str_of(a->watch.targets[target].spec.name));
        return j;
    }
    return NULL;
}

int job_submit(struct job *j, bool urgent)
{
    struct agent *a = j->agent;
    int error = a->io->work(a->io, &j->work, urgent);

    if (error != 0)
        j->kind = JOB_FREE;
    else
        a->jobs_active++;
    return error;
}
