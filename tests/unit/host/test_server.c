/* The server on the loop, asked by child processes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/host/client.h"
#include "lib/host/host.h"
#include "lib/host/server.h"
#include "tests/unit/host/http_peer.h"

#define FAR_MS 20000

struct probe {
    struct host host;
    struct settings settings;
    struct server server;
    char dir[512], socket[600];
    int port;
    pid_t child;
    int status;
};

static struct probe p;

static void handle(void *ctx, const struct request *r, struct response *out)
{
    (void)ctx;
    if (str_is(r->path, "/none")) {
        out->status = 404;
        out->content_type = "application/json";
        buf_puts(&out->body, "{\"error\":\"none\"}");
    } else if (str_is(r->path, "/large")) {
        for (int i = 0; i < 100000; i++)
            buf_puts(&out->body, "0123456789\n");
    } else {
        buf_printf(&out->body, "%d %.*s %.*s %.*s %.*s", r->door, (int)r->method.n, r->method.p,
                   (int)r->path.n, r->path.p, (int)r->query.n, r->query.p, (int)r->body.n,
                   r->body.n ? r->body.p : "");
    }
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void on_wake(struct io *io)
{
    (void)io;
    if (waitpid(p.child, &p.status, WNOHANG) == p.child)
        host_stop(&p.host);
    else
        p.host.io.wake_at(&p.host.io, moment_now().boot_ms + 5);
}

static int open_all(void **state)
{
    struct errmsg e = {""};
    (void)state;
    memset(&p, 0, sizeof p);
    settings_defaults(&p.settings);
    snprintf(p.dir, sizeof p.dir, "/tmp/leakwatch-test-XXXXXX");
    assert_non_null(mkdtemp(p.dir));
    p.port = free_port();
    snprintf(p.socket, sizeof p.socket, "%s/leakwatch.sock", p.dir);
    snprintf(p.settings.dir, SETTINGS_TEXT_MAX, "%s", p.dir);
    snprintf(p.settings.listen, SETTINGS_TEXT_MAX, "127.0.0.1:%d", p.port);
    assert_int_equal(host_init(&p.host, &p.settings, NULL, 0, &e), 0);
    p.host.io.on_wake = on_wake;
    server_init(&p.server, &p.host.loop, handle, NULL);
    for (int i = 0; i < DOORS; i++)
        assert_int_equal(server_open(&p.server, &p.settings, (enum door_kind)i, &e), 0);
    assert_true(server_is_open(&p.server, DOOR_UNIX));
    assert_true(server_is_open(&p.server, DOOR_PEOPLE));
    assert_false(server_is_open(&p.server, DOOR_METRICS)); /* off by default */
    return 0;
}

static int close_all(void **state)
{
    struct errmsg e = {""};
    (void)state;
    server_close(&p.server);
    assert_int_equal(access(p.socket, F_OK), -1);
    assert_int_equal(host_fini(&p.host, &e), 0);
    return rmdir(p.dir);
}

/* Runs the loop while a child visits; the child's checks are by its exit code,
 * the line of the first that failed. */
#define CHECK(held)          \
    do {                     \
        if (!(held)) {       \
            return __LINE__; \
        }                    \
    } while (0)

static void visit(int (*visitor)(void))
{
    int result[2], line = -1;
    assert_int_equal(pipe(result), 0);
    p.child = fork();
    if (p.child == 0) {
        alarm(FAR_MS / 1000);
        line = visitor();
        _exit(write(result[1], &line, sizeof line) != sizeof line);
    }
    close(result[1]);
    p.host.io.wake_at(&p.host.io, 0);
    host_run(&p.host);
    ssize_t n = read(result[0], &line, sizeof line);
    close(result[0]);
    if (n != sizeof line || line)
        fail_msg("the visitor's check in line %d failed", line);
}

static int ask(const char *method, const char *path, struct str body, struct buf *out)
{
    int status = 0;
    struct errmsg e;
    int rc = client_request(p.socket, method, path, body, FAR_MS, out, &status, &e);
    return rc ? rc : status;
}

static const struct str no_body = {NULL, 0};

static int visit_unix(void)
{
    struct buf out;
    struct stat st;
    buf_init(&out, 4 << 20);
    CHECK(stat(p.socket, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(ask("GET", "/a%20b?x=%31&y", no_body, &out) == 200);
    CHECK(!strcmp(buf_cstr(&out), "0 GET /a%20b x=%31&y "));
    buf_reset(&out);
    CHECK(ask("POST", "/dumps", STR("{\"reason\":\"now\"}"), &out) == 200);
    CHECK(!strcmp(buf_cstr(&out), "0 POST /dumps  {\"reason\":\"now\"}"));
    buf_reset(&out);
    CHECK(ask("GET", "/none", no_body, &out) == 404);
    CHECK(!strcmp(buf_cstr(&out), "{\"error\":\"none\"}"));
    buf_reset(&out);
    CHECK(ask("GET", "/large", no_body, &out) == 200);
    CHECK(out.len == 1100000);
    struct buf small;
    buf_init(&small, 1000);
    CHECK(ask("GET", "/large", no_body, &small) == ERR_LIMIT);
    return 0;
}

static void test_unix(void **state)
{
    (void)state;
    visit(visit_unix);
}

static int visit_bounds(void)
{
    static char text[SERVER_BODY_MAX + 1];
    struct buf out;
    buf_init(&out, 4 << 20);
    memset(text, 'a', sizeof text);
    text[0] = '/';
    CHECK(ask("POST", "/", (struct str){text, SERVER_BODY_MAX}, &out) == 200);
    CHECK(out.len > SERVER_BODY_MAX);
    CHECK(ask("POST", "/", (struct str){text, SERVER_BODY_MAX + 1}, &out) == 413);
    text[1900] = 0;
    CHECK(ask("GET", text, no_body, &out) == 200);
    CHECK(ask("GET", "/again", no_body, &out) == 200);
    return 0;
}

static void test_bounds(void **state)
{
    (void)state;
    visit(visit_bounds);
}

static int tcp_open(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)p.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The status of the answer to what is sent; 0 when the connection just ends. */
static int raw_ask(int fd, const char *request)
{
    char answer[4096];
    size_t n = 0;
    size_t len = strlen(request);
    if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        return -1;
    while (n < 12) {
        ssize_t got = recv(fd, answer + n, sizeof answer - 1 - n, 0);
        if (got <= 0)
            return 0;
        n += (size_t)got;
    }
    answer[n] = 0;
    return (int)strtol(answer + 9, NULL, 10);
}

static int raw_once(const char *headers)
{
    static char request[16384];
    int fd = tcp_open();
    snprintf(request, sizeof request, "GET /x HTTP/1.1\r\n%s\r\n", headers);
    int status = fd < 0 ? -1 : raw_ask(fd, request);
    close(fd);
    return status;
}

static int visit_names(void)
{
    static char large[4096];
    CHECK(raw_once("Host: localhost:8723\r\n") == 200);
    CHECK(raw_once("Host: 127.0.0.1\r\n") == 200);
    CHECK(raw_once("Host: [::1]:1\r\n") == 200);
    CHECK(raw_once("Host: evil.example\r\n") == 403);
    CHECK(raw_once("Host: 8.8.8.8\r\n") == 403);
    CHECK(raw_once("Host: localhost.evil.example\r\n") == 403);
    CHECK(raw_once("Host: localhost\r\nOrigin: http://localhost\r\n") == 200);
    CHECK(raw_once("Host: localhost\r\nOrigin: https://evil.example\r\n") == 403);
    CHECK(raw_once("Host: localhost\r\nOrigin: null\r\n") == 403);
    snprintf(large, sizeof large, "Host: localhost\r\nCookie: %03900d\r\n", 0);
    CHECK(raw_once(large) == 200);
    return 0;
}

static void test_names(void **state)
{
    (void)state;
    visit(visit_names);
}

/* A crowd at one door: others wait there, another door serves, and when the crowd
 * has gone the door is open again. */
static int visit_crowd(void)
{
    int fds[SERVER_CONNECTIONS + 4];
    struct buf out;
    buf_init(&out, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SERVER_CONNECTIONS + 4; i++)
            CHECK((fds[i] = tcp_open()) >= 0);
        CHECK(raw_ask(fds[0], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200);
        CHECK(ask("GET", "/", no_body, &out) == 200);
        for (int i = 0; i < SERVER_CONNECTIONS + 4; i++)
            close(fds[i]);
        CHECK(raw_once("Host: localhost\r\n") == 200);
    }
    return 0;
}

static void test_crowd(void **state)
{
    (void)state;
    visit(visit_crowd);
}

/* A request that never ends is ended, although a byte comes now and then. */
static int visit_slow(void)
{
    int fd = tcp_open();
    char byte;
    CHECK(fd >= 0);
    CHECK(send(fd, "GET / HTTP/1.1\r\nHost: ", 22, MSG_NOSIGNAL) == 22);
    while (send(fd, "a", 1, MSG_NOSIGNAL) == 1) { /* the alarm ends it otherwise */
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return 0;
        usleep(100000);
    }
    return 0;
}

static void test_slow(void **state)
{
    (void)state;
    visit(visit_slow);
}

/* A port or socket that is taken is told, a stale socket is replaced. */
static void test_taken(void **state)
{
    (void)state;
    struct errmsg e = {""};
    static struct server other;
    server_init(&other, &p.host.loop, handle, NULL);
    assert_int_equal(server_open(&other, &p.settings, DOOR_PEOPLE, &e), -EADDRINUSE);
    assert_non_null(strstr(e.text, p.settings.listen));
    assert_int_equal(server_open(&other, &p.settings, DOOR_UNIX, &e), -EADDRINUSE);
    snprintf(p.settings.listen, SETTINGS_TEXT_MAX, "nonsense");
    assert_int_equal(server_open(&other, &p.settings, DOOR_PEOPLE, &e), -EINVAL);
    server_close(&other);
    assert_int_equal(access(p.socket, F_OK), 0);
    server_close(&p.server); /* its handles end in close_all */
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%.90s", p.socket);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd); /* nobody listens there any more */
    assert_int_equal(server_open(&other, &p.settings, DOOR_UNIX, &e), 0);
    visit(visit_unix);
    server_close(&other);
}

static void test_long_path(void **state)
{
    (void)state;
    struct errmsg e = {""};
    char deep[SETTINGS_TEXT_MAX];
    static struct server other;
    snprintf(deep, sizeof deep, "%.300s/%0150d", p.dir, 7);
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(p.settings.dir, SETTINGS_TEXT_MAX, "%s", deep);
    snprintf(p.socket, sizeof p.socket, "%s/leakwatch.sock", deep);
    server_init(&other, &p.host.loop, handle, NULL);
    assert_int_equal(server_open(&other, &p.settings, DOOR_UNIX, &e), 0);
    visit(visit_unix);
    server_close(&other);
    assert_int_equal(rmdir(deep), 0);
}

static void test_no_agent(void **state)
{
    (void)state;
    struct errmsg e = {""};
    struct buf out;
    int status = 0;
    buf_init(&out, 1000);
    assert_int_equal(client_request("/tmp/leakwatch-none.sock", "GET", "/", no_body, FAR_MS,
                                    &out, &status, &e),
                     -ENOENT);
    assert_non_null(strstr(e.text, "/tmp/leakwatch-none.sock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unix, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_bounds, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_names, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_crowd, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_slow, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_taken, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_long_path, open_all, close_all),
        cmocka_unit_test(test_no_agent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
