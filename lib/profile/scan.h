/* Inside lib/profile: numbers read off the ends of a span, without copies. */
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

/* Eight bytes at a time: their lengths differ from line to line, so that a
 * branch for each byte would be foretold wrongly once a number. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");
#define SCAN_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

static inline uint64_t scan_load(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* The high bit of each byte that is zero, and no other. */
static inline uint64_t scan_zeros(uint64_t v)
{
    return ~(((v & SCAN_EACH(0x7f)) + SCAN_EACH(0x7f)) | v | SCAN_EACH(0x7f));
}

/* Keeps the last n bytes of w, 1 to 8, and fills up with '0' before them. */
static inline uint64_t scan_justify(uint64_t w, unsigned n)
{
    uint64_t others = n < 8 ? ~(uint64_t)0 >> 8 * n : 0;

    return (w & ~others) | (SCAN_EACH('0') & others);
}

/* Eight lower-case hex digits, the first one highest. */
static inline bool scan_hex8(uint64_t w, uint64_t *out)
{
    uint64_t v = (w & SCAN_EACH(0x0f)) + 9 * (w >> 6 & SCAN_EACH(1));
    uint64_t letters = (v + SCAN_EACH(0x80 - 10)) >> 7 & SCAN_EACH(1);

    if ((v & SCAN_EACH(0xf0)) || v + SCAN_EACH('0') + letters * ('a' - 10 - '0') != w)
        return false;
    v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffu;
    v = (v << 8 | v >> 16) & 0x0000ffff0000ffffu;
    *out = (v << 16 | v >> 32) & 0xffffffffu;
    return true;
}

/* Eight decimal digits. */
static inline bool scan_dec8(uint64_t w, uint64_t *out)
{
    uint64_t v = w ^ SCAN_EACH('0');

    if (((v + SCAN_EACH(6)) | v) & SCAN_EACH(0xf0))
        return false;
    v = v * 10 + (v >> 8);
    v = (v & 0x000000ff000000ffu) * (100 + (1000000ull << 32)) +
        (v >> 16 & 0x000000ff000000ffu) * (1 + (10000ull << 32));
    *out = v >> 32;
    return true;
}

/* The digits that are left, up to 16 with the n that v has of them. */
static inline bool scan_hex_rest(struct str *s, uint64_t v, size_t n, uint64_t *out)
{
    for (; s->n && n < 17; n++, s->p++, s->n--) {
        unsigned c = (unsigned char)*s->p, digit = c - '0';
        if (digit > 9) {
            digit = c - 'a' + 10;
            if (c < 'a' || c > 'f')
                break;
        }
        v = v << 4 | digit;
    }
    *out = v;
    return n && n < 17;
}

/* "0x" and 1 to 16 lower-case digits, as Go's %#x prints. */
static inline bool scan_hex(struct str *s, uint64_t *out)
{
    uint64_t w, below, v = 0;
    unsigned n;

    if (!scan_word(s, "0x"))
        return false;
    if (s->n < 8)
        return scan_hex_rest(s, 0, 0, out);
    w = scan_load(s->p);
    /* What is below '0' ends the number: a blank or a tab. */
    below = ~((w & SCAN_EACH(0x7f)) + SCAN_EACH(0x80 - '0')) & ~w & SCAN_EACH(0x80);
    n = below ? (unsigned)__builtin_ctzll(below) / 8 : 8;
    if (!n || !scan_hex8(scan_justify(w << 8 * (8 - n), n), &v))
        return scan_hex_rest(s, 0, 0, out);
    s->p += n;
    s->n -= n;
    if (n == 8)
        return scan_hex_rest(s, v, n, out);
    *out = v;
    return true;
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

/* How many bytes are behind the last c; s.n when there is none. */
static inline size_t scan_behind(struct str s, char c)
{
    size_t n = 0;
    uint64_t at;

    if (s.n >= 8 && (at = scan_zeros(scan_load(s.p + s.n - 8) ^ SCAN_EACH((unsigned char)c))))
        return (size_t)__builtin_clzll(at) / 8;
    while (n < s.n && s.p[s.n - 1 - n] != c)
        n++;
    return n;
}

/* How many bytes of c it begins with. */
static inline size_t scan_run(struct str s, char c)
{
    size_t n = 0;
    uint64_t others;

    for (; s.n - n >= 8; n += 8)
        if ((others = scan_load(s.p + n) ^ SCAN_EACH((unsigned char)c)))
            return n + (size_t)__builtin_ctzll(others) / 8;
    while (n < s.n && s.p[n] == c)
        n++;
    return n;
}

#endif
