#include "lib/base/str.h"

#include <string.h>

struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

bool str_starts(struct str a, const char *prefix)
{
    struct str want = str_of(prefix);
    return a.n >= want.n && str_eq((struct str){a.p, want.n}, want);
}

bool str_ends(struct str a, const char *suffix)
{
    struct str want = str_of(suffix);
    return a.n >= want.n &&
           (want.n == 0 || str_eq((struct str){a.p + a.n - want.n, want.n}, want));
}

bool str_contains(struct str a, const char *needle)
{
    size_t n = strlen(needle);
    return a.n >= n && (n == 0 || memmem(a.p, a.n, needle, n) != NULL);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str a)
{
    while (a.n && is_space(a.p[0])) {
        a.p++;
        a.n--;
    }
    while (a.n && is_space(a.p[a.n - 1]))
        a.n--;
    return a;
}

bool str_split(struct str *rest, char sep, struct str *head)
{
    if (!rest->p)
        return false;
    const char *at = memchr(rest->p, sep, rest->n);
    if (!at) {
        *head = *rest;
        *rest = (struct str){NULL, 0};
        return true;
    }
    *head = (struct str){rest->p, (size_t)(at - rest->p)};
    *rest = (struct str){at + 1, rest->n - head->n - 1};
    return true;
}

char *str_copy(char *dst, size_t cap, struct str src)
{
    size_t n = src.n < cap ? src.n : cap - 1;
    if (n)
        memcpy(dst, src.p, n);
    dst[n] = '\0';
    return dst;
}

size_t str_utf8(struct str a)
{
    const unsigned char *p = (const unsigned char *)a.p;
    if (a.n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || a.n < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* The second byte's bounds shut out overlong forms, surrogates and all
     * beyond U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* The hash reads words as the machine stores them, and it is stored on disk. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "str_hash reads little-endian words");

#define HASH_A 0xa0761d6478bd642fu
#define HASH_B 0xe7037ed1a0b428dbu
#define HASH_C 0x8ebc6af09c88c6e3u

static uint64_t load_64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load_32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The two halves of the 128-bit product, folded. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t str_hash(struct str a, uint64_t seed)
{
    const char *p = a.p;
    size_t left = a.n;
    /* No word meets a constant: one equal to it would wipe out what came before. */
    const uint64_t secret = mix(seed ^ HASH_A, HASH_B);
    uint64_t h = seed ^ secret;
    for (; left > 16; left -= 16, p += 16)
        h = mix(load_64(p) ^ secret, load_64(p + 8) ^ h);
    /* The last 1 to 16 bytes as two words, which may overlap. */
    uint64_t lo = 0, hi = 0;
    if (left >= 8) {
        lo = load_64(p);
        hi = load_64(p + left - 8);
    } else if (left >= 4) {
        lo = load_32(p);
        hi = load_32(p + left - 4);
    } else if (left) {
        const unsigned char *u = (const unsigned char *)p;
        lo = (uint64_t)u[0] << 16 | (uint64_t)u[left / 2] << 8 | u[left - 1];
    }
    return mix(HASH_C ^ a.n, mix(lo ^ secret, hi ^ h));
}
