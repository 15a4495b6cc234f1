/* Inside lib/profile: numbers read off the front of a span, without copies. */
#ifndef LW_PROFILE_SCAN_H
#define LW_PROFILE_SCAN_H

#include <string.h>

#include "lib/base/str.h"

/* Drops c off the front; false, and nothing dropped, when it is not there. */
static inline bool scan_char(struct str *s, char c)
{
    if (!s->n || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

/* Takes one more hash into a running one; the order counts. */
static inline uint64_t hash_pair(uint64_t h, uint64_t more)
{
    h = (h ^ more) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* The same for a word, best a literal. */
static inline bool scan_word(struct str *s, const char *word)
{
    size_t n = strlen(word);

    if (s->n < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    s->n -= n;
    return true;
}

/* "0x" and 1 to 16 lower-case digits, as Go's %#x prints. */
static inline bool scan_hex(struct str *s, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    if (!scan_word(s, "0x"))
        return false;
    for (; i < s->n && i < 17; i++) {
        unsigned c = (unsigned char)s->p[i], digit = c - '0';
        if (digit > 9) {
            digit = c - 'a' + 10;
            if (c < 'a' || c > 'f')
                break;
        }
        v = v << 4 | digit;
    }
    s->p += i;
    s->n -= i;
    *out = v;
    return i && i < 17;
}

/* A decimal, perhaps negative, within int64_t. */
static inline bool scan_i64(struct str *s, int64_t *out)
{
    bool negative = scan_char(s, '-');
    uint64_t v = 0;
    size_t i = 0;

    for (; i < s->n && i < 20; i++) {
        unsigned digit = (unsigned char)s->p[i] - (unsigned)'0';
        if (digit > 9)
            break;
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    s->p += i;
    s->n -= i;
    if (!i || v > INT64_MAX)
        return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

#endif
