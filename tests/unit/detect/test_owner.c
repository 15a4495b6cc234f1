/* Whose code is a frame, and which is the user's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/detect/owner.h"

static size_t culprit(const char *const *names, size_t n)
{
    struct frame frames[8] = {0};

    for (size_t i = 0; i < n; i++)
        frames[i].function = str_of(names[i]);
    return owner_frame(frames, n, NULL);
}

#define CULPRIT(...)                            \
    culprit((const char *const[]){__VA_ARGS__}, \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void test_frames(void **state)
{
    (void)state;
    assert_int_equal(CULPRIT("runtime.gopark", "main.leak", "main.main"), 1);
    assert_int_equal(CULPRIT("net/http.(*persistConn).readLoop"), 0);
    assert_int_equal(CULPRIT("net/http.(*persistConn).readLoop", "time.Sleep"), 0);
    assert_int_equal(CULPRIT("internal/poll.(*FD).Read", "crypto/tls.(*Conn).Read",
                             "github.com/lib/pq.(*conn).recv", "database/sql.(*DB).query",
                             "example.com/shop/cart.(*Store).Get"),
                     4);
    assert_int_equal(CULPRIT("google.golang.org/grpc/internal/transport.(*controlBuffer).get",
                             "github.com/acme/api.Serve"),
                     1);
    assert_int_equal(CULPRIT("sync.(*Mutex).Lock", "cart/internal/db.Get"), 1);
    assert_int_equal(CULPRIT("slices.SortFunc[...]", "main.Map[go.shape.int,a/b.T].Get"), 1);
    assert_int_equal(
        CULPRIT("golang.org/x/sync/errgroup.(*Group).Go.func1", "gopkg.in/yaml%2ev3.parse"), 1);
    assert_int_equal(CULPRIT("_cgo_wait", "x_cgo", "main.c"), 2);
    assert_int_equal(CULPRIT("vendor/golang.org/x/net/http2.read", "main.main"), 1);
    assert_int_equal(CULPRIT("", "[other]"), 0);
    assert_int_equal(owner_frame(NULL, 0, NULL), 0);
}

static size_t culprit_of(const struct frame *frames, size_t n, bool want_own)
{
    bool own = !want_own;
    size_t at = owner_frame(frames, n, &own);
    assert_int_equal(own, want_own);
    return at;
}

#define FRAME(name, path)                        \
    {                                            \
        .function = STR(name), .file = STR(path) \
    }

/* A module of the cache is somebody else's, whatever its name. */
static void test_files(void **state)
{
    const struct frame cached[] = {
        FRAME("time.Sleep", "time/sleep.go"),
        FRAME("example.org/cache.(*janitor).run", "example.org/cache@v2.1.0/janitor.go"),
        FRAME("example.org/shop/cart.New.func1", "/src/cart/cart.go"),
    };
    const struct frame vendored[] = {
        FRAME("example.org/cache.(*janitor).run", "/src/vendor/example.org/cache/janitor.go"),
        FRAME("main.main", "/go/pkg/mod/example.org/tool@v1.2.3/main.go"),
    };
    const struct frame bazel[] = {
        FRAME("example.org/cache.run", "external/org_example_cache/run.go"),
        FRAME("shop/cart.New", "cart/cart.go"),
    };

    (void)state;
    assert_int_equal(culprit_of(cached, 3, true), 2);
    assert_int_equal(culprit_of(cached, 2, false), 1); /* better than the leaf */
    assert_int_equal(culprit_of(cached, 1, false), 0);
    assert_int_equal(culprit_of(vendored, 2, true), 1);
    assert_int_equal(culprit_of(vendored, 1, false), 0);
    assert_int_equal(culprit_of(bazel, 2, true), 1);
    assert_int_equal(owner_of(&cached[1]), OWNER_DEPENDENCY);
    assert_int_equal(owner_of(&(struct frame)FRAME("go.uber.org/zap.New", "zap.go")),
                     OWNER_KNOWN);
    assert_int_equal(owner_of(&(struct frame)FRAME("main.f", "/src/a@verb/f.go")), OWNER_USER);
}

static void is(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("'%.*s' instead of '%s'", (int)got.n, got.p, want);
}

static void test_parts_of_names(void **state)
{
    (void)state;
    is(owner_package(STR("net/http.(*Client).Do")), "net/http");
    is(owner_package(STR("gopkg.in/yaml%2ev3.parse")), "gopkg.in/yaml%2ev3");
    is(owner_package(STR("x_cgo")), "");
    is(owner_module(STR("github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire")),
       "github.com/jackc/pgx");
    is(owner_module(STR("google.golang.org/grpc/internal/transport.f")),
       "google.golang.org/grpc");
    is(owner_module(STR("database/sql.(*DB).conn")), "database/sql");
    is(owner_module(STR("main.f")), "main");
    is(owner_declared(STR("main.fetch.func1.2")), "main.fetch");
    is(owner_declared(STR("main.(*T).run.gowrap1")), "main.(*T).run");
    is(owner_declared(STR("main.functional.apply")), "main.functional.apply");
    is(owner_declared(STR("a.func1/b.f")), "a.func1/b.f");
    is(owner_declared(STR("")), "");
    is(owner_short(STR("google.golang.org/grpc.NewClient")), "grpc.NewClient");
    is(owner_short(STR("main.Map[go.shape.int,a/b.T].Get")),
       "main.Map[go.shape.int,a/b.T].Get");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_parts_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
