#include "tests/unit/base/unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/json.h"

struct fixture {
    struct buf out;
    struct json j;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    buf_init(&f->out, 4096);
    json_init(&f->j, &f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_free(&f->out);
    free(f);
    return 0;
}

static void test_nesting(void **state)
{
    struct fixture *f = *state;
    struct json *j = &f->j;
    json_open(j);
    json_key(j, "a");
    json_open_array(j);
    json_i64(j, 1);
    json_open(j);
    json_close(j);
    json_open_array(j);
    json_close_array(j);
    json_null(j);
    json_close_array(j);
    json_kbool(j, "b", true);
    json_key(j, "c");
    json_open(j);
    json_kbool(j, "d", false);
    json_close(j);
    json_ki64(j, "e", INT64_MIN);
    json_ku64(j, "f", UINT64_MAX);
    json_close(j);
    assert_string_equal(buf_cstr(&f->out),
                        "{\"a\":[1,{},[],null],\"b\":true,\"c\":{\"d\":false},"
                        "\"e\":-9223372036854775808,\"f\":18446744073709551615}");
    assert_int_equal(j->depth, 0);
}

static void test_lines(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        json_open(&f->j);
        json_ki64(&f->j, "i", i);
        json_close(&f->j);
        buf_putc(&f->out, '\n');
    }
    assert_string_equal(buf_cstr(&f->out), "{\"i\":0}\n{\"i\":1}\n");
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    struct json *j = &f->j;
    json_open(j);
    json_kstr(j, "s", STR("x"));
    json_kcstr(j, "z", NULL);
    json_kcstr(j, "y", "");
    json_ktime(j, "t", 1772337906789);
    json_ktime(j, "u", 0);
    json_key(j, "h");
    json_hex(j, UINT64_MAX);
    json_key(j, "g");
    json_hex(j, 0);
    json_kdouble(j, "d", 0.1);
    json_close(j);
    assert_string_equal(buf_cstr(&f->out),
                        "{\"s\":\"x\",\"z\":null,\"y\":\"\",\"t\":\"2026-03-01T04:05:06.789Z\","
                        "\"u\":null,\"h\":\"0xffffffffffffffff\",\"g\":\"0x0\",\"d\":0.1}");
}

static void test_strings(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct str in;
        const char *want;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {{"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
        {{"\n\r\t\x01\x1f\x7f", 6}, "\"\\n\\r\\t\\u0001\\u001f\x7f\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10},
         "\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {{"\xff", 1}, "\"\xef\xbf\xbd\""},
        {{"a\x80z", 3}, "\"a\xef\xbf\xbdz\""},
        {{"\xe2\x82", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* a byte, a mark */
        {{"\xc0\xaf", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xc3\"", 2}, "\"\xef\xbf\xbd\\\"\""}, /* the quote is not swallowed */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&f->out);
        json_init(&f->j, &f->out);
        json_str(&f->j, rows[i].in);
        assert_string_equal(buf_cstr(&f->out), rows[i].want);
    }
    buf_reset(&f->out);
    json_init(&f->j, &f->out);
    json_open(&f->j);
    json_kbool(&f->j, "k\"", true);
    assert_string_equal(buf_cstr(&f->out), "{\"k\\\"\":true");
}

static void test_doubles(void **state)
{
    struct fixture *f = *state;
    static const struct {
        double v;
        const char *want;
    } rows[] = {
        {0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1e21, "1e+21"},
        {1.0 / 3, "0.3333333333333333"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {9007199254740992.0, "9007199254740992"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&f->out);
        json_double(&f->j, rows[i].v);
        assert_string_equal(buf_cstr(&f->out), rows[i].want);
    }
    const double back[] = {DBL_MAX,   DBL_MIN, DBL_TRUE_MIN,
                           0.1 + 0.2, 1e-7,    123456789.123456789};
    for (size_t i = 0; i < sizeof back / sizeof back[0]; i++) {
        buf_reset(&f->out);
        json_double(&f->j, back[i]);
        assert_true(strtod(buf_cstr(&f->out), NULL) == back[i]);
    }
}

static void test_overflow(void **state)
{
    (void)state;
    char storage[8];
    struct buf out;
    struct json j;
    buf_fixed(&out, storage, sizeof storage);
    json_init(&j, &out);
    json_open(&j);
    json_kcstr(&j, "key", "value");
    json_close(&j);
    assert_int_equal(buf_status(&out), ERR_LIMIT);
    assert_memory_equal(storage, "{\"key\":\"", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nesting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubles, set_up, tear_down),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
