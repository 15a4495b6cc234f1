/* Reading a series: what rows come of a file, and what is said of a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/watch/series.h"

/* The rows as text, so that they can be compared. */
struct told {
    const struct series *series;
    struct buf text;
    int stop_at; /* row at which on_row says stop; 0 never */
    int rows;
};

static void put_double(struct buf *out, const char *key, double v)
{
    if (!isnan(v))
        buf_printf(out, " %s=%.17g", key, v);
}

static int on_row(void *ctx, const struct series_row *row)
{
    static const char *const keys[HISTORY_SIGNALS] = {
        [HISTORY_GOROUTINES] = "goroutines",
        [HISTORY_MEMORY_BYTES] = "rss",
        [HISTORY_HEAP_BYTES] = "heap",
        [HISTORY_LIMIT_BYTES] = "limit",
    };
    struct told *t = ctx;
    put_double(&t->text, "t", row->t_s);
    for (int i = 0; i < HISTORY_SIGNALS; i++)
        put_double(&t->text, keys[i], row->signals[i]);
    put_double(&t->text, "uptime", row->uptime_s);
    for (size_t i = 0; i < t->series->n_stacks; i++) {
        char key[64];
        put_double(&t->text, str_copy(key, sizeof(key), t->series->stack[i]), row->stacks[i]);
    }
    buf_puts(&t->text, ";");
    return ++t->rows == t->stop_at ? 77 : 0;
}

/* Feeds bytes in chunks of n; rows or the error's text go to out. */
static int read_in_chunks(struct str bytes, size_t n, int stop_at, struct buf *out)
{
    struct series s;
    struct told t = {.series = &s, .stop_at = stop_at};
    struct errmsg e = {0};
    int error = 0;
    buf_init(&t.text, 1 << 20);
    assert_int_equal(series_init(&s), 0);
    for (size_t at = 0; at < bytes.n && error == 0; at += n)
        error =
            series_feed(&s, bytes.p + at, bytes.n - at < n ? bytes.n - at : n, on_row, &t, &e);
    if (error == 0)
        error = series_end(&s, on_row, &t, &e);
    buf_str(out, buf_view(&t.text));
    if (error != 0)
        buf_puts(out, e.text);
    buf_free(&t.text);
    series_free(&s);
    return error;
}

static void read_check(struct str bytes, int error, const char *want)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        struct buf got;
        buf_init(&got, 1 << 20);
        int rc = read_in_chunks(bytes, chunks[i], 0, &got);
        assert_string_equal(buf_cstr(&got), want);
        assert_int_equal(rc, error);
        buf_free(&got);
    }
}

static void rows_are(const char *text, const char *want)
{
    read_check(str_of(text), 0, want);
}

static void error_is(const char *text, const char *want)
{
    read_check(str_of(text), ERR_SYNTAX, want);
}

/* ---- what is a series ---- */

static void test_columns_by_name(void **state)
{
    (void)state;
    rows_are("t,goroutines,heap_bytes,rss_bytes,limit,uptime,s_main.leak,label\n"
             "10,1,2,3,4,5,6,what?\n",
             " t=10 goroutines=1 rss=3 heap=2 limit=4 uptime=5 main.leak=6;");
    rows_are("s_b,label,t,s_a\n1,x,0,2\n", " t=0 b=1 a=2;");
    rows_are("t\n1\n2\n", " t=1; t=2;");
}

static void test_missing_is_a_missed_scrape(void **state)
{
    (void)state;
    rows_are("t,goroutines,s_a\n1,,\n2,NaN,nan\n3,null,NAN\n4, ,5\n",
             " t=1; t=2; t=3; t=4 a=5;");
}

static void test_numbers(void **state)
{
    (void)state;
    rows_are(
        "t,rss_bytes\n1764110564.125,1.5e9\n1764110564.25,0\n1764110565,9007199254740992\n",
        " t=1764110564.125 rss=1500000000; t=1764110564.25 rss=0;"
        " t=1764110565 rss=9007199254740992;");
}

/* As spreadsheets and other systems write it. */
static void test_clothing(void **state)
{
    (void)state;
    rows_are("\xef\xbb\xbft,goroutines\r\n1,2\r\n", " t=1 goroutines=2;");
    rows_are("\"t\",\"goroutines\",\"s_a\"\n\"1\",\"2\",\"3\"\n", " t=1 goroutines=2 a=3;");
    rows_are(" t , goroutines\n 1 , 2\n", " t=1 goroutines=2;");
    rows_are("t,goroutines\n1,2\n\n \r\n3,4", " t=1 goroutines=2; t=3 goroutines=4;");
    rows_are("t,goroutines\n1,2\n3,", " t=1 goroutines=2; t=3;");
}

static void test_stopped(void **state)
{
    (void)state;
    struct buf got;
    buf_init(&got, 4096);
    assert_int_equal(read_in_chunks(STR("t\n1\n2\n3\n"), 100, 2, &got), 77);
    assert_string_equal(buf_cstr(&got), " t=1; t=2;");
    buf_free(&got);
}

/* ---- what is none ---- */

static void test_no_series(void **state)
{
    (void)state;
    error_is("", "the file is empty; it begins with a header: t,…");
    error_is("t,goroutines\n", "there is no row behind the header");
    error_is("t,goroutines\n\n\n", "there is no row behind the header");
    error_is("time,goroutines\n1,2\n",
             "line 1: no column 't' (seconds); the others are goroutines, heap_bytes, "
             "rss_bytes, limit, uptime and s_NAME");
    error_is("t,goroutines,t\n1,2,3\n", "line 1, column 3: 't' is there twice");
    error_is("t,s_a,s_b,s_a\n1,2,3,4\n", "line 1, column 4: 's_a' is there twice");
    error_is("t,limit,limit\n1,2,3\n", "line 1, column 3: 'limit' is there twice");
    error_is("t,s_\n1,2\n", "line 1, column 2: a stack's name has 1 to 512 bytes");
}

static void test_bad_fields(void **state)
{
    (void)state;
    error_is("t,goroutines\n1,-2\n", "line 2, column 2: '-2' is negative");
    error_is("t,goroutines\n1,2\n2,many\n",
             " t=1 goroutines=2;line 3, column 2: 'many' is no number");
    error_is("t,goroutines\n1,1e18\n", "line 2, column 2: '1e18' is larger than 2^53");
    error_is("t,goroutines\n1,1e999\n", "line 2, column 2: '1e999' is no number");
    error_is("t,goroutines\n1,inf\n", "line 2, column 2: 'inf' is no number");
    error_is("t,goroutines\n1,0x10\n", "line 2, column 2: '0x10' is no number");
    error_is("t,goroutines\n1,\"\n", "line 2, column 2: '\"' is no number");
    error_is("t,goroutines\n1,\x01\x02\xff\n", "line 2, column 2: '\?\?\?' is no number");
    error_is("t,s_a\n1,0123456789012345678901234567890123456789xyz\n",
             "line 2, column 2: '0123456789012345678901234567890123456789' is no number");
}

static void test_bad_times(void **state)
{
    (void)state;
    error_is("s_a,t\n1,\n", "line 2, column 2: no t");
    error_is("s_a,t\n1,NaN\n", "line 2, column 2: no t");
    error_is("s_a,t\n1,-5\n", "line 2, column 2: '-5' is negative");
    error_is("s_a,t\n1,5\n1,4\n",
             " t=5 a=1;line 3, column 2: t is 4, and 5 before; it must rise");
    error_is("s_a,t\n1,5\n1,5\n",
             " t=5 a=1;line 3, column 2: t is 5, and 5 before; it must rise");
    error_is("s_a,t\n1,1764110564000\n", "line 2, column 2: t is 1764110564000; seconds up to "
                                         "1e+11 are accepted");
}

static void test_bad_rows(void **state)
{
    (void)state;
    error_is("t,goroutines,limit\n1,2\n", "line 2, column 2: the last one; the header has 3");
    error_is("t,goroutines\n1,2,3\n", "line 2, column 3: the header has 2 columns");
}

static void test_binary(void **state)
{
    (void)state;
    static const char gzip[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\n\x00,\xff\n";
    read_check((struct str){gzip, sizeof(gzip) - 1}, ERR_SYNTAX,
               "line 1: no column 't' (seconds); the others are goroutines, heap_bytes, "
               "rss_bytes, limit, uptime and s_NAME");
    static const char zeros[] = "t,s_a\0b\n1,2\0\n";
    read_check((struct str){zeros, sizeof(zeros) - 1}, ERR_SYNTAX,
               "line 2, column 2: '2?' is no number");
}

/* ---- what is too large ---- */

static void large_check(struct buf *text, int want, const char *why)
{
    for (size_t n = 65536; n <= 1u << 26; n <<= 10) { /* in pieces, and at once */
        struct buf got;
        buf_init(&got, 4096);
        int error = read_in_chunks(buf_view(text), n, 0, &got);
        assert_string_equal(buf_cstr(&got), why);
        assert_int_equal(error, want);
        buf_free(&got);
    }
    buf_free(text);
}

static void header_of(struct buf *text, const char *column, int n)
{
    buf_init(text, 64 << 20);
    buf_puts(text, "t");
    for (int i = 1; i < n; i++)
        buf_puts(text, column);
    buf_putc(text, '\n');
}

static void test_columns_without_end(void **state)
{
    (void)state;
    struct buf text;
    header_of(&text, ",x", SERIES_COLUMNS_MAX);
    large_check(&text, ERR_SYNTAX, "there is no row behind the header");
    header_of(&text, ",x", SERIES_COLUMNS_MAX + 1);
    large_check(&text, ERR_LIMIT, "line 1, column 16385: more than 16384 columns");
    header_of(&text, ",", 1000000); /* fits the line */
    large_check(&text, ERR_LIMIT, "line 1, column 16385: more than 16384 columns");
    header_of(&text, ",s_a", 1000000);
    large_check(&text, ERR_LIMIT, "line 1: longer than 1048576 bytes");
}

static void test_line_without_end(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64 << 20);
    buf_puts(&text, "t,x\n1,");
    while (text.len < 4 + SERIES_LINE_MAX)
        buf_putc(&text, 'x'); /* of the greatest length that is read */
    buf_puts(&text, "\n2,x");
    large_check(&text, 0, " t=1; t=2;");
    buf_init(&text, 64 << 20);
    buf_puts(&text, "t,x\n1,");
    while (text.len < 5 + SERIES_LINE_MAX)
        buf_putc(&text, 'x');
    buf_puts(&text, "\n2,x\n");
    large_check(&text, ERR_LIMIT, "line 2: longer than 1048576 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_by_name),
        cmocka_unit_test(test_missing_is_a_missed_scrape),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_clothing),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_no_series),
        cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_bad_times),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_columns_without_end),
        cmocka_unit_test(test_line_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
