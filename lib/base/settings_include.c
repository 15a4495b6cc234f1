/* Values of a LIST that name a file: its lines take their place. */
#include <stdio.h>
#include <string.h>

#include "lib/base/settings_row.h"

#define FILE_BYTES_MAX (64 * 1024)
#define PIECE_MAX 64

struct include {
    struct settings *s;
    const struct setting_row *row;
    const char *path;
    void (*on_error)(void *ctx, const char *line);
    void *ctx;
    int n_errors;
};

/* The path of "@PATH" or "file:PATH"; NULL for any other value. */
static const char *path_of(const char *value)
{
    if (value[0] == '@')
        return value + 1;
    return strncmp(value, "file:", 5) == 0 ? value + 5 : NULL;
}

static void tell(struct include *in, const struct errmsg *e)
{
    in->n_errors++;
    if (in->on_error)
        in->on_error(in->ctx, e->text);
}

/* The line without its comment and the white space around it. */
static struct str pattern_of(struct str line)
{
    const char *comment = line.n ? memchr(line.p, '#', line.n) : NULL;

    if (comment)
        line.n = (size_t)(comment - line.p);
    return str_trim(line);
}

static bool is_one_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Adds one line; a bad one is told with its number and left out. */
static void line_add(struct include *in, int number, struct str value)
{
    char name[SETTINGS_ENV_MAX + SETTINGS_TEXT_MAX], word[PIECE_MAX];
    struct errmsg e;

    (void)snprintf(name, sizeof name, "--%s: %s:%d", in->row->flag, in->path, number);
    str_copy(word, sizeof word, value);
    if (path_of(word))
        (void)err_set(&e, ERR_USAGE, "%s: a file in a file is not read", name);
    else if (!is_one_word(value))
        (void)err_set(&e, ERR_USAGE, "%s: more than one word; accepted: one %s a line", name,
                      in->row->unit);
    else if (row_set(in->s, in->row, name, value, &e) == 0)
        return;
    tell(in, &e);
}

static void lines_add(struct include *in, struct str text)
{
    struct str line;

    for (int number = 1; str_split(&text, '\n', &line); number++) {
        struct str value = pattern_of(line);

        if (value.n)
            line_add(in, number, value);
    }
}

static void file_add(struct include *in, int (*read_file)(const char *path, struct buf *out))
{
    struct errmsg e;
    struct buf b;
    int rc;

    buf_init(&b, FILE_BYTES_MAX);
    rc = read_file(in->path, &b);
    if (rc == 0 && b.len == FILE_BYTES_MAX)
        rc = ERR_LIMIT;
    if (rc == 0) {
        lines_add(in, buf_view(&b));
    } else {
        (void)err_set(&e, ERR_USAGE, "--%s: %s: %s; accepted: a file of less than 64Ki",
                      in->row->flag, in->path, err_text(rc));
        tell(in, &e);
    }
    buf_free(&b);
}

int settings_include(struct settings *s, const char *flag,
                     int (*read_file)(const char *path, struct buf *out),
                     void (*on_error)(void *ctx, const char *line), void *ctx)
{
    const struct setting_row *row = row_of_flag(str_of(flag));
    struct include in = {.s = s, .row = row, .on_error = on_error, .ctx = ctx};
    char path[SETTINGS_TEXT_MAX];
    int left, *count;

    if (!row || row->type != SETTING_LIST)
        return 0;
    count = (int *)(void *)((char *)s + row->count_offset);
    char(*items)[SETTINGS_TEXT_MAX] = (void *)((char *)s + row->offset);
    left = *count;
    for (int i = 0; i < left;) {
        const char *found = path_of(items[i]);

        if (!found) {
            i++;
            continue;
        }
        str_copy(path, sizeof path, str_of(found));
        memmove(items[i], items[i + 1], (size_t)(*count - i - 1) * SETTINGS_TEXT_MAX);
        --*count;
        left--;
        in.path = path;
        file_add(&in, read_file);
    }
    return in.n_errors;
}
