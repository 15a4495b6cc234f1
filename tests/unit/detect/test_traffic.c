/* A stack that climbs beside one that swings: traffic, or a leak (A)? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/detect/feed.h"

enum { HANDLER, POOL, LEAK, STACKS };

/* Counts at a minute; handlers swing around their load. */
struct service {
    double load, load_per_hour;
    double pool_each; /* of a handler; the pool keeps what the busiest hour needs */
    double leak_from, leak_per_hour;
    bool pool_gives_back;
};

#define SWING 0.06

static double load_at(const struct service *s, int64_t minute)
{
    return s->load + s->load_per_hour * (double)minute / 60;
}

static double handlers_at(const struct service *s, int64_t minute)
{
    double swing = SWING * sin((double)minute / 17) * cos((double)minute / 5);
    return load_at(s, minute) * (1 + swing);
}

/* Four hours of it; the verdict that stands then. */
static struct verdict verdict_of(const struct service *s, struct feed *f)
{
    static const char *const names[STACKS] = {"main.handle", "main.worker", "main.leak"};
    int64_t counts[STACKS] = {0};
    assert_int_equal(feed_open(f, ORIGIN_MS), 0);
    memcpy(f->names, names, sizeof(names));
    f->n = STACKS;
    for (int64_t minute = 0; minute < 240; minute++) {
        double handlers = handlers_at(s, minute), busiest = (1 + SWING) * load_at(s, minute);
        counts[HANDLER] = (int64_t)handlers;
        counts[POOL] = (int64_t)(s->pool_each * (s->pool_gives_back ? handlers : busiest));
        counts[LEAK] = (int64_t)(s->leak_from + s->leak_per_hour * (double)minute / 60);
        feed_step(f, ORIGIN_MS + minute * MINUTE_MS, counts);
    }
    return f->state.verdict;
}

/* The verdict's grade, with the first culprit's name where there is one. */
static void verdict_check(const struct service *s, enum verdict_grade grade,
                          const char *culprit)
{
    struct feed f;
    struct verdict w = verdict_of(s, &f);
    assert_int_equal(w.finding.grade, grade);
    if (culprit) {
        assert_true(w.finding.n_culprits > 0);
        assert_true(feed_is(&f, w.finding.culprits[0].stack, culprit));
    }
    bool alike = strstr(w.finding.evidence, "grew alike") != NULL;
    assert_int_equal(alike, grade == GRADE_SUSPECT);
    feed_close(&f);
}

static void test_pool_that_follows_handlers_is_suspect(void **state)
{
    (void)state;
    verdict_check(&(struct service){.load = 200, .load_per_hour = 60, .pool_each = 1},
                  GRADE_SUSPECT, "main.worker");
}

static void test_traffic_alone_is_nothing(void **state)
{
    (void)state;
    verdict_check(&(struct service){.load = 200, .load_per_hour = 60}, GRADE_NONE, NULL);
    verdict_check(
        &(struct service){
            .load = 200, .load_per_hour = 60, .pool_each = 1, .pool_gives_back = true},
        GRADE_NONE, NULL);
}

/* The same climb where nothing else grows. */
static void test_climb_in_level_traffic_is_likely(void **state)
{
    (void)state;
    verdict_check(&(struct service){.load = 200, .leak_from = 200, .leak_per_hour = 60},
                  GRADE_LIKELY, "main.leak");
}

/* What leaks outgrows the traffic that it is part of. */
static void test_leak_in_a_growing_service_is_likely(void **state)
{
    (void)state;
    verdict_check(
        &(struct service){
            .load = 200, .load_per_hour = 20, .leak_from = 40, .leak_per_hour = 60},
        GRADE_LIKELY, "main.leak");
}

/* A stack that was hardly there before has no rate to compare. */
static void test_new_stack_is_likely(void **state)
{
    (void)state;
    verdict_check(&(struct service){.load = 200, .load_per_hour = 60, .leak_per_hour = 60},
                  GRADE_LIKELY, "main.leak");
}

/* A handful of handlers more does not explain hundreds. */
static void test_small_fellow_explains_nothing(void **state)
{
    (void)state;
    verdict_check(
        &(struct service){
            .load = 60, .load_per_hour = 24, .leak_from = 1500, .leak_per_hour = 480},
        GRADE_LIKELY, "main.leak");
}

/* The leak comes first, though the pool beside it rises by more. */
static void test_leak_before_the_pool(void **state)
{
    (void)state;
    struct service s = {.load = 300,
                        .load_per_hour = 90,
                        .pool_each = 1.5,
                        .leak_from = 5,
                        .leak_per_hour = 45};
    struct feed f;
    struct verdict w = verdict_of(&s, &f);
    assert_int_equal(w.finding.grade, GRADE_LIKELY);
    assert_int_equal(w.finding.n_culprits, 2);
    const struct culprit *c = w.finding.culprits;
    assert_true(feed_is(&f, c[0].stack, "main.leak"));
    assert_true(feed_is(&f, c[1].stack, "main.worker"));
    assert_true(c[1].now - c[1].before > c[0].now - c[0].before);
    feed_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_that_follows_handlers_is_suspect),
        cmocka_unit_test(test_traffic_alone_is_nothing),
        cmocka_unit_test(test_climb_in_level_traffic_is_likely),
        cmocka_unit_test(test_leak_in_a_growing_service_is_likely),
        cmocka_unit_test(test_new_stack_is_likely),
        cmocka_unit_test(test_small_fellow_explains_nothing),
        cmocka_unit_test(test_leak_before_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
