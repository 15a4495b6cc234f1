/* Requests to the targets: libcurl on the loop. One request at a time for each
 * target, over one connection that is kept alive, and watched while it is idle:
 * its end tells of the target's death at once.
 * Each target has a multi handle of its own, so that no two share a connection.
 * Ownership: a fetch is borrowed until its on_done; specs, settings and io
 * until fetcher_close. */
#ifndef LW_HOST_FETCH_H
#define LW_HOST_FETCH_H

#include <curl/curl.h>
#include <uv.h>

#include "lib/base/settings.h"
#include "lib/watch/io.h"

struct fetch_poll;

struct fetch_target {
    struct fetcher *fetcher;
    int index;
    char url[TARGET_URL_MAX]; /* base; "" while an auto target has none */
    CURLM *multi;
    CURL *easy;
    uv_timer_t timer;        /* curl's timeouts, and failures before curl began */
    struct fetch *fetch;     /* under way */
    struct fetch_poll *idle; /* the connection between two requests */
    struct curl_slist *headers;
    int64_t body_bytes, header_bytes;
    int stop; /* why we ended the transfer, or why it did not begin */
    char why[CURL_ERROR_SIZE];
};

struct fetcher {
    uv_loop_t *loop;
    struct io *io;
    const struct settings *settings;
    const struct target_spec *specs;
    int n;
    struct fetch_target targets[SETTINGS_TARGETS_MAX];
};

/* 0 or a negative errno; fetcher_close in either case. */
int fetcher_init(struct fetcher *r, uv_loop_t *loop, struct io *io, const struct settings *s,
                 const struct target_spec *specs, int n);
/* As io->fetch: 0, -EBUSY when one is under way, -EDESTADDRREQ without a URL. */
int fetcher_start(struct fetcher *r, struct fetch *f);
/* As io->cancel; never from on_body (its result stops a transfer). */
void fetcher_cancel(struct fetcher *r, struct fetch *f);
/* Points a target at "http://host:port". */
void fetcher_retarget(struct fetcher *r, int target, const char *origin);
const char *fetcher_url(const struct fetcher *r, int target);
/* Drops everything without calling back; handles close as the loop runs on. */
void fetcher_close(struct fetcher *r);

#endif
