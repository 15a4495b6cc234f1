/* The verdict's life: when it is given, kept, confirmed and cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/detect/feed.h"

/* What a run saw; times in minutes since the feed began, -1 never. */
struct seen {
    int64_t raised, cleared;
    int n_raised, n_cleared;
};

struct service {
    struct feed f;
    struct staircase s;
    int64_t t_ms;
    int64_t scale;         /* of time: ring time passes slower than t_ms by this */
    int64_t leak_until_ms; /* the leak stops (keeps what it has) */
    bool holey;            /* four samples in ten are missed */
};

static void service_open(struct service *v, double per_hour)
{
    *v = (struct service){.s = {.seed = 7, .per_hour = per_hour, .every_ms = 5 * MINUTE_MS},
                          .scale = 1};
    assert_int_equal(feed_open(&v->f, ORIGIN_MS), 0);
    v->f.names[0] = "main.handle";
    v->f.names[1] = "main.leak";
    v->f.n = 2;
    v->t_ms = 0;
    v->leak_until_ms = INT64_MAX;
}

static struct seen service_run(struct service *v, int64_t for_ms)
{
    struct seen seen = {-1, -1, 0, 0};
    for (int64_t end_ms = v->t_ms + for_ms; v->t_ms < end_ms; v->t_ms += 10000) {
        int64_t counts[2];
        int64_t leak_ms = v->t_ms < v->leak_until_ms ? v->t_ms : v->leak_until_ms;
        staircase_at(&v->s, leak_ms, &counts[0], &counts[1]);
        if (v->holey && staircase_noise(&v->s) > 0.05)
            continue;
        enum detect_change change = feed_step(&v->f, ORIGIN_MS + v->t_ms / v->scale, counts);
        if (change == DETECT_RAISED && seen.n_raised++ == 0)
            seen.raised = v->t_ms / MINUTE_MS;
        if (change == DETECT_CLEARED && seen.n_cleared++ == 0)
            seen.cleared = v->t_ms / MINUTE_MS;
    }
    return seen;
}

static void test_staircase_is_found(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    struct seen seen = service_run(&v, 6 * HOUR_MS);
    assert_in_range(seen.raised, 120, 130); /* grace and the first window */
    assert_int_equal(seen.n_raised, 1);     /* said once */
    assert_int_equal(seen.n_cleared, 0);
    const struct verdict *w = &v.f.state.verdict;
    assert_int_equal(w->finding.kind, VERDICT_DRIFT);
    assert_int_equal(w->finding.grade, GRADE_LIKELY);
    assert_int_equal(w->finding.n_culprits, 1);
    const struct culprit *c = &w->finding.culprits[0];
    assert_true(feed_is(&v.f, c->stack, "main.leak"));
    assert_in_range((int64_t)c->per_hour, 90, 110);
    assert_in_range((int64_t)(100 * c->share), 50, 100);
    assert_in_range(c->now, 560, 600); /* fresh numbers: six hours of it */
    assert_int_equal(w->finding.window_ms, 90 * MINUTE_MS);
    assert_in_range(w->last_growth_ms - ORIGIN_MS, 350 * MINUTE_MS, 360 * MINUTE_MS);
    assert_int_equal(w->first_ms, ORIGIN_MS + seen.raised * MINUTE_MS);
    feed_close(&v.f);
}

static void test_sound_service_is_silent(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 0);
    struct seen seen = service_run(&v, 24 * HOUR_MS);
    assert_int_equal(seen.n_raised, 0);
    assert_int_equal(seen.n_cleared, 0);
    feed_close(&v.f);
}

static void test_missed_scrapes(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    v.holey = true;
    assert_in_range(service_run(&v, 4 * HOUR_MS).raised, 120, 140);
    feed_close(&v.f);
}

static void test_slow_leak_needs_the_long_window(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 8); /* 12 in 90 minutes, 24 in 3 hours, 94 in 12 */
    struct seen seen = service_run(&v, 16 * HOUR_MS);
    assert_in_range(seen.raised, 12 * 60 + 30, 14 * 60);
    assert_int_equal(v.f.state.verdict.finding.window_ms, 12 * HOUR_MS);
    feed_close(&v.f);
}

/* No window of 18 hours doubles a leak that is a week old: it still is one. */
static void test_old_leak_stays(void **state)
{
    (void)state;
    struct feed f;
    int n_cleared = 0;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    f.names[0] = "main.leak";
    f.n = 1;
    for (int64_t t_ms = 0; t_ms < 7 * 24 * HOUR_MS; t_ms += MINUTE_MS) {
        int64_t count = 20 + 60 * t_ms / HOUR_MS;
        n_cleared += feed_step(&f, ORIGIN_MS + t_ms, &count) == DETECT_CLEARED;
    }
    assert_int_equal(n_cleared, 0);
    assert_int_equal(f.state.verdict.finding.kind, VERDICT_DRIFT);
    assert_true(f.state.verdict.finding.culprits[0].now > 60 * 24 * 6);
    feed_close(&f);
}

static void test_clears_after_six_quiet_hours(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    v.leak_until_ms = 5 * HOUR_MS;
    struct seen seen = service_run(&v, 20 * HOUR_MS);
    assert_int_equal(seen.n_raised, 1);
    assert_int_equal(seen.n_cleared, 1);
    /* The three-hour window still sees growth for a while. */
    assert_in_range(seen.cleared, 11 * 60, 13 * 60);
    assert_int_equal(v.f.state.verdict.finding.kind, VERDICT_NONE);
    feed_close(&v.f);
}

static void test_new_life_clears(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    service_run(&v, 4 * HOUR_MS);
    assert_int_equal(v.f.state.verdict.finding.kind, VERDICT_DRIFT);
    v.f.view.life_start_ms = ORIGIN_MS + v.t_ms;
    v.leak_until_ms = 0;
    struct seen seen = service_run(&v, 3 * HOUR_MS);
    assert_int_equal(seen.cleared, 4 * 60);
    assert_int_equal(seen.n_cleared, 1);
    assert_int_equal(seen.n_raised, 0);
    feed_close(&v.f);
}

/* The leak goes on in the next life: nothing is said before its own grace and
 * window are over. */
static void test_grace_of_each_life(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    service_run(&v, 4 * HOUR_MS);
    v.f.view.life_start_ms = ORIGIN_MS + v.t_ms;
    struct seen seen = service_run(&v, 4 * HOUR_MS);
    assert_in_range(seen.raised, 6 * 60, 6 * 60 + 10);
    feed_close(&v.f);
}

static void test_confirmed_stays_with_its_culprit(void **state)
{
    (void)state;
    struct service v;
    service_open(&v, 100);
    service_run(&v, 4 * HOUR_MS);
    v.f.state.verdict.finding.grade = GRADE_CONFIRMED;
    struct seen seen = service_run(&v, HOUR_MS);
    assert_int_equal(seen.n_raised, 0);
    assert_int_equal(v.f.state.verdict.finding.grade, GRADE_CONFIRMED);
    /* Another stack than the one confirmed: likely again. */
    v.f.state.verdict.finding.culprits[0].stack += 1000;
    service_run(&v, HOUR_MS);
    assert_int_equal(v.f.state.verdict.finding.grade, GRADE_LIKELY);
    feed_close(&v.f);
}

static void test_allowed_stack_is_silent(void **state)
{
    (void)state;
    static const char allow[][512] = {"main.leak"};
    struct service v;
    service_open(&v, 100);
    v.f.view.allow = allow;
    v.f.view.n_allow = 1;
    assert_int_equal(service_run(&v, 4 * HOUR_MS).n_raised, 0);
    feed_close(&v.f);
}

/* Two hours in two minutes, or in twelve seconds. */
static void test_time_scale(void **state)
{
    (void)state;
    for (int64_t scale = 60; scale <= 600; scale *= 10) {
        struct service v;
        service_open(&v, 100);
        v.scale = v.f.view.time_scale = scale;
        v.leak_until_ms = 4 * HOUR_MS;
        struct seen seen = service_run(&v, 16 * HOUR_MS);
        assert_in_range(seen.raised, 120, 130);
        assert_in_range(seen.cleared, 10 * 60, 12 * 60);
        assert_int_equal(seen.n_raised, 1);
        feed_close(&v.f);
    }
}

/* One stack by a function of time, minute by minute; how many verdicts. */
static int verdicts_of(int64_t (*count)(int64_t minute), int64_t hours)
{
    struct feed f;
    int raised = 0;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    f.names[0] = "main.stack";
    f.n = 1;
    for (int64_t minute = 0; minute < hours * 60; minute++) {
        int64_t n = count(minute);
        raised += feed_step(&f, ORIGIN_MS + minute * MINUTE_MS, &n) == DETECT_RAISED;
    }
    feed_close(&f);
    return raised;
}

static int64_t count_jump(int64_t minute)
{
    return 20 + minute / 60 + (minute < 8 * 60 ? 0 : 100);
}

static int64_t count_stairs(int64_t minute)
{
    return 40 + 50 * (minute / 360);
}

static int64_t count_stairs_giving_back(int64_t minute)
{
    return 40 + 24 * (minute / 180) - (minute % 180 < 90 ? 0 : 8);
}

static void test_shapes(void **state)
{
    (void)state;
    assert_int_equal(verdicts_of(count_jump, 17), 0); /* once is no leak, even with a creep */
    assert_int_equal(verdicts_of(count_stairs, 20), 1);
    assert_int_equal(verdicts_of(count_stairs_giving_back, 30), 0);
}

/* Many leaks at once: the list holds the worst, in order. */
static void test_worst_culprits_first(void **state)
{
    (void)state;
    enum { N = 20 };
    static char names[N][32];
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "main.leak%02d", i);
        f.names[i] = names[i];
    }
    f.n = N;
    for (int64_t t_ms = 0; t_ms < 3 * HOUR_MS; t_ms += 10000) {
        int64_t counts[N];
        for (int i = 0; i < N; i++) /* the last one leaks fastest */
            counts[i] = 1 + t_ms * (60 + 10 * i) / HOUR_MS;
        feed_step(&f, ORIGIN_MS + t_ms, counts);
    }
    const struct finding *found = &f.state.verdict.finding;
    assert_int_equal(found->n_culprits, DETECT_CULPRITS_MAX);
    for (int i = 0; i < found->n_culprits; i++)
        assert_true(feed_is(&f, found->culprits[i].stack, names[N - 1 - i]));
    double share = (double)(60 + 10 * (N - 1)) / (60 * N + 10 * N * (N - 1) / 2);
    assert_in_range((int64_t)(1000 * found->culprits[0].share), (int64_t)(1000 * share) - 10,
                    (int64_t)(1000 * share) + 10);
    feed_close(&f);
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(verdict_kind_text(VERDICT_NONE), "none");
    assert_string_equal(verdict_kind_text(VERDICT_DRIFT), "drift");
    assert_string_equal(verdict_kind_text(VERDICT_STEP), "step");
    assert_string_equal(verdict_kind_text(VERDICT_HEAP), "heap");
    assert_string_equal(verdict_kind_text(VERDICT_MEMORY), "memory");
    assert_string_equal(verdict_kind_text(VERDICT_BLOWUP), "blowup");
    assert_string_equal(verdict_kind_text(VERDICT_GC_BOUND), "gc-bound");
    assert_string_equal(verdict_grade_text(GRADE_NONE), "none");
    assert_string_equal(verdict_grade_text(GRADE_SUSPECT), "suspect");
    assert_string_equal(verdict_grade_text(GRADE_LIKELY), "likely");
    assert_string_equal(verdict_grade_text(GRADE_CONFIRMED), "confirmed");
    for (int i = 0; i < detect_count; i++)
        assert_true(strlen(detect_table[i].name) < DETECTOR_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_staircase_is_found),
        cmocka_unit_test(test_sound_service_is_silent),
        cmocka_unit_test(test_missed_scrapes),
        cmocka_unit_test(test_slow_leak_needs_the_long_window),
        cmocka_unit_test(test_old_leak_stays),
        cmocka_unit_test(test_clears_after_six_quiet_hours),
        cmocka_unit_test(test_new_life_clears),
        cmocka_unit_test(test_grace_of_each_life),
        cmocka_unit_test(test_confirmed_stays_with_its_culprit),
        cmocka_unit_test(test_allowed_stack_is_silent),
        cmocka_unit_test(test_time_scale),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_worst_culprits_first),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
