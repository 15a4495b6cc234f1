/* history.csv of a history of two days: rows, columns and the bound. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dump/dump.h"

#define BYTES (1 << 20)
#define WALL INT64_C(1780000000000)
#define HOURS 48

static size_t frames_of(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    static const char *const names[] = {"main.leak", "main.work"};
    (void)ctx;
    (void)max;
    out[0] = (struct frame){.function = str_of(names[sample]), .file = STR("m.go"), .line = 7};
    return 1;
}

static struct history *history_make(void *block)
{
    static const char *const names[] = {"cart"};
    struct moment start = {.boot_ms = 1000, .wall_ms = WALL};
    struct history *h = NULL;
    uint8_t boot[16] = {1};

    assert_int_equal(history_format(&h, block, BYTES, names, 1, start, boot), 0);
    int64_t begin = history_time(h, start);
    history_push_life(h, 0,
                      &(struct history_life){.id = 1, .start_ms = begin, .seen_ms = begin});
    for (int64_t s = 0; s < HOURS * 3600; s += 10) {
        float values[HISTORY_SIGNALS];
        int64_t leaked = 100 + s / 60;
        struct history_count counts[] = {{.key = 11, .value = leaked, .sample = 0},
                                         {.key = 22, .value = 40, .sample = 1}};
        values[HISTORY_GOROUTINES] = (float)(leaked + 40);
        values[HISTORY_MEMORY_BYTES] = 5e7f;
        values[HISTORY_HEAP_BYTES] = s % 60 ? NAN : 3e7f;
        values[HISTORY_LIMIT_BYTES] = 1e8f;
        history_push_signals(h, 0, begin + s * 1000, values);
        assert_int_equal(history_push_stacks(h, 0, HISTORY_STACKS, begin + s * 1000, counts, 2,
                                             frames_of, NULL),
                         0);
    }
    return h;
}

/* Rows have the header's columns, times ascend; returns how many. */
static int check_rows(struct str text, double *first_t, double *last_t)
{
    struct str line;
    int rows = 0;

    assert_true(str_split(&text, '\n', &line));
    assert_true(str_starts(line, "t,goroutines,heap_bytes,rss_bytes,limit,uptime,s_"));
    while (str_split(&text, '\n', &line) && line.n) {
        struct str cell, rest = line;
        double cells[16], t;
        int n = 0;
        while (str_split(&rest, ',', &cell)) {
            cells[n] = NAN;
            if (cell.n)
                assert_int_equal(str_double(cell, &cells[n]), 0);
            n++;
        }
        assert_int_equal(n, 7); /* main.work does not grow: no column */
        t = cells[0];
        if (!rows++)
            *first_t = t;
        else if (!(t > *last_t))
            fail_msg("row %d: %.*s after %.3f", rows, (int)line.n, line.p, *last_t);
        *last_t = t;
        if (!isnan(cells[1]) && !isnan(cells[6]))
            assert_true(fabs(cells[1] - cells[6] - 40) <= 60);
        if (!isnan(cells[5]))
            assert_true(fabs(cells[5] - (t - (double)WALL / 1000)) <= 3600);
    }
    return rows;
}

static void test_rows(void **state)
{
    void *block = calloc(1, BYTES);
    struct history *h = history_make(block);
    double first = 0, last = 0;
    struct buf out;
    int64_t now = history_newest(h, 0) + 1;

    (void)state;
    buf_init(&out, 1 << 20);
    history_csv_write(h, 0, now - 84 * 3600000LL, now, 1 << 20, &out);
    int fine = check_rows(buf_view(&out), &first, &last);
    assert_true(fine > 800);
    assert_true(last - first > (HOURS - 2) * 3600);
    size_t whole = out.len;
    /* Less room: wider steps, the same span. */
    int before = fine;
    for (size_t max = whole - 1; max > 6000; max /= 2) {
        buf_reset(&out);
        history_csv_write(h, 0, now - 84 * 3600000LL, now, max, &out);
        assert_int_equal(buf_status(&out), 0);
        assert_true(out.len <= max);
        int rows = check_rows(buf_view(&out), &first, &last);
        assert_true(rows > 40 && rows <= before);
        assert_true(last - first > (HOURS - 2) * 3600);
        before = rows;
    }
    assert_true(before < fine / 4);
    /* Too little for anything: nothing, and an overflow. */
    buf_reset(&out);
    history_csv_write(h, 0, now - 84 * 3600000LL, now, 100, &out);
    assert_int_equal(out.len, 0);
    assert_true(buf_status(&out) < 0);
    buf_free(&out);
    history_close(&h);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
