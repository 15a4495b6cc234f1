/* The world: one libuv loop and the real side of struct io.
 *
 * Happy path: host_init, set io.on_wake & co., host_run until a callback calls
 * host_stop, host_fini. Everything runs on the loop's thread but the run() of
 * jobs.
 * Ownership: the struct is the caller's and stays where it is; settings and
 * specs are borrowed until host_fini. */
#ifndef LW_HOST_HOST_H
#define LW_HOST_HOST_H

#include <uv.h>

#include "lib/base/settings.h"
#include "lib/host/fetch.h"
#include "lib/host/memory.h"
#include "lib/host/pool.h"
#include "lib/watch/io.h"

#define HOST_SIGNALS 4

struct host {
    struct io io; /* first: the host is found from it */
    uv_loop_t loop;
    const struct settings *settings;
    const struct target_spec *specs;
    int n_targets;
    struct pool pool;
    struct fetcher fetcher;
    struct neighbour neighbours[SETTINGS_TARGETS_MAX];
    uv_timer_t wake;
    int64_t wake_boot_ms; /* -1: none asked for */
    uv_signal_t signals[HOST_SIGNALS];
    /* SIGTERM, SIGINT, SIGUSR1, SIGHUP, on the loop; NULL ignores them. */
    void (*on_signal)(struct host *h, int signum);
    void *ctx; /* the owner's */
};

/* Starts the loop, the pool's threads and libcurl. 0, or a negative errno with
 * what failed in e; then nothing is left behind. */
int host_init(struct host *h, const struct settings *s, const struct target_spec *specs,
              int n_targets, struct errmsg *e);
/* Runs until host_stop. */
void host_run(struct host *h);
/* From any callback. */
void host_stop(struct host *h);
/* Drops transfers and waiting jobs without calling back, waits at most two
 * seconds for handles and the job under way. 0, or -EBUSY with the names of what
 * is stuck: the struct must then outlive the process' end. Servers and what else
 * uses the loop are closed before. */
int host_fini(struct host *h, struct errmsg *stuck);

struct moment moment_now(void);

#endif
