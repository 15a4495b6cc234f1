/* One log line = one event with fields, as JSON or logfmt. The pure code
 * builds lines; where they go is the sink's business (set by the shell).
 * Ownership: a line is stack storage of the caller, sent once. */
#ifndef LW_BASE_LOG_H
#define LW_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/moment.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_LOGFMT };

/* 12 KiB of base64 and its frame must fit in one line. */
#define LOG_LINE_MAX 16384

struct log {
    enum log_level least;
    enum log_format format;
    void (*sink)(void *ctx, const char *line, size_t n); /* line ends in \n */
    void *ctx;
    char *storage; /* LOG_LINE_MAX bytes, the owner's */
    struct buf out;
    struct json json;
    bool open;
};

void log_init(struct log *l, char storage[LOG_LINE_MAX], enum log_level least,
              enum log_format format, void (*sink)(void *, const char *, size_t), void *ctx);
/* log_begin … log_str … log_end: one line, with "time", "level" and "msg" first.
 * A line below `least` is nothing. What does not fit is cut inside its field,
 * the fields after it are dropped, and the line ends with cut=true. */
void log_begin(struct log *l, int64_t wall_ms, enum log_level level, const char *msg);
void log_str(struct log *l, const char *key, struct str v);
void log_cstr(struct log *l, const char *key, const char *v);
void log_i64(struct log *l, const char *key, int64_t v);
void log_double(struct log *l, const char *key, double v);
void log_end(struct log *l);
/* A line with no fields; the message is cut at 2 KiB. */
void log_say(struct log *l, int64_t wall_ms, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
