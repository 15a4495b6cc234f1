/* A daemon on the loop: its epoll descriptor is watched, and MHD_run called when
 * something is there or a deadline may have passed.
 *
 * Two habits of libmicrohttpd are met here. After its connection limit was
 * reached it listens again only within a later MHD_run that finds the count
 * below the limit: so it runs once more whenever the count has changed. And its
 * own timeout is one of silence alone: a slow reader is ended here, by shutting
 * its socket down. */
#include <sys/socket.h>

#include "lib/host/server_parts.h"

#define REQUEST_MAX_MS 5000
#define TICK_MS 500
#define RUNS_MAX 4

static unsigned connections(struct door *d)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}

static void deadlines_keep(struct door *d)
{
    for (int i = 0; i < SERVER_CONNECTIONS; i++) {
        struct visitor *v = &d->visitors[i];
        if (v->fd >= 0 && (int64_t)uv_now(d->server->loop) >= v->deadline_ms)
            shutdown(v->fd, SHUT_RDWR);
    }
}

static void on_tick(uv_timer_t *timer);

static void door_run(struct door *d)
{
    MHD_UNSIGNED_LONG_LONG left_ms;
    unsigned before, now = connections(d);
    int runs = 0;
    deadlines_keep(d); /* at each event: one that drips would put off a timer */
    do {
        before = now;
        MHD_run(d->daemon);
        now = connections(d);
    } while (now != before && ++runs < RUNS_MAX);
    /* Work that no event will announce: bytes that were read already. */
    bool more = MHD_get_timeout(d->daemon, &left_ms) == MHD_YES && left_ms == 0;
    if (more || now)
        uv_timer_start(&d->timer, on_tick, more ? 0 : TICK_MS, 0);
    else
        uv_timer_stop(&d->timer);
}

static void on_tick(uv_timer_t *timer)
{
    door_run(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    door_run(poll->data);
}

int door_watch(struct door *d)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int rc = info ? uv_poll_init(d->server->loop, &d->poll, info->epoll_fd) : UV_EINVAL;
    if (rc)
        return rc;
    uv_timer_init(d->server->loop, &d->timer);
    d->poll.data = d->timer.data = d;
    rc = uv_poll_start(&d->poll, UV_READABLE, on_ready);
    door_run(d); /* the listening socket enters the epoll set here */
    return rc;
}

void door_unwatch(struct door *d)
{
    uv_close((uv_handle_t *)&d->poll, NULL);
    uv_close((uv_handle_t *)&d->timer, NULL);
}

static struct visitor *visitor_of(struct door *d, int fd)
{
    for (int i = 0; i < SERVER_CONNECTIONS; i++)
        if (d->visitors[i].fd == fd)
            return &d->visitors[i];
    return NULL;
}

void door_grant(struct door *d, int fd)
{
    struct visitor *v = visitor_of(d, fd);
    if (v)
        v->deadline_ms = (int64_t)uv_now(d->server->loop) + REQUEST_MAX_MS;
}

void door_visit(struct door *d, int fd)
{
    struct visitor *v = visitor_of(d, -1);
    if (v)
        v->fd = fd;
    door_grant(d, fd);
}

void door_leave(struct door *d, int fd)
{
    struct visitor *v = visitor_of(d, fd);
    if (v)
        v->fd = -1;
}
