#include "tests/fake/io_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_BODY_CEILING (64u << 20)
#define FAKE_FIRST_BOOT_MS 1000000
#define FAKE_NEVER INT64_MAX
/* So many events in one virtual millisecond: the agent spins. */
#define FAKE_SPIN_MAX 1000000

static struct io_fake *fake_of(struct io *io)
{
    return (struct io_fake *)(void *)io;
}

static void fake_require(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "io_fake: %s\n", what);
    abort();
}

static struct moment fake_now(struct io *io)
{
    return fake_of(io)->now;
}

/* xorshift64*: repeatable from the seed. */
static uint64_t fake_random(struct io *io)
{
    uint64_t x = fake_of(io)->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    fake_of(io)->random_state = x;
    return x * 0x2545F4914F6CDD1Du;
}

static void fake_wake_at(struct io *io, int64_t boot_ms)
{
    fake_of(io)->wake_ms = boot_ms < 0 ? 0 : boot_ms;
}

/* ---- network ---- */

static void fake_ask(struct io_fake *f, struct fake_fetch *slot)
{
    struct fetch *fetch = slot->fetch;
    struct fake_answer *a = &slot->answer;
    buf_reset(&slot->body);
    *a = (struct fake_answer){.status = 200,
                              .latency_ms = 1,
                              .content_type = "text/plain; charset=utf-8",
                              .body = &slot->body};
    if (f->script.answer)
        f->script.answer(f->script.ctx, fetch->target, fetch->path, f->now, a);
    else
        a->refused = true;
    fake_require(buf_status(&slot->body) == 0, "an answer above 64 MiB");
    if (a->refused) {
        a->error = -ECONNREFUSED;
        a->status = 0;
    } else if (a->latency_ms > fetch->deadline_ms) {
        *a = (struct fake_answer){.error = ERR_TIMEOUT, .latency_ms = fetch->deadline_ms};
    } else if (!a->error && a->status != 200) {
        a->error = ERR_HTTP;
    }
    if (!a->latency_us)
        a->latency_us = a->latency_ms * 1000;
}

static int fake_fetch(struct io *io, struct fetch *fetch)
{
    struct io_fake *f = fake_of(io);
    struct fake_fetch *slot = f->fetches;
    while (slot < f->fetches + FAKE_FETCHES_MAX && slot->fetch)
        slot++;
    if (slot == f->fetches + FAKE_FETCHES_MAX)
        return -EBUSY;
    f->n_fetches++;
    slot->fetch = fetch;
    fetch->impl = slot;
    fake_ask(f, slot);
    slot->start_ms = f->now.boot_ms;
    slot->due_ms = f->now.boot_ms + slot->answer.latency_ms;
    return 0;
}

static int fake_deliver(struct fake_fetch *slot, int64_t *bytes)
{
    struct fetch *fetch = slot->fetch;
    size_t len = slot->answer.status == 200 ? slot->body.len : 0;
    for (size_t at = 0; at < len;) {
        size_t n = len - at < FAKE_CHUNK_BYTES ? len - at : FAKE_CHUNK_BYTES;
        if ((int64_t)(at + n) > fetch->limit_bytes)
            return ERR_LIMIT;
        int stop = fetch->on_body ? fetch->on_body(fetch, slot->body.p + at, n) : 0;
        if (stop)
            return stop;
        at += n;
        *bytes = (int64_t)at;
    }
    return slot->answer.error;
}

static void fake_finish(struct fake_fetch *slot, int error, int64_t bytes)
{
    const struct fake_answer *a = &slot->answer;
    struct fetch *fetch = slot->fetch;
    struct fetch_result r = {.error = error,
                             .status = a->status,
                             .latency_ms = a->latency_ms,
                             .latency_us = a->latency_us,
                             .bytes = bytes,
                             .refused = a->refused};
    if (a->content_type)
        str_copy(r.content_type, sizeof r.content_type, str_of(a->content_type));
    if (error)
        err_set(&r.why, error, "GET %s: %s", fetch->path, err_text(error));
    slot->fetch = NULL; /* on_done may ask again */
    fetch->impl = NULL;
    fetch->on_done(fetch, &r);
}

static void fake_answered(struct fake_fetch *slot)
{
    int64_t bytes = 0;
    slot->delivering = true;
    int error = fake_deliver(slot, &bytes);
    slot->delivering = false;
    fake_finish(slot, error, bytes);
}

static void fake_cancel(struct io *io, struct fetch *fetch)
{
    struct fake_fetch *slot = fetch->impl;
    if (!slot || slot->fetch != fetch)
        return;
    fake_require(!slot->delivering, "cancel inside on_body: return non-zero instead");
    fake_of(io)->n_cancels++;
    fake_finish(slot, -ECANCELED, 0);
}

/* ---- memory and targets ---- */

static int fake_sample(struct io *io, int target, struct memory_sample *out)
{
    struct io_fake *f = fake_of(io);
    f->n_samples++;
    *out = (struct memory_sample){.usage_bytes = -1, .oom_kills = -1};
    if (!f->script.sample)
        return -ENOENT;
    return f->script.sample(f->script.ctx, target, f->now, out);
}

static void fake_locate(struct io *io, int target)
{
    (void)target;
    fake_of(io)->n_locates++;
}

static size_t fake_discover(struct io *io, bool all, struct candidate *out, size_t max)
{
    struct io_fake *f = fake_of(io);
    return f->script.discover ? f->script.discover(f->script.ctx, all, f->now, out, max) : 0;
}

static void fake_retarget(struct io *io, int target, const char *origin)
{
    (void)target;
    struct io_fake *f = fake_of(io);
    str_copy(f->origin, sizeof f->origin, str_of(origin));
}

static int64_t fake_limit(struct io *io, int target)
{
    struct io_fake *f = fake_of(io);
    return f->script.limit ? f->script.limit(f->script.ctx, target, f->now) : 0;
}

/* ---- jobs ---- */

/* An urgent job goes behind the one under way and the urgent ones before it:
 * impl marks these. */
static int fake_work(struct io *io, struct work *w, bool urgent)
{
    struct io_fake *f = fake_of(io);
    if (f->work_refused || f->n_jobs == FAKE_JOBS_MAX)
        return -EAGAIN;
    int at = f->n_jobs;
    if (urgent)
        for (at = f->n_jobs ? 1 : 0; at < f->n_jobs && f->jobs[at]->impl; at++)
            ;
    memmove(f->jobs + at + 1, f->jobs + at, (size_t)(f->n_jobs - at) * sizeof *f->jobs);
    f->jobs[at] = w;
    w->impl = urgent ? f : NULL;
    f->n_works++;
    if (f->n_jobs++ == 0)
        f->job_due_ms = f->now.boot_ms + f->work_ms;
    return 0;
}

static void fake_job_run(struct io_fake *f)
{
    struct work *w = f->jobs[0];
    w->run(w);
    f->n_jobs--;
    memmove(f->jobs, f->jobs + 1, (size_t)f->n_jobs * sizeof *f->jobs);
    f->job_due_ms = f->now.boot_ms + f->work_ms;
    w->impl = NULL;
    w->done(w);
}

/* ---- the loop ---- */

/* When the next event is due; which one is found again by fake_step. */
static int64_t fake_next(const struct io_fake *f)
{
    int64_t next = f->wake_ms >= 0 ? f->wake_ms : FAKE_NEVER;
    if (f->n_jobs && f->job_due_ms < next)
        next = f->job_due_ms;
    for (int i = 0; i < FAKE_FETCHES_MAX; i++)
        if (f->fetches[i].fetch && f->fetches[i].due_ms < next)
            next = f->fetches[i].due_ms;
    for (int i = 0; i < FAKE_PLANS_MAX; i++)
        if (f->plans[i].run && f->plans[i].due_ms < next)
            next = f->plans[i].due_ms;
    return next;
}

/* Runs one event due at or before `due`: the world first, the agent's wake last. */
static void fake_step(struct io_fake *f, int64_t due)
{
    for (int i = 0; i < FAKE_PLANS_MAX; i++) {
        struct fake_plan plan = f->plans[i];
        if (!plan.run || plan.due_ms > due)
            continue;
        f->plans[i].run = NULL;
        plan.run(plan.ctx);
        return;
    }
    for (int i = 0; i < FAKE_FETCHES_MAX; i++) {
        if (!f->fetches[i].fetch || f->fetches[i].due_ms > due)
            continue;
        fake_answered(&f->fetches[i]);
        return;
    }
    if (f->n_jobs && f->job_due_ms <= due) {
        fake_job_run(f);
        return;
    }
    if (f->wake_ms >= 0 && f->wake_ms <= due) {
        f->wake_ms = -1;
        f->n_wakes++;
        f->io.on_wake(&f->io);
    }
}

static void fake_move_to(struct io_fake *f, int64_t boot_ms)
{
    if (boot_ms <= f->now.boot_ms)
        return;
    f->now.wall_ms += boot_ms - f->now.boot_ms;
    f->now.boot_ms = boot_ms;
}

void io_fake_run(struct io_fake *f, int64_t until_boot_ms)
{
    int spin = 0;
    f->stopped = false;
    for (;;) {
        int64_t next = fake_next(f);
        if (next > until_boot_ms)
            break;
        spin = next > f->now.boot_ms ? 0 : spin + 1;
        fake_require(spin < FAKE_SPIN_MAX, "the clock stands still: the agent spins");
        fake_move_to(f, next);
        fake_step(f, next);
        if (f->stopped)
            return;
    }
    fake_move_to(f, until_boot_ms);
}

void io_fake_pass(struct io_fake *f, int64_t ms)
{
    io_fake_run(f, f->now.boot_ms + ms);
}

void io_fake_stop(struct io_fake *f)
{
    f->stopped = true;
}

void io_fake_at(struct io_fake *f, int64_t boot_ms, void (*run)(void *ctx), void *ctx)
{
    int i = 0;
    while (i < FAKE_PLANS_MAX && f->plans[i].run)
        i++;
    fake_require(i < FAKE_PLANS_MAX, "too many plans");
    f->plans[i] = (struct fake_plan){.due_ms = boot_ms, .run = run, .ctx = ctx};
}

void io_fake_suspend(struct io_fake *f, int64_t ms)
{
    fake_move_to(f, f->now.boot_ms + ms);
}

void io_fake_hangup(struct io_fake *f, int target)
{
    if (f->io.on_hangup)
        f->io.on_hangup(&f->io, target);
}

int io_fake_in_flight(const struct io_fake *f)
{
    int n = 0;
    for (int i = 0; i < FAKE_FETCHES_MAX; i++)
        n += f->fetches[i].fetch != NULL;
    return n;
}

void io_fake_init(struct io_fake *f, const struct fake_script *script, int64_t wall_ms,
                  uint64_t seed)
{
    *f = (struct io_fake){.io = {.now = fake_now,
                                 .random = fake_random,
                                 .wake_at = fake_wake_at,
                                 .fetch = fake_fetch,
                                 .cancel = fake_cancel,
                                 .sample = fake_sample,
                                 .locate = fake_locate,
                                 .discover = fake_discover,
                                 .retarget = fake_retarget,
                                 .limit = fake_limit,
                                 .work = fake_work},
                          .script = *script,
                          .now = {.boot_ms = FAKE_FIRST_BOOT_MS, .wall_ms = wall_ms},
                          .random_state = seed ? seed : 1,
                          .wake_ms = -1};
    for (int i = 0; i < FAKE_FETCHES_MAX; i++)
        buf_init(&f->fetches[i].body, FAKE_BODY_CEILING);
}

void io_fake_fini(struct io_fake *f)
{
    for (int i = 0; i < FAKE_FETCHES_MAX; i++)
        buf_free(&f->fetches[i].body);
}
