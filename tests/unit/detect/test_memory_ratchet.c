/* The memory ratchet (B): each rule alone can refuse, and what is no more than
 * suspect. Series are functions of the hour, in MiB, read every ten minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define MIB 1048576.0
#define READ_MS (10 * MINUTE_MS)

/* What is read at an hour of a life; NAN: nothing. */
struct reading {
    double heap, memory;
};
typedef struct reading (*series_fn)(double hour);

/* Feeds hours of it and says what is found at their end. */
static struct finding found_after(series_fn series, double hours, double limit, struct feed *f)
{
    struct finding found = {0};
    int64_t end_ms = (int64_t)(hours * (double)HOUR_MS);
    assert_int_equal(feed_open(f, ORIGIN_MS), 0);
    for (int64_t t_ms = 0; t_ms < end_ms; t_ms += READ_MS) {
        struct reading r = series((double)t_ms / (double)HOUR_MS);
        feed_reading(f, ORIGIN_MS + t_ms, 100, r.heap * MIB, r.memory * MIB);
    }
    f->view.t_ms = ORIGIN_MS + end_ms;
    f->view.limit_bytes = (int64_t)(limit * MIB);
    memory_ratchet_run(&f->view, &found);
    return found;
}

static struct finding found_of(series_fn series, double hours, double limit)
{
    struct feed f;
    struct finding found = found_after(series, hours, limit, &f);
    feed_close(&f);
    return found;
}

static struct reading line(double hour)
{
    return (struct reading){100 + 20 * hour, 250 + 40 * hour};
}

static void test_line_is_likely(void **state)
{
    (void)state;
    struct finding found = found_of(line, 14, 1000);
    assert_int_equal(found.kind, VERDICT_HEAP);
    assert_int_equal(found.grade, GRADE_LIKELY);
    assert_int_equal(found.window_ms, 8 * HOUR_MS);
    assert_int_equal(found.since_ms, ORIGIN_MS + 6 * HOUR_MS);
    assert_non_null(strstr(found.evidence, "live heap rose from 220.0 to 370.0 MiB"));
}

/* The first of the two windows needs eight hours behind the grace. */
static void test_grace(void **state)
{
    (void)state;
    assert_int_equal(found_of(line, 8, 1000).kind, VERDICT_NONE);
    assert_int_equal(found_of(line, 8.5, 1000).kind, VERDICT_HEAP);
    struct feed f;
    struct finding found = found_after(line, 9, 1000, &f);
    f.view.life_start_ms = ORIGIN_MS + 10 * MINUTE_MS; /* so the first block is at 1:00 */
    for (int half = 17; half <= 18; half++) {
        found = (struct finding){0};
        f.view.t_ms = ORIGIN_MS + half * 30 * MINUTE_MS;
        memory_ratchet_run(&f.view, &found);
        assert_int_equal(found.kind, half == 17 ? VERDICT_NONE : VERDICT_HEAP);
    }
    feed_close(&f);
}

static void test_rise_by_the_limit(void **state)
{
    (void)state;
    /* 150 in the blocks of 8 hours, 230 in those of 12. */
    assert_int_equal(found_of(line, 14, 2450).kind, VERDICT_HEAP);
    assert_int_equal(found_of(line, 14, 3800).window_ms, 12 * HOUR_MS);
    assert_int_equal(found_of(line, 14, 4000).kind, VERDICT_NONE); /* of memory as well */
}

static struct reading large(double hour)
{
    return (struct reading){1000 + 12 * hour, NAN};
}

/* Else by where it began: 24 %. */
static void test_rise_without_limit(void **state)
{
    (void)state;
    assert_int_equal(found_of(large, 14, 0).kind, VERDICT_NONE);
    assert_int_equal(found_of(large, 14, 1200).kind, VERDICT_HEAP);
    struct finding found = found_of(line, 14, 0);
    assert_int_equal(found.kind, VERDICT_HEAP);
    assert_int_equal(found.grade, GRADE_LIKELY);
}

static struct reading gives_back(double hour)
{
    struct reading r = line(hour);
    return hour >= 10 && hour < 10.5 ? (struct reading){r.heap - 50, r.memory - 100} : r;
}

static void test_give_back(void **state)
{
    (void)state;
    assert_int_equal(found_of(gives_back, 14, 1000).kind, VERDICT_NONE);
}

static struct reading stops(double hour)
{
    return line(hour < 11 ? hour : 11);
}

static void test_each_third(void **state)
{
    (void)state;
    assert_int_equal(found_of(stops, 11, 1000).kind, VERDICT_HEAP);
    assert_int_equal(found_of(stops, 14, 1000).kind, VERDICT_NONE);
}

/* Settles at 460 MiB of heap and 828 of memory. */
static struct reading cache(double hour)
{
    double heap = 100 + 360 * (1 - exp(-hour / 36));
    return (struct reading){heap, 1.8 * heap};
}

static void test_what_slows_down_is_suspect(void **state)
{
    (void)state;
    struct finding found = found_of(cache, 10, 1000);
    assert_int_equal(found.kind, VERDICT_HEAP);
    assert_int_equal(found.grade, GRADE_SUSPECT);
    assert_non_null(strstr(found.evidence, "it may be a cache that fills"));
}

/* The same curve where the kernel kills before it settles, and where nobody
 * knows when the kernel kills. */
static void test_what_settles_too_high_is_likely(void **state)
{
    (void)state;
    assert_int_equal(found_of(cache, 10, 500).grade, GRADE_LIKELY);
    assert_int_equal(found_of(cache, 10, 0).grade, GRADE_LIKELY);
}

static struct reading outside(double hour)
{
    return (struct reading){100, 250 + 40 * hour};
}

static void test_memory_alone(void **state)
{
    (void)state;
    struct finding found = found_of(outside, 14, 1000);
    assert_int_equal(found.kind, VERDICT_MEMORY);
    assert_int_equal(found.grade, GRADE_LIKELY);
    assert_int_equal(found_of(outside, 14, 4000).kind, VERDICT_NONE); /* 12 % of it */
}

static struct reading sparse(double hour)
{
    int64_t reading = llround(hour * 6);
    return reading % 5 == 0 ? line(hour) : (struct reading){NAN, NAN};
}

static void test_missed_readings(void **state)
{
    (void)state;
    assert_int_equal(found_of(sparse, 14, 1000).kind, VERDICT_HEAP);
}

static struct reading nothing(double hour)
{
    (void)hour;
    return (struct reading){NAN, NAN};
}

static void test_nothing_read(void **state)
{
    (void)state;
    assert_int_equal(found_of(nothing, 14, 1000).kind, VERDICT_NONE);
}

/* ---- sites ---- */

static struct finding found_with_sites(series_fn series, bool *named)
{
    static const int64_t before[3] = {40000000, 20000000, 1000000};
    static const int64_t now[3] = {40000000, 220000000, 1100000};
    struct feed f;
    struct history_count counts[3];
    assert_int_equal(found_after(series, 14, 1000, &f).kind != VERDICT_NONE, true);
    f.names[0] = "main.config";
    f.names[1] = "main.remember";
    f.names[2] = "main.little";
    f.n = 3;
    for (int hour = 5; hour < 14; hour++) {
        for (uint32_t i = 0; i < 3; i++)
            counts[i] = (struct history_count){i + 1, hour < 10 ? before[i] : now[i], i};
        history_push_stacks(f.h, 0, HISTORY_SITES, ORIGIN_MS + hour * HOUR_MS, counts, 3,
                            feed_frames, &f);
    }
    struct finding found = {0};
    memory_ratchet_run(&f.view, &found);
    *named = found.n_culprits > 0 && feed_is(&f, found.culprits[0].stack, "main.remember");
    feed_close(&f);
    return found;
}

static void test_heap_names_its_site(void **state)
{
    (void)state;
    bool named;
    struct finding found = found_with_sites(line, &named);
    assert_int_equal(found.kind, VERDICT_HEAP);
    assert_int_equal(found.n_culprits, 1); /* 100 KB of 200 MB are noise */
    assert_true(named);
    assert_int_equal(found.culprits[0].class, HISTORY_SITES);
    assert_int_equal(found.culprits[0].now - found.culprits[0].before, 200000000);
}

/* What grows beside the heap is not of a heap site. */
static void test_memory_names_none(void **state)
{
    (void)state;
    bool named;
    struct finding found = found_with_sites(outside, &named);
    assert_int_equal(found.kind, VERDICT_MEMORY);
    assert_int_equal(found.n_culprits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_is_likely),
        cmocka_unit_test(test_grace),
        cmocka_unit_test(test_rise_by_the_limit),
        cmocka_unit_test(test_rise_without_limit),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_each_third),
        cmocka_unit_test(test_what_slows_down_is_suspect),
        cmocka_unit_test(test_what_settles_too_high_is_likely),
        cmocka_unit_test(test_memory_alone),
        cmocka_unit_test(test_missed_readings),
        cmocka_unit_test(test_nothing_read),
        cmocka_unit_test(test_heap_names_its_site),
        cmocka_unit_test(test_memory_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
