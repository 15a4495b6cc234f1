/* Numbers in spans: whole ones, decimals, quantities and durations. The last
 * two are exact: a mantissa of digits, scaled in 128 bits, rounded up. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int str_u64(struct str a, uint64_t *out)
{
    uint64_t v = 0;
    bool wide = false;
    for (size_t i = 0; i < a.n; i++) {
        if (!is_digit(a.p[i]))
            return -EINVAL;
        wide |= __builtin_mul_overflow(v, 10u, &v);
        wide |= __builtin_add_overflow(v, (uint64_t)(a.p[i] - '0'), &v);
    }
    if (a.n == 0)
        return -EINVAL;
    if (wide)
        return -ERANGE;
    *out = v;
    return 0;
}

int str_i64(struct str a, int64_t *out)
{
    bool negative = a.n && a.p[0] == '-';
    uint64_t v = 0;
    int rc = str_u64(negative ? (struct str){a.p + 1, a.n - 1} : a, &v);
    if (rc)
        return rc;
    if (v > (uint64_t)INT64_MAX + negative)
        return -ERANGE;
    /* -v - 1 + 1 in steps that all fit, for INT64_MIN. */
    *out = negative && v ? -(int64_t)(v - 1) - 1 : (int64_t)v;
    return 0;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int str_hex(struct str a, uint64_t *out)
{
    if (str_starts(a, "0x") || str_starts(a, "0X"))
        a = (struct str){a.p + 2, a.n - 2};
    uint64_t v = 0;
    bool wide = false;
    for (size_t i = 0; i < a.n; i++) {
        int digit = hex_digit(a.p[i]);
        if (digit < 0)
            return -EINVAL;
        wide |= v >> 60 != 0;
        v = v << 4 | (uint64_t)digit;
    }
    if (a.n == 0)
        return -EINVAL;
    if (wide)
        return -ERANGE;
    *out = v;
    return 0;
}

int str_double(struct str a, double *out)
{
    char text[128];
    if (a.n == 0 || a.n >= sizeof text || a.p[0] == '+')
        return -EINVAL;
    /* strtod would also take white space, hex, "inf" and "nan". */
    for (size_t i = 0; i < a.n; i++)
        if (!is_digit(a.p[i]) && !memchr("+-.eE", a.p[i], 5))
            return -EINVAL;
    char *end;
    double v = strtod(str_copy(text, sizeof text, a), &end);
    if (end != text + a.n)
        return -EINVAL;
    if (!isfinite(v))
        return -ERANGE;
    *out = v;
    return 0;
}

/* mantissa * 10^exponent */
struct decimal {
    uint64_t mantissa;
    int64_t exponent;
};

/* Takes digits with at most one point off the front of *rest. Digits behind the
 * point that no longer fit are dropped: they are below 10^-18 of the number. */
static int decimal_take(struct str *rest, struct decimal *out)
{
    struct decimal d = {0, 0};
    bool digits = false, point = false, wide = false, full = false;
    size_t i = 0;
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        digits = true;
        uint64_t longer;
        full |= __builtin_mul_overflow(d.mantissa, 10u, &longer) ||
                __builtin_add_overflow(longer, (uint64_t)(c - '0'), &longer);
        wide |= full && !point;
        if (full)
            continue;
        d.mantissa = longer;
        d.exponent -= point;
    }
    if (!digits)
        return -EINVAL;
    *rest = (struct str){rest->p + i, rest->n - i};
    *out = d;
    return wide ? -ERANGE : 0;
}

/* d * unit, rounded up; -ERANGE beyond 64 bits. */
static int decimal_scale(struct decimal d, uint64_t unit, uint64_t *out)
{
    unsigned __int128 v = (unsigned __int128)d.mantissa * unit;
    bool rest = false;
    for (int64_t e = d.exponent; e > 0 && v; e--) {
        v *= 10;
        if (v > UINT64_MAX)
            return -ERANGE;
    }
    for (int64_t e = d.exponent; e < 0 && v; e++) {
        rest |= v % 10 != 0;
        v /= 10;
    }
    v += rest;
    if (v > UINT64_MAX)
        return -ERANGE;
    *out = (uint64_t)v;
    return 0;
}

/* The unit of a quantity's suffix: a power of two, or of ten into *exponent. */
static int quantity_suffix(struct str suffix, uint64_t *unit, int64_t *exponent)
{
    static const struct {
        const char *name;
        int power_2, power_10;
    } rows[] = {
        {"", 0, 0},    {"Ki", 10, 0}, {"Mi", 20, 0}, {"Gi", 30, 0},
        {"Ti", 40, 0}, {"Pi", 50, 0}, {"Ei", 60, 0}, {"n", 0, -9},
        {"u", 0, -6},  {"m", 0, -3},  {"k", 0, 3},   {"M", 0, 6},
        {"G", 0, 9},   {"T", 0, 12},  {"P", 0, 15},  {"E", 0, 18},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!str_is(suffix, rows[i].name))
            continue;
        *unit = (uint64_t)1 << rows[i].power_2;
        *exponent = rows[i].power_10;
        return 0;
    }
    if (suffix.p[0] != 'e' && suffix.p[0] != 'E')
        return -EINVAL;
    struct str power = {suffix.p + 1, suffix.n - 1};
    if (power.n > 1 && power.p[0] == '+' && power.p[1] != '-')
        power = (struct str){power.p + 1, power.n - 1};
    *unit = 1;
    int rc = str_i64(power, exponent);
    if (rc == 0 && (*exponent < -1000 || *exponent > 1000))
        return -ERANGE;
    return rc;
}

/* Takes one sign off the front; whether it was a minus. */
static bool sign_take(struct str *rest)
{
    bool negative = rest->n && rest->p[0] == '-';
    if (negative || (rest->n && rest->p[0] == '+'))
        *rest = (struct str){rest->p + 1, rest->n - 1};
    return negative;
}

int str_quantity(struct str a, uint64_t *bytes)
{
    bool negative = sign_take(&a);
    struct decimal d = {0, 0};
    int wide = decimal_take(&a, &d);
    if (wide == -EINVAL)
        return wide;
    uint64_t unit = 1;
    int64_t exponent = 0;
    int rc = quantity_suffix(a, &unit, &exponent);
    if (rc)
        return rc;
    if (wide)
        return wide;
    d.exponent += exponent;
    uint64_t v = 0;
    rc = decimal_scale(d, unit, &v);
    if (rc)
        return rc;
    if (negative && v)
        return -ERANGE;
    *bytes = v;
    return 0;
}

/* Takes a unit off the front of *rest, in ms; 0 when there is none. */
static uint64_t duration_unit_take(struct str *rest)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } rows[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!str_starts(*rest, rows[i].name))
            continue;
        size_t n = strlen(rows[i].name);
        *rest = (struct str){rest->p + n, rest->n - n};
        return rows[i].ms;
    }
    return 0;
}

int str_duration(struct str a, int64_t *ms)
{
    bool negative = sign_take(&a);
    bool wide = false;
    uint64_t sum = 0;
    for (bool first = true; first || a.n; first = false) {
        struct decimal d = {0, 0};
        int rc = decimal_take(&a, &d);
        if (rc == -EINVAL)
            return rc;
        wide |= rc != 0;
        uint64_t unit = first && a.n == 0 ? 1000 : duration_unit_take(&a);
        if (unit == 0)
            return -EINVAL;
        uint64_t v = 0;
        wide |= decimal_scale(d, unit, &v) != 0;
        wide |= __builtin_add_overflow(sum, v, &sum);
    }
    if (wide || sum > INT64_MAX || (negative && sum))
        return -ERANGE;
    *ms = (int64_t)sum;
    return 0;
}
