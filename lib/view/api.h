/* The HTTP API without HTTP: a request in, a status and a body out. The same
 * for the port, the Unix socket and the tests.
 *
 *   GET  /healthz /readyz /metrics
 *   GET  /api/v1/status
 *   GET  /api/v1/stacks?target=&profile=goroutine|heap&window=1h&top=20
 *   GET  /api/v1/history?target=&signal=|stack=&from=-6h&to=now&step=1m
 *   GET  /api/v1/diff?from=-6h&to=now&target=&profile=&format=json|text|proto
 *                    &mode=base|diff_base&top=10
 *   GET  /api/v1/explain?at=now&target=&format=json|text&all
 *   GET  /api/v1/dumps, /api/v1/dumps/ID, /api/v1/dumps/ID/FILE
 *   POST /api/v1/dumps {"reason":"…","target":"…"}: 202 {"id":"…"}
 * Errors are {"error":"…"}.
 *
 * Ownership: all borrowed for as long as the struct is in use; out is the
 * caller's, and its ceiling the largest answer. Nothing here changes the watch:
 * effects go through the callbacks. */
#ifndef LW_VIEW_API_H
#define LW_VIEW_API_H

#include "lib/view/status.h"

#define API_BODY_MAX 4096
#define API_OUT_MAX (4u << 20) /* holds any file of a dump that we write */

struct api {
    const struct watch *watch;
    struct moment now; /* set before each request */
    int64_t started_wall_ms;
    const char *store_problem; /* "" none */
    const char (*settings_problems)[256];
    int n_settings_problems;
    bool metrics_only;      /* /metrics and /healthz alone */
    const char *folder;     /* where dumps lie, for people; "" unknown */
    struct status *scratch; /* contents lost */

    void *ctx; /* of the callbacks; each gives 0 or a code with a message */
    int (*ask_dump)(void *ctx, int target, const char *reason, char id[DUMP_ID_MAX],
                    struct errmsg *e);
    int (*each_dump)(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx);
    int (*read_dump)(void *ctx, const char *id, struct manifest *out, struct errmsg *e);
    int (*read_file)(void *ctx, const char *id, const char *name, struct buf *out);
};

/* Answers into out (emptied first); returns the HTTP status and the body's
 * type. path without query; query without '?'. */
int api_handle(struct api *api, struct str method, struct str path, struct str query,
               struct str body, struct buf *out, const char **content_type);

#endif
