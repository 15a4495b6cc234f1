/* The plain rules, and the level at which a service is at home. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tests/unit/detect/feed.h"

#define MB (1000 * 1000LL)
#define LIMIT (1000 * MB)

static char why[160];

static void test_off_unless_asked_for(void **state)
{
    (void)state;
    struct rule_state s = {0};
    struct rule_config c = {0};
    struct detect_view v = {.t_ms = ORIGIN_MS, .limit_bytes = LIMIT, .time_scale = 1};
    assert_null(rules_step(&s, &c, &v, 1000000, LIMIT, 0, why));
}

static void test_once_per_life(void **state)
{
    (void)state;
    struct rule_state s = {0};
    struct rule_config c = {.goroutines = 1000, .memory_percent = 85};
    struct detect_view v = {.t_ms = ORIGIN_MS, .limit_bytes = LIMIT, .time_scale = 1};
    assert_null(rules_step(&s, &c, &v, 999, 849 * MB, 0, why));
    assert_string_equal(rules_step(&s, &c, &v, 1000, 849 * MB, 0, why), "goroutines");
    assert_string_equal(why, "1000 goroutines, the rule's bound is 1000");
    assert_null(rules_step(&s, &c, &v, 2000, 849 * MB, 0, why));
    assert_string_equal(rules_step(&s, &c, &v, 2000, 850 * MB, 0, why), "memory-percent");
    assert_string_equal(why, "memory at 85.0 % of the limit, the rule's bound is 85 %");
    assert_null(rules_step(&s, &c, &v, 2000, 900 * MB, 0, why));
    v.t_ms += HOUR_MS;
    v.life_start_ms = v.t_ms;
    assert_string_equal(rules_step(&s, &c, &v, 2000, 900 * MB, 0, why), "goroutines");
    assert_string_equal(rules_step(&s, &c, &v, 2000, 900 * MB, 0, why), "memory-percent");
}

static void test_percent_needs_a_limit_and_a_new_level(void **state)
{
    (void)state;
    struct rule_state s = {0};
    struct rule_config c = {.memory_percent = 85};
    struct detect_view v = {.t_ms = ORIGIN_MS, .time_scale = 1};
    assert_null(rules_step(&s, &c, &v, 0, 900 * MB, 0, why));
    v.limit_bytes = LIMIT;
    assert_null(rules_step(&s, &c, &v, 0, 900 * MB, 85, why)); /* at home there */
    assert_null(rules_step(&s, &c, &v, 0, -1, 0, why));        /* not read */
    assert_non_null(rules_step(&s, &c, &v, 0, 900 * MB, 84, why));
}

/* Minute at which the ratio fires for a count of from … plus per_hour, or -1. */
static int64_t ratio_minute(double from, double per_hour, int64_t hours)
{
    struct feed f;
    struct rule_state s = {0};
    struct rule_config c = {.ratio = true};
    int64_t minute = -1;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (int64_t t_ms = 0; t_ms < hours * HOUR_MS && minute < 0; t_ms += 10000) {
        double g = from + per_hour * (double)t_ms / (double)HOUR_MS;
        feed_reading(&f, ORIGIN_MS + t_ms, g, NAN, 1);
        const char *rule = rules_step(&s, &c, &f.view, (int64_t)g, 1, 0, why);
        if (rule) {
            assert_string_equal(rule, "ratio");
            minute = t_ms / MINUTE_MS;
        }
    }
    feed_close(&f);
    return minute;
}

static void test_ratio(void **state)
{
    (void)state;
    assert_in_range(ratio_minute(300, 100, 12), 75, 77); /* one hour and a quarter */
    assert_int_equal(ratio_minute(600, 100, 12), -1);    /* deaf: 17 % an hour and less */
    assert_int_equal(ratio_minute(20, 30, 2), -1);       /* below a hundred */
    assert_int_equal(ratio_minute(300, 0, 12), -1);
}

static int settled_after(struct feed *f, bool oom, int64_t at_ms)
{
    struct history_life life = {
        .id = 1, .start_ms = ORIGIN_MS, .seen_ms = ORIGIN_MS, .oom = oom};
    life.end_ms = ORIGIN_MS + at_ms;
    history_push_life(f->h, 0, &life);
    f->view.t_ms = ORIGIN_MS + at_ms;
    return detect_settled_percent(&f->view);
}

static void test_settled_percent(void **state)
{
    (void)state;
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    f.view.limit_bytes = LIMIT;
    for (int64_t t_ms = 0; t_ms < 6 * HOUR_MS; t_ms += 10000) {
        /* three hours at 87 %, but for twenty minutes at 95 %, and so at the end */
        double percent = t_ms < 2 * HOUR_MS ? 40 : t_ms < 5 * HOUR_MS ? 87 : 50;
        if (t_ms / (20 * MINUTE_MS) == 9 || t_ms / (20 * MINUTE_MS) == 17)
            percent = 95;
        feed_reading(&f, ORIGIN_MS + t_ms, 100, NAN, percent / 100 * (double)LIMIT);
    }
    assert_in_range(settled_after(&f, false, 6 * HOUR_MS), 86, 87);
    assert_int_equal(settled_after(&f, true, 6 * HOUR_MS), 0); /* it died of it */
    assert_in_range(settled_after(&f, false, 2 * HOUR_MS), 39, 40);
    f.view.limit_bytes = 0;
    assert_int_equal(settled_after(&f, false, 6 * HOUR_MS), 0);
    feed_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_unless_asked_for),
        cmocka_unit_test(test_once_per_life),
        cmocka_unit_test(test_percent_needs_a_limit_and_a_new_level),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_settled_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
