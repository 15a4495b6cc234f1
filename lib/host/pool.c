#include "lib/host/pool.h"

#include <errno.h>

static void queue_put(struct work_queue *q, struct work *w)
{
    w->impl = NULL;
    if (q->last)
        q->last->impl = w;
    else
        q->first = w;
    q->last = w;
}

static struct work *queue_take(struct work_queue *q)
{
    struct work *w = q->first;
    if (!w)
        return NULL;
    q->first = w->impl;
    if (!q->first)
        q->last = NULL;
    w->impl = NULL;
    return w;
}

/* On a thread of the pool. */
static void on_run(uv_work_t *request)
{
    struct pool *p = request->data;
    p->current->run(p->current);
}

static void pool_next(struct pool *p);

static void on_ran(uv_work_t *request, int status)
{
    struct pool *p = request->data;
    struct work *w = p->current;
    (void)status; /* nothing cancels it */
    p->current = NULL;
    if (p->closing)
        return;
    w->done(w);
    pool_next(p);
}

static void pool_next(struct pool *p)
{
    if (p->current || p->closing)
        return;
    p->current = queue_take(&p->urgent);
    if (!p->current)
        p->current = queue_take(&p->waiting);
    if (p->current)
        uv_queue_work(p->loop, &p->request, on_run, on_ran); /* fails without on_run alone */
}

static void starter_nothing(struct work *w)
{
    (void)w;
}

int pool_init(struct pool *p, uv_loop_t *loop)
{
    *p = (struct pool){.loop = loop, .request.data = p};
    p->starter = (struct work){.run = starter_nothing, .done = starter_nothing};
    return pool_add(p, &p->starter, true);
}

int pool_add(struct pool *p, struct work *w, bool urgent)
{
    if (p->closing)
        return -ECANCELED;
    queue_put(urgent ? &p->urgent : &p->waiting, w);
    pool_next(p);
    return 0;
}

void pool_close(struct pool *p)
{
    p->closing = true;
    p->urgent = p->waiting = (struct work_queue){0};
}
