/* The requests the agent makes, one row each. */
#ifndef LW_WATCH_FETCH_KIND_H
#define LW_WATCH_FETCH_KIND_H

/* X(name, path below the base URL). The last three make the folder native/ of a
 * dump (phase 2); SYMBOL's addresses follow its path (symbol_path). */
#define FETCH_MAP(X)                  \
    X(NONE, NULL)                     \
    X(INDEX, "")                      \
    X(GOROUTINE, "goroutine?debug=1") \
    X(HEAP, "heap")                   \
    X(MEMSTATS, "heap?debug=1")       \
    X(METRICS, "/metrics")            \
    X(SYMBOL, "symbol")               \
    X(LEAK, "goroutineleak?debug=1")  \
    X(STACKS, "goroutine?debug=2")    \
    X(NATIVE_GOROUTINE, "goroutine")  \
    X(NATIVE_LEAK, "goroutineleak")   \
    X(NATIVE_STACKS, "goroutine?debug=2")

enum fetch_kind {
#define FETCH_ENUM(name, path) FETCH_##name,
    FETCH_MAP(FETCH_ENUM)
#undef FETCH_ENUM
        FETCH_KINDS
};

const char *fetch_path(enum fetch_kind kind);

#endif
