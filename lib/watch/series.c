#include "lib/watch/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a column is, where it is no stack (those count from 0). */
enum column { COLUMN_IGNORED = -1, COLUMN_T = -2, COLUMN_UPTIME = -3, COLUMN_SIGNAL = -8 };

#define VALUE_MAX 9007199254740992.0 /* 2^53: whole numbers are exact up to here */
#define T_MAX_S 1e11
#define NAMES_BYTES_MAX SERIES_LINE_MAX
#define SHOWN_MAX 40 /* characters of a bad field that a message repeats */

int series_init(struct series *s)
{
    memset(s, 0, sizeof(*s));
    buf_init(&s->line, SERIES_LINE_MAX);
    buf_init(&s->names, NAMES_BYTES_MAX);
    s->columns = calloc(SERIES_COLUMNS_MAX, sizeof(*s->columns));
    s->stack = calloc(SERIES_COLUMNS_MAX, sizeof(*s->stack));
    s->stacks = calloc(SERIES_COLUMNS_MAX, sizeof(*s->stacks));
    s->last_t_s = -INFINITY;
    if (s->columns && s->stack && s->stacks && buf_reserve(&s->names, NAMES_BYTES_MAX) == 0)
        return 0;
    series_free(s);
    return -ENOMEM;
}

void series_free(struct series *s)
{
    buf_free(&s->line);
    buf_free(&s->names);
    free(s->columns);
    free(s->stack);
    free(s->stacks);
    s->columns = NULL;
    s->stack = NULL;
    s->stacks = NULL;
}

/* A field without white space and the quotes some programs put around it. */
static struct str field_trim(struct str field)
{
    field = str_trim(field);
    if (field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"')
        field = (struct str){field.p + 1, field.n - 2};
    return field;
}

/* ---- the header ---- */

static int column_kind(struct str name)
{
    static const struct {
        const char *name;
        int kind;
    } known[] = {
        {"t", COLUMN_T},
        {"uptime", COLUMN_UPTIME},
        {"goroutines", COLUMN_SIGNAL - HISTORY_GOROUTINES},
        {"heap_bytes", COLUMN_SIGNAL - HISTORY_HEAP_BYTES},
        {"rss_bytes", COLUMN_SIGNAL - HISTORY_MEMORY_BYTES},
        {"limit", COLUMN_SIGNAL - HISTORY_LIMIT_BYTES},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_is(name, known[i].name))
            return known[i].kind;
    return COLUMN_IGNORED;
}

static int stack_add(struct series *s, struct str name, size_t column, struct errmsg *e)
{
    if (name.n == 0 || name.n > SERIES_STACK_NAME_MAX)
        return err_set(e, ERR_SYNTAX, "line 1, column %zu: a stack's name has 1 to %d bytes",
                       column + 1, SERIES_STACK_NAME_MAX);
    for (size_t i = 0; i < s->n_stacks; i++)
        if (str_eq(s->stack[i], name))
            return err_set(e, ERR_SYNTAX, "line 1, column %zu: 's_%.*s' is there twice",
                           column + 1, (int)name.n, name.p);
    const char *at = s->names.p + s->names.len;
    buf_str(&s->names, name);
    if (buf_status(&s->names) != 0)
        return err_set(e, ERR_LIMIT, "line 1, column %zu: the stacks' names are too long",
                       column + 1);
    s->stack[s->n_stacks] = (struct str){at, name.n};
    s->columns[column] = (int16_t)s->n_stacks++;
    return 0;
}

/* The first column of a kind, from 1; 0: none. */
static size_t column_find(const struct series *s, int kind)
{
    for (size_t i = 0; i < s->n_columns; i++)
        if (s->columns[i] == kind)
            return i + 1;
    return 0;
}

static int column_add(struct series *s, struct str name, struct errmsg *e)
{
    size_t column = s->n_columns;
    int error = 0;
    if (column == SERIES_COLUMNS_MAX)
        return err_set(e, ERR_LIMIT, "line 1, column %zu: more than %d columns", column + 1,
                       SERIES_COLUMNS_MAX);
    if (str_starts(name, "s_")) {
        error = stack_add(s, (struct str){name.p + 2, name.n - 2}, column, e);
    } else {
        int kind = column_kind(name);
        if (kind != COLUMN_IGNORED && column_find(s, kind) != 0)
            return err_set(e, ERR_SYNTAX, "line 1, column %zu: '%.*s' is there twice",
                           column + 1, (int)name.n, name.p);
        s->columns[column] = (int16_t)kind;
    }
    s->n_columns++;
    return error;
}

static int header_read(struct series *s, struct str line, struct errmsg *e)
{
    struct str field;
    if (str_starts(line, "\xef\xbb\xbf")) /* a byte order mark */
        line = (struct str){line.p + 3, line.n - 3};
    while (str_split(&line, ',', &field)) {
        int error = column_add(s, field_trim(field), e);
        if (error != 0)
            return error;
    }
    s->t_column = column_find(s, COLUMN_T);
    if (s->t_column == 0)
        return err_set(e, ERR_SYNTAX,
                       "line 1: no column 't' (seconds); the others are goroutines, "
                       "heap_bytes, rss_bytes, limit, uptime and s_NAME");
    return 0;
}

/* ---- a row ---- */

static int field_bad(const struct series *s, size_t column, struct str field, const char *why,
                     struct errmsg *e)
{
    char shown[SHOWN_MAX + 1];
    size_t n = 0;
    for (; n < field.n && n < SHOWN_MAX; n++)
        shown[n] = field.p[n] >= ' ' && field.p[n] <= '~' ? field.p[n] : '?';
    shown[n] = '\0';
    return err_set(e, ERR_SYNTAX, "line %zu, column %zu: '%s' %s", s->line_number, column + 1,
                   shown, why);
}

static bool is_missing(struct str field)
{
    return field.n == 0 || str_is(field, "NaN") || str_is(field, "nan") ||
           str_is(field, "NAN") || str_is(field, "null");
}

static int field_read(const struct series *s, size_t column, struct str field, double *out,
                      struct errmsg *e)
{
    *out = NAN;
    if (is_missing(field))
        return 0;
    if (str_double(field, out) != 0)
        return field_bad(s, column, field, "is no number", e);
    if (*out < 0)
        return field_bad(s, column, field, "is negative", e);
    if (*out > VALUE_MAX)
        return field_bad(s, column, field, "is larger than 2^53", e);
    return 0;
}

static double *cell_of(struct series *s, struct series_row *row, int kind)
{
    if (kind >= 0)
        return &s->stacks[kind];
    if (kind == COLUMN_T)
        return &row->t_s;
    if (kind == COLUMN_UPTIME)
        return &row->uptime_s;
    return &row->signals[COLUMN_SIGNAL - kind];
}

static int fields_read(struct series *s, struct str line, struct series_row *row,
                       struct errmsg *e)
{
    struct str field;
    size_t column = 0;
    for (; str_split(&line, ',', &field); column++) {
        if (column == s->n_columns)
            return err_set(e, ERR_SYNTAX, "line %zu, column %zu: the header has %zu columns",
                           s->line_number, column + 1, s->n_columns);
        int kind = s->columns[column];
        if (kind == COLUMN_IGNORED)
            continue;
        int error = field_read(s, column, field_trim(field), cell_of(s, row, kind), e);
        if (error != 0)
            return error;
    }
    if (column < s->n_columns)
        return err_set(e, ERR_SYNTAX, "line %zu, column %zu: the last one; the header has %zu",
                       s->line_number, column, s->n_columns);
    return 0;
}

static int row_read(struct series *s, struct str line, series_row_fn on_row, void *ctx,
                    struct errmsg *e)
{
    struct series_row row = {.t_s = NAN, .uptime_s = NAN, .stacks = s->stacks};
    for (int i = 0; i < HISTORY_SIGNALS; i++)
        row.signals[i] = NAN;
    int error = fields_read(s, line, &row, e);
    if (error != 0)
        return error;
    if (isnan(row.t_s))
        return err_set(e, ERR_SYNTAX, "line %zu, column %zu: no t", s->line_number,
                       s->t_column);
    if (row.t_s > T_MAX_S)
        return err_set(e, ERR_SYNTAX,
                       "line %zu, column %zu: t is %.15g; seconds up to %.0g are accepted",
                       s->line_number, s->t_column, row.t_s, T_MAX_S);
    if (row.t_s <= s->last_t_s)
        return err_set(e, ERR_SYNTAX,
                       "line %zu, column %zu: t is %.15g, and %.15g before; it must rise",
                       s->line_number, s->t_column, row.t_s, s->last_t_s);
    s->last_t_s = row.t_s;
    s->rows++;
    return on_row(ctx, &row);
}

static int line_read(struct series *s, struct str line, series_row_fn on_row, void *ctx,
                     struct errmsg *e)
{
    s->line_number++;
    if (s->line_number == 1)
        return header_read(s, line, e);
    if (str_trim(line).n == 0)
        return 0;
    return row_read(s, line, on_row, ctx, e);
}

/* ---- bytes ---- */

/* Where a chunk ends must not decide whether a line is too long. */
static int line_fits(const struct series *s, size_t n, struct errmsg *e)
{
    if (n <= SERIES_LINE_MAX)
        return 0;
    return err_set(e, ERR_LIMIT, "line %zu: longer than %d bytes", s->line_number + 1,
                   SERIES_LINE_MAX);
}

static int line_keep(struct series *s, const char *bytes, size_t n, struct errmsg *e)
{
    int error = line_fits(s, s->line.len + n, e);
    if (error != 0 || n == 0)
        return error;
    buf_put(&s->line, bytes, n);
    error = buf_status(&s->line);
    return error != 0 ? err_set(e, error, "%s", err_text(error)) : 0;
}

int series_feed(struct series *s, const char *bytes, size_t n, series_row_fn on_row, void *ctx,
                struct errmsg *e)
{
    const char *newline;
    int error = 0;
    while (error == 0 && (newline = memchr(bytes, '\n', n)) != NULL) {
        size_t used = (size_t)(newline - bytes);
        struct str line = {bytes, used};
        if (s->line.len > 0) {
            error = line_keep(s, bytes, used, e);
            line = buf_view(&s->line);
        } else {
            error = line_fits(s, used, e);
        }
        if (error == 0)
            error = line_read(s, line, on_row, ctx, e);
        buf_reset(&s->line);
        bytes += used + 1;
        n -= used + 1;
    }
    return error != 0 ? error : line_keep(s, bytes, n, e);
}

int series_end(struct series *s, series_row_fn on_row, void *ctx, struct errmsg *e)
{
    int error = 0;
    if (s->line.len > 0)
        error = line_read(s, buf_view(&s->line), on_row, ctx, e);
    if (error == 0 && s->line_number == 0)
        return err_set(e, ERR_SYNTAX, "the file is empty; it begins with a header: t,…");
    if (error == 0 && s->rows == 0)
        return err_set(e, ERR_SYNTAX, "there is no row behind the header");
    return error;
}
