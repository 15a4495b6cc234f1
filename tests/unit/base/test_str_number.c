#include "tests/unit/base/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/base/str.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void test_u64(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int rc;
        uint64_t want;
    } rows[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"000000000000000000000000000001", 0, 1},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999", -ERANGE, 0},
        {"99999999999999999999999x", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"0x1", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t v = 4711;
        assert_int_equal(str_u64(str_of(rows[i].z), &v), rows[i].rc);
        assert_int_equal(v, rows[i].rc ? 4711 : rows[i].want);
    }
    uint64_t v;
    assert_int_equal(str_u64(str_of(NULL), &v), -EINVAL);
    assert_int_equal(str_u64(STR("1\0"), &v), -EINVAL);
}

static void test_i64(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int rc;
        int64_t want;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"-1", 0, -1},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775809", -ERANGE, 0},
        {"-", -EINVAL, 0},
        {"--1", -EINVAL, 0},
        {"", -EINVAL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t v = 4711;
        assert_int_equal(str_i64(str_of(rows[i].z), &v), rows[i].rc);
        assert_int_equal(v, rows[i].rc ? 4711 : rows[i].want);
    }
}

static void test_hex(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int rc;
        uint64_t want;
    } rows[] = {
        {"0", 0, 0},
        {"0x1f", 0, 31},
        {"0XDeadBeef", 0, 0xdeadbeef},
        {"ffffffffffffffff", 0, UINT64_MAX},
        {"0000000000000000001", 0, 1},
        {"10000000000000000", -ERANGE, 0},
        {"10000000000000000g", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"0x", -EINVAL, 0},
        {"g", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"@", -EINVAL, 0},
        {"A`", -EINVAL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t v = 4711;
        assert_int_equal(str_hex(str_of(rows[i].z), &v), rows[i].rc);
        assert_int_equal(v, rows[i].rc ? 4711 : rows[i].want);
    }
}

static void test_double(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int rc;
        double want;
    } rows[] = {
        {"0", 0, 0},           {"-1.5", 0, -1.5},     {"1.234e+06", 0, 1234000},
        {"5e-324", 0, 5e-324}, {"1e-400", 0, 0},      {".5", 0, 0.5},
        {"5.", 0, 5},          {"1e309", -ERANGE, 0}, {"-1e309", -ERANGE, 0},
        {"", -EINVAL, 0},      {".", -EINVAL, 0},     {"e5", -EINVAL, 0},
        {"1e", -EINVAL, 0},    {"+1", -EINVAL, 0},    {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},    {"NaN", -EINVAL, 0},   {"inf", -EINVAL, 0},
        {"0x1p3", -EINVAL, 0}, {"1,5", -EINVAL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        double v = 4711;
        assert_int_equal(str_double(str_of(rows[i].z), &v), rows[i].rc);
        assert_true(v == (rows[i].rc ? 4711 : rows[i].want));
    }
    char long_text[4096];
    double v;
    memset(long_text, '1', sizeof long_text);
    assert_int_equal(str_double((struct str){long_text, sizeof long_text}, &v), -EINVAL);
    assert_int_equal(str_double(STR("1\0"), &v), -EINVAL);
    assert_int_equal(str_double(str_of(NULL), &v), -EINVAL);
}

static const struct {
    const char *z;
    int rc;
    uint64_t want;
} quantities[] = {
    {"4096", 0, 4096},
    {"128Mi", 0, 134217728},
    {"1G", 0, 1000000000},
    {"1.5Gi", 0, 1610612736},
    {"2e9", 0, 2000000000},
    {"1e3", 0, 1000},
    {"1E3", 0, 1000},
    {"1e+3", 0, 1000},
    {"12e-1", 0, 2},
    {"1E", 0, 1000000000000000000},
    {"1Ei", 0, 1152921504606846976},
    {"15Ei", 0, 17293822569102704640u},
    {"16Ei", -ERANGE, 0},
    {"1k", 0, 1000},
    {"1Ki", 0, 1024},
    {"1Ti", 0, 1099511627776},
    {"1Pi", 0, 1125899906842624},
    {"1M", 0, 1000000},
    {"1T", 0, 1000000000000},
    {"1P", 0, 1000000000000000},
    {"100m", 0, 1}, /* a tenth of a byte, rounded up as Kubernetes does */
    {"1000m", 0, 1},
    {"1001m", 0, 2},
    {"134217728000m", 0, 134217728},
    {"1u", 0, 1},
    {"1n", 0, 1},
    {"0.1", 0, 1},
    {"0", 0, 0},
    {"0m", 0, 0},
    {"-0", 0, 0},
    {"+5", 0, 5},
    {".5Ki", 0, 512},
    {"5.Ki", 0, 5120},
    {"0.00000000000000000000001", 0, 1},
    {"1.00000000000000000000000000001", 0, 1}, /* the last digits are dropped */
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", -ERANGE, 0},
    {"99999999999999999999999", -ERANGE, 0},
    {"1e20", -ERANGE, 0},
    {"1e99999", -ERANGE, 0},
    {"1e99999999999999999999", -ERANGE, 0},
    {"1e-99999", -ERANGE, 0},
    {"1e-500", 0, 1},
    {"0e500", 0, 0},
    {"-1", -ERANGE, 0},
    {"-1Gi", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"-", -EINVAL, 0},
    {"Mi", -EINVAL, 0},
    {".", -EINVAL, 0},
    {"1.2.3", -EINVAL, 0},
    {"1K", -EINVAL, 0}, /* Kubernetes has k and Ki */
    {"1MB", -EINVAL, 0},
    {"1mi", -EINVAL, 0},
    {"1 Mi", -EINVAL, 0},
    {"1e", -EINVAL, 0},
    {"1e+", -EINVAL, 0},
    {"1e+-3", -EINVAL, 0},
    {"1e1.5", -EINVAL, 0},
    {"+-1", -EINVAL, 0},
    {"max", -EINVAL, 0},
    {"99999999999999999999999x", -EINVAL, 0},
};

static void test_quantity(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(quantities); i++) {
        uint64_t v = 4711;
        if (str_quantity(str_of(quantities[i].z), &v) != quantities[i].rc)
            fail_msg("\"%s\" is not %d", quantities[i].z, quantities[i].rc);
        if (v != (quantities[i].rc ? 4711 : quantities[i].want))
            fail_msg("\"%s\" gives %llu", quantities[i].z, (unsigned long long)v);
    }
    uint64_t v;
    assert_int_equal(str_quantity(str_of(NULL), &v), -EINVAL);
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int rc;
        int64_t want;
    } rows[] = {
        {"500ms", 0, 500},
        {"10s", 0, 10000},
        {"2m", 0, 120000},
        {"1h30m", 0, 5400000},
        {"3d", 0, 259200000},
        {"1.5d", 0, 129600000},
        {"10", 0, 10000},
        {"0.5", 0, 500},
        {"0", 0, 0},
        {"-0s", 0, 0},
        {"+1s", 0, 1000},
        {"1.5ms", 0, 2},
        {"1m1ms", 0, 60001},
        {"9223372036854775807ms", 0, INT64_MAX},
        {"9223372036854775808ms", -ERANGE, 0},
        {"9223372036854775807ms1ms", -ERANGE, 0},
        {"18446744073709551615ms1ms", -ERANGE, 0},
        {"999999999999999999999d", -ERANGE, 0},
        {"300000000000d", -ERANGE, 0},
        {"-6h", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"1h30", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"1hour", -EINVAL, 0},
        {"1 h", -EINVAL, 0},
        {"1S", -EINVAL, 0},
        {"1h-5m", -EINVAL, 0},
        {"999999999999999999999x", -EINVAL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t v = 4711;
        if (str_duration(str_of(rows[i].z), &v) != rows[i].rc)
            fail_msg("\"%s\" is not %d", rows[i].z, rows[i].rc);
        if (v != (rows[i].rc ? 4711 : rows[i].want))
            fail_msg("\"%s\" gives %lld", rows[i].z, (long long)v);
    }
    int64_t v;
    assert_int_equal(str_duration(str_of(NULL), &v), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64),      cmocka_unit_test(test_i64),
        cmocka_unit_test(test_hex),      cmocka_unit_test(test_double),
        cmocka_unit_test(test_quantity), cmocka_unit_test(test_duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
