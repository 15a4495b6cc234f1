/* GC-bound: the collector's share of the CPU rises while its goal stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define READINGS 10
#define GOAL (900 << 20)

/* Readings every five minutes; the last six are half an hour. */
static void readings_push(struct gc_readings *g, const double share[READINGS], double goal,
                          double goal_growth)
{
    double cpu_s = 0;
    *g = (struct gc_readings){0};
    for (int i = 0; i < READINGS; i++) {
        int64_t uptime_ms = (i + 1) * 5 * MINUTE_MS;
        cpu_s += 300 * share[i];
        gc_push(g, ORIGIN_MS + uptime_ms, uptime_ms, cpu_s * 1000 / (double)uptime_ms,
                (uint64_t)goal, 1);
        goal *= goal_growth;
    }
    assert_int_equal(g->n, READINGS);
}

static struct finding found_of(const struct gc_readings *g, int64_t t_ms)
{
    struct detect_view v = {.t_ms = t_ms, .time_scale = 1, .gc = g};
    struct finding found = {0};
    gc_bound_run(&v, &found);
    return found;
}

static struct finding found_in(const double share[READINGS], double goal_growth)
{
    struct gc_readings g;
    readings_push(&g, share, GOAL, goal_growth);
    return found_of(&g, ORIGIN_MS + HOUR_MS);
}

static const double rising[READINGS] = {.02, .02, .02, .03, .04, .06, .08, .12, .16, .20};
static const double thrashing[READINGS] = {.02, .02, .04, .06, .10, .15, .2, .25, .3, .4};

static void test_grades(void **state)
{
    (void)state;
    struct finding found = found_in(rising, 1);
    assert_int_equal(found.kind, VERDICT_GC_BOUND);
    assert_int_equal(found.grade, GRADE_SUSPECT);
    assert_int_equal(found.window_ms, 30 * MINUTE_MS);
    assert_non_null(strstr(found.evidence, "takes 20 % of the CPU, 3 % half an hour before"));
    assert_int_equal(found_in(thrashing, 1).grade, GRADE_LIKELY);
}

static void test_each_rule_refuses(void **state)
{
    (void)state;
    static const double idle[READINGS] = {.01, .01, .01, .01, .02, .03, .04, .05, .07, .09};
    static const double busy[READINGS] = {.3, .3, .3, .3, .3, .3, .3, .3, .3, .3};
    assert_int_equal(found_in(idle, 1).kind, VERDICT_NONE);      /* below a tenth */
    assert_int_equal(found_in(busy, 1).kind, VERDICT_NONE);      /* as ever */
    assert_int_equal(found_in(rising, 1.02).kind, VERDICT_NONE); /* the heap may still grow */
    assert_int_equal(found_in(rising, 1.005).kind, VERDICT_GC_BOUND);
}

/* A proxy with a live heap of nearly nothing, in the morning. */
static void test_least_goal_is_traffic(void **state)
{
    (void)state;
    struct gc_readings g;
    readings_push(&g, thrashing, 4 << 20, 1);
    assert_int_equal(found_of(&g, ORIGIN_MS + HOUR_MS).kind, VERDICT_NONE);
    readings_push(&g, thrashing, 5 << 20, 1);
    assert_int_equal(found_of(&g, ORIGIN_MS + HOUR_MS).kind, VERDICT_GC_BOUND);
}

static void test_needs_readings(void **state)
{
    (void)state;
    struct gc_readings g;
    readings_push(&g, rising, GOAL, 1);
    assert_int_equal(found_of(NULL, ORIGIN_MS + HOUR_MS).kind, VERDICT_NONE);
    assert_int_equal(found_of(&g, ORIGIN_MS + 40 * MINUTE_MS).kind, VERDICT_NONE); /* to come */
    g.n = 7;
    assert_int_equal(found_of(&g, ORIGIN_MS + HOUR_MS).kind, VERDICT_NONE);
    g = (struct gc_readings){0};
    assert_int_equal(found_of(&g, ORIGIN_MS + HOUR_MS).kind, VERDICT_NONE);
}

static void test_what_is_no_reading(void **state)
{
    (void)state;
    struct gc_readings g = {0};
    gc_push(&g, ORIGIN_MS, HOUR_MS, NAN, GOAL, 1);
    gc_push(&g, ORIGIN_MS, HOUR_MS, -0.1, GOAL, 1);
    gc_push(&g, ORIGIN_MS, HOUR_MS, 1.1, GOAL, 1);
    gc_push(&g, ORIGIN_MS, -1, 0.1, GOAL, 1);
    assert_int_equal(g.n, 0);
    gc_push(&g, ORIGIN_MS, HOUR_MS, 0.1, GOAL, 1);
    gc_push(&g, ORIGIN_MS + 5 * MINUTE_MS - 1, HOUR_MS, 0.1, GOAL, 1); /* too close */
    gc_push(&g, ORIGIN_MS - HOUR_MS, HOUR_MS, 0.1, GOAL, 1);           /* backwards */
    assert_int_equal(g.n, 1);
    gc_push(&g, ORIGIN_MS + 5 * MINUTE_MS, HOUR_MS, 0.1, GOAL, 1);
    assert_int_equal(g.n, 2);
    gc_push(&g, ORIGIN_MS + 6 * MINUTE_MS, HOUR_MS, 0.1, GOAL, 60); /* scaled */
    assert_int_equal(g.n, 3);
}

/* The oldest makes room. */
static void test_bounded(void **state)
{
    (void)state;
    struct gc_readings g = {0};
    for (int i = 0; i < 3 * GC_READINGS_MAX; i++)
        gc_push(&g, ORIGIN_MS + i * 5 * MINUTE_MS, HOUR_MS, 0.1, GOAL, 1);
    assert_int_equal(g.n, GC_READINGS_MAX);
    assert_int_equal(g.p[0].t_ms, ORIGIN_MS + 2 * GC_READINGS_MAX * 5 * MINUTE_MS);
    assert_int_equal(g.p[g.n - 1].t_ms, ORIGIN_MS + (3 * GC_READINGS_MAX - 1) * 5 * MINUTE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grades),
        cmocka_unit_test(test_each_rule_refuses),
        cmocka_unit_test(test_least_goal_is_traffic),
        cmocka_unit_test(test_needs_readings),
        cmocka_unit_test(test_what_is_no_reading),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
