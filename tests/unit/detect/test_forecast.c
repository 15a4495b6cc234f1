/* The forecast (D) on series of known slope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define MIB 1048576.0
#define READ_MS MINUTE_MS

/* Memory and live heap at an hour: a line with noise on it. NAN: not read. */
struct service {
    double memory, memory_per_hour, memory_noise;
    double heap, heap_per_hour;
    double goroutines;
    double limit;
    double hours;
};

static double noise_at(int64_t reading) /* -1 … 1 */
{
    uint64_t x = (uint64_t)reading * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return (double)(x >> 11) / 9007199254740992.0 * 2 - 1;
}

static void service_feed(struct feed *f, const struct service *s, int64_t from_ms)
{
    for (int64_t t_ms = 0; t_ms < (int64_t)(s->hours * (double)HOUR_MS); t_ms += READ_MS) {
        double hour = (double)t_ms / (double)HOUR_MS;
        double noise = s->memory_noise * noise_at(t_ms / READ_MS);
        feed_reading(f, from_ms + t_ms, s->goroutines,
                     (s->heap + s->heap_per_hour * hour) * MIB,
                     (s->memory + s->memory_per_hour * hour + noise) * MIB);
    }
    f->view.limit_bytes = (int64_t)(s->limit * MIB);
}

static struct forecast forecast_of(const struct service *s)
{
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    service_feed(&f, s, ORIGIN_MS);
    struct forecast d = detect_forecast(&f.view);
    feed_close(&f);
    return d;
}

static void hours_check(double seconds, double hours, double percent)
{
    if (fabs(seconds / 3600 - hours) > hours * percent / 100)
        fail_msg("%.2f h, not %.2f", seconds / 3600, hours);
}

static void none_check(const struct service *s)
{
    struct forecast d = forecast_of(s);
    assert_true(d.eta_s == 0 && d.low_s == 0 && d.high_s == 0);
}

static void test_known_slope(void **state)
{
    (void)state;
    /* 200 left at 10 an hour. */
    struct forecast d = forecast_of(&(struct service){
        .memory = 100, .memory_per_hour = 10, .limit = 600, .heap = NAN, .hours = 30});
    hours_check(d.eta_s, 20, 1);
    hours_check(d.low_s, 20, 1); /* of a line all slopes are the same */
    hours_check(d.high_s, 20, 1);
}

/* By the peaks, since the kernel kills on one. */
static void test_noise_widens_the_interval(void **state)
{
    (void)state;
    struct forecast d = forecast_of(&(struct service){.memory = 100,
                                                      .memory_per_hour = 10,
                                                      .memory_noise = 20,
                                                      .limit = 620,
                                                      .heap = NAN,
                                                      .hours = 30});
    hours_check(d.eta_s, 20, 20);
    assert_true(d.low_s < d.eta_s && d.eta_s < d.high_s);
}

static void test_nothing_to_foresee(void **state)
{
    (void)state;
    struct service flat = {.memory = 300, .limit = 600, .heap = 100, .hours = 30};
    none_check(&flat);
    struct service falling = flat;
    falling.memory_per_hour = -5;
    falling.heap_per_hour = -1;
    none_check(&falling);
    struct service unknown_limit = {
        .memory = 100, .memory_per_hour = 10, .heap = NAN, .hours = 30};
    none_check(&unknown_limit);
    struct service unread = {.memory = NAN, .heap = NAN, .limit = 600, .hours = 30};
    none_check(&unread);
}

/* Six blocks of twenty minutes. */
static void test_needs_two_hours(void **state)
{
    (void)state;
    struct service s = {
        .memory = 100, .memory_per_hour = 60, .limit = 700, .heap = NAN, .hours = 1.6};
    none_check(&s);
    s.hours = 2;
    hours_check(forecast_of(&s).eta_s, 8, 2);
}

/* The steeper of six hours and of a day. */
static void test_late_onset(void **state)
{
    (void)state;
    struct feed f;
    struct service calm = {.memory = 300, .limit = 600, .heap = NAN, .hours = 20};
    struct service leak = {
        .memory = 300, .memory_per_hour = 20, .limit = 600, .heap = NAN, .hours = 6};
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    service_feed(&f, &calm, ORIGIN_MS);
    service_feed(&f, &leak, ORIGIN_MS + 20 * HOUR_MS);
    hours_check(detect_forecast(&f.view).eta_s, 9, 2); /* 180 left */
    feed_close(&f);
}

/* Peaks that come every two hours: the level is the last one's, though memory
 * is lower now. */
static void test_level_is_the_peak(void **state)
{
    (void)state;
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (int64_t t_ms = 0; t_ms < 31 * HOUR_MS; t_ms += READ_MS) {
        double hour = (double)t_ms / (double)HOUR_MS;
        bool peak = t_ms % (2 * HOUR_MS) < 20 * MINUTE_MS;
        feed_reading(&f, ORIGIN_MS + t_ms, NAN, NAN, (100 + 10 * hour + (peak ? 50 : 0)) * MIB);
    }
    f.view.limit_bytes = (int64_t)(600 * MIB);
    /* The last peak began at hour 30 and went to 453 MiB. */
    assert_true(detect_forecast(&f.view).eta_s < (600 - 453) / 10.0 * 3600 * 1.02);
    feed_close(&f);
}

/* GOMEMLIMIT holds memory at nine tenths; live heap, 6 KiB a goroutine and the
 * runtime's 4 % fill it. */
static void test_heap_under_a_level_memory(void **state)
{
    (void)state;
    struct service s = {.memory = 900,
                        .heap = 100,
                        .heap_per_hour = 20,
                        .goroutines = 10240, /* 60 MiB */
                        .limit = 1000,
                        .hours = 30};
    hours_check(forecast_of(&s).eta_s, (960 - 60 - 700) / 20.0, 1);
    s.memory_per_hour = 1; /* in 70 hours: later */
    hours_check(forecast_of(&s).eta_s, 10, 1);
    s.memory_per_hour = 3; /* in 10/3 hours: earlier */
    hours_check(forecast_of(&s).eta_s, 10 / 3.0, 2);
}

/* What is there already and still climbs is no "never". */
static void test_at_the_limit(void **state)
{
    (void)state;
    struct service s = {
        .memory = 900, .heap = 500, .heap_per_hour = 20, .limit = 1000, .hours = 30};
    struct forecast d = forecast_of(&s); /* the heap is past 960 */
    assert_true(d.eta_s == 1);
    struct service full = {
        .memory = 400, .memory_per_hour = 20, .heap = NAN, .limit = 900, .hours = 30};
    assert_true(forecast_of(&full).eta_s == 1);
}

static void test_of_this_life_alone(void **state)
{
    (void)state;
    struct feed f;
    struct service before = {
        .memory = 100, .memory_per_hour = 20, .limit = 600, .heap = NAN, .hours = 20};
    struct service now = {
        .memory = 100, .memory_per_hour = 5, .limit = 600, .heap = NAN, .hours = 4};
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    service_feed(&f, &before, ORIGIN_MS);
    service_feed(&f, &now, ORIGIN_MS + 20 * HOUR_MS);
    f.view.life_start_ms = ORIGIN_MS + 20 * HOUR_MS;
    hours_check(detect_forecast(&f.view).eta_s, 96, 1);
    feed_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_slope),
        cmocka_unit_test(test_noise_widens_the_interval),
        cmocka_unit_test(test_nothing_to_foresee),
        cmocka_unit_test(test_needs_two_hours),
        cmocka_unit_test(test_late_onset),
        cmocka_unit_test(test_level_is_the_peak),
        cmocka_unit_test(test_heap_under_a_level_memory),
        cmocka_unit_test(test_at_the_limit),
        cmocka_unit_test(test_of_this_life_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
