#include "lib/host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/host/discover.h"

/* libuv's timers stand still while the machine sleeps: look again so often. */
#define SLEEP_MAX_MS 60000
#define CLOSE_MAX_MS 2000

static struct host *host_of(struct io *io)
{
    return (struct host *)(void *)io;
}

static int64_t clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct moment moment_now(void)
{
    return (struct moment){.boot_ms = clock_ms(CLOCK_BOOTTIME),
                           .wall_ms = clock_ms(CLOCK_REALTIME)};
}

static struct moment host_now(struct io *io)
{
    (void)io;
    return moment_now();
}

static uint64_t host_random(struct io *io)
{
    (void)io;
    uint64_t v = 0;
    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v)
        v = (uint64_t)clock_ms(CLOCK_MONOTONIC); /* only ids and jitter are made of it */
    return v;
}

/* ---- wake ---- */

static void on_wake_timer(uv_timer_t *timer);

static void wake_arm(struct host *h)
{
    int64_t left = h->wake_boot_ms - clock_ms(CLOCK_BOOTTIME);
    left = left < 0 ? 0 : left > SLEEP_MAX_MS ? SLEEP_MAX_MS : left;
    uv_update_time(&h->loop);
    uv_timer_start(&h->wake, on_wake_timer, (uint64_t)left, 0);
}

static void on_wake_timer(uv_timer_t *timer)
{
    struct host *h = timer->data;
    if (clock_ms(CLOCK_BOOTTIME) < h->wake_boot_ms) {
        wake_arm(h);
        return;
    }
    h->wake_boot_ms = -1;
    if (h->io.on_wake)
        h->io.on_wake(&h->io);
}

static void host_wake_at(struct io *io, int64_t boot_ms)
{
    struct host *h = host_of(io);
    h->wake_boot_ms = boot_ms < 0 ? 0 : boot_ms;
    wake_arm(h);
}

/* ---- the other members of struct io: to the noun that does it ---- */

static int host_fetch(struct io *io, struct fetch *f)
{
    return fetcher_start(&host_of(io)->fetcher, f);
}

static void host_cancel(struct io *io, struct fetch *f)
{
    fetcher_cancel(&host_of(io)->fetcher, f);
}

static struct neighbour *neighbour_of(struct io *io, int target)
{
    struct host *h = host_of(io);
    return target >= 0 && target < h->n_targets ? &h->neighbours[target] : NULL;
}

static int host_sample(struct io *io, int target, struct memory_sample *out)
{
    struct neighbour *n = neighbour_of(io, target);
    return n ? neighbour_sample(n, clock_ms(CLOCK_BOOTTIME), out) : -ENOENT;
}

static void host_locate(struct io *io, int target)
{
    struct host *h = host_of(io);
    struct neighbour *n = neighbour_of(io, target);
    if (n)
        neighbour_locate(n, fetcher_url(&h->fetcher, target), h->specs[target].unix_socket);
}

static size_t host_discover(struct io *io, bool all, struct candidate *out, size_t max)
{
    return discover_candidates(host_of(io)->settings, all, out, max);
}

static void host_retarget(struct io *io, int target, const char *origin)
{
    fetcher_retarget(&host_of(io)->fetcher, target, origin);
}

static int64_t host_limit(struct io *io, int target)
{
    struct neighbour *n = neighbour_of(io, target);
    return n ? neighbour_limit(n, clock_ms(CLOCK_BOOTTIME)) : 0;
}

static int host_work(struct io *io, struct work *w, bool urgent)
{
    return pool_add(&host_of(io)->pool, w, urgent);
}

/* ---- life ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
    struct host *h = handle->data;
    if (h->on_signal)
        h->on_signal(h, signum);
}

static int signals_start(struct host *h)
{
    static const int numbers[HOST_SIGNALS] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < HOST_SIGNALS; i++) {
        int rc = uv_signal_init(&h->loop, &h->signals[i]);
        if (rc)
            return rc;
        h->signals[i].data = h;
        rc = uv_signal_start(&h->signals[i], on_signal, numbers[i]);
        if (rc)
            return rc;
    }
    return 0;
}

/* The container's limit belongs to the first target; a target's own comes first. */
static void neighbours_init(struct host *h)
{
    bool none = str_is(settings_choice(h->settings, "memory-limit-scope"), "none");
    for (int i = 0; i < h->n_targets; i++) {
        const char *limit = h->specs[i].limit;
        if (!*limit && i == 0 && !none)
            limit = h->settings->memory_limit;
        neighbour_init(&h->neighbours[i], limit);
    }
}

int host_init(struct host *h, const struct settings *s, const struct target_spec *specs,
              int n_targets, struct errmsg *e)
{
    if (n_targets < 0 || n_targets > SETTINGS_TARGETS_MAX)
        return err_set(e, -EINVAL, "%d targets, at most %d", n_targets, SETTINGS_TARGETS_MAX);
    *h = (struct host){.settings = s, .specs = specs, .n_targets = n_targets};
    h->wake_boot_ms = -1;
    h->io = (struct io){.now = host_now,
                        .random = host_random,
                        .wake_at = host_wake_at,
                        .fetch = host_fetch,
                        .cancel = host_cancel,
                        .sample = host_sample,
                        .locate = host_locate,
                        .discover = host_discover,
                        .retarget = host_retarget,
                        .limit = host_limit,
                        .work = host_work};
    setenv("UV_THREADPOOL_SIZE", "2", 1);
    setenv("UV_USE_IO_URING", "0", 1); /* its ring would take memory and may abort */
    int rc = uv_loop_init(&h->loop);
    if (rc)
        return err_set(e, rc, "event loop: %s", uv_strerror(rc));
    neighbours_init(h);
    uv_timer_init(&h->loop, &h->wake);
    h->wake.data = h;
    rc = signals_start(h);
    if (!rc)
        rc = pool_init(&h->pool, &h->loop);
    if (!rc)
        rc = fetcher_init(&h->fetcher, &h->loop, &h->io, s, specs, n_targets);
    if (rc) {
        host_fini(h, NULL);
        return err_set(e, rc, "event loop: %s", err_text(rc));
    }
    return 0;
}

void host_run(struct host *h)
{
    uv_run(&h->loop, UV_RUN_DEFAULT);
}

void host_stop(struct host *h)
{
    uv_stop(&h->loop);
}

static void handle_close(uv_handle_t *handle, void *ctx)
{
    if (handle != ctx && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void handle_name(uv_handle_t *handle, void *ctx)
{
    const char *type = uv_handle_type_name(uv_handle_get_type(handle));
    buf_printf(ctx, " %s", type ? type : "handle");
}

static void on_close_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

int host_fini(struct host *h, struct errmsg *stuck)
{
    bool late = false;
    uv_timer_t timer;
    for (int i = 0; i < h->n_targets; i++)
        neighbour_fini(&h->neighbours[i]);
    fetcher_close(&h->fetcher);
    pool_close(&h->pool);
    uv_timer_init(&h->loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_close_late, CLOSE_MAX_MS, 0);
    uv_unref((uv_handle_t *)&timer);
    uv_walk(&h->loop, handle_close, &timer);
    while (!late && uv_loop_alive(&h->loop))
        uv_run(&h->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT);
    if (uv_loop_close(&h->loop) == 0)
        return 0;
    char names[160];
    struct buf b;
    buf_fixed(&b, names, sizeof names);
    uv_walk(&h->loop, handle_name, &b);
    if (h->pool.current)
        buf_puts(&b, " job");
    return err_set(stuck, -EBUSY, "still open after two seconds:%s", buf_cstr(&b));
}
