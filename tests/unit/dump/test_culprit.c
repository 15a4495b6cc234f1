#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dump/dump.h"

static size_t culprit(const char *const *names, size_t n)
{
    struct frame frames[8] = {0};

    for (size_t i = 0; i < n; i++)
        frames[i].function = str_of(names[i]);
    return culprit_frame(frames, n);
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
    assert_int_equal(culprit_frame(NULL, 0), 0);
}

static void test_bundle(void **state)
{
    struct bundle b;
    static struct manifest m;

    (void)state;
    bundle_init(&b, 10);
    bundle_begin(&b, "a");
    buf_puts(&b.bytes, "12345");
    assert_int_equal(bundle_end(&b), 0);
    bundle_begin(&b, "too-big");
    buf_puts(&b.bytes, "123456");
    assert_int_equal(bundle_end(&b), ERR_LIMIT);
    bundle_begin(&b, "dropped");
    buf_puts(&b.bytes, "1");
    bundle_drop(&b);
    bundle_begin(&b, "b");
    buf_puts(&b.bytes, "abcde");
    assert_int_equal(bundle_end(&b), 0);
    assert_int_equal(b.n_files, 2);
    assert_memory_equal(b.bytes.p, "12345abcde", 10);
    dump_list_files(&m, &b, "");
    dump_list_files(&m, &b, "native/");
    dump_list_files(&m, &b, "");
    assert_int_equal(m.n_files, 4);
    assert_string_equal(m.files[0].name, "native/a");
    assert_string_equal(m.files[3].name, "b");
    assert_string_equal(m.files[3].sha256,
                        "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c");
    assert_string_equal(m.open_set, ".");
    bundle_reset(&b);
    for (int i = 0; i < BUNDLE_FILES_MAX; i++) {
        bundle_begin(&b, "x");
        assert_int_equal(bundle_end(&b), 0);
    }
    bundle_begin(&b, "one too many");
    buf_puts(&b.bytes, "1");
    assert_int_equal(bundle_end(&b), ERR_LIMIT);
    assert_int_equal(b.n_files, BUNDLE_FILES_MAX);
    bundle_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
