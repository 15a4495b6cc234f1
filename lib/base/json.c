#include "lib/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/moment.h"

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

/* The comma before a value or key, when one is due. */
static void value_begin(struct json *j)
{
    if (j->comma && j->depth > 0)
        buf_putc(j->out, ',');
    j->comma = true;
}

static void level_open(struct json *j, char bracket)
{
    value_begin(j);
    buf_putc(j->out, bracket);
    j->comma = false;
    j->depth++;
}

static void level_close(struct json *j, char bracket)
{
    buf_putc(j->out, bracket);
    j->comma = true;
    j->depth--;
}

void json_open(struct json *j)
{
    level_open(j, '{');
}

void json_close(struct json *j)
{
    level_close(j, '}');
}

void json_open_array(struct json *j)
{
    level_open(j, '[');
}

void json_close_array(struct json *j)
{
    level_close(j, ']');
}

/* How many bytes from the front need no escape: valid UTF-8 without quotes,
 * backslashes and controls. */
static size_t plain_run(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == '"' || c == '\\')
            break;
        size_t n = c < 0x80 ? 1 : str_utf8((struct str){s.p + i, s.n - i});
        if (n == 0)
            break;
        i += n;
    }
    return i;
}

static void escape_put(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"': buf_puts(out, "\\\""); return;
    case '\\': buf_puts(out, "\\\\"); return;
    case '\n': buf_puts(out, "\\n"); return;
    case '\r': buf_puts(out, "\\r"); return;
    case '\t': buf_puts(out, "\\t"); return;
    }
    if (c < ' ')
        buf_printf(out, "\\u%04x", c);
    else
        buf_puts(out, "\xef\xbf\xbd"); /* U+FFFD for a byte that is not UTF-8 */
}

static void string_put(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    while (s.n) {
        size_t n = plain_run(s);
        buf_put(out, s.p, n);
        if (n < s.n)
            escape_put(out, (unsigned char)s.p[n++]);
        s = (struct str){s.p + n, s.n - n};
    }
    buf_putc(out, '"');
}

void json_key(struct json *j, const char *key)
{
    value_begin(j);
    string_put(j->out, str_of(key));
    buf_putc(j->out, ':');
    j->comma = false;
}

void json_str(struct json *j, struct str s)
{
    value_begin(j);
    string_put(j->out, s);
}

void json_cstr(struct json *j, const char *z)
{
    if (z)
        json_str(j, str_of(z));
    else
        json_null(j);
}

void json_i64(struct json *j, int64_t v)
{
    value_begin(j);
    buf_printf(j->out, "%" PRId64, v);
}

void json_u64(struct json *j, uint64_t v)
{
    value_begin(j);
    buf_printf(j->out, "%" PRIu64, v);
}

void json_double(struct json *j, double v)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    char text[32];
    /* 15 digits are always kept by a double, 17 always name it. */
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    value_begin(j);
    buf_puts(j->out, text);
}

void json_bool(struct json *j, bool v)
{
    value_begin(j);
    buf_puts(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
    value_begin(j);
    buf_puts(j->out, "null");
}

void json_hex(struct json *j, uint64_t v)
{
    value_begin(j);
    buf_printf(j->out, "\"0x%" PRIx64 "\"", v);
}

void json_time_ms(struct json *j, int64_t wall_ms)
{
    char text[MOMENT_TEXT_MAX];
    json_cstr(j, wall_ms ? moment_rfc3339(wall_ms, text) : NULL);
}

void json_kstr(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

void json_kcstr(struct json *j, const char *key, const char *z)
{
    json_key(j, key);
    json_cstr(j, z);
}

void json_ki64(struct json *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_i64(j, v);
}

void json_ku64(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_u64(j, v);
}

void json_kdouble(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_double(j, v);
}

void json_kbool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void json_ktime(struct json *j, const char *key, int64_t wall_ms)
{
    json_key(j, key);
    json_time_ms(j, wall_ms);
}
