#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dump/dump.h"

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
        cmocka_unit_test(test_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
