/* One verdict of several detectors: who takes over from whom, and what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/detect/feed.h"

#define HOURS 16
#define STEP_MS (2 * MINUTE_MS)

static void memory_feed(struct feed *f, int64_t t_ms, bool climbs)
{
    double heap_bytes = 1e8 + (climbs ? 2e7 * (double)t_ms / (double)HOUR_MS : 0);
    feed_reading(f, ORIGIN_MS + t_ms, NAN, heap_bytes, 2 * heap_bytes);
}

/* Sixteen hours in which one stack, and live heap with memory, may climb; no
 * verdict stands yet. */
static void service_open(struct feed *f, bool stack, bool heap)
{
    assert_int_equal(feed_open(f, ORIGIN_MS), 0);
    f->view.limit_bytes = 1 << 30;
    f->names[0] = "main.leak";
    f->n = 1;
    for (int64_t t_ms = 0; t_ms < HOURS * HOUR_MS; t_ms += STEP_MS) {
        int64_t count = 20 + (stack ? 100 * t_ms / HOUR_MS : 0);
        memory_feed(f, t_ms, heap);
        feed_step(f, ORIGIN_MS + t_ms, &count);
    }
    f->state = (struct detect_state){0};
    f->view.t_ms = ORIGIN_MS + HOURS * HOUR_MS;
}

/* As if a detector had given its verdict an hour ago. */
static struct verdict *stand(struct feed *f, const char *detector, enum verdict_kind kind,
                             enum verdict_grade grade)
{
    struct verdict *w = &f->state.verdict;
    *w = (struct verdict){.finding = {.kind = kind, .grade = grade},
                          .first_ms = f->view.t_ms - HOUR_MS,
                          .last_growth_ms = f->view.t_ms - HOUR_MS};
    str_copy(w->detector, sizeof(w->detector), str_of(detector));
    return w;
}

/* Who holds the verdict after one step of all detectors. */
static void taken_check(bool stack, const char *standing, enum verdict_kind kind,
                        enum verdict_grade grade, const char *taken_by)
{
    struct feed f;
    service_open(&f, stack, true);
    int64_t first_ms = f.view.t_ms;
    if (standing)
        first_ms = stand(&f, standing, kind, grade)->first_ms;
    bool other = !standing || strcmp(standing, taken_by) != 0;
    assert_int_equal(detect_step(&f.state, &f.view), other ? DETECT_RAISED : DETECT_SAME);
    const struct verdict *w = &f.state.verdict;
    assert_string_equal(w->detector, taken_by);
    assert_int_equal(w->first_ms, first_ms); /* it began with the first */
    assert_int_equal(w->finding.grade, grade > GRADE_LIKELY ? grade : GRADE_LIKELY);
    feed_close(&f);
}

static void test_table_order_among_equals(void **state)
{
    (void)state;
    taken_check(true, NULL, VERDICT_NONE, GRADE_NONE, "stack-ratchet");
    taken_check(false, NULL, VERDICT_NONE, GRADE_NONE, "memory-ratchet");
    taken_check(true, "memory-ratchet", VERDICT_HEAP, GRADE_LIKELY, "stack-ratchet");
    taken_check(false, "daily-floor", VERDICT_MEMORY, GRADE_LIKELY, "memory-ratchet");
    taken_check(false, "stack-ratchet", VERDICT_DRIFT, GRADE_LIKELY, "stack-ratchet");
}

static void test_higher_grade_takes_over(void **state)
{
    (void)state;
    taken_check(false, "stack-ratchet", VERDICT_DRIFT, GRADE_SUSPECT, "memory-ratchet");
    taken_check(true, "memory-ratchet", VERDICT_HEAP, GRADE_CONFIRMED, "memory-ratchet");
}

/* Growth that another detector sees as surely keeps a verdict standing; without
 * any it clears. */
static void test_whoever_sees_growth_keeps_it(void **state)
{
    (void)state;
    for (int grows = 0; grows <= 1; grows++) {
        struct feed f;
        service_open(&f, false, grows);
        struct verdict *w = stand(&f, "stack-ratchet", VERDICT_DRIFT, GRADE_LIKELY);
        w->first_ms = f.view.life_start_ms + HOUR_MS;
        w->last_growth_ms = f.view.t_ms - DETECT_CLEAR_MS + 1;
        assert_int_equal(detect_step(&f.state, &f.view), DETECT_SAME);
        f.view.t_ms++;
        assert_int_equal(detect_step(&f.state, &f.view), grows ? DETECT_SAME : DETECT_CLEARED);
        assert_int_equal(w->finding.kind, grows ? VERDICT_DRIFT : VERDICT_NONE);
        feed_close(&f);
    }
}

static void test_refresh_keeps_what_was_worked_out(void **state)
{
    (void)state;
    struct feed f;
    service_open(&f, true, false);
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_RAISED);
    struct finding *found = &f.state.verdict.finding;
    int64_t now = found->culprits[0].now;
    assert_true(found->culprits[0].bytes_each <= 0); /* memory does not follow */
    found->culprits[0].bytes_each = 4242;
    found->culprits[0].explains = 0.5;
    found->kind = VERDICT_STEP;
    for (int64_t t_ms = 0; t_ms <= 16 * MINUTE_MS; t_ms += STEP_MS) {
        int64_t count = 20 + 100 * HOURS + 100 * t_ms / HOUR_MS;
        assert_int_equal(feed_step(&f, ORIGIN_MS + HOURS * HOUR_MS + t_ms, &count),
                         DETECT_SAME);
    }
    assert_true(found->culprits[0].now > now); /* fresh */
    assert_int_equal((int64_t)found->culprits[0].bytes_each, 4242);
    assert_int_equal((int64_t)(100 * found->culprits[0].explains), 50);
    assert_int_equal(found->kind, VERDICT_STEP); /* it was told so */
    feed_close(&f);
}

/* A grade is not taken back while its culprit climbs; its kind goes with it. */
/* Memory climbs on and no stack or site is named this time. */
static void test_refresh_keeps_the_names(void **state)
{
    (void)state;
    struct feed f;
    service_open(&f, false, true);
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_RAISED);
    struct finding *found = &f.state.verdict.finding;
    assert_string_equal(f.state.verdict.detector, "memory-ratchet");
    assert_int_equal(found->n_culprits, 0);
    found->culprits[0] = (struct culprit){.class = HISTORY_SITES, .stack = 7, .now = 5};
    found->n_culprits = 1;
    for (int64_t t_ms = 0; t_ms < 30 * MINUTE_MS; t_ms += STEP_MS)
        memory_feed(&f, HOURS * HOUR_MS + t_ms, true);
    f.view.t_ms = ORIGIN_MS + HOURS * HOUR_MS + 30 * MINUTE_MS;
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_SAME);
    assert_int_equal(f.state.verdict.last_growth_ms, f.view.t_ms); /* it was refreshed */
    assert_int_equal(found->n_culprits, 1);
    assert_int_equal(found->culprits[0].stack, 7);
    feed_close(&f);
}

static void test_refresh_raises_but_does_not_lower(void **state)
{
    (void)state;
    struct feed f;
    service_open(&f, true, false);
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_RAISED);
    struct finding *found = &f.state.verdict.finding;
    found->grade = GRADE_SUSPECT;
    found->kind = VERDICT_STEP;
    f.view.t_ms += STEP_MS;
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_RAISED);
    assert_int_equal(found->grade, GRADE_LIKELY);
    assert_int_equal(found->kind, VERDICT_DRIFT);
    found->grade = GRADE_CONFIRMED;
    f.view.t_ms += STEP_MS;
    assert_int_equal(detect_step(&f.state, &f.view), DETECT_SAME);
    assert_int_equal(found->grade, GRADE_CONFIRMED);
    feed_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_order_among_equals),
        cmocka_unit_test(test_higher_grade_takes_over),
        cmocka_unit_test(test_whoever_sees_growth_keeps_it),
        cmocka_unit_test(test_refresh_keeps_what_was_worked_out),
        cmocka_unit_test(test_refresh_keeps_the_names),
        cmocka_unit_test(test_refresh_raises_but_does_not_lower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
