#include "tests/unit/base/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* A heap that is asked for too much says no, under AddressSanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_grows_to_its_ceiling(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    assert_int_equal(buf_status(&b), 0);
    assert_int_equal(buf_view(&b).n, 1000);
    assert_int_equal(strlen(buf_cstr(&b)), 1000);
    assert_int_equal(buf_status(&b), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    buf_putc(&b, '!');
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_int_equal(b.len, 1000);
    assert_true(b.cap <= 1000);
    buf_free(&b);
}

static void test_keeps_a_prefix(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_puts(&b, "12345");
    buf_puts(&b, "67890");
    assert_string_equal(buf_cstr(&b), "12345678");
    buf_reset(&b);
    assert_int_equal(buf_status(&b), 0);
    buf_puts(&b, "12345");
    buf_printf(&b, "%s", "67890");
    assert_string_equal(buf_cstr(&b), "12345678");
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    b.len = 2; /* the overflow sticks even where there is room */
    buf_putc(&b, 'x');
    buf_printf(&b, "y");
    buf_puts(&b, "z");
    assert_int_equal(b.len, 2);
    buf_free(&b);
}

static void test_fixed(void **state)
{
    (void)state;
    char storage[6] = "......";
    struct buf b;
    buf_fixed(&b, storage, 5);
    buf_puts(&b, "abcde");
    assert_int_equal(buf_status(&b), 0);
    assert_memory_equal(storage, "abcde.", 6);
    assert_string_equal(buf_cstr(&b), "abcd"); /* the zero needs the last byte */
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_reset(&b);
    buf_puts(&b, "abc");
    buf_putc(&b, 'd');
    buf_puts(&b, "ef");
    assert_int_equal(b.len, 5);
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_int_equal(storage[5], '.');
    buf_free(&b);
    assert_int_equal(buf_reserve(&b, 1), ERR_LIMIT);
}

static void test_fixed_printf(void **state)
{
    (void)state;
    char storage[6] = "......";
    struct buf b;
    buf_fixed(&b, storage, 5);
    buf_printf(&b, "%d", 1234);
    assert_int_equal(buf_status(&b), 0);
    assert_string_equal(buf_cstr(&b), "1234");
    buf_reset(&b);
    buf_printf(&b, "%d", 12345); /* needs six */
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_string_equal(buf_cstr(&b), "1234");
    assert_int_equal(storage[5], '.');
}

static void test_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_view(&b).n, 0);
    buf_put(&b, NULL, 0);
    buf_puts(&b, NULL);
    buf_printf(&b, "%s", "");
    assert_int_equal(buf_status(&b), 0);
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
    char none[1] = "x";
    buf_fixed(&b, none, 0);
    buf_putc(&b, 'a');
    buf_printf(&b, "%d", 1);
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(none[0], 'x');
    buf_init(&b, 0);
    buf_puts(&b, "a");
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
}

static void test_reserve(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "abc");
    assert_int_equal(buf_reserve(&b, 97), 0);
    assert_int_equal(buf_reserve(&b, 98), ERR_LIMIT);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    assert_int_equal(buf_status(&b), 0); /* asking is not writing */
    memset(b.p + b.len, 'x', 97);
    b.len += 97;
    assert_int_equal(strlen(buf_cstr(&b)), 100);
    buf_free(&b);
    buf_puts(&b, "again"); /* a freed one grows anew */
    assert_string_equal(buf_cstr(&b), "again");
    buf_free(&b);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "abc");
    assert_int_equal(buf_reserve(&b, (size_t)1 << 60), -ENOMEM);
    assert_int_equal(buf_status(&b), 0);
    assert_string_equal(buf_cstr(&b), "abc");
    buf_free(&b);
}

static void test_starved_writer(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "abc");
    /* A capacity whose double the heap cannot give; the bytes end at len. */
    size_t cap = b.cap;
    b.len = b.cap = (size_t)1 << 60;
    buf_printf(&b, "%d", 42);
    buf_putc(&b, 'x');
    buf_puts(&b, "y");
    assert_int_equal(buf_status(&b), -ENOMEM);
    assert_int_equal(b.len, (size_t)1 << 60);
    b.len = 3;
    b.cap = cap;
    assert_string_equal(buf_cstr(&b), "abc");
    assert_int_equal(buf_reserve(&b, 1), -ENOMEM);
    buf_reset(&b);
    buf_puts(&b, "ok");
    assert_int_equal(buf_status(&b), 0);
    buf_free(&b);
}

static void test_printf_of_any_length(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    for (int n = 0; n < 700; n++) {
        char want[1024];
        (void)snprintf(want, sizeof want, "<%*d>", n, n);
        buf_reset(&b);
        buf_printf(&b, "<%*d>", n, n);
        assert_string_equal(buf_cstr(&b), want);
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_its_ceiling),
        cmocka_unit_test(test_keeps_a_prefix),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_fixed_printf),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_starved_writer),
        cmocka_unit_test(test_printf_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
