/* history.csv: one row a slot of the coarsest step that is needed. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/dump/dump.h"

#define STACKS_MAX 16
#define COLUMNS (HISTORY_SIGNALS + STACKS_MAX)
/* Read in pieces of this many slots, so that the stack holds all columns. */
#define PIECE 90

struct csv {
    const struct history *h;
    int target;
    struct history_growth stacks[STACKS_MAX];
    size_t n_stacks;
    struct history_life lives[HISTORY_LIVES_MAX];
    size_t n_lives;
};

/* The points of one column within a piece. */
struct column {
    struct history_point points[PIECE + 1]; /* one may begin before */
    size_t n, next;
};

static void put_head(const struct csv *c, struct buf *out)
{
    buf_puts(out, "t,goroutines,heap_bytes,rss_bytes,limit,uptime");
    for (size_t i = 0; i < c->n_stacks; i++)
        buf_printf(out, ",s_%s", history_fingerprint(c->h, c->stacks[i].stack));
    buf_putc(out, '\n');
}

static void put_uptime(const struct csv *c, int64_t t_ms, struct buf *out)
{
    const struct history_life *life = NULL;

    for (size_t i = 0; i < c->n_lives; i++)
        if (c->lives[i].start_ms <= t_ms && (!life || c->lives[i].start_ms > life->start_ms))
            life = &c->lives[i];
    if (life && (!life->end_ms || t_ms <= life->end_ms))
        buf_printf(out, "%" PRId64, (t_ms - life->start_ms) / 1000);
}

static void put_value(struct column *column, int64_t t_ms, struct buf *out)
{
    if (column->next == column->n || column->points[column->next].t_ms != t_ms)
        return;
    double v = (double)column->points[column->next++].mean;
    if (isfinite(v))
        buf_printf(out, "%.0f", v);
}

static void put_row(const struct csv *c, struct column *columns, int64_t t_ms, struct buf *out)
{
    static const enum history_signal order[] = {HISTORY_GOROUTINES, HISTORY_HEAP_BYTES,
                                                HISTORY_MEMORY_BYTES, HISTORY_LIMIT_BYTES};

    buf_printf(out, "%" PRId64 ".%03d", t_ms / 1000, (int)(t_ms % 1000));
    if (t_ms % 1000 == 0)
        out->len -= out->overflow ? 0 : strlen(".000");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        buf_putc(out, ',');
        put_value(&columns[order[i]], t_ms, out);
    }
    buf_putc(out, ',');
    put_uptime(c, t_ms, out);
    for (size_t i = 0; i < c->n_stacks; i++) {
        buf_putc(out, ',');
        put_value(&columns[HISTORY_SIGNALS + i], t_ms, out);
    }
    buf_putc(out, '\n');
}

/* The rows of [from_ms, to_ms): at most PIECE slots. */
static void put_piece(const struct csv *c, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      struct buf *out)
{
    struct column columns[COLUMNS];
    size_t n = HISTORY_SIGNALS + c->n_stacks;

    for (size_t i = 0; i < n; i++) {
        struct column *at = &columns[i];
        at->next = 0;
        if (i < HISTORY_SIGNALS)
            at->n = history_signal(c->h, c->target, (enum history_signal)i, from_ms, to_ms,
                                   step_ms, at->points, PIECE + 1);
        else
            at->n = history_series(c->h, c->target, HISTORY_STACKS,
                                   c->stacks[i - HISTORY_SIGNALS].stack, from_ms, to_ms,
                                   step_ms, at->points, PIECE + 1);
        /* A slot of a coarse tier that began in the piece before was its. */
        while (at->next < at->n && at->points[at->next].t_ms < from_ms)
            at->next++;
    }
    while (!out->overflow) {
        int64_t t_ms = INT64_MAX;
        for (size_t i = 0; i < n; i++)
            if (columns[i].next < columns[i].n &&
                columns[i].points[columns[i].next].t_ms < t_ms)
                t_ms = columns[i].points[columns[i].next].t_ms;
        if (t_ms == INT64_MAX)
            return;
        put_row(c, columns, t_ms, out);
    }
}

/* Whether all of it fitted into max_bytes. */
static bool put_all(const struct csv *c, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                    size_t max_bytes, struct buf *out)
{
    size_t start = out->len;

    put_head(c, out);
    for (int64_t t = from_ms; t < to_ms && !out->overflow; t += step_ms * PIECE) {
        int64_t end = t + step_ms * PIECE;
        put_piece(c, t, end < to_ms ? end : to_ms, step_ms, out);
        if (out->len - start > max_bytes)
            return false;
    }
    return !out->overflow;
}

void history_csv_write(const struct history *h, int target, int64_t from_ms, int64_t to_ms,
                       size_t max_bytes, struct buf *out)
{
    static const int64_t steps_ms[] = {10000, 60000, 600000, 3600000};
    struct csv c = {.h = h, .target = target};
    size_t start = out->len;
    int64_t oldest_ms = history_oldest(h, target);

    if (from_ms < oldest_ms)
        from_ms = oldest_ms;
    from_ms -= from_ms % steps_ms[3]; /* slots are not split between pieces */
    c.n_lives = history_lives(h, target, c.lives, HISTORY_LIVES_MAX);
    c.n_stacks =
        history_grown(h, target, HISTORY_STACKS, from_ms, to_ms, 1, c.stacks, STACKS_MAX);
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        if (put_all(&c, from_ms, to_ms, steps_ms[i], max_bytes, out))
            return;
        out->len = start;
        out->overflow = out->starved = false;
    }
    c.n_stacks = 0; /* the last resort: the signals by the hour, if they fit */
    if (put_all(&c, from_ms, to_ms, steps_ms[3], max_bytes, out))
        return;
    out->len = start;
    out->overflow = true;
}
