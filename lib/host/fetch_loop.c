/* libcurl's sockets and timers on the loop.
 *
 * The idle connection: between two requests curl keeps the socket and nobody
 * reads from it. It is watched here, without taking a byte: its end is a
 * hangup, unasked data (a TLS session ticket) is left to curl. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/host/fetch_parts.h"

struct fetch_poll {
    uv_poll_t poll;
    struct fetch_target *target;
    curl_socket_t fd;
};

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The descriptor may be closed or watched anew at once. */
static void poll_close(struct fetch_poll *p)
{
    uv_close((uv_handle_t *)&p->poll, on_poll_closed);
}

static struct fetch_poll *poll_new(struct fetch_target *t, curl_socket_t fd)
{
    struct fetch_poll *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    if (uv_poll_init_socket(t->fetcher->loop, &p->poll, fd)) {
        free(p);
        return NULL;
    }
    p->poll.data = p;
    p->target = t;
    p->fd = fd;
    return p;
}

static void finished_take(struct fetch_target *t)
{
    CURLMsg *m;
    int left;
    while (t->fetch && (m = curl_multi_info_read(t->multi, &left)))
        if (m->msg == CURLMSG_DONE)
            fetch_finish(t, m->data.result);
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct fetch_poll *p = poll->data;
    struct fetch_target *t = p->target;
    int running, what = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    curl_multi_socket_action(t->multi, p->fd, what, &running);
    finished_take(t);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *target, void *socket)
{
    struct fetch_target *t = target;
    struct fetch_poll *p = socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(t->multi, fd, NULL);
        if (p)
            poll_close(p);
        return 0;
    }
    if (!p) {
        p = poll_new(t, fd);
        if (!p)
            return -1;
        curl_multi_assign(t->multi, fd, p);
    }
    int events =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&p->poll, events, on_socket_ready) ? -1 : 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct fetch_target *t = timer->data;
    int running;
    curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finished_take(t);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *target)
{
    struct fetch_target *t = target;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&t->timer);
    else
        uv_timer_start(&t->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

int fetch_loop_init(struct fetch_target *t)
{
    uv_timer_init(t->fetcher->loop, &t->timer);
    t->timer.data = t;
    t->multi = curl_multi_init();
    if (!t->multi)
        return -ENOMEM;
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 1L);
    return 0;
}

static void on_deferred(uv_timer_t *timer)
{
    fetch_finish(timer->data, CURLE_ABORTED_BY_CALLBACK);
}

void fetch_loop_defer(struct fetch_target *t)
{
    uv_timer_start(&t->timer, on_deferred, 0, 0);
}

/* ---- the idle connection ---- */

static void on_idle_event(uv_poll_t *poll, int status, int events)
{
    struct fetch_poll *p = poll->data;
    struct fetch_target *t = p->target;
    char byte;
    bool ended = status < 0 || (events & UV_DISCONNECT);
    if (!ended) {
        ssize_t n = recv(p->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        if (n > 0) /* data that curl will read: the end is all that matters now */
            uv_poll_start(&p->poll, UV_DISCONNECT, on_idle_event);
    }
    if (!ended)
        return;
    fetch_idle_stop(t);
    if (t->fetcher->io->on_hangup)
        t->fetcher->io->on_hangup(t->fetcher->io, t->index);
}

void fetch_idle_start(struct fetch_target *t, curl_socket_t fd)
{
    t->idle = poll_new(t, fd);
    if (t->idle && uv_poll_start(&t->idle->poll, UV_READABLE | UV_DISCONNECT, on_idle_event))
        fetch_idle_stop(t);
}

void fetch_idle_stop(struct fetch_target *t)
{
    if (t->idle)
        poll_close(t->idle);
    t->idle = NULL;
}

int fetch_idle_close(void *target, curl_socket_t fd)
{
    struct fetch_target *t = target;
    if (t->idle && t->idle->fd == fd)
        fetch_idle_stop(t);
    return close(fd);
}
