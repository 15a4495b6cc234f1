/* The HTTP server: libmicrohttpd on the loop, one daemon a door, so that a crowd
 * at one door cannot keep people from another. A door takes eight connections,
 * requests of 4 KiB and a body of 16 KiB, and gives each request five seconds in
 * all.
 * Ownership: the server owns its sockets until server_close; loop and settings
 * are borrowed. It is closed before the loop. */
#ifndef LW_HOST_SERVER_H
#define LW_HOST_SERVER_H

#include <microhttpd.h>
#include <uv.h>

#include "lib/base/buf.h"
#include "lib/base/settings.h"

#define SERVER_CONNECTIONS 8
#define SERVER_BODY_MAX 16384
#define SERVER_ANSWER_MAX (8u << 20)

enum door_kind {
    DOOR_UNIX,    /* <dir>/leakwatch.sock, mode 0600: the commands */
    DOOR_PEOPLE,  /* `listen` */
    DOOR_METRICS, /* `metrics-listen` */
    DOORS
};

/* Borrowed for the call of handle(). */
struct request {
    enum door_kind door;
    struct str method, path, query, host; /* path and query as sent, still encoded */
    struct str body;
};

/* status is 200 and the body empty at first; the server takes the body over. */
struct response {
    int status;
    const char *content_type; /* lasting */
    struct buf body;          /* grows to SERVER_ANSWER_MAX */
};

struct visitor {
    int fd; /* -1: free */
    int64_t deadline_ms;
};

struct door {
    struct server *server;
    enum door_kind kind;
    char configured_host[128];
    struct MHD_Daemon *daemon; /* NULL: closed */
    uv_poll_t poll;
    uv_timer_t timer;
    struct visitor visitors[SERVER_CONNECTIONS];
    char socket_path[SETTINGS_TEXT_MAX + 32]; /* to be removed at the end */
};

struct server {
    uv_loop_t *loop;
    void (*handle)(void *ctx, const struct request *r, struct response *out);
    void *ctx;
    struct door doors[DOORS];
};

void server_init(struct server *s, uv_loop_t *loop,
                 void (*handle)(void *ctx, const struct request *r, struct response *out),
                 void *ctx);
/* Opens a door as the settings say; 0 also when they say "off". -EADDRINUSE and
 * the like with a line for people: no reason to stop. */
int server_open(struct server *s, const struct settings *settings, enum door_kind kind,
                struct errmsg *e);
/* Whether it listens. */
bool server_is_open(const struct server *s, enum door_kind kind);
/* Ends all connections; handles close as the loop runs on. */
void server_close(struct server *s);

#endif
