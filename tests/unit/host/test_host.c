/* The loop itself: clock, wake, pool, signals, the end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/host/host.h"

static struct host host;
static struct settings settings;
static char log_text[64]; /* what happened, a letter each */

static void note(char what)
{
    size_t n = strlen(log_text);
    if (n + 1 < sizeof log_text)
        log_text[n] = what;
}

static void on_wake(struct io *io)
{
    (void)io;
    note('w');
    host_stop(&host);
}

static int host_open(void **state)
{
    struct errmsg e = {""};
    (void)state;
    memset(log_text, 0, sizeof log_text);
    settings_defaults(&settings);
    assert_int_equal(host_init(&host, &settings, NULL, 0, &e), 0);
    host.io.on_wake = on_wake;
    return 0;
}

static int host_end(void **state)
{
    struct errmsg e = {""};
    (void)state;
    assert_int_equal(host_fini(&host, &e), 0);
    return 0;
}

/* The newest call counts, and it comes not before its moment. */
static void test_wake(void **state)
{
    (void)state;
    struct io *io = &host.io;
    struct moment start = io->now(io);
    assert_true(start.boot_ms > 0 && start.wall_ms > 1577836800000);
    io->wake_at(io, start.boot_ms + 3600000);
    io->wake_at(io, start.boot_ms + 20);
    assert_string_equal(log_text, "");
    host_run(&host);
    assert_string_equal(log_text, "w");
    assert_true(io->now(io).boot_ms >= start.boot_ms + 20);
    io->wake_at(io, 0); /* long past: soon */
    host_run(&host);
    assert_string_equal(log_text, "ww");
    assert_true(io->random(io) != io->random(io));
}

static struct work works[6];

static void job_run(struct work *w)
{
    note(*(char *)w->ctx);
}

static void job_done(struct work *w)
{
    if (w == &works[0]) /* asked for by a job's end: before what waits */
        host.io.work(&host.io, &works[5], true);
    if (w == &works[2])
        host_stop(&host);
}

static void test_work(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        works[i] = (struct work){.run = job_run, .done = job_done, .ctx = &"abcDEF"[i]};
    for (int i = 0; i < 5; i++)
        assert_int_equal(host.io.work(&host.io, &works[i], i >= 3), 0);
    host_run(&host);
    /* The starter may be under way still: all five wait in their queues. */
    assert_string_equal(log_text, "DEaFbc");
}

static void on_signal(struct host *h, int signum)
{
    note(signum == SIGUSR1 ? 'u' : signum == SIGHUP ? 'h' : 't');
    if (signum == SIGTERM)
        host_stop(h);
}

static void test_signals(void **state)
{
    (void)state;
    host.on_signal = on_signal;
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    host_run(&host);
    assert_int_equal(strlen(log_text), 3);
    assert_non_null(strchr(log_text, 'u'));
    assert_non_null(strchr(log_text, 'h'));
}

static void job_long(struct work *w)
{
    (void)w;
    usleep(200000);
}

/* The pool's first, empty job is through: the next one begins at once. */
static void await_starter(void)
{
    while (host.pool.current)
        uv_run(&host.loop, UV_RUN_ONCE);
}

/* The job under way is waited for, those that wait are dropped, none calls back. */
static void test_end_with_jobs(void **state)
{
    struct errmsg e = {""};
    host_open(state);
    works[0] = (struct work){.run = job_long, .done = job_done};
    works[1] = (struct work){.run = job_run, .done = job_done, .ctx = "x"};
    await_starter();
    host.io.work(&host.io, &works[0], false);
    host.io.work(&host.io, &works[1], false);
    assert_int_equal(host_fini(&host, &e), 0);
    assert_string_equal(log_text, ""); /* none called back */
    assert_int_equal(host.io.work(&host.io, &works[1], false), -ECANCELED);
}

static volatile bool release;

static void job_stuck(struct work *w)
{
    (void)w;
    while (!release)
        usleep(10000);
}

static void test_end_stuck(void **state)
{
    struct errmsg e = {""};
    host_open(state);
    works[0] = (struct work){.run = job_stuck, .done = job_done};
    await_starter();
    host.io.work(&host.io, &works[0], false);
    assert_int_equal(host_fini(&host, &e), -EBUSY);
    assert_non_null(strstr(e.text, "job"));
    release = true;
    uv_run(&host.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&host.loop), 0);
}

static void test_too_many_targets(void **state)
{
    (void)state;
    struct errmsg e = {""};
    assert_int_equal(host_init(&host, &settings, NULL, SETTINGS_TARGETS_MAX + 1, &e), -EINVAL);
    assert_true(e.text[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wake, host_open, host_end),
        cmocka_unit_test_setup_teardown(test_work, host_open, host_end),
        cmocka_unit_test_setup_teardown(test_signals, host_open, host_end),
        cmocka_unit_test(test_end_with_jobs),
        cmocka_unit_test(test_end_stuck),
        cmocka_unit_test(test_too_many_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
