/* The files beside the dumps: history.bin and the small ones kept whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/store.h"
#include "tests/fake/disk_fake.h"

#define WALL INT64_C(1780000000000)

struct fix {
    struct disk_fake *fake;
    struct store store;
};

static void open_store(struct fix *f)
{
    struct errmsg e;

    assert_int_equal(store_open(&f->store, disk_fake_disk(f->fake), 8 << 20, "pod-1", &e), 0);
}

static int setup(void **state)
{
    static struct fix f;

    f.fake = disk_fake_new();
    open_store(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;

    store_close(&f->store);
    disk_fake_free(&f->fake);
    return 0;
}

static void test_history(void **state)
{
    struct fix *f = *state;
    static char block[8192], back[8192];
    struct {
        uint64_t offset, length;
        char bytes[16];
    } record = {4096, 16, "0123456789abcde"};

    assert_int_equal(store_read_history(&f->store, back, sizeof back), -ENOENT);
    assert_int_equal(store_write_history(&f->store, &record, sizeof record, true), -ENOENT);
    assert_false(disk_fake_exists(f->fake, "history.bin", NULL));
    memset(block, 'x', sizeof block);
    assert_int_equal(store_rewrite_history(&f->store, block, sizeof block), 0);
    assert_int_equal(store_write_history(&f->store, &record, sizeof record, true), 0);
    memcpy(block + 4096, record.bytes, 16);
    disk_fake_power_loss(f->fake, 7);
    open_store(f);
    assert_int_equal(store_history_size(&f->store), sizeof block);
    assert_int_equal(store_read_history(&f->store, back, sizeof back), 0);
    assert_memory_equal(back, block, sizeof back);
    assert_int_equal(store_read_history(&f->store, back, 4096), ERR_MISMATCH);
    record.offset = 8190;
    assert_int_equal(store_write_history(&f->store, &record, sizeof record, false),
                     ERR_MISMATCH);
    record.offset = UINT64_MAX;
    assert_int_equal(store_write_history(&f->store, &record, sizeof record, false),
                     ERR_MISMATCH);
    assert_int_equal(store_write_history(&f->store, &record, 20, false), ERR_CUT);
    assert_int_equal(store_quarantine_history(&f->store, WALL), 0);
    assert_int_equal(store_history_size(&f->store), -ENOENT);
    assert_true(disk_fake_exists(f->fake, "history.bin.bad-20260528T202640Z", NULL));
    /* One is kept, and it is the first to go. */
    assert_int_equal(store_rewrite_history(&f->store, block, sizeof block), 0);
    assert_int_equal(store_quarantine_history(&f->store, WALL + 60000), 0);
    assert_false(disk_fake_exists(f->fake, "history.bin.bad-20260528T202640Z", NULL));
    assert_true(disk_fake_exists(f->fake, "history.bin.bad-20260528T202740Z", NULL));
    f->store.limit_bytes = 4096;
    assert_int_equal(store_make_room(&f->store, 0, NULL), 0);
    assert_false(disk_fake_exists(f->fake, "history.bin.bad-20260528T202740Z", NULL));
}

static void test_put_power_loss(void **state)
{
    struct fix *f = *state;

    for (uint64_t seed = 0; seed < 20; seed++)
        for (uint64_t nth = 1; nth < 12; nth++) {
            struct buf b;
            teardown(state);
            setup(state);
            assert_int_equal(store_put(&f->store, "baseline", "old", 3), 0);
            disk_fake_fail(f->fake, nth, EIO, true);
            int rc = store_put(&f->store, "baseline", "newer", 5);
            disk_fake_power_loss(f->fake, seed * 100 + nth);
            open_store(f);
            buf_init(&b, 100);
            assert_int_equal(store_get(&f->store, "baseline", &b), 0);
            bool is_new = str_is(buf_view(&b), "newer");
            assert_true(is_new || str_is(buf_view(&b), "old"));
            assert_true(is_new || rc);
            assert_false(disk_fake_exists(f->fake, ".tmp-put-baseline", NULL));
            buf_free(&b);
        }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_history), T(test_put_power_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
