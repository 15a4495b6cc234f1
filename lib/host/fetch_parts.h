/* What the two files of the fetcher share: fetch.c makes and ends requests,
 * fetch_loop.c carries libcurl's sockets and timers, fetch_auth.c reads
 * credentials. */
#ifndef LW_HOST_FETCH_PARTS_H
#define LW_HOST_FETCH_PARTS_H

#include "lib/host/fetch.h"

/* ---- fetch_loop.c ---- */

/* The multi handle and its timer. 0 or -ENOMEM. */
int fetch_loop_init(struct fetch_target *t);
/* Calls fetch_finish from the loop, soon. */
void fetch_loop_defer(struct fetch_target *t);
/* Watches the idle connection, or no more. */
void fetch_idle_start(struct fetch_target *t, curl_socket_t fd);
void fetch_idle_stop(struct fetch_target *t);
/* CURLOPT_CLOSESOCKETFUNCTION: an idle connection that curl closes. */
int fetch_idle_close(void *target, curl_socket_t fd);

/* ---- fetch.c ---- */

void fetch_finish(struct fetch_target *t, CURLcode code);

/* ---- fetch_auth.c ---- */

/* The headers of a request, credentials read from their files now. 0, or a
 * negative code with the file (never its contents) in e. */
int fetch_headers(const struct settings *s, struct curl_slist **out, struct errmsg *e);

#endif
