/* The judge: what of all that is found calls for a dump, and when it may be
 * taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/watch/judge.h"
#include "tests/unit/detect/feed.h"

#define LIMIT_BYTES 1000000000LL
#define PERCENT (LIMIT_BYTES / 100)
#define MIB (1LL << 20)

struct court {
    struct feed feed;
    struct judge judge;
    struct judge_kept kept;
    struct judge_reading r;
    struct judge_asks asks;
};

static void court_open(struct court *c)
{
    *c = (struct court){0};
    assert_int_equal(feed_open(&c->feed, ORIGIN_MS), 0);
    judge_new_life(&c->judge);
    c->r = (struct judge_reading){.view = c->feed.view,
                                  .life = 1,
                                  .goroutines = 100,
                                  .usage_bytes = 10 * PERCENT,
                                  .heap_bytes = -1};
    c->r.view.t_ms = ORIGIN_MS + HOUR_MS;
    c->r.view.limit_bytes = LIMIT_BYTES;
}

static void court_close(struct court *c)
{
    feed_close(&c->feed);
}

static void memory_at(struct court *c, int64_t after_ms, int percent)
{
    c->r.view.t_ms += after_ms;
    c->r.usage_bytes = percent * PERCENT;
    judge_memory(&c->judge, &c->kept, &c->r, &c->asks);
}

static void stacks_after(struct court *c, int64_t after_ms)
{
    c->r.view.t_ms += after_ms;
    judge_stacks(&c->judge, &c->kept, &c->r, &c->asks);
}

static bool asked(const struct court *c, enum trigger trigger)
{
    for (int i = 0; i < c->asks.n; i++)
        if (c->asks.p[i].trigger == trigger)
            return true;
    return false;
}

/* Whether what is asked for first may be dumped; then it is. */
static bool dumped(struct court *c)
{
    if (c->asks.n == 0 || !judge_admits(&c->judge, &c->kept, &c->r, &c->asks.p[0]))
        return false;
    judge_dumped(&c->judge, &c->kept, &c->r, c->asks.p[0].trigger);
    return true;
}

/* As if a detector had just given its verdict. */
static void stand(struct court *c, enum verdict_grade grade, double eta_s)
{
    struct verdict *w = &c->judge.detect.verdict;
    *w = (struct verdict){.finding = {.kind = VERDICT_DRIFT, .grade = grade, .n_culprits = 1},
                          .forecast = {.eta_s = eta_s},
                          .forecast_ms = c->r.view.t_ms,
                          .first_ms = c->r.view.t_ms,
                          .last_growth_ms = c->r.view.t_ms};
    w->finding.culprits[0] = (struct culprit){.class = HISTORY_STACKS, .now = 100};
}

/* ---- emergency ---- */

static void test_each_level_is_exempt_once(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    memory_at(&c, MINUTE_MS, 79);
    assert_int_equal(c.asks.n, 0);
    memory_at(&c, MINUTE_MS, 81);
    assert_true(asked(&c, TRIGGER_EMERGENCY));
    assert_string_equal(c.asks.p[0].reason, "memory at 81 % of the limit");
    assert_true(dumped(&c));
    memory_at(&c, MINUTE_MS, 85);
    assert_int_equal(c.asks.n, 0); /* it was said */
    memory_at(&c, MINUTE_MS, 93);  /* within the cooldown, but nearer than ever */
    assert_true(dumped(&c));
    for (int i = 0; i < 7; i++)
        memory_at(&c, MINUTE_MS, 30); /* re-armed */
    memory_at(&c, MINUTE_MS, 93);
    assert_true(asked(&c, TRIGGER_EMERGENCY));
    assert_false(dumped(&c)); /* 8 minutes, and no level is new */
    court_close(&c);
}

static void test_new_life_is_exempt_anew(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    memory_at(&c, MINUTE_MS, 93);
    assert_true(dumped(&c));
    judge_new_life(&c.judge);
    c.r.life = 2;
    c.r.view.life_start_ms = c.r.view.t_ms;
    memory_at(&c, MINUTE_MS, 93);
    assert_true(dumped(&c));
    court_close(&c);
}

static void test_unknown_limit_or_usage(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    c.r.view.limit_bytes = 0;
    memory_at(&c, MINUTE_MS, 99);
    assert_int_equal(c.asks.n, 0);
    c.r.view.limit_bytes = LIMIT_BYTES;
    c.r.usage_bytes = -1;
    judge_memory(&c.judge, &c.kept, &c.r, &c.asks);
    assert_int_equal(c.asks.n, 0);
    c.r.view.limit_bytes = 1; /* a foolish one */
    c.r.usage_bytes = INT64_MAX / 2;
    judge_memory(&c.judge, &c.kept, &c.r, &c.asks);
    assert_true(asked(&c, TRIGGER_EMERGENCY));
    court_close(&c);
}

/* ---- what waits ---- */

static void fire_twice(struct court *c)
{
    court_open(c);
    memory_at(c, MINUTE_MS, 93);
    assert_true(dumped(c));
    for (int i = 0; i < 7; i++)
        memory_at(c, MINUTE_MS, 30);
    memory_at(c, MINUTE_MS, 93);
    assert_false(dumped(c)); /* after 8 minutes; ten are due */
}

static void test_emergency_waits_for_its_cooldown(void **state)
{
    (void)state;
    struct court c;
    struct judge_ask ask;
    fire_twice(&c);
    c.r.view.t_ms += 2 * MINUTE_MS - 1;
    assert_false(judge_waiting(&c.judge, &c.r, &ask));
    c.r.view.t_ms++;
    assert_true(judge_waiting(&c.judge, &c.r, &ask));
    assert_int_equal(ask.trigger, TRIGGER_EMERGENCY);
    assert_string_equal(ask.reason, "memory at 93 % of the limit");
    assert_true(judge_admits(&c.judge, &c.kept, &c.r, &ask));
    assert_false(judge_waiting(&c.judge, &c.r, &ask)); /* handed out once */
    court_close(&c);
}

static void test_emergency_that_passed_is_forgotten(void **state)
{
    (void)state;
    struct court c;
    struct judge_ask ask;
    fire_twice(&c);
    c.r.view.t_ms += 2 * MINUTE_MS;
    c.r.usage_bytes = 69 * PERCENT;
    assert_false(judge_waiting(&c.judge, &c.r, &ask));
    c.r.usage_bytes = 93 * PERCENT;
    assert_false(judge_waiting(&c.judge, &c.r, &ask));
    court_close(&c);
}

static void put_off(struct court *c, enum trigger trigger, const char *reason)
{
    struct judge_ask ask = {.trigger = trigger};
    str_copy(ask.reason, sizeof(ask.reason), str_of(reason));
    judge_put_off(&c->judge, &ask, c->r.view.t_ms);
}

static void waits_check(struct court *c, const char *reason)
{
    struct judge_ask ask;
    bool waits = judge_waiting(&c->judge, &c->r, &ask);
    assert_int_equal(waits, reason != NULL);
    if (reason)
        assert_string_equal(ask.reason, reason);
}

/* What is said only once waits; what stays true, or a person can ask again,
 * does not. */
static void test_what_waits(void **state)
{
    (void)state;
    static const bool once[TRIGGERS] = {
        [TRIGGER_VERDICT] = true,
        [TRIGGER_CONFIRMED] = true,
        [TRIGGER_EMERGENCY] = true,
        [TRIGGER_RULE] = true,
    };
    struct court c;
    court_open(&c);
    c.r.usage_bytes = 80 * PERCENT;
    for (int i = 0; i < TRIGGERS; i++) {
        put_off(&c, (enum trigger)i, "why");
        waits_check(&c, once[i] ? "why" : NULL);
    }
    put_off(&c, TRIGGER_VERDICT, "first");
    put_off(&c, TRIGGER_RULE, "second"); /* there is room for one */
    waits_check(&c, "first");
    put_off(&c, TRIGGER_VERDICT, "first");
    put_off(&c, TRIGGER_EMERGENCY, "now"); /* it is more urgent */
    waits_check(&c, "now");
    put_off(&c, TRIGGER_VERDICT, "of a life that is over");
    judge_new_life(&c.judge);
    waits_check(&c, NULL);
    court_close(&c);
}

/* ---- what a standing verdict asks for ---- */

static void test_culprit_doubles(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    stand(&c, GRADE_LIKELY, 0);
    judge_dumped(&c.judge, &c.kept, &c.r, TRIGGER_VERDICT);
    struct culprit *culprit = &c.judge.detect.verdict.finding.culprits[0];
    culprit->now = 199;
    stacks_after(&c, 1000);
    assert_int_equal(c.asks.n, 0);
    culprit->now = 200;
    stacks_after(&c, 1000);
    assert_true(asked(&c, TRIGGER_DOUBLING));
    assert_true(dumped(&c)); /* counted from here */
    stacks_after(&c, 1000);
    assert_int_equal(c.asks.n, 0);
    culprit->now = 400;
    c.judge.detect.verdict.finding.grade = GRADE_SUSPECT; /* is shown, never dumped */
    stacks_after(&c, 1000);
    assert_int_equal(c.asks.n, 0);
    court_close(&c);
}

/* Below eight MiB a doubled heap is the profile's own noise. */
static void test_heap_doubles(void **state)
{
    (void)state;
    static const struct {
        int64_t at_dump, now;
        bool asks;
    } rows[] = {
        {4 * MIB, 11 * MIB, false}, {4 * MIB, 12 * MIB, true}, {20 * MIB, 39 * MIB, false},
        {20 * MIB, 40 * MIB, true}, {-1, 100 * MIB, false}, /* unknown then */
        {20 * MIB, -1, false},                              /* unknown now */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct court c;
        court_open(&c);
        stand(&c, GRADE_LIKELY, 0);
        c.r.heap_bytes = rows[i].at_dump;
        judge_dumped(&c.judge, &c.kept, &c.r, TRIGGER_VERDICT);
        c.r.heap_bytes = rows[i].now;
        stacks_after(&c, 1000);
        assert_int_equal(asked(&c, TRIGGER_DOUBLING), rows[i].asks);
        court_close(&c);
    }
}

static bool eta_asked(struct court *c, double eta_s)
{
    c->judge.detect.verdict.forecast.eta_s = eta_s;
    stacks_after(c, 1000);
    return asked(c, TRIGGER_ETA);
}

static void test_eta_once_until_it_recedes(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    stand(&c, GRADE_LIKELY, 0);
    assert_false(eta_asked(&c, 0)); /* never */
    assert_false(eta_asked(&c, 3601));
    assert_true(eta_asked(&c, 3599));
    assert_true(eta_asked(&c, 3599)); /* until there is a dump */
    assert_true(dumped(&c));
    assert_false(eta_asked(&c, 1800));
    assert_false(eta_asked(&c, 3 * 3600)); /* not far enough to count as another */
    assert_false(eta_asked(&c, 1800));
    assert_false(eta_asked(&c, 7 * 3600));
    assert_true(eta_asked(&c, 1800));
    court_close(&c);
}

static void test_eta_by_the_time_scale(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    c.r.view.time_scale = 60;
    stand(&c, GRADE_LIKELY, 0);
    assert_false(eta_asked(&c, 61));
    assert_true(eta_asked(&c, 59));
    stand(&c, GRADE_SUSPECT, 0);
    assert_false(eta_asked(&c, 59));
    court_close(&c);
}

/* ---- verdicts and rules ---- */

/* A leak, from its first page until the verdict and an hour more. */
static void test_verdict_is_asked_for_once(void **state)
{
    (void)state;
    struct court c;
    int verdicts = 0, others = 0;
    court_open(&c);
    c.feed.names[0] = "main.leak";
    c.feed.n = 1;
    for (int64_t minute = 0; minute < 240; minute++) {
        struct history_count count = {1, 20 + 3 * minute, 0};
        c.r.view.t_ms = ORIGIN_MS + minute * MINUTE_MS;
        history_push_stacks(c.feed.h, 0, HISTORY_STACKS, c.r.view.t_ms, &count, 1, feed_frames,
                            &c.feed);
        stacks_after(&c, 0);
        verdicts += asked(&c, TRIGGER_VERDICT);
        others += c.asks.n - asked(&c, TRIGGER_VERDICT);
    }
    assert_int_equal(verdicts, 1);
    assert_int_equal(others, 0);
    assert_int_equal(c.judge.detect.verdict.finding.grade, GRADE_LIKELY);
    court_close(&c);
}

static void test_rules_without_memory(void **state)
{
    (void)state;
    struct court c;
    court_open(&c);
    c.r.usage_bytes = -1;
    c.r.rules.goroutines = 5000;
    c.r.goroutines = 4999;
    stacks_after(&c, 1000);
    assert_int_equal(c.asks.n, 0);
    c.r.goroutines = 5000;
    stacks_after(&c, 1000);
    assert_true(asked(&c, TRIGGER_RULE));
    stacks_after(&c, 1000);
    assert_int_equal(c.asks.n, 0); /* once a life */
    memory_at(&c, 1000, 10);
    assert_int_equal(c.asks.n, 0); /* whoever looks */
    court_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_level_is_exempt_once),
        cmocka_unit_test(test_new_life_is_exempt_anew),
        cmocka_unit_test(test_unknown_limit_or_usage),
        cmocka_unit_test(test_emergency_waits_for_its_cooldown),
        cmocka_unit_test(test_emergency_that_passed_is_forgotten),
        cmocka_unit_test(test_what_waits),
        cmocka_unit_test(test_culprit_doubles),
        cmocka_unit_test(test_heap_doubles),
        cmocka_unit_test(test_eta_once_until_it_recedes),
        cmocka_unit_test(test_eta_by_the_time_scale),
        cmocka_unit_test(test_verdict_is_asked_for_once),
        cmocka_unit_test(test_rules_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
