/* The fake keeps the contract of io.h: what the simulations build on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/io_fake.h"

#define WALL_MS 1767225600000

struct probe {
    struct io_fake fake;
    char log[256]; /* what happened, in order, a letter each */
    struct fetch_result result;
    int64_t at_ms;
    size_t bytes;
    int stop;
};

static void note(struct probe *p, char what)
{
    size_t n = strlen(p->log);
    if (n + 1 < sizeof p->log)
        p->log[n] = what;
}

static void answer(void *ctx, int target, const char *path, struct moment now,
                   struct fake_answer *a)
{
    (void)ctx;
    (void)target;
    (void)now;
    if (str_is(str_of(path), "slow"))
        a->latency_ms = 10000;
    else if (str_is(str_of(path), "gone"))
        a->refused = true;
    else if (str_is(str_of(path), "404"))
        a->status = 404;
    else if (str_is(str_of(path), "cut"))
        a->error = ERR_CUT;
    for (int i = 0; i < 5000; i++)
        buf_puts(a->body, "goroutine ");
}

static int on_body(struct fetch *f, const void *bytes, size_t n)
{
    struct probe *p = f->ctx;
    (void)bytes;
    p->bytes += n;
    return p->stop;
}

static void on_done(struct fetch *f, const struct fetch_result *r)
{
    struct probe *p = f->ctx;
    note(p, 'f');
    p->result = *r;
    p->at_ms = p->fake.now.boot_ms;
}

static void on_wake(struct io *io)
{
    note(io->agent, 'w');
}

static void on_hangup(struct io *io, int target)
{
    (void)target;
    note(io->agent, 'h');
}

static struct probe *probe_new(void)
{
    static struct probe p;
    static const struct fake_script script = {.answer = answer};
    memset(&p, 0, sizeof p);
    io_fake_init(&p.fake, &script, WALL_MS, 7);
    p.fake.io.agent = &p;
    p.fake.io.on_wake = on_wake;
    p.fake.io.on_hangup = on_hangup;
    return &p;
}

static void fetch_run(struct probe *p, const char *path, int64_t limit_bytes)
{
    struct io *io = &p->fake.io;
    struct fetch f = {.deadline_ms = 5000,
                      .limit_bytes = limit_bytes,
                      .on_body = on_body,
                      .on_done = on_done,
                      .ctx = p};
    str_copy(f.path, sizeof f.path, str_of(path));
    p->log[0] = 0;
    p->bytes = 0;
    assert_int_equal(io->fetch(io, &f), 0);
    assert_string_equal(p->log, "");
    assert_int_equal(io_fake_in_flight(&p->fake), 1);
    io_fake_pass(&p->fake, 20000);
    assert_string_equal(p->log, "f");
    assert_int_equal(io_fake_in_flight(&p->fake), 0);
}

static void test_fetch(void **state)
{
    (void)state;
    struct probe *p = probe_new();
    int64_t start = p->fake.now.boot_ms;
    fetch_run(p, "ok", 1 << 20);
    assert_int_equal(p->result.error, 0);
    assert_int_equal(p->bytes, 50000);
    assert_int_equal(p->at_ms, start + 1);
    fetch_run(p, "ok", 20000);
    assert_int_equal(p->result.error, ERR_LIMIT);
    fetch_run(p, "slow", 1 << 20);
    assert_int_equal(p->result.error, ERR_TIMEOUT);
    assert_int_equal(p->result.latency_ms, 5000);
    fetch_run(p, "gone", 1 << 20);
    assert_true(p->result.refused);
    fetch_run(p, "404", 1 << 20);
    assert_int_equal(p->result.error, ERR_HTTP);
    assert_int_equal(p->bytes, 0);
    fetch_run(p, "cut", 1 << 20);
    assert_int_equal(p->result.error, ERR_CUT);
    assert_int_equal(p->bytes, 50000);
    p->stop = ERR_SYNTAX;
    fetch_run(p, "ok", 1 << 20);
    assert_int_equal(p->result.error, ERR_SYNTAX);
    io_fake_fini(&p->fake);
}

static void test_cancel(void **state)
{
    (void)state;
    struct probe *p = probe_new();
    struct io *io = &p->fake.io;
    struct fetch f = {
        .deadline_ms = 5000, .limit_bytes = 1 << 20, .on_done = on_done, .ctx = p};
    assert_int_equal(io->fetch(io, &f), 0);
    io->cancel(io, &f);
    assert_string_equal(p->log, "f");
    assert_int_equal(p->result.error, -ECANCELED);
    io_fake_pass(&p->fake, 10000);
    assert_string_equal(p->log, "f");
    io_fake_fini(&p->fake);
}

static void hang_up(void *ctx)
{
    io_fake_hangup(ctx, 0);
}

/* The newest wake counts; a sleep of the machine makes what is due late. */
static void test_clock(void **state)
{
    (void)state;
    struct probe *p = probe_new();
    struct io *io = &p->fake.io;
    int64_t start = io->now(io).boot_ms;
    io->wake_at(io, start + 100);
    io->wake_at(io, start + 300);
    io_fake_at(&p->fake, start + 200, hang_up, &p->fake);
    io_fake_run(&p->fake, start + 250);
    assert_string_equal(p->log, "h");
    io_fake_suspend(&p->fake, 3600000);
    io_fake_pass(&p->fake, 0);
    assert_string_equal(p->log, "hw");
    assert_int_equal(io->now(io).boot_ms, start + 250 + 3600000);
    assert_int_equal(io->now(io).wall_ms, WALL_MS + 250 + 3600000);
    io_fake_fini(&p->fake);
}

static char job_order[8];

static void job_run(struct work *w)
{
    job_order[strlen(job_order)] = *(char *)w->ctx;
}

static void job_done(struct work *w)
{
    (void)w;
}

static void test_work(void **state)
{
    (void)state;
    struct probe *p = probe_new();
    struct io *io = &p->fake.io;
    struct work w[4];
    for (int i = 0; i < 4; i++) {
        w[i] = (struct work){.run = job_run, .done = job_done, .ctx = &"abCD"[i]};
        assert_int_equal(io->work(io, &w[i], i >= 2), 0);
    }
    assert_string_equal(job_order, "");
    io_fake_pass(&p->fake, 1);
    assert_string_equal(job_order, "aCDb");
    p->fake.work_refused = true;
    assert_int_equal(io->work(io, &w[0], false), -EAGAIN);
    io_fake_fini(&p->fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
