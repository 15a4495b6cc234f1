#include "tests/unit/base/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/moment.h"

static void test_text(void **state)
{
    (void)state;
    char out[MOMENT_TEXT_MAX];
    assert_string_equal(moment_rfc3339(1772337906789, out), "2026-03-01T04:05:06.789Z");
    assert_string_equal(moment_compact(1772337906789, out), "20260301T040506Z");
    assert_string_equal(moment_rfc3339(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(moment_rfc3339(-1, out), "1969-12-31T23:59:59.999Z");
    assert_string_equal(moment_rfc3339(INT64_MAX, out), "9999-12-31T23:59:59.999Z");
    assert_string_equal(moment_rfc3339(INT64_MIN, out), "0000-01-01T00:00:00.000Z");
    assert_string_equal(moment_compact(INT64_MIN, out), "00000101T000000Z");
}

/* Over four centuries, libc's calendar agrees and parsing leads back. */
static void test_calendar(void **state)
{
    (void)state;
    for (int64_t day = -40000; day < 120000; day++) {
        int64_t ms = day * 86400000 + (day * 7919 % 86400000 + 86400000) % 86400000;
        time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
        struct tm tm;
        char want[64], got[MOMENT_TEXT_MAX];
        assert_non_null(gmtime_r(&seconds, &tm));
        (void)snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                       tm.tm_sec, (int)(ms - (int64_t)seconds * 1000));
        assert_string_equal(moment_rfc3339(ms, got), want);
        int64_t back;
        assert_int_equal(moment_parse(str_of(got), &back), 0);
        assert_int_equal(back, ms);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int64_t want;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00-00:30", 1800000},
        {"1970-01-01T00:00:00+23:59", -86340000},
        {"1969-12-31T23:59:60Z", 0}, /* a leap second */
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -4711;
        if (moment_parse(str_of(rows[i].z), &ms) || ms != rows[i].want)
            fail_msg("\"%s\" gives %lld", rows[i].z, (long long)ms);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "now",
        "1970-01-01",
        "1970-01-01T00:00:00", /* no zone */
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+01:00x",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "-970-01-01T00:00:00Z",
        "1970-1-01T00:00:00Z",
        " 1970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = 4711;
        if (moment_parse(str_of(rows[i]), &ms) != -EINVAL)
            fail_msg("\"%s\" is taken", rows[i]);
        assert_int_equal(ms, 4711);
    }
    /* No front of a moment is one. */
    const char *whole = "2026-03-01T04:05:06.789+01:00";
    for (size_t n = 0; n < strlen(whole); n++) {
        int64_t ms;
        assert_int_equal(moment_parse((struct str){whole, n}, &ms), -EINVAL);
    }
}

static void test_span(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        {0, "0ms"},
        {850, "850ms"},
        {999, "999ms"},
        {1000, "1s"},
        {41999, "41s"},
        {60000, "1m"},
        {62000, "1m 02s"},
        {600000, "10m"},
        {3600000, "1h"},
        {7500000, "2h 05m"},
        {3600000 + 59000, "1h"},
        {86400000, "1d"},
        {273600000, "3d 4h"},
        {-1500, "-1s"},
        {-7500000, "-2h 05m"},
        {INT64_MAX, "106751991167d 7h"},
        {INT64_MIN, "-106751991167d 7h"},
    };
    char out[MOMENT_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(span_text(rows[i].ms, out), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),  cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_parse), cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
