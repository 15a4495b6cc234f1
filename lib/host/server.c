#include "lib/host/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/host/address.h"
#include "lib/host/server_parts.h"

/* 4 KiB of request line and headers, those of the answer, and what the library
 * keeps beside them: with 6 KiB it drops a request of 3 without an answer. */
#define POOL_BYTES 10240
#define URI_MAX 2048

static const char *const security_headers[][2] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
     "img-src data:; connect-src 'self'; frame-ancestors 'none'"},
};

/* One request from its first line to its end. */
struct exchange {
    char uri[URI_MAX];
    bool uri_cut;
    bool begun; /* the headers were seen */
    struct buf body;
};

static int descriptor_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* The first line, as it was sent; what it returns is the request's own pointer. */
static void *on_uri(void *door, const char *uri, struct MHD_Connection *c)
{
    struct exchange *x = calloc(1, sizeof *x);
    door_grant(door, descriptor_of(c));
    if (!x)
        return NULL;
    x->uri_cut = strlen(uri) >= sizeof x->uri;
    str_copy(x->uri, sizeof x->uri, str_of(uri));
    buf_init(&x->body, SERVER_BODY_MAX);
    return x;
}

static void on_completed(void *door, struct MHD_Connection *c, void **own,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *own;
    (void)why;
    *own = NULL;
    door_grant(door, descriptor_of(c));
    if (!x)
        return;
    buf_free(&x->body);
    free(x);
}

static void on_connection(void *door, struct MHD_Connection *c, void **own,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)own;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        door_visit(door, descriptor_of(c));
    else
        door_leave(door, descriptor_of(c));
}

/* ---- who may ask ---- */

/* A page from elsewhere can make a browser ask us, under a name that it points
 * at this address (DNS rebinding): only names that are ours are answered. */
static bool host_is_ours(const struct door *d, struct str header)
{
    struct str host;
    uint16_t port;
    if (d->kind == DOOR_UNIX)
        return true;
    if (address_split(header, &host, &port) || !host.n)
        return false;
    return address_is_own(host) || str_is(host, d->configured_host);
}

/* A page from elsewhere may also post to our own name: browsers then say whose
 * page it is. */
static bool origin_is_ours(struct str origin, struct str host)
{
    if (!origin.p)
        return true;
    return str_starts(origin, "http://") &&
           str_eq((struct str){origin.p + 7, origin.n - 7}, host);
}

/* ---- answering ---- */

/* Hands the body's bytes over to the library. */
static enum MHD_Result respond(struct MHD_Connection *c, struct response *r)
{
    if (buf_status(&r->body)) {
        buf_reset(&r->body);
        r->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        r->content_type = "text/plain; charset=utf-8";
        buf_puts(&r->body, "the answer is larger than its bound\n");
    }
    struct MHD_Response *m =
        MHD_create_response_from_buffer(r->body.len, r->body.p, MHD_RESPMEM_MUST_FREE);
    if (!m) {
        buf_free(&r->body);
        return MHD_NO;
    }
    MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
    for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++)
        MHD_add_response_header(m, security_headers[i][0], security_headers[i][1]);
    enum MHD_Result rc = MHD_queue_response(c, (unsigned)r->status, m);
    MHD_destroy_response(m); /* frees the body when it is sent */
    return rc;
}

static struct response response_new(int status, const char *text)
{
    struct response r = {.status = status, .content_type = "text/plain; charset=utf-8"};
    buf_init(&r.body, SERVER_ANSWER_MAX);
    buf_puts(&r.body, text);
    return r;
}

static struct str header_of(struct MHD_Connection *c, const char *name)
{
    return str_of(MHD_lookup_connection_value(c, MHD_HEADER_KIND, name));
}

/* 0, or the status to refuse with. */
static int refusal(const struct door *d, struct MHD_Connection *c, const struct exchange *x)
{
    struct str host = header_of(c, MHD_HTTP_HEADER_HOST);
    if (x->uri_cut)
        return MHD_HTTP_URI_TOO_LONG;
    if (!host_is_ours(d, host) || !origin_is_ours(header_of(c, MHD_HTTP_HEADER_ORIGIN), host))
        return MHD_HTTP_FORBIDDEN;
    if (buf_status(&x->body))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static enum MHD_Result answer(struct door *d, struct MHD_Connection *c, struct exchange *x,
                              const char *method)
{
    int status = refusal(d, c, x);
    if (status) {
        struct response no = response_new(
            status, status == MHD_HTTP_FORBIDDEN ? "this name is not ours\n" : "too large\n");
        return respond(c, &no);
    }
    struct str query = str_of(x->uri), path;
    str_split(&query, '?', &path);
    struct request r = {.door = d->kind,
                        .method = str_of(method),
                        .path = path,
                        .query = query.p ? query : (struct str){"", 0},
                        .host = header_of(c, MHD_HTTP_HEADER_HOST),
                        .body = buf_view(&x->body)};
    struct response out = response_new(MHD_HTTP_OK, "");
    d->server->handle(d->server->ctx, &r, &out);
    return respond(c, &out);
}

/* Called with the headers, then for each piece of the body, then to answer. */
static enum MHD_Result on_request(void *door, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *n_bytes, void **own)
{
    struct exchange *x = *own;
    (void)url;
    (void)version;
    if (!x)
        return MHD_NO; /* no memory */
    if (!x->begun) {
        x->begun = true;
        return MHD_YES;
    }
    if (*n_bytes) {
        buf_put(&x->body, bytes, *n_bytes); /* what is too much is refused at the end */
        *n_bytes = 0;
        return MHD_YES;
    }
    return answer(door, c, x, method);
}

/* ---- life ---- */

void server_init(struct server *s, uv_loop_t *loop,
                 void (*handle)(void *ctx, const struct request *r, struct response *out),
                 void *ctx)
{
    *s = (struct server){.loop = loop, .handle = handle, .ctx = ctx};
    for (int i = 0; i < DOORS; i++) {
        s->doors[i] = (struct door){.server = s, .kind = (enum door_kind)i};
        for (int k = 0; k < SERVER_CONNECTIONS; k++)
            s->doors[i].visitors[k].fd = -1;
    }
}

static int daemon_start(struct door *d, int fd)
{
    d->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, d, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_URI_LOG_CALLBACK,
        on_uri, d, MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, d, MHD_OPTION_END);
    if (!d->daemon) {
        close(fd);
        return -ENOMEM;
    }
    int rc = door_watch(d);
    if (rc) {
        MHD_stop_daemon(d->daemon);
        d->daemon = NULL;
    }
    return rc;
}

int server_open(struct server *s, const struct settings *settings, enum door_kind kind,
                struct errmsg *e)
{
    struct door *d = &s->doors[kind];
    const char *where = kind == DOOR_METRICS ? settings->metrics_listen : settings->listen;
    struct str host = {"", 0};
    uint16_t port;
    int fd;
    if (kind == DOOR_UNIX) {
        snprintf(d->socket_path, sizeof d->socket_path, "%s/leakwatch.sock", settings->dir);
        where = d->socket_path;
        fd = socket_listen_unix(where, e);
        if (fd < 0)
            d->socket_path[0] = 0;
    } else if (!*where || str_is(str_of(where), "off")) {
        return 0;
    } else {
        fd = socket_listen_tcp(where, e);
        if (address_split(str_of(where), &host, &port) == 0)
            str_copy(d->configured_host, sizeof d->configured_host, host);
    }
    if (fd < 0)
        return fd;
    int rc = daemon_start(d, fd);
    return rc ? err_set(e, rc, "%s: %s", where, err_text(rc)) : 0;
}

bool server_is_open(const struct server *s, enum door_kind kind)
{
    return s->doors[kind].daemon != NULL;
}

void server_close(struct server *s)
{
    for (int i = 0; i < DOORS; i++) {
        struct door *d = &s->doors[i];
        if (!d->daemon)
            continue;
        door_unwatch(d);
        MHD_stop_daemon(d->daemon);
        d->daemon = NULL;
        if (*d->socket_path)
            unlink(d->socket_path);
    }
}
