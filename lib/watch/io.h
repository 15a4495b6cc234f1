/* The first seam: everything the agent wants of the world while it runs.
 * lib/host implements it over libuv and libcurl, tests/fake over a virtual
 * clock and network. All calls come from the one loop thread and all callbacks
 * run on it; no callback runs inside the call that asked for it. */
#ifndef LW_WATCH_IO_H
#define LW_WATCH_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/moment.h"
#include "lib/target/memory.h"
#include "lib/target/target.h"

struct fetch_result {
    int error;          /* 0, ERR_TIMEOUT, ERR_CUT, ERR_LIMIT, ERR_HTTP, negative errno … */
    int status;         /* HTTP status, 0 when there was none */
    int64_t latency_ms; /* from sending to the end */
    int64_t latency_us; /* the same, finer: the cost charged to the target */
    int64_t bytes;
    char content_type[64];
    bool refused; /* connection refused: nobody listens */
    struct errmsg why;
};

/* A request. Ownership: the caller's storage, borrowed until on_done. */
struct fetch {
    int target; /* index of the target: URL and credentials */
    /* Below the base URL: "goroutine?debug=1"; "" the index; beginning with '/':
     * below the origin. Symbols make it long. */
    char path[SYMBOL_PATH_MAX];
    int64_t deadline_ms; /* for all of it */
    int64_t limit_bytes; /* of the body */
    /* Chunks as they come; non-zero stops the transfer (error = that value). */
    int (*on_body)(struct fetch *f, const void *bytes, size_t n);
    void (*on_done)(struct fetch *f, const struct fetch_result *r);
    void *ctx;
    void *impl; /* the io's own while under way */
};

/* A job for the pool: run() must touch only what ctx owns; done() is on the loop. */
struct work {
    void (*run)(struct work *w);
    void (*done)(struct work *w);
    void *ctx;
    void *impl;
};

struct io {
    struct moment (*now)(struct io *io);
    uint64_t (*random)(struct io *io);
    /* Asks for on_wake at that boot_ms (the newest call counts). */
    void (*wake_at)(struct io *io, int64_t boot_ms);
    /* 0 or a negative code (then on_done is not called). */
    int (*fetch)(struct io *io, struct fetch *f);
    /* Ends it now; on_done is called with -ECANCELED before this returns. */
    void (*cancel)(struct io *io, struct fetch *f);
    /* Memory of a target as the tiers cgroup and proc show it; quick, blocking.
     * 0, or -ENOENT when nothing local is visible. */
    int (*sample)(struct io *io, int target, struct memory_sample *out);
    /* (Re)finds the process and cgroup behind a target's URL and keeps its
     * descriptors open; called at every new life. */
    void (*locate)(struct io *io, int target);
    /* Candidates of `auto`; returns how many, at most max. */
    size_t (*discover)(struct io *io, bool all, struct candidate *out, size_t max);
    /* Points a target (auto) at an origin found by discover. */
    void (*retarget)(struct io *io, int target, const char *origin);
    /* The memory limit setting of a target ("", bytes, file:PATH re-read); 0 unknown. */
    int64_t (*limit)(struct io *io, int target);
    /* Queues a job for the pool; jobs run one at a time, in order; urgent ones
     * go before waiting ones. 0 or a negative code. */
    int (*work)(struct io *io, struct work *w, bool urgent);

    /* Set by the agent before the loop runs. */
    void *agent;
    void (*on_wake)(struct io *io);
    void (*on_hangup)(struct io *io, int target); /* idle connection ended */
};

#endif
