/* A recorded series as CSV: a header, columns found by name, a row a scrape.
 *
 *   t            seconds, rising; the only column that must be there
 *   goroutines   count
 *   heap_bytes   live heap, after GC
 *   rss_bytes    what counts against the limit
 *   limit        bytes; 0 or empty: none known
 *   uptime       seconds since the process began; where it falls it is another
 *   s_NAME       goroutines of stack NAME
 *
 * Other columns are ignored; an empty field (or NaN) and a missing row are a
 * missed scrape. It is what history.csv of a dump holds. Pure: bytes in, rows
 * out, in chunks of any size. Ownership: the reader owns its buffers until
 * series_free; a row lives until the next call. */
#ifndef LW_WATCH_SERIES_H
#define LW_WATCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/history/history.h"

#define SERIES_COLUMNS_MAX 16384
#define SERIES_LINE_MAX (1024 * 1024)
#define SERIES_STACK_NAME_MAX 512

struct series_row {
    double t_s;
    double signals[HISTORY_SIGNALS]; /* NAN: not read */
    double uptime_s;                 /* NAN: not read */
    const double *stacks;            /* n_stacks of the reader; NAN: not read */
};

struct series {
    struct buf line;   /* the one that is not whole yet */
    struct buf names;  /* of the stacks, one behind the other */
    int16_t *columns;  /* by column: enum of series.c, or a stack's index */
    struct str *stack; /* by index: its name */
    double *stacks;    /* of the row */
    size_t n_columns, n_stacks;
    size_t t_column;    /* from 1 */
    size_t line_number; /* of the last line read, from 1 */
    double last_t_s;
    size_t rows;
};

/* 0 or -ENOMEM. */
int series_init(struct series *s);
void series_free(struct series *s);

/* Feeds bytes; on_row gets each whole row and may stop it with a non-zero value.
 * 0, that value, or ERR_SYNTAX, ERR_LIMIT with line and column in e. */
typedef int (*series_row_fn)(void *ctx, const struct series_row *row);
int series_feed(struct series *s, const char *bytes, size_t n, series_row_fn on_row, void *ctx,
                struct errmsg *e);
/* The end of the file: a last line without a newline; a file without a row is
 * an error. */
int series_end(struct series *s, series_row_fn on_row, void *ctx, struct errmsg *e);

#endif
