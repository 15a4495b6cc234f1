/* A line is written field by field into storage whose last bytes are kept for
 * its end. The first field that does not fit is shortened until it does, and
 * the buffer's overflow then keeps all later fields out. */
#include "lib/base/log.h"

#include <stdio.h>

#define TAIL_MAX 16 /* ,"cut":true}\n */
#define SAY_MAX 2048

void log_init(struct log *l, char storage[LOG_LINE_MAX], enum log_level least,
              enum log_format format, void (*sink)(void *, const char *, size_t), void *ctx)
{
    *l = (struct log){
        .least = least, .format = format, .sink = sink, .ctx = ctx, .storage = storage};
}

/* A logfmt value may stand bare when it has no space, quote, = or odd byte. */
static bool is_bare(struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return v.n > 0;
}

static void key_put(struct log *l, const char *key)
{
    if (l->format == LOG_JSON) {
        json_key(&l->json, key);
        return;
    }
    if (l->out.len)
        buf_putc(&l->out, ' ');
    buf_puts(&l->out, key);
    buf_putc(&l->out, '=');
}

static void text_put(struct log *l, const char *key, struct str v)
{
    key_put(l, key);
    if (l->format == LOG_LOGFMT && is_bare(v))
        buf_str(&l->out, v);
    else
        json_str(&l->json, v);
}

/* Where the line stood before a field. */
struct mark {
    size_t len;
    bool comma;
};

static struct mark mark_of(const struct log *l)
{
    return (struct mark){l->out.len, l->json.comma};
}

static void go_back(struct log *l, struct mark to)
{
    l->out.len = to.len;
    l->out.overflow = false;
    l->json.comma = to.comma;
}

void log_str(struct log *l, const char *key, struct str v)
{
    if (!l->open || l->out.overflow)
        return;
    struct mark before = mark_of(l);
    text_put(l, key, v);
    if (!l->out.overflow)
        return;
    /* The longest front of v that fits, by halving; if not even none of it
     * does, the field is left out. */
    size_t fits = 0, over = v.n;
    while (fits + 1 < over) {
        size_t middle = fits + (over - fits) / 2;
        go_back(l, before);
        text_put(l, key, (struct str){v.p, middle});
        *(l->out.overflow ? &over : &fits) = middle;
    }
    /* Not within a UTF-8 character, which is no longer than four bytes. */
    for (int i = 0; i < 3 && fits && ((unsigned char)v.p[fits] & 0xc0) == 0x80; i++)
        fits--;
    go_back(l, before);
    text_put(l, key, (struct str){v.p, fits});
    if (l->out.overflow)
        go_back(l, before);
    l->out.overflow = true;
}

void log_begin(struct log *l, int64_t wall_ms, enum log_level level, const char *msg)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char time[MOMENT_TEXT_MAX];
    l->open = level >= l->least;
    if (!l->open)
        return;
    buf_fixed(&l->out, l->storage, LOG_LINE_MAX - TAIL_MAX);
    json_init(&l->json, &l->out);
    if (l->format == LOG_JSON)
        json_open(&l->json);
    log_cstr(l, "time", moment_rfc3339(wall_ms, time));
    log_cstr(l, "level", names[level]);
    log_cstr(l, "msg", msg);
}

void log_cstr(struct log *l, const char *key, const char *v)
{
    log_str(l, key, str_of(v));
}

/* Numbers are not cut: one that does not fit is left out. */
static void number_end(struct log *l, struct mark before)
{
    if (!l->out.overflow)
        return;
    go_back(l, before);
    l->out.overflow = true;
}

void log_i64(struct log *l, const char *key, int64_t v)
{
    if (!l->open || l->out.overflow)
        return;
    struct mark before = mark_of(l);
    key_put(l, key);
    json_i64(&l->json, v);
    number_end(l, before);
}

void log_double(struct log *l, const char *key, double v)
{
    if (!l->open || l->out.overflow)
        return;
    struct mark before = mark_of(l);
    key_put(l, key);
    json_double(&l->json, v);
    number_end(l, before);
}

void log_end(struct log *l)
{
    if (!l->open)
        return;
    l->open = false;
    bool cut = l->out.overflow;
    l->out.overflow = false;
    l->out.cap = l->out.ceiling = LOG_LINE_MAX;
    if (l->format == LOG_JSON) {
        if (cut)
            json_kbool(&l->json, "cut", true);
        json_close(&l->json);
    } else if (cut) {
        buf_puts(&l->out, " cut=true");
    }
    buf_putc(&l->out, '\n');
    l->sink(l->ctx, l->out.p, l->out.len);
}

void log_say(struct log *l, int64_t wall_ms, enum log_level level, const char *fmt, ...)
{
    char text[SAY_MAX];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    log_begin(l, wall_ms, level, text);
    log_end(l);
}
