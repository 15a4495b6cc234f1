/* Between the files of the API; nobody else includes it. */
#ifndef LW_VIEW_API_PARTS_H
#define LW_VIEW_API_PARTS_H

#include "lib/view/api.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_BINARY "application/octet-stream"

struct request {
    struct api *api;
    struct str method, path, query, body;
    struct buf *out;
    const char *type; /* of the answer */
};

/* Replaces the answer by {"error":…}; returns status. */
int api_error(struct request *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A parameter of the query, percent-decoded into out; false when it is not
 * there (out is then ""). What does not fit counts as there and is cut. */
bool api_param(struct str query, const char *key, char *out, size_t cap);
/* The target the query names, or the only one; -1 after an error (*status). */
int api_target(struct request *r, int *status);

/* api_history.c */
/* The ring time of a parameter ("-6h", RFC 3339, "now"); false after an answer. */
bool api_moment(struct request *r, const char *key, const char *fallback, int64_t *t_ms,
                int *status);
int api_stacks(struct request *r);
int api_history(struct request *r);
int api_diff(struct request *r);
/* api_explain.c */
int api_explain(struct request *r);
/* api_dumps.c; rest: the path behind /api/v1/dumps */
int api_dumps(struct request *r, struct str rest);
int api_dump_ask(struct request *r);

#endif
