/* The calendar is the proleptic Gregorian one in UTC, by arithmetic: libc's
 * time zones read files and the environment. */
#include "lib/base/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

struct civil {
    int year, month, day;
};

/* Years begin in March here, so that the leap day is a year's last; an era is
 * the 400 years after which the calendar repeats. */
static struct civil civil_of_days(int64_t days)
{
    int64_t z = days + 719468; /* since 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t march = (5 * doy + 2) / 153;
    int64_t month = march < 10 ? march + 3 : march - 9;
    return (struct civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = (int)month,
        .day = (int)(doy - (153 * march + 2) / 5 + 1),
    };
}

static int64_t days_of_civil(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* Splits into the day and the ms within it. */
static struct civil moment_split(int64_t wall_ms, int *in_day_ms)
{
    if (wall_ms < FIRST_MS)
        wall_ms = FIRST_MS;
    if (wall_ms > LAST_MS)
        wall_ms = LAST_MS;
    int64_t days = wall_ms / DAY_MS - (wall_ms % DAY_MS < 0);
    *in_day_ms = (int)(wall_ms - days * DAY_MS);
    return civil_of_days(days);
}

char *moment_rfc3339(int64_t wall_ms, char out[MOMENT_TEXT_MAX])
{
    int ms;
    struct civil c = moment_split(wall_ms, &ms);
    (void)snprintf(out, MOMENT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month,
                   c.day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    return out;
}

char *moment_compact(int64_t wall_ms, char out[MOMENT_TEXT_MAX])
{
    int ms;
    struct civil c = moment_split(wall_ms, &ms);
    (void)snprintf(out, MOMENT_TEXT_MAX, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day,
                   ms / 3600000, ms / 60000 % 60, ms / 1000 % 60);
    return out;
}

/* Takes exactly n digits, a number of least to most. */
static bool digits_take(struct str *rest, size_t n, int least, int most, int *out)
{
    if (rest->n < n)
        return false;
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        char c = rest->p[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *rest = (struct str){rest->p + n, rest->n - n};
    *out = v;
    return v >= least && v <= most;
}

/* Takes one byte of set. */
static bool one_take(struct str *rest, const char *set, char *out)
{
    if (rest->n == 0)
        return false;
    for (; *set; set++) {
        if (rest->p[0] != *set)
            continue;
        *out = *set;
        *rest = (struct str){rest->p + 1, rest->n - 1};
        return true;
    }
    return false;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* Takes ".789" if it is there: the first three digits count. */
static bool fraction_take(struct str *rest, int *ms)
{
    char point;
    *ms = 0;
    if (!one_take(rest, ".", &point))
        return true;
    int digit, unit = 100;
    if (!digits_take(rest, 1, 0, 9, &digit))
        return false;
    do {
        *ms += digit * unit;
        unit /= 10;
    } while (digits_take(rest, 1, 0, 9, &digit));
    return true;
}

/* Takes "Z" or "+01:00", the whole rest. */
static bool offset_take(struct str *rest, int *minutes)
{
    char sign, colon;
    int hour, minute;
    *minutes = 0;
    if (one_take(rest, "Zz", &sign))
        return rest->n == 0;
    if (!one_take(rest, "+-", &sign) || !digits_take(rest, 2, 0, 23, &hour) ||
        !one_take(rest, ":", &colon) || !digits_take(rest, 2, 0, 59, &minute))
        return false;
    *minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
    return rest->n == 0;
}

int moment_parse(struct str text, int64_t *wall_ms)
{
    struct str r = text;
    struct civil c;
    char mark;
    int hour, minute, second, ms, offset;
    if (!digits_take(&r, 4, 0, 9999, &c.year) || !one_take(&r, "-", &mark) ||
        !digits_take(&r, 2, 1, 12, &c.month) || !one_take(&r, "-", &mark) ||
        !digits_take(&r, 2, 1, month_days(c.year, c.month), &c.day) ||
        !one_take(&r, "Tt", &mark))
        return -EINVAL;
    /* A leap second is the first of the next minute. */
    if (!digits_take(&r, 2, 0, 23, &hour) || !one_take(&r, ":", &mark) ||
        !digits_take(&r, 2, 0, 59, &minute) || !one_take(&r, ":", &mark) ||
        !digits_take(&r, 2, 0, 60, &second) || !fraction_take(&r, &ms) ||
        !offset_take(&r, &offset))
        return -EINVAL;
    int64_t minutes = (days_of_civil(c) * 24 + hour) * 60 + minute - offset;
    *wall_ms = (minutes * 60 + second) * 1000 + ms;
    return 0;
}

char *span_text(int64_t ms, char out[MOMENT_TEXT_MAX])
{
    static const struct {
        const char *name, *below;
        uint64_t ms;
        int below_width;
        uint64_t below_ms;
    } rows[] = {
        {"d", "h", 86400000, 1, 3600000},
        {"h", "m", 3600000, 2, 60000},
        {"m", "s", 60000, 2, 1000},
        {"s", "", 1000, 0, 1000},
        {"ms", "", 1, 0, 1},
    };
    const char *sign = ms < 0 ? "-" : "";
    uint64_t span = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    size_t i = 0;
    while (rows[i].ms > 1 && span < rows[i].ms)
        i++;
    uint64_t below = span % rows[i].ms / rows[i].below_ms;
    if (below)
        (void)snprintf(out, MOMENT_TEXT_MAX, "%s%" PRIu64 "%s %0*" PRIu64 "%s", sign,
                       span / rows[i].ms, rows[i].name, rows[i].below_width, below,
                       rows[i].below);
    else
        (void)snprintf(out, MOMENT_TEXT_MAX, "%s%" PRIu64 "%s", sign, span / rows[i].ms,
                       rows[i].name);
    return out;
}
