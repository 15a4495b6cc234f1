/* A diff as text and JSON, and the numbers people read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/profile/text.h"
#include "lib/view/difftext.h"
#include "lib/view/format.h"

static void load(struct profile *p, const char *name)
{
    char path[512], chunk[4096];
    struct text_parser *parser = NULL;
    struct text_result result;
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/captures/%s", LW_TEST_DATA, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(profile_init(p, 16 << 20), 0);
    assert_int_equal(text_new(&parser, p, (struct text_options){0}), 0);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        assert_int_equal(text_feed(parser, chunk, n), 0);
    assert_int_equal(text_end(parser, &result), 0);
    text_free(&parser);
    (void)fclose(f);
}

static void test_of_captures(void **state)
{
    struct profile a, b;
    struct buf out;
    int64_t rise = -1;
    struct diff_view v = {.now = &b, .base = &a, .now_name = "B", .base_name = "A"};

    (void)state;
    load(&a, "cart-A.goroutine1.txt");
    load(&b, "cart-B.goroutine1.txt");
    buf_init(&out, 1 << 20);
    assert_int_equal(diff_text(&v, &out), 0);
    assert_non_null(strstr(buf_cstr(&out), "goroutine: 343 -> 9,318 (+8,975)\nfrom A to B\n"));
    assert_non_null(strstr(buf_cstr(&out), "      +9,000       +9,000  main.(*order).waitPaid\n"
                                           "           0       +9,000  main.notify\n"));
    assert_non_null(strstr(buf_cstr(&out), "         -25          -25  main.idleWorker\n"));
    assert_int_equal(diff_growth(&v, &rise), 0);
    assert_int_equal(rise, 9000);
    buf_reset(&out);
    v.stacks_max = 1;
    assert_int_equal(diff_json(&v, &out), 0);
    assert_non_null(strstr(buf_cstr(&out), "\"before\":343,\"now\":9318,\"change\":8975"));
    assert_null(strstr(buf_cstr(&out), "\"change\":-25"));
    buf_reset(&out);
    v.base = v.now; /* nothing changed */
    assert_int_equal(diff_text(&v, &out), 0);
    assert_non_null(strstr(buf_cstr(&out), "no stack changed"));
    assert_int_equal(diff_growth(&v, &rise), 0);
    assert_int_equal(rise, 0);
    buf_reset(&out);
    v.base = NULL; /* all is new */
    assert_int_equal(diff_text(&v, &out), 0);
    assert_non_null(strstr(buf_cstr(&out), "0 -> 9,318"));
    buf_free(&out);
    profile_free(&a);
    profile_free(&b);
}

/* A recursive function counts once in cum; its leaf in flat. */
static void test_recursion_counts_once(void **state)
{
    static const char page[] = "goroutine profile: total 3\n"
                               "3 @ 0x1 0x1 0x2\n"
                               "#\t0x1\tmain.again+0x1\t/a.go:1\n"
                               "#\t0x1\tmain.again+0x1\t/a.go:1\n"
                               "#\t0x2\tmain.main+0x1\t/a.go:9\n\n";
    struct text_parser *parser = NULL;
    struct text_result result;
    struct profile p;
    struct buf out;
    struct diff_view v = {.now = &p};

    (void)state;
    assert_int_equal(profile_init(&p, 1 << 20), 0);
    assert_int_equal(text_new(&parser, &p, (struct text_options){0}), 0);
    assert_int_equal(text_feed(parser, page, sizeof(page) - 1), 0);
    assert_int_equal(text_end(parser, &result), 0);
    text_free(&parser);
    buf_init(&out, 1 << 16);
    assert_int_equal(diff_text(&v, &out), 0);
    assert_non_null(strstr(buf_cstr(&out), "          +3           +3  main.again\n"));
    assert_non_null(strstr(buf_cstr(&out), "           0           +3  main.main\n"));
    buf_free(&out);
    profile_free(&p);
}

static void test_numbers(void **state)
{
    char t[NUMBER_TEXT_MAX];

    (void)state;
    assert_string_equal(count_text(0, t), "0");
    assert_string_equal(count_text(999, t), "999");
    assert_string_equal(count_text(-1234567, t), "-1,234,567");
    assert_string_equal(count_text(INT64_MIN, t), "-9,223,372,036,854,775,808");
    assert_string_equal(bytes_text(1023, t), "1023B");
    assert_string_equal(bytes_text(1048575, t), "1.0MiB");
    assert_string_equal(bytes_text(-134217728, t), "-128.0MiB");
    assert_string_equal(bytes_text(INT64_MAX, t), "8.0EiB");
    assert_string_equal(value_text(5, "count", true, t), "+5");
    assert_string_equal(value_text(0, "bytes", true, t), "0B");
}

static void put(struct buf *out, const char *text, size_t width, bool unicode, const char *want)
{
    buf_reset(out);
    text_put(out, str_of(text), width, (struct look){.unicode = unicode});
    assert_string_equal(buf_cstr(out), want);
}

static void test_text_and_sparks(void **state)
{
    const float rising[] = {0, 50, 100};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    put(&out, "main.Größe", 0, true, "main.Größe");
    put(&out, "main.Größe", 0, false, "main.Gr??e");
    put(&out, "a\nb\x7f", 0, true, "a?b?");
    put(&out, "github.com/a/b.go", 8, false, "..a/b.go");
    put(&out, "short", 8, false, "short");
    buf_reset(&out);
    spark_put(&out, rising, 3, (struct look){.unicode = true});
    assert_string_equal(buf_cstr(&out), "▁▄█");
    buf_reset(&out);
    spark_put(&out, rising, 1, (struct look){0});
    spark_put(&out, rising, 0, (struct look){0});
    assert_string_equal(buf_cstr(&out), "");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_captures),
        cmocka_unit_test(test_recursion_counts_once),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text_and_sparks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
