/* Jobs on libuv's pool, one at a time in order, urgent ones first.
 * Ownership: the pool borrows each struct work until its done(). */
#ifndef LW_HOST_POOL_H
#define LW_HOST_POOL_H

#include <uv.h>

#include "lib/watch/io.h"

struct work_queue {
    struct work *first, *last; /* linked by impl */
};

struct pool {
    uv_loop_t *loop;
    uv_work_t request;
    struct work *current; /* under way */
    struct work starter;  /* the empty job */
    struct work_queue urgent, waiting;
    bool closing;
};

/* Starts the threads by an empty job: a clone that fails later would abort.
 * UV_THREADPOOL_SIZE is to be set before. 0 or a negative errno. */
int pool_init(struct pool *p, uv_loop_t *loop);
/* Queues; 0 or -ECANCELED once it closes. */
int pool_add(struct pool *p, struct work *w, bool urgent);
/* Forgets what waits; the job under way still ends, without its done(). */
void pool_close(struct pool *p);

#endif
