#include "tests/unit/base/unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/base/err.h"

static void test_text_of_every_code(void **state)
{
    (void)state;
#define CHECK(name, value, text) assert_string_equal(err_text(ERR_##name), text);
    ERR_MAP(CHECK)
#undef CHECK
    assert_string_equal(err_text(-ENOMEM), strerror(ENOMEM));
    assert_string_equal(err_text(0), "no error");
}

static void test_text_of_no_code(void **state)
{
    (void)state;
    const int odd[] = {1, INT_MAX, INT_MIN, -4000, -4999, -5000};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_string_equal(err_text(odd[i]), "unknown error");
    assert_non_null(err_text(-3999));
}

static void test_set(void **state)
{
    (void)state;
    struct errmsg e;
    assert_int_equal(err_set(&e, ERR_CUT, "line %d: %s", 7, "short"), ERR_CUT);
    assert_string_equal(e.text, "line 7: short");
    assert_int_equal(err_set(NULL, -EINVAL, "%d", 1), -EINVAL);
}

static void test_set_cuts(void **state)
{
    (void)state;
    struct errmsg e;
    assert_int_equal(err_set(&e, ERR_LIMIT, "%1000d", 1), ERR_LIMIT);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_every_code),
        cmocka_unit_test(test_text_of_no_code),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
