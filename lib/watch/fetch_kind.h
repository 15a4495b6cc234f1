/* The requests the agent makes, one row each. */
#ifndef LW_WATCH_FETCH_KIND_H
#define LW_WATCH_FETCH_KIND_H

/* X(name, path below the base URL) */
#define FETCH_MAP(X)                  \
    X(NONE, NULL)                     \
    X(INDEX, "")                      \
    X(GOROUTINE, "goroutine?debug=1") \
    X(HEAP, "heap")                   \
    X(MEMSTATS, "heap?debug=1")       \
    X(METRICS, "/metrics")            \
    X(NATIVE_GOROUTINE, "goroutine")

enum fetch_kind {
#define FETCH_ENUM(name, path) FETCH_##name,
    FETCH_MAP(FETCH_ENUM)
#undef FETCH_ENUM
        FETCH_KINDS
};

const char *fetch_path(enum fetch_kind kind);

#endif
