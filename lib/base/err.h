/* Errors: every fallible function returns 0 or a negative code, either a
 * negative errno or one of the codes below. Outputs come last.
 * Ownership: an errmsg is the caller's storage; nothing here allocates. */
#ifndef LW_BASE_ERR_H
#define LW_BASE_ERR_H

/* One row per code of our own: name, value (outside errno's range), text. */
#define ERR_MAP(X)                                                    \
    X(CUT, -4001, "the body ends before it is whole")                 \
    X(SYNTAX, -4002, "the text does not follow the format")           \
    X(LIMIT, -4003, "larger than its bound")                          \
    X(CORRUPT, -4004, "damaged: a checksum or sequence does not fit") \
    X(VERSION, -4005, "written by another version of the format")     \
    X(MISMATCH, -4006, "the two sides cannot be compared")            \
    X(USAGE, -4007, "wrong usage")                                    \
    X(TIMEOUT, -4008, "no answer within the deadline")                \
    X(HTTP, -4009, "an HTTP status other than 200")                   \
    X(NOT_PPROF, -4010, "the answer is not pprof's")                  \
    X(WRONG_PATH, -4011, "an HTML page, not pprof's: wrong path?")    \
    X(LOCKED, -4012, "another process holds the lock")

enum err {
#define ERR_ENUM(name, value, text) ERR_##name = (value),
    ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
};

/* A message with context, fixed in size: what was wrong, where. */
struct errmsg {
    char text[256];
};

/* The text of a code of ours or of a negative errno; never NULL. */
const char *err_text(int code);

/* Formats a message into e (which may be NULL) and returns code. */
int err_set(struct errmsg *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
