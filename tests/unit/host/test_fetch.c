/* The real io against a real server on a socket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/host/host.h"
#include "tests/unit/host/http_peer.h"

struct probe {
    struct host host;
    struct settings settings;
    struct target_spec spec;
    struct peer peer;
    struct fetch fetch;
    struct fetch_result result;
    struct buf body;
    int n_done, n_hangups, stop_at; /* on_body ends the transfer at so many bytes */
    bool timed_out;
};

static void on_wake(struct io *io)
{
    struct probe *p = io->agent;
    p->timed_out = true;
    host_stop(&p->host);
}

static void on_hangup(struct io *io, int target)
{
    struct probe *p = io->agent;
    assert_int_equal(target, 0);
    p->n_hangups++;
    host_stop(&p->host);
}

static int on_body(struct fetch *f, const void *bytes, size_t n)
{
    struct probe *p = f->ctx;
    buf_put(&p->body, bytes, n);
    return p->stop_at && p->body.len >= (size_t)p->stop_at ? ERR_NOT_PPROF : 0;
}

static void on_done(struct fetch *f, const struct fetch_result *r)
{
    struct probe *p = f->ctx;
    p->result = *r;
    p->n_done++;
    host_stop(&p->host);
}

static void probe_open(struct probe *p, const char *url)
{
    struct errmsg e = {""};
    memset(p, 0, sizeof *p);
    settings_defaults(&p->settings);
    buf_init(&p->body, 1 << 20);
    assert_int_equal(target_parse(str_of(url), &p->spec, &e), 0);
    assert_int_equal(host_init(&p->host, &p->settings, &p->spec, 1, &e), 0);
    p->host.io.agent = p;
    p->host.io.on_wake = on_wake;
    p->host.io.on_hangup = on_hangup;
}

static void probe_start(struct probe *p)
{
    char url[64];
    struct peer peer = peer_start();
    assert_true(peer.pid > 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port);
    probe_open(p, url);
    p->peer = peer;
}

static void probe_end(struct probe *p)
{
    struct errmsg e = {""};
    assert_int_equal(host_fini(&p->host, &e), 0);
    assert_string_equal(e.text, "");
    buf_free(&p->body);
    if (p->peer.pid)
        peer_stop(&p->peer);
}

/* Runs until something stops it, ten seconds at most. */
static void probe_run(struct probe *p)
{
    struct io *io = &p->host.io;
    io->wake_at(io, io->now(io).boot_ms + 10000);
    host_run(&p->host);
    assert_false(p->timed_out);
}

static int probe_ask(struct probe *p, const char *path)
{
    p->fetch = (struct fetch){.deadline_ms = 5000,
                              .limit_bytes = 100000,
                              .on_body = on_body,
                              .on_done = on_done,
                              .ctx = p};
    str_copy(p->fetch.path, sizeof p->fetch.path, str_of(path));
    buf_reset(&p->body);
    p->n_done = 0;
    return p->host.io.fetch(&p->host.io, &p->fetch);
}

static const struct fetch_result *probe_fetch(struct probe *p, const char *path)
{
    assert_int_equal(probe_ask(p, path), 0);
    assert_int_equal(p->n_done, 0); /* never inside the call that asked */
    probe_run(p);
    assert_int_equal(p->n_done, 1);
    return &p->result;
}

static void test_whole(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    const struct fetch_result *r = probe_fetch(&p, "ok");
    assert_int_equal(r->error, 0);
    assert_int_equal(r->status, 200);
    assert_int_equal(r->bytes, 4);
    assert_string_equal(r->content_type, "text/plain; charset=utf-8");
    assert_string_equal(buf_cstr(&p.body), "fine");
    assert_int_equal(probe_fetch(&p, "chunked")->error, 0);
    assert_string_equal(buf_cstr(&p.body), "hello world");
    assert_int_equal(probe_fetch(&p, "/other?x=1")->error, 0);
    assert_non_null(strstr(buf_cstr(&p.body), "GET /other?x=1 HTTP/1.1"));
    assert_int_equal(p.n_hangups, 0);
    probe_end(&p);
}

static void test_headers_sent(void **state)
{
    (void)state;
    char secret[] = "/tmp/leakwatch-test-XXXXXX";
    struct probe p;
    int fd = mkstemp(secret);
    assert_true(fd >= 0);
    probe_start(&p);
    str_copy(p.settings.target_bearer_file, SETTINGS_TEXT_MAX, str_of(secret));
    str_copy(p.settings.target_basic_file, SETTINGS_TEXT_MAX, str_of(""));
    assert_int_equal(write(fd, "first\n", 6), 6);
    assert_int_equal(probe_fetch(&p, "echo")->error, 0);
    const char *request = buf_cstr(&p.body);
    assert_non_null(strstr(request, "GET /debug/pprof/echo HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "User-Agent: leakwatch/" LW_VERSION "\r\n"));
    assert_non_null(strstr(request, "Authorization: Bearer first\r\n"));
    assert_null(strstr(request, "Accept-Encoding"));
    /* Rotated: the next request has the new one. */
    assert_int_equal(pwrite(fd, "secnd\n", 6, 0), 6);
    assert_int_equal(probe_fetch(&p, "echo")->error, 0);
    assert_non_null(strstr(buf_cstr(&p.body), "Authorization: Bearer secnd\r\n"));
    /* A line end would smuggle a header. */
    assert_int_equal(pwrite(fd, "a\nb: c", 6, 0), 6);
    assert_int_equal(probe_fetch(&p, "echo")->error, ERR_SYNTAX);
    assert_null(strstr(p.result.why.text, "b: c"));
    unlink(secret);
    assert_int_equal(probe_fetch(&p, "echo")->error, -ENOENT);
    str_copy(p.settings.target_bearer_file, SETTINGS_TEXT_MAX, str_of(""));
    assert_int_equal(probe_fetch(&p, "echo")->error, 0);
    close(fd);
    probe_end(&p);
}

static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int error, status;
    } rows[] = {
        {"cut-length", ERR_CUT, 200},
        {"cut-chunk", ERR_CUT, 200},
        {"mute", ERR_CUT, 0},
        {"endless", ERR_LIMIT, 200},
        {"headers", ERR_LIMIT, 200},
        {"redirect", ERR_HTTP, 302},
        {"missing", ERR_HTTP, 404},
        {"garbage", ERR_NOT_PPROF, 0},
        {"ok", 0, 200},
    };
    struct probe p;
    probe_start(&p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fetch_result *r = probe_fetch(&p, rows[i].path);
        if (r->error != rows[i].error)
            fail_msg("%s: %d %s", rows[i].path, r->error, r->why.text);
        if (rows[i].status)
            assert_int_equal(r->status, rows[i].status);
        assert_int_equal(r->why.text[0] != 0, r->error != 0);
        assert_false(r->refused);
        assert_true(p.body.len <= 100000);
        if (r->error == ERR_HTTP)
            assert_int_equal(p.body.len, 0);
    }
    probe_end(&p);
}

static void test_deadline(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    assert_int_equal(probe_ask(&p, "drip"), 0);
    probe_run(&p);
    assert_int_equal(p.result.error, ERR_TIMEOUT); /* bytes came all the time */
    assert_true(p.body.len > 0);
    assert_int_equal(probe_fetch(&p, "ok")->error, 0);
    probe_end(&p);
}

static void test_stopped(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    p.stop_at = 1000;
    assert_int_equal(probe_fetch(&p, "endless")->error, ERR_NOT_PPROF);
    p.stop_at = 0;
    assert_int_equal(probe_ask(&p, "drip"), 0);
    struct fetch second = p.fetch;
    assert_int_equal(p.host.io.fetch(&p.host.io, &second), -EBUSY);
    p.host.io.cancel(&p.host.io, &p.fetch);
    assert_int_equal(p.n_done, 1);
    assert_int_equal(p.result.error, -ECANCELED);
    host_run(&p.host); /* takes the host_stop of on_done */
    assert_int_equal(probe_fetch(&p, "ok")->error, 0);
    probe_end(&p);
}

static void test_refused(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    peer_stop(&p.peer);
    p.peer.pid = 0;
    const struct fetch_result *r = probe_fetch(&p, "ok");
    assert_int_equal(r->error, -ECONNREFUSED);
    assert_true(r->refused);
    probe_end(&p);
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%d", 1); /* both families */
    probe_open(&p, url);
    assert_true(probe_fetch(&p, "ok")->refused);
    probe_end(&p);
}

/* The end of the idle connection is told without a request. */
static void test_hangup(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    assert_int_equal(probe_fetch(&p, "hangup")->error, 0);
    assert_int_equal(p.n_hangups, 0);
    probe_run(&p);
    assert_int_equal(p.n_hangups, 1);
    assert_int_equal(probe_fetch(&p, "ok")->error, 0);
    peer_stop(&p.peer); /* the kill */
    p.peer.pid = 0;
    probe_run(&p);
    assert_int_equal(p.n_hangups, 2);
    assert_true(probe_fetch(&p, "ok")->refused);
    probe_end(&p);
}

static void test_unix(void **state)
{
    (void)state;
    char path[64], url[96];
    struct probe p;
    snprintf(path, sizeof path, "/tmp/leakwatch-test-%d.sock", (int)getpid());
    struct peer peer = peer_start_unix(path);
    assert_true(peer.pid > 0);
    snprintf(url, sizeof url, "unix://%s", path);
    probe_open(&p, url);
    p.peer = peer;
    assert_int_equal(probe_fetch(&p, "chunked")->error, 0);
    assert_string_equal(buf_cstr(&p.body), "hello world");
    unlink(path);
    peer_stop(&p.peer);
    p.peer.pid = 0;
    probe_run(&p);
    assert_int_equal(p.n_hangups, 1);
    assert_true(probe_fetch(&p, "ok")->refused);
    probe_end(&p);
}

static void test_retarget(void **state)
{
    (void)state;
    char origin[64];
    struct probe p;
    struct peer peer = peer_start();
    probe_open(&p, "auto");
    p.peer = peer;
    assert_int_equal(probe_ask(&p, "ok"), -EDESTADDRREQ);
    struct candidate c[64];
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", peer.port);
    size_t n = p.host.io.discover(&p.host.io, true, c, 64), found = 0;
    for (size_t i = 0; i < n; i++)
        found += str_is(str_of(c[i].origin), origin);
    assert_int_equal(found, 1);
    p.host.io.retarget(&p.host.io, 0, origin);
    assert_int_equal(probe_fetch(&p, "ok")->error, 0);
    /* Our own port is no candidate. */
    snprintf(p.settings.listen, SETTINGS_TEXT_MAX, "127.0.0.1:%d", peer.port);
    n = p.host.io.discover(&p.host.io, true, c, 64);
    for (size_t i = 0; i < n; i++)
        assert_string_not_equal(c[i].origin, origin);
    probe_end(&p);
}

/* A host that ends in the middle of a transfer leaves nothing behind. */
static void test_close_under_way(void **state)
{
    (void)state;
    struct probe p;
    probe_start(&p);
    p.fetch.on_body = NULL;
    assert_int_equal(probe_ask(&p, "drip"), 0);
    struct io *io = &p.host.io;
    io->wake_at(io, io->now(io).boot_ms + 100);
    host_run(&p.host);
    assert_int_equal(p.n_done, 0);
    probe_end(&p);
    assert_int_equal(p.n_done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_headers_sent),
        cmocka_unit_test(test_damaged),  cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_stopped),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hangup),   cmocka_unit_test(test_unix),
        cmocka_unit_test(test_retarget), cmocka_unit_test(test_close_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
