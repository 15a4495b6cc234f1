/* The headline: three days, perfectly linear, 100 goroutines an hour on a base
 * of 300 with noise, through the whole agent on the virtual clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/service.h"

#define HOUR 3600000LL
#define DUMPS_MAX 64

static struct world *new_world(double per_hour, double hours)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    world_init(w, per_hour, hours);
    world_open(w);
    return w;
}

static void free_world(struct world *w)
{
    world_fini(w);
    free(w);
}

/* By its goroutines or by the heap they hold. */
static bool names_leak(const struct manifest *m)
{
    return m->n_culprits > 0 &&
           str_starts(str_of(m->culprits[0].function), "main.fetchUserData");
}

static size_t count_trigger(const struct manifest *dumps, size_t n, const char *trigger)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += strcmp(dumps[i].trigger, trigger) == 0;
    return count;
}

static void test_three_days(void **state)
{
    struct world *w = new_world(100, 72);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    const struct verdict *v = &w->agent.watch.targets[0].judge.detect.verdict;
    size_t n;

    (void)state;
    io_fake_pass(&w->io, 3 * HOUR);
    assert_int_equal(v->finding.kind, VERDICT_DRIFT);
    n = world_dumps(w, dumps, DUMPS_MAX);
    assert_int_equal(n, 1);
    assert_string_equal(dumps[0].trigger, "verdict");
    assert_true(names_leak(&dumps[0]));
    assert_int_equal(dumps[0].culprits[0].line, 42);

    io_fake_pass(&w->io, 70 * HOUR);
    assert_true(w->service.dead);
    n = world_dumps(w, dumps, DUMPS_MAX);
    assert_in_range(n, 3, 12);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(dumps[i].outcome.cause, OUTCOME_OOM);
        assert_int_equal(dumps[i].outcome.exit_code, 137);
        assert_true(dumps[i].outcome.lead_ms > 0);
        assert_true(names_leak(&dumps[i]));
    }
    assert_in_range(count_trigger(dumps, n, "emergency"), 1, 2); /* 80 and 92 % */
    assert_int_equal(count_trigger(dumps, n, "eta"), 1);
    assert_string_equal(dumps[n - 1].trigger, "eta"); /* an hour before the end */
    free(dumps);
    free_world(w);
}

/* The same service without the leak stays quiet for three days. */
static void test_sound(void **state)
{
    struct world *w = new_world(1e-6, 72);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));

    (void)state;
    io_fake_pass(&w->io, 72 * HOUR);
    assert_int_equal(world_dumps(w, dumps, DUMPS_MAX), 0);
    assert_int_equal(world_logged(w, "\"verdict\""), 0);
    free(dumps);
    free_world(w);
}

/* A fill in 20 s: the dump is durable well before, although no detector of
 * drifts has seen enough yet. */
static void test_blow_up(void **state)
{
    struct world *w = new_world(3600.0 * 50, 20.0 / 3600);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    size_t n;

    (void)state;
    io_fake_pass(&w->io, 60000);
    n = world_dumps(w, dumps, DUMPS_MAX);
    assert_in_range(n, 1, 4);
    assert_string_equal(dumps[0].trigger, "emergency");
    assert_int_equal(dumps[0].outcome.cause, OUTCOME_OOM);
    assert_true(dumps[0].outcome.lead_ms >= 5000);
    assert_true(names_leak(&dumps[0]));
    free(dumps);
    free_world(w);
}

/* pprof falls silent; memory is still seen, and the dump comes from memory. */
static void test_silent(void **state)
{
    struct world *w = new_world(3600.0 * 10, 60.0 / 3600);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    size_t n;

    (void)state;
    io_fake_pass(&w->io, 25000);
    w->service.silent = true;
    io_fake_pass(&w->io, 60000);
    n = world_dumps(w, dumps, DUMPS_MAX);
    assert_true(n >= 1);
    assert_int_equal(dumps[n - 1].outcome.cause, OUTCOME_OOM);
    assert_true(names_leak(&dumps[0]));
    free(dumps);
    free_world(w);
}

/* Killed at any moment and started again: same life, same verdict, baseline and
 * history kept, no second dump for the same cause within its cooldown. */
static void test_agent_killed(void **state)
{
    struct world *w = new_world(100, 72);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    int64_t newest_ms;

    (void)state;
    io_fake_pass(&w->io, 4 * HOUR + 12345);
    newest_ms = history_newest(w->agent.history, 0);
    world_kill(w);
    io_fake_pass(&w->io, 3000);
    world_open(w);
    assert_true(history_newest(w->agent.history, 0) >= newest_ms - 11000);
    io_fake_pass(&w->io, 10 * 60000);
    assert_int_equal(w->agent.watch.targets[0].life.record.id, 1);
    assert_string_equal(w->agent.watch.targets[0].baseline.kind, "healthy");
    io_fake_pass(&w->io, 3 * HOUR);
    assert_int_equal(w->agent.watch.targets[0].judge.detect.verdict.finding.kind,
                     VERDICT_DRIFT);
    free(dumps);
    free_world(w);
}

/* A target that restarts after its kill begins a new life; the old dumps keep
 * their outcome and the new life has its own first emergency. */
static void test_restart(void **state)
{
    struct world *w = new_world(3600.0 * 20, 40.0 / 3600);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    size_t n, lives[4] = {0};

    (void)state;
    w->service.restart_after_ms = 2000;
    io_fake_pass(&w->io, 100000);
    n = world_dumps(w, dumps, DUMPS_MAX);
    for (size_t i = 0; i < n; i++)
        if (dumps[i].life < 4)
            lives[dumps[i].life]++;
    assert_true(lives[1] >= 1);
    assert_true(lives[2] >= 1);
    free(dumps);
    free_world(w);
}

/* Six dumps an hour are all there is; a verdict that comes then gets its dump
 * when there is room again. */
static void test_verdict_waits_its_turn(void **state)
{
    struct world *w = new_world(100, 72);
    struct manifest *dumps = calloc(DUMPS_MAX, sizeof(*dumps));
    char id[DUMP_ID_MAX];
    size_t n;

    (void)state;
    io_fake_pass(&w->io, 110 * 60000);
    for (int i = 0; i < TRIGGER_HOURLY_MAX; i++) {
        assert_int_equal(agent_dump(&w->agent, 0, TRIGGER_MANUAL, "to see", id), 0);
        io_fake_pass(&w->io, 20000);
    }
    assert_int_equal(agent_dump(&w->agent, 0, TRIGGER_MANUAL, "to see", id), -EAGAIN);
    io_fake_pass(&w->io, 30 * 60000);
    assert_int_equal(w->agent.watch.targets[0].judge.detect.verdict.finding.kind,
                     VERDICT_DRIFT);
    assert_int_equal(world_dumps(w, dumps, DUMPS_MAX), TRIGGER_HOURLY_MAX);
    io_fake_pass(&w->io, 30 * 60000);
    n = world_dumps(w, dumps, DUMPS_MAX);
    assert_int_equal(n, TRIGGER_HOURLY_MAX + 1);
    assert_string_equal(dumps[n - 1].trigger, "verdict");
    free(dumps);
    free_world(w);
}

/* An argument runs the tests of that name alone: test_staircase test_three_days. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_days),
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_blow_up),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_agent_killed),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_verdict_waits_its_turn),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
