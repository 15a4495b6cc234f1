/* The daily floor (C): each rule alone can refuse, and what is no more than
 * suspect. Series are functions of the hour, read every ten minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define MIB 1048576.0
#define READ_MS (10 * MINUTE_MS)
#define HOURS_MAX 400

typedef double (*series_fn)(double hour);

/* What is found at each whole hour of a life. */
struct days {
    struct finding at[HOURS_MAX];
    int hours;
};

static void days_run(struct days *d, enum history_signal s, series_fn series, int hours,
                     double limit_bytes)
{
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    f.view.limit_bytes = (int64_t)limit_bytes;
    d->hours = hours;
    for (int64_t t_ms = 0; t_ms < hours * HOUR_MS; t_ms += READ_MS) {
        double v = series((double)t_ms / (double)HOUR_MS);
        feed_reading(&f, ORIGIN_MS + t_ms, s == HISTORY_GOROUTINES ? v : NAN,
                     s == HISTORY_HEAP_BYTES ? v : NAN, s == HISTORY_MEMORY_BYTES ? v : NAN);
        if (t_ms % HOUR_MS != 0)
            continue;
        struct finding *found = &d->at[t_ms / HOUR_MS];
        *found = (struct finding){0};
        daily_floor_run(&f.view, found);
    }
    feed_close(&f);
}

/* The first hour of a grade or more, or -1. */
static int first_hour(const struct days *d, enum verdict_grade grade)
{
    for (int i = 0; i < d->hours; i++)
        if (d->at[i].grade >= grade)
            return i;
    return -1;
}

static double day_and_night(double hour)
{
    return sin(hour / 24 * 2 * 3.14159265358979);
}

/* ---- memory ---- */

static double sound(double hour)
{
    return (300 + 200 * day_and_night(hour)) * MIB;
}

static double leaks(double hour)
{
    return sound(hour) + 4 * hour * MIB;
}

static void test_leak_under_a_daily_swing(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_MEMORY_BYTES, leaks, 60, 1000 * MIB);
    int hour = first_hour(&d, GRADE_SUSPECT);
    assert_in_range(hour, 42, 54); /* behind the second night */
    assert_int_equal(d.at[hour].kind, VERDICT_MEMORY);
    assert_int_equal(d.at[hour].grade, GRADE_LIKELY);
    assert_int_equal(d.at[59].grade, GRADE_LIKELY);
    days_run(&d, HISTORY_HEAP_BYTES, leaks, 60, 1000 * MIB);
    assert_in_range(first_hour(&d, GRADE_LIKELY), 28, hour); /* 2 %, so earlier */
    assert_int_equal(d.at[59].kind, VERDICT_HEAP);
    days_run(&d, HISTORY_MEMORY_BYTES, sound, 100, 1000 * MIB);
    assert_int_equal(first_hour(&d, GRADE_SUSPECT), -1);
}

static double creeps(double hour)
{
    return (300 + 0.4 * hour) * MIB;
}

/* A floor that grows by less than 0.15 % an hour is no leak, however long. */
static void test_creep(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_MEMORY_BYTES, creeps, 300, 100 * MIB);
    assert_int_equal(first_hour(&d, GRADE_SUSPECT), -1);
}

static double steep(double hour)
{
    return (300 + 30 * hour) * MIB;
}

/* An hour of grace, a day, and four hours of rise. */
static void test_needs_a_day_and_four_hours(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_MEMORY_BYTES, steep, 40, 100 * MIB);
    assert_int_equal(first_hour(&d, GRADE_SUSPECT), 29);
}

static double steps_once(double hour)
{
    return (hour < 40 ? 300 : 500) * MIB;
}

/* When the last hour before a step is a day old, the floor rises at once. */
static void test_one_step(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_MEMORY_BYTES, steps_once, 90, 100 * MIB);
    assert_int_equal(first_hour(&d, GRADE_SUSPECT), -1);
}

static double fills(double hour)
{
    return (300 + 200 * fmin(hour / 24, 1)) * MIB;
}

/* The floor goes on rising for a day after a cache has filled: the same hours
 * rose yesterday and not today, and half a day later yesterday's say no. */
static void test_filled_cache(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_MEMORY_BYTES, fills, 60, 100 * MIB);
    assert_in_range(first_hour(&d, GRADE_SUSPECT), 28, 34);
    assert_int_equal(first_hour(&d, GRADE_LIKELY), -1);
    assert_non_null(strstr(d.at[first_hour(&d, GRADE_SUSPECT)].evidence, "but today only"));
    for (int hour = 40; hour < 60; hour++)
        assert_int_equal(d.at[hour].kind, VERDICT_NONE);
}

/* ---- goroutines ---- */

static double busier(double hour)
{
    return (300 + 150 * day_and_night(hour)) * (hour < 30 ? 1 : 2);
}

static double leaks_goroutines(double hour)
{
    return 300 + 150 * day_and_night(hour) + 8 * hour;
}

static void test_more_traffic_is_suspect(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_GOROUTINES, busier, 120, 0);
    assert_in_range(first_hour(&d, GRADE_SUSPECT), 30, 60);
    assert_int_equal(first_hour(&d, GRADE_LIKELY), -1);
}

static void test_leaked_goroutines_are_likely_in_time(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_GOROUTINES, leaks_goroutines, 80, 0);
    int hour = first_hour(&d, GRADE_SUSPECT);
    assert_int_equal(d.at[hour].kind, VERDICT_DRIFT);
    assert_int_equal(d.at[hour].grade, GRADE_SUSPECT);
    assert_non_null(strstr(d.at[hour].evidence, "traffic that grew"));
    assert_in_range(hour, 42, 60);
    assert_in_range(first_hour(&d, GRADE_LIKELY), 42 + 30, 42 + 36);
}

static double few(double hour)
{
    return 10 + 0.9 * hour;
}

/* Sixty goroutines at least, though 15 % of the floor are few. */
static void test_few_goroutines(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_GOROUTINES, few, 80, 0);
    assert_int_equal(first_hour(&d, GRADE_SUSPECT), -1);
    days_run(&d, HISTORY_GOROUTINES, few, 120, 0);
    assert_in_range(first_hour(&d, GRADE_SUSPECT), 25 + 60 * 10 / 9, 110);
}

/* The history keeps more than thirty days of ten minutes where there is room;
 * all of a life is looked at. */
static double late_and_slow(double hour)
{
    return 1000 + 6 * fmax(hour - 20, 0);
}

static void test_long_life(void **state)
{
    (void)state;
    static struct days d;
    days_run(&d, HISTORY_GOROUTINES, late_and_slow, HOURS_MAX, 0);
    const struct finding *last = &d.at[HOURS_MAX - 1];
    assert_int_equal(last->grade, GRADE_LIKELY);
    assert_in_range(last->window_ms / HOUR_MS, HOURS_MAX - 24, HOURS_MAX);
    assert_non_null(strstr(last->evidence, "from 1000."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leak_under_a_daily_swing),
        cmocka_unit_test(test_creep),
        cmocka_unit_test(test_needs_a_day_and_four_hours),
        cmocka_unit_test(test_one_step),
        cmocka_unit_test(test_filled_cache),
        cmocka_unit_test(test_more_traffic_is_suspect),
        cmocka_unit_test(test_leaked_goroutines_are_likely_in_time),
        cmocka_unit_test(test_few_goroutines),
        cmocka_unit_test(test_long_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
