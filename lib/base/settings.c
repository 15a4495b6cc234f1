#include "lib/base/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/moment.h"
#include "lib/base/settings_row.h"

#define ENV_PREFIX "LEAKWATCH_"

#define AT(field) offsetof(struct settings, field)
#define TEXT(field) SETTING_TEXT, AT(field), 0, 0
#define LIST(field, max) SETTING_LIST, AT(field), AT(n_##field), max
#define COUNT(field) SETTING_COUNT, AT(field), 0, 0
#define BYTES(field) SETTING_BYTES, AT(field), 0, 0
#define SPAN(field) SETTING_SPAN, AT(field), 0, 0
#define BOOL(field) SETTING_BOOL, AT(field), 0, 0
#define CHOICE(field) SETTING_CHOICE, AT(field), 0, 0
#define SETTING(decl, flag, fallback, min, max, unit, sentence) \
    {decl, flag, fallback, min, max, unit, sentence},
const struct setting_row settings_table[] = {
#include "lib/base/settings.def"
};

#define ROWS ((int)(sizeof settings_table / sizeof settings_table[0]))
_Static_assert(ROWS <= 64, "struct settings.given has a bit a row");
const int settings_count = ROWS;

char *settings_env_name(const char *flag, char out[SETTINGS_ENV_MAX])
{
    size_t n = (size_t)snprintf(out, SETTINGS_ENV_MAX, ENV_PREFIX "%s", flag);
    for (size_t i = 0; i < n && i < SETTINGS_ENV_MAX - 1; i++) {
        if (out[i] == '-')
            out[i] = '_';
        else if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    }
    return out;
}

const struct setting_row *row_of_flag(struct str flag)
{
    for (int i = 0; i < ROWS; i++)
        if (str_is(flag, settings_table[i].flag))
            return &settings_table[i];
    return NULL;
}

const struct setting_row *row_of_env(struct str name)
{
    char env[SETTINGS_ENV_MAX];
    for (int i = 0; i < ROWS; i++)
        if (str_is(name, settings_env_name(settings_table[i].flag, env)))
            return &settings_table[i];
    return NULL;
}

uint64_t row_bit(const struct setting_row *row)
{
    return (uint64_t)1 << (row - settings_table);
}

static void *row_field(struct settings *s, const struct setting_row *row)
{
    return (char *)s + row->offset;
}

/* A bound in its unit: 4194304 is "4Mi", 60000 ms is "1m". */
static void bound_put(struct buf *out, enum setting_type type, int64_t v)
{
    char text[MOMENT_TEXT_MAX];
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti"};
    size_t unit = 0;
    if (type == SETTING_SPAN) {
        buf_puts(out, span_text(v, text));
        return;
    }
    while (type == SETTING_BYTES && v && v % 1024 == 0 && unit < 4) {
        v /= 1024;
        unit++;
    }
    buf_printf(out, "%lld%s", (long long)v, units[unit]);
}

void settings_accepted(struct buf *out, const struct setting_row *row)
{
    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_LIST:
    case SETTING_CHOICE: buf_puts(out, row->unit); return;
    case SETTING_BOOL: buf_puts(out, "true|false"); return;
    case SETTING_COUNT:
    case SETTING_BYTES:
    case SETTING_SPAN:
        bound_put(out, row->type, row->min);
        buf_puts(out, " to ");
        bound_put(out, row->type, row->max);
        return;
    }
}

/* 0, -EINVAL or -ERANGE. */
static int number_read(const struct setting_row *row, struct str value, int64_t *out)
{
    int64_t v = 0;
    uint64_t bytes = 0;
    int rc;
    if (row->type == SETTING_BYTES) {
        rc = str_quantity(value, &bytes);
        if (rc == 0 && bytes > INT64_MAX)
            rc = -ERANGE;
        v = (int64_t)bytes;
    } else {
        rc = row->type == SETTING_SPAN ? str_duration(value, &v) : str_i64(value, &v);
    }
    if (rc)
        return rc;
    if (v < row->min || v > row->max)
        return -ERANGE;
    *out = v;
    return 0;
}

int bool_read(struct str value, bool *out)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_is(value, words[i]))
            continue;
        *out = i % 2;
        return 0;
    }
    return -EINVAL;
}

/* The index of a word among "keep|drop". */
static int choice_read(const struct setting_row *row, struct str value, int *out)
{
    struct str rest = str_of(row->unit), word;
    for (int i = 0; str_split(&rest, '|', &word); i++) {
        if (!str_eq(word, value))
            continue;
        *out = i;
        return 0;
    }
    return -EINVAL;
}

static int text_read(char out[SETTINGS_TEXT_MAX], struct str value)
{
    if (value.n >= SETTINGS_TEXT_MAX)
        return -ENAMETOOLONG;
    (void)str_copy(out, SETTINGS_TEXT_MAX, value);
    return 0;
}

static int list_read(struct settings *s, const struct setting_row *row, struct str value)
{
    int *count = (int *)(void *)((char *)s + row->count_offset);
    int n = s->given & row_bit(row) ? *count : 0;
    if (value.n == 0)
        return -EINVAL;
    if (n >= row->list_max)
        return -E2BIG;
    char(*items)[SETTINGS_TEXT_MAX] = row_field(s, row);
    int rc = text_read(items[n], value);
    if (rc == 0)
        *count = n + 1;
    return rc;
}

/* Reads value into the row's field; a failure changes nothing. */
static int row_read(struct settings *s, const struct setting_row *row, struct str value)
{
    void *field = row_field(s, row);
    switch (row->type) {
    case SETTING_TEXT: return text_read(field, value);
    case SETTING_LIST: return list_read(s, row, value);
    case SETTING_COUNT:
    case SETTING_BYTES:
    case SETTING_SPAN: return number_read(row, value, field);
    case SETTING_BOOL: return bool_read(value, field);
    case SETTING_CHOICE: return choice_read(row, value, field);
    }
    return -EINVAL;
}

void settings_defaults(struct settings *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < ROWS; i++)
        (void)row_read(s, &settings_table[i], str_of(settings_table[i].fallback));
}

/* The value for a message: its front, without control bytes. */
static char *value_show(char out[64], struct str value)
{
    (void)str_copy(out, 64, value);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    if (value.n >= 64)
        memcpy(out + 60, "...", 4);
    return out;
}

/* The line for a bad value: what was said, and what would have been right. */
static int row_error(const struct setting_row *row, const char *name, struct str value, int why,
                     struct errmsg *e)
{
    char shown[64], accepted[96];
    (void)value_show(shown, value);
    if (why == -ENAMETOOLONG)
        return err_set(e, ERR_USAGE, "%s: \"%s\" is too long; accepted: up to %d bytes", name,
                       shown, SETTINGS_TEXT_MAX - 1);
    if (why == -E2BIG)
        return err_set(e, ERR_USAGE, "%s: \"%s\" is one too many; accepted: up to %d", name,
                       shown, row->list_max);
    struct buf b;
    buf_fixed(&b, accepted, sizeof accepted);
    settings_accepted(&b, row);
    return err_set(e, ERR_USAGE, "%s: \"%s\" is %s; accepted: %s", name, shown,
                   why == -ERANGE ? "out of range" : "not valid", buf_cstr(&b));
}

int row_set(struct settings *s, const struct setting_row *row, const char *name,
            struct str value, struct errmsg *e)
{
    int rc = row_read(s, row, value);
    if (rc)
        return row_error(row, name, value, rc, e);
    s->given |= row_bit(row);
    return 0;
}

int settings_set(struct settings *s, const char *flag, const char *value, struct errmsg *e)
{
    const struct setting_row *row = row_of_flag(str_of(flag));
    char name[SETTINGS_ENV_MAX];
    if (!row)
        return err_set(e, ERR_USAGE, "%.60s: no such setting", flag);
    (void)snprintf(name, sizeof name, "--%s", flag);
    return row_set(s, row, name, str_of(value), e);
}

bool settings_given(const struct settings *s, const char *flag)
{
    const struct setting_row *row = row_of_flag(str_of(flag));
    return row && (s->given & row_bit(row));
}

struct str settings_choice(const struct settings *s, const char *flag)
{
    const struct setting_row *row = row_of_flag(str_of(flag));
    struct str rest, word = {NULL, 0};
    if (!row || row->type != SETTING_CHOICE)
        return word;
    int index;
    memcpy(&index, (const char *)s + row->offset, sizeof index);
    rest = str_of(row->unit);
    while (str_split(&rest, '|', &word) && index > 0)
        index--;
    return word;
}
