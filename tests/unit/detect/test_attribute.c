/* What a leaked goroutine weighs, where memory follows the culprits at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define HOURS 6
#define EACH_BYTES 20000.0

/* Two stacks that gain so many an hour, in a staircase of their own; memory is
 * what they hold and the rest, by the minute. */
struct service {
    double per_hour[2];
    double (*rest_bytes)(double hour);
};

static struct finding attributed(const struct service *s)
{
    static const char *const names[2] = {"main.leak", "main.other"};
    struct feed f;
    struct finding found = {.kind = VERDICT_DRIFT};
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    memcpy(f.names, names, sizeof(names));
    f.n = 2;
    int64_t counts[2] = {0};
    for (int64_t minute = 0; minute < HOURS * 60; minute++) {
        double hour = (double)minute / 60, held = 0;
        for (int i = 0; i < 2; i++) {
            counts[i] = 20 + (int64_t)(s->per_hour[i] * hour);
            held += EACH_BYTES * (double)counts[i];
        }
        feed_reading(&f, ORIGIN_MS + minute * MINUTE_MS, NAN, NAN, held + s->rest_bytes(hour));
        feed_step(&f, ORIGIN_MS + minute * MINUTE_MS, counts);
    }
    f.view.t_ms = ORIGIN_MS + HOURS * HOUR_MS;
    for (int i = 0; i < 2 && s->per_hour[i] > 0; i++)
        found.culprits[found.n_culprits++] =
            (struct culprit){.class = HISTORY_STACKS,
                             .stack = history_find_key(f.h, str_hash(str_of(names[i]), 1)),
                             .before = 20,
                             .now = counts[i]};
    culprit_attribute(&f.view, ORIGIN_MS, &found);
    feed_close(&f);
    return found;
}

static double constant(double hour)
{
    (void)hour;
    return 1e8;
}

static double noisy(double hour)
{
    return 1e8 + 3e5 * sin(hour * 37) + 3e5 * sin(hour * 101);
}

/* It rises as well, but most of what it does is its own. */
static double heaving(double hour)
{
    return 1e8 + 1e7 * hour + 1e8 * sin(hour * 10);
}

static double falling(double hour)
{
    return 2e8 - 1.5e7 * hour;
}

static void test_bytes_each(void **state)
{
    (void)state;
    struct finding found = attributed(&(struct service){{100, 0}, constant});
    assert_in_range((int64_t)found.culprits[0].bytes_each, 19900, 20100);
    assert_in_range((int64_t)(100 * found.culprits[0].explains), 99, 100);
    found = attributed(&(struct service){{100, 0}, noisy});
    assert_in_range((int64_t)found.culprits[0].bytes_each, 18000, 22000);
    assert_in_range((int64_t)(100 * found.culprits[0].explains), 90, 100);
}

/* Two that leak together share by how much each grew. */
static void test_shared(void **state)
{
    (void)state;
    struct finding found = attributed(&(struct service){{150, 50}, constant});
    assert_int_equal(found.n_culprits, 2);
    for (int i = 0; i < 2; i++)
        assert_in_range((int64_t)found.culprits[i].bytes_each, 19900, 20100);
    assert_in_range((int64_t)(1000 * found.culprits[0].explains), 740, 760);
    assert_in_range((int64_t)(1000 * found.culprits[1].explains), 240, 260);
}

static void unknown_check(const struct finding *found)
{
    assert_true(found->culprits[0].bytes_each == 0 && found->culprits[0].explains == 0);
}

static void test_unknown_where_memory_does_not_follow(void **state)
{
    (void)state;
    struct finding found = attributed(&(struct service){{100, 0}, heaving});
    unknown_check(&found);
    found = attributed(&(struct service){{100, 0}, falling});
    unknown_check(&found);
}

static double unread(double hour)
{
    (void)hour;
    return NAN;
}

static void test_unknown_where_nothing_is_read(void **state)
{
    (void)state;
    struct finding found = attributed(&(struct service){{100, 0}, unread});
    unknown_check(&found);
    found = attributed(&(struct service){{0, 0}, constant}); /* no culprit */
    assert_int_equal(found.n_culprits, 0);
}

/* A heap site's bytes are what they are. */
static void test_sites_are_left_alone(void **state)
{
    (void)state;
    struct feed f;
    struct finding found = {.kind = VERDICT_HEAP, .n_culprits = 1};
    found.culprits[0] = (struct culprit){.class = HISTORY_SITES, .now = 100};
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (int64_t minute = 0; minute < 120; minute++)
        feed_reading(&f, ORIGIN_MS + minute * MINUTE_MS, NAN, NAN, 1e8 + 1e6 * (double)minute);
    culprit_attribute(&f.view, ORIGIN_MS, &found);
    unknown_check(&found);
    feed_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_each),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_unknown_where_memory_does_not_follow),
        cmocka_unit_test(test_unknown_where_nothing_is_read),
        cmocka_unit_test(test_sites_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
