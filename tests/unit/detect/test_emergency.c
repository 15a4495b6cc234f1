/* F on made-up memory curves: lead before the limit, and silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detect.h"

#define MB (1000 * 1000LL)
#define LIMIT (1000 * MB)
#define START_MS 1700000000000LL

/* One run: what fired, and when. */
struct run {
    struct emergency e;
    int64_t t_ms;
    int64_t every_ms;
    int64_t scale;
    int settled_percent;
    int64_t dump_ms;
    int fired[EMERGENCY_LEVELS];
    int64_t first_ms; /* the first of any level; 0 none */
};

static struct run run_of(int64_t every_ms)
{
    return (struct run){.t_ms = START_MS, .every_ms = every_ms, .scale = 1};
}

static enum emergency_level run_push(struct run *r, int64_t usage_bytes)
{
    enum emergency_level l = emergency_push(&r->e, r->t_ms, usage_bytes, LIMIT,
                                            r->settled_percent, r->dump_ms, r->scale);
    if (l != EMERGENCY_NONE) {
        r->fired[l]++;
        if (r->first_ms == 0)
            r->first_ms = r->t_ms;
    }
    r->t_ms += r->every_ms;
    return l;
}

static void run_hold(struct run *r, int64_t usage_bytes, int64_t for_ms)
{
    for (int64_t end = r->t_ms + for_ms; r->t_ms < end;)
        run_push(r, usage_bytes);
}

/* In a straight line; stops at the limit as the kernel would. */
static void run_ramp(struct run *r, int64_t from_bytes, int64_t to_bytes, int64_t over_ms)
{
    int64_t start_ms = r->t_ms;
    while (r->t_ms - start_ms < over_ms)
        run_push(r, from_bytes + (to_bytes - from_bytes) * (r->t_ms - start_ms) / over_ms);
}

static int run_fired(const struct run *r)
{
    return r->fired[EMERGENCY_ETA] + r->fired[EMERGENCY_80] + r->fired[EMERGENCY_92];
}

/* A limit filled in twenty seconds from a fifth of it: at least nine left,
 * whatever the phase of the samples. */
static void test_fill_20s_leaves_9s(void **state)
{
    (void)state;
    static const int64_t every[] = {250, 500, 1000, 2000};
    for (size_t k = 0; k < 4; k++) {
        for (int64_t phase = 0; phase < every[k]; phase += 50) {
            struct run r = run_of(every[k]);
            run_hold(&r, 200 * MB, 60000);
            int64_t begin_ms = r.t_ms - phase;
            while (r.t_ms < begin_ms + 20000)
                run_push(&r, (200 + 40 * (r.t_ms - begin_ms) / 1000) * MB);
            assert_int_not_equal(r.first_ms, 0);
            int64_t lead_ms = begin_ms + 20000 - r.first_ms;
            assert_in_range(lead_ms, 9000, 13000);
            assert_int_equal(r.fired[EMERGENCY_ETA], 1);
            assert_true(r.e.near_s > 0 && r.e.near_s <= r.e.eta_s);
        }
    }
}

/* From nothing at all, half of the limit is reached at ten seconds. */
static void test_fill_20s_from_zero(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_ramp(&r, 0, LIMIT, 20000);
    assert_in_range(START_MS + 20000 - r.first_ms, 9500, 10000);
}

static void test_fill_survives_missing_samples(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 200 * MB, 60000);
    int64_t begin_ms = r.t_ms;
    for (int i = 0; r.t_ms < begin_ms + 20000; i++) {
        if (i % 3 == 0)
            run_push(&r, (200 + 40 * (r.t_ms - begin_ms) / 1000) * MB);
        else
            r.t_ms += r.every_ms;
    }
    assert_int_not_equal(r.first_ms, 0);
    assert_in_range(begin_ms + 20000 - r.first_ms, 9000, 13000);
}

static void test_gap_is_not_a_slope(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 300 * MB, 10000);
    r.t_ms += 3600 * 1000;
    run_hold(&r, 600 * MB, 10000);
    assert_int_equal(run_fired(&r), 0);
    r.t_ms += 3600 * 1000;
    run_ramp(&r, 600 * MB, 790 * MB, 5000); /* and the gap does not dull what follows */
    assert_int_equal(r.fired[EMERGENCY_ETA], 1);
}

static void test_one_jump_is_not_a_slope(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 300 * MB, 30000);
    run_hold(&r, 700 * MB, 600000);
    assert_int_equal(run_fired(&r), 0);
}

static void test_below_half_is_silent(void **state)
{
    (void)state;
    struct run r = run_of(500);
    for (int i = 0; i < 20; i++) {
        run_ramp(&r, 100 * MB, 480 * MB, 5000);
        assert_true(r.e.eta_s > 0 && r.e.eta_s < 30);
        assert_true(r.e.near_s == 0); /* and no forecast for people */
        run_hold(&r, 100 * MB, 5000);
    }
    assert_int_equal(run_fired(&r), 0);
}

static void test_slow_dumps_call_earlier(void **state)
{
    (void)state;
    int64_t first_ms[2];
    for (int slow = 0; slow < 2; slow++) {
        struct run r = run_of(500);
        r.dump_ms = slow ? 12000 : 100; /* five of them: a minute */
        run_hold(&r, 400 * MB, 10000);
        run_ramp(&r, 400 * MB, 790 * MB, 100000); /* 3.9 MB/s: 30 s at 883 MB */
        first_ms[slow] = r.first_ms;
    }
    assert_int_equal(first_ms[0], 0);
    assert_int_not_equal(first_ms[1], 0);
}

/* Too slow for the ETA: the levels speak, each once. */
static void test_levels_once_each(void **state)
{
    (void)state;
    struct run r = run_of(2000);
    run_ramp(&r, 500 * MB, 950 * MB, 3600 * 1000);
    run_hold(&r, 950 * MB, 24 * 3600 * 1000);
    assert_int_equal(r.fired[EMERGENCY_ETA], 0);
    assert_int_equal(r.fired[EMERGENCY_80], 1);
    assert_int_equal(r.fired[EMERGENCY_92], 1);
}

static void test_one_call_for_two_levels(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 300 * MB, 5000);
    assert_int_equal(run_push(&r, 950 * MB), EMERGENCY_92);
    run_hold(&r, 950 * MB, 5000);
    assert_int_equal(run_fired(&r), 1);
}

/* GOMEMLIMIT: it breathes between 84 and 90 % for days. */
static void test_plateau_speaks_once(void **state)
{
    (void)state;
    struct run r = run_of(2000);
    run_ramp(&r, 300 * MB, 870 * MB, 600 * 1000);
    for (int i = 0; i < 2000; i++) {
        run_ramp(&r, 840 * MB, 900 * MB, 60000);
        run_ramp(&r, 900 * MB, 840 * MB, 5000);
    }
    assert_int_equal(r.fired[EMERGENCY_80], 1);
    assert_int_equal(r.fired[EMERGENCY_92], 0);
    assert_int_equal(r.fired[EMERGENCY_ETA], 0);
}

static void test_settled_level_is_deaf(void **state)
{
    (void)state;
    struct run r = run_of(2000);
    r.settled_percent = 85;
    run_ramp(&r, 300 * MB, 870 * MB, 3600 * 1000);
    run_hold(&r, 870 * MB, 3600 * 1000);
    assert_int_equal(run_fired(&r), 0);
    run_hold(&r, 930 * MB, 3600 * 1000);
    assert_int_equal(r.fired[EMERGENCY_92], 1); /* never lived there */
}

static void test_eta_speaks_at_a_settled_level(void **state)
{
    (void)state;
    struct run r = run_of(500);
    r.settled_percent = 95;
    run_hold(&r, 870 * MB, 600 * 1000);
    assert_int_equal(run_fired(&r), 0);
    run_ramp(&r, 870 * MB, LIMIT, 10000);
    assert_int_equal(r.fired[EMERGENCY_ETA], 1);
    assert_int_equal(run_fired(&r), 1);
}

static void test_rearms_after_calm(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 850 * MB, 10000);
    run_hold(&r, 600 * MB, 4 * 60 * 1000); /* too short */
    run_hold(&r, 850 * MB, 10000);
    assert_int_equal(r.fired[EMERGENCY_80], 1);
    run_hold(&r, 600 * MB, 6 * 60 * 1000);
    run_hold(&r, 850 * MB, 10000);
    assert_int_equal(r.fired[EMERGENCY_80], 2);
}

/* A long calm before the call does not re-arm it on its way up. */
static void test_one_call_on_the_way_up(void **state)
{
    (void)state;
    struct run r = run_of(500);
    run_hold(&r, 300 * MB, 3600 * 1000);
    run_ramp(&r, 300 * MB, 690 * MB, 15000);
    run_hold(&r, 300 * MB, 4 * 60 * 1000);
    run_ramp(&r, 300 * MB, 690 * MB, 15000);
    assert_int_equal(r.fired[EMERGENCY_ETA], 1);
    run_hold(&r, 300 * MB, 5 * 60 * 1000 + 1000);
    run_ramp(&r, 300 * MB, 690 * MB, 15000);
    assert_int_equal(r.fired[EMERGENCY_ETA], 2);
    assert_int_equal(run_fired(&r), 2);
}

static void test_close_samples_do_not_count_twice(void **state)
{
    (void)state;
    struct run r = run_of(10);
    run_hold(&r, 600 * MB, 10000);
    run_ramp(&r, 600 * MB, 650 * MB, 200); /* twenty samples, one step */
    run_hold(&r, 650 * MB, 10000);
    assert_int_equal(run_fired(&r), 0);
}

/* A thousand times faster, everything divided alike. */
static void test_time_scale(void **state)
{
    (void)state;
    struct run r = run_of(2);
    r.scale = 250;
    run_hold(&r, 200 * MB, 240);
    int64_t begin_ms = r.t_ms;
    run_ramp(&r, 200 * MB, LIMIT, 80); /* twenty seconds */
    assert_int_equal(r.fired[EMERGENCY_ETA], 1);
    assert_in_range(begin_ms + 80 - r.first_ms, 36, 52);
}

static void test_nonsense_is_ignored(void **state)
{
    (void)state;
    struct emergency e = {0};
    assert_int_equal(emergency_push(&e, 1, 100, 0, 0, 0, 1), EMERGENCY_NONE);
    assert_int_equal(emergency_push(&e, 1, -1, 100, 0, 0, 1), EMERGENCY_NONE);
    assert_int_equal(e.n, 0);
    for (int i = 0; i < 100; i++) /* time stands still, then runs back */
        emergency_push(&e, 1000 - i, 60, 100, 0, 0, 1);
    assert_int_equal(e.n, 1);
    assert_true(emergency_push(&e, 2000, INT64_MAX, 100, 0, 0, 1) == EMERGENCY_92);
    assert_true(e.eta_s > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_20s_leaves_9s),
        cmocka_unit_test(test_fill_20s_from_zero),
        cmocka_unit_test(test_fill_survives_missing_samples),
        cmocka_unit_test(test_gap_is_not_a_slope),
        cmocka_unit_test(test_one_jump_is_not_a_slope),
        cmocka_unit_test(test_below_half_is_silent),
        cmocka_unit_test(test_slow_dumps_call_earlier),
        cmocka_unit_test(test_levels_once_each),
        cmocka_unit_test(test_one_call_for_two_levels),
        cmocka_unit_test(test_plateau_speaks_once),
        cmocka_unit_test(test_settled_level_is_deaf),
        cmocka_unit_test(test_eta_speaks_at_a_settled_level),
        cmocka_unit_test(test_rearms_after_calm),
        cmocka_unit_test(test_one_call_on_the_way_up),
        cmocka_unit_test(test_close_samples_do_not_count_twice),
        cmocka_unit_test(test_time_scale),
        cmocka_unit_test(test_nonsense_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
