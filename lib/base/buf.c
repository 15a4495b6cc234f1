#include "lib/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

#define BUF_FIRST 256

void buf_init(struct buf *b, size_t ceiling_bytes)
{
    /* So that sums and doubles of lengths cannot wrap. */
    size_t most = SIZE_MAX / 4;
    *b = (struct buf){.ceiling = ceiling_bytes < most ? ceiling_bytes : most};
}

void buf_fixed(struct buf *b, void *storage, size_t n_bytes)
{
    *b = (struct buf){.p = storage, .cap = n_bytes, .ceiling = n_bytes, .fixed = true};
}

int buf_reserve(struct buf *b, size_t n_bytes)
{
    if (b->overflow)
        return buf_status(b);
    if (n_bytes <= b->cap - b->len)
        return 0;
    if (n_bytes > b->ceiling - b->len)
        return ERR_LIMIT;
    size_t cap = b->cap ? b->cap * 2 : BUF_FIRST;
    if (cap < b->len + n_bytes)
        cap = b->len + n_bytes;
    if (cap > b->ceiling)
        cap = b->ceiling;
    char *p = realloc(b->p, cap + 1); /* the one is buf_cstr's zero */
    if (!p)
        return -ENOMEM;
    b->p = p;
    b->cap = cap;
    return 0;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflow = b->starved = false;
}

void buf_free(struct buf *b)
{
    if (!b->fixed)
        free(b->p);
    b->p = NULL;
    b->cap = 0;
    if (b->fixed)
        b->ceiling = 0;
    buf_reset(b);
}

/* How many of n bytes may be written; less than n is an overflow. */
static size_t buf_room(struct buf *b, size_t n)
{
    if (b->overflow)
        return 0;
    size_t left = b->ceiling - b->len;
    size_t fits = n < left ? n : left;
    if (buf_reserve(b, fits)) {
        b->starved = true;
        fits = b->cap - b->len;
    }
    b->overflow = fits < n;
    return fits;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    size_t fits = buf_room(b, n);
    if (fits)
        memcpy(b->p + b->len, bytes, fits);
    b->len += fits;
}

void buf_putc(struct buf *b, char c)
{
    if (b->len < b->cap && !b->overflow)
        b->p[b->len++] = c;
    else
        buf_put(b, &c, 1);
}

void buf_puts(struct buf *b, const char *z)
{
    buf_str(b, str_of(z));
}

void buf_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char none[1];
    int n = vsnprintf(none, 0, fmt, ap);
    if (n < 0) {
        b->overflow = true;
        goto out;
    }
    size_t want = (size_t)n;
    size_t fits = buf_room(b, want);
    /* A growing buffer has a byte behind its cap; a fixed one has not. */
    if (fits && b->fixed && b->len + fits == b->cap) {
        fits--;
        b->overflow = true;
    }
    if (fits)
        (void)vsnprintf(b->p + b->len, fits + 1, fmt, again);
    b->len += fits;
out:
    va_end(again);
}

struct str buf_view(const struct buf *b)
{
    return (struct str){b->p, b->len};
}

int buf_status(const struct buf *b)
{
    if (!b->overflow)
        return 0;
    return b->starved ? -ENOMEM : ERR_LIMIT;
}

const char *buf_cstr(struct buf *b)
{
    if (!b->p || (b->fixed && b->cap == 0))
        return "";
    if (b->fixed && b->len == b->cap) {
        b->len--;
        b->overflow = true;
    }
    b->p[b->len] = '\0';
    return b->p;
}
