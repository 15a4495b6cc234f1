/* Between the files of the server: server.c answers requests, server_loop.c
 * carries a daemon on the loop, server_socket.c makes its socket. */
#ifndef LW_HOST_SERVER_PARTS_H
#define LW_HOST_SERVER_PARTS_H

#include "lib/host/server.h"

/* ---- server_socket.c: a listening descriptor, or a negative errno ---- */

int socket_listen_tcp(const char *address_port, struct errmsg *e);
/* A stale socket is replaced, one that answers is -EADDRINUSE. */
int socket_listen_unix(const char *path, struct errmsg *e);

/* ---- server_loop.c ---- */

/* Puts the running daemon onto the loop. 0 or a negative errno. */
int door_watch(struct door *d);
/* Off the loop again, before the daemon ends. */
void door_unwatch(struct door *d);
/* A connection came or went. */
void door_visit(struct door *d, int fd);
void door_leave(struct door *d, int fd);
/* Its request has all of the five seconds from now. */
void door_grant(struct door *d, int fd);

#endif
