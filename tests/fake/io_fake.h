/* struct io on a virtual clock: the world of a simulated agent. Time moves only
 * in io_fake_run, from event to event, so that days pass in milliseconds.
 * The script says what the network and the memory show at a moment; the fake
 * keeps the contract of io.h: no callback inside the call that asked (cancel
 * apart), one job at a time, urgent ones first.
 * Ownership: the struct is the caller's; io_fake_fini frees what it grew. */
#ifndef LW_FAKE_IO_FAKE_H
#define LW_FAKE_IO_FAKE_H

#include "lib/base/buf.h"
#include "lib/watch/io.h"

#define FAKE_FETCHES_MAX 16
#define FAKE_JOBS_MAX 64
#define FAKE_PLANS_MAX 64
#define FAKE_CHUNK_BYTES 16384

/* What the network answers; handed to the script as a 200 of text/plain after
 * 1 ms with an empty body. With a status other than 200 no body is delivered;
 * with an error (ERR_CUT …) it comes after the body. */
struct fake_answer {
    int error;
    int status;
    bool refused; /* error becomes -ECONNREFUSED, status 0 */
    int64_t latency_ms;
    int64_t latency_us; /* 0: latency_ms × 1000 */
    const char *content_type;
    struct buf *body; /* the script appends to it */
};

struct fake_script {
    void *ctx; /* handed to all of them; each may be NULL */
    /* NULL: refused. `path` as the agent asked for it. */
    void (*answer)(void *ctx, int target, const char *path, struct moment now,
                   struct fake_answer *a);
    /* NULL: -ENOENT. *out is zeroed, usage and oom_kills -1. */
    int (*sample)(void *ctx, int target, struct moment now, struct memory_sample *out);
    int64_t (*limit)(void *ctx, int target, struct moment now); /* NULL: 0 */
    size_t (*discover)(void *ctx, bool all, struct moment now, struct candidate *out,
                       size_t max); /* NULL: none */
};

struct fake_fetch {
    struct fetch *fetch; /* NULL: free */
    int64_t start_ms, due_ms;
    struct fake_answer answer;
    struct buf body;
    bool delivering; /* inside on_body */
};

struct fake_plan {
    int64_t due_ms;
    void (*run)(void *ctx); /* NULL: free */
    void *ctx;
};

struct io_fake {
    struct io io; /* first: the fake is found from it */
    struct fake_script script;
    struct moment now; /* wall moves with boot; a test may step either */
    uint64_t random_state;
    int64_t work_ms;   /* how long each job takes, 0 at first */
    int64_t wake_ms;   /* -1: none asked for */
    bool work_refused; /* io->work answers -EAGAIN */

    struct fake_fetch fetches[FAKE_FETCHES_MAX];
    struct work *jobs[FAKE_JOBS_MAX]; /* [0] is next or under way */
    int n_jobs;
    int64_t job_due_ms;
    struct fake_plan plans[FAKE_PLANS_MAX];
    bool stopped;

    /* What the agent did, for asserts. */
    int64_t n_fetches, n_cancels, n_samples, n_works, n_locates, n_wakes;
    char origin[80]; /* of the last retarget */
};

/* A world that begins at boot_ms = 1,000,000 and the given wall clock. */
void io_fake_init(struct io_fake *f, const struct fake_script *script, int64_t wall_ms,
                  uint64_t seed);
void io_fake_fini(struct io_fake *f);

/* Runs all that is due, until the clock stands at boot_ms (or io_fake_stop). */
void io_fake_run(struct io_fake *f, int64_t until_boot_ms);
/* Runs for a span of virtual time. */
void io_fake_pass(struct io_fake *f, int64_t ms);
/* To be called from a callback: io_fake_run returns after it. */
void io_fake_stop(struct io_fake *f);

/* Plans a step of the script: run(ctx) on the loop at boot_ms. */
void io_fake_at(struct io_fake *f, int64_t boot_ms, void (*run)(void *ctx), void *ctx);
/* The machine sleeps: both clocks jump, what was due comes late. */
void io_fake_suspend(struct io_fake *f, int64_t ms);
/* The idle connection of a target ends now (from a plan or between runs). */
void io_fake_hangup(struct io_fake *f, int target);
/* Fetches under way. */
int io_fake_in_flight(const struct io_fake *f);

#endif
