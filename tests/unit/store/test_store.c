/* The store over the fake disk: what is written, listed, freed; and for every
 * operation, what is left when it fails or when the power goes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/store.h"
#include "tests/fake/disk_fake.h"

#define LIMIT (8 << 20)
#define STORE_TEST_PATH 256
#define WALL INT64_C(1780000000000)

struct fix {
    struct disk_fake *fake;
    struct store store;
    struct bundle bundle;
    struct manifest m;
};

static void manifest_make(struct manifest *m, uint64_t seq, uint64_t life)
{
    *m = (struct manifest){.schema = MANIFEST_SCHEMA,
                           .seq = seq,
                           .life = life,
                           .phase = 1,
                           .time_wall_ms = WALL + (int64_t)seq * 60000,
                           .durable_wall_ms = WALL,
                           .durable_boot_ms = 5000,
                           .outcome.exit_code = -1};
    str_copy(m->target, sizeof m->target, STR("cart"));
    str_copy(m->trigger, sizeof m->trigger, STR("verdict"));
    manifest_name(m);
}

static void bundle_fill(struct bundle *b)
{
    static const char *const names[] = {"goroutine.diff.pb.gz", "summary.txt",
                                        "heap.diff.pb.gz", "goroutine.pb.gz"};
    bundle_reset(b);
    for (int i = 0; i < 4; i++) {
        bundle_begin(b, names[i]);
        for (int k = 0; k < 3000; k++)
            buf_putc(&b->bytes, (char)('a' + (i + k) % 26));
        assert_int_equal(bundle_end(b), 0);
    }
}

static void open_store(struct fix *f)
{
    struct errmsg e = {""};
    int rc = store_open(&f->store, disk_fake_disk(f->fake), LIMIT, "pod-1", &e);
    if (rc)
        print_error("store_open: %s\n", e.text);
    assert_int_equal(rc, 0);
}

static int setup(void **state)
{
    static struct fix fix;
    struct fix *f = &fix;
    *state = f;
    f->fake = disk_fake_new();
    bundle_init(&f->bundle, 1 << 20);
    bundle_fill(&f->bundle);
    manifest_make(&f->m, 1, 1);
    dump_list_files(&f->m, &f->bundle, "");
    open_store(f);
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    store_close(&f->store);
    bundle_free(&f->bundle);
    disk_fake_free(&f->fake);
    return 0;
}

static void again(struct fix *f)
{
    disk_fake_free(&f->fake);
    f->fake = disk_fake_new();
    open_store(f);
}

static int write_dump(struct fix *f, uint64_t seq, uint64_t life)
{
    struct store_result r;
    manifest_make(&f->m, seq, life);
    dump_list_files(&f->m, &f->bundle, "");
    store_write_dump(&f->store, &f->m, &f->bundle, &r);
    return r.error;
}

/* Every file the manifest names is there with its size and digest. */
static bool dump_whole(struct store *s, const char *id)
{
    struct manifest m;
    bool whole = !store_read_manifest(s, id, &m, NULL);
    for (int i = 0; whole && i < m.n_files; i++) {
        char hex[SHA256_HEX_MAX];
        struct buf b;
        buf_init(&b, 1 << 20);
        whole = !store_read_file(s, id, m.files[i].name, &b) &&
                (int64_t)b.len == m.files[i].bytes &&
                !strcmp(sha256_hex(b.p, b.len, hex), m.files[i].sha256);
        buf_free(&b);
    }
    return whole;
}

struct census {
    int dumps, damaged, strays;
    struct store *store;
};

static int count_dump(void *ctx, const struct store_dump *d)
{
    struct census *c = ctx;
    c->dumps++;
    c->damaged += !dump_whole(c->store, d->id);
    return 0;
}

static int count_stray(void *ctx, const struct disk_entry *e)
{
    struct census *c = ctx;
    c->strays += !strncmp(e->name, ".tmp-", 5);
    return 0;
}

static struct census census(struct fix *f)
{
    struct census c = {.store = &f->store};
    struct disk *d = disk_fake_disk(f->fake);
    assert_int_equal(store_list(&f->store, count_dump, &c), 0);
    assert_int_equal(d->list(d, "", count_stray, &c), 0);
    if (disk_fake_exists(f->fake, f->m.id, NULL))
        assert_int_equal(d->list(d, f->m.id, count_stray, &c), 0);
    return c;
}

static void test_round(void **state)
{
    struct fix *f = *state;
    struct store_result r;
    struct manifest m;
    struct buf b;

    store_write_dump(&f->store, &f->m, &f->bundle, &r);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.files_written, 4);
    assert_true(dump_whole(&f->store, f->m.id));
    assert_int_equal(store_read_manifest(&f->store, f->m.id, &m, NULL), 0);
    assert_string_equal(m.target, "cart");
    assert_int_equal(m.n_files, 4);
    assert_string_equal(m.open_set, ".");
    assert_string_equal(f->m.id, "20260528T202740Z-verdict-cart-1");
    buf_init(&b, 100); /* a bound that is too small is an error, not a cut */
    assert_int_equal(store_read_file(&f->store, f->m.id, "summary.txt", &b), ERR_LIMIT);
    assert_int_equal(store_read_file(&f->store, f->m.id, "../x", &b), -EINVAL);
    assert_int_equal(store_read_file(&f->store, f->m.id, "native/../x", &b), -EINVAL);
    assert_int_equal(store_read_file(&f->store, "..", "summary.txt", &b), -EINVAL);
    assert_int_equal(store_read_file(&f->store, f->m.id, "none", &b), -ENOENT);
    buf_free(&b);
}

static void test_native(void **state)
{
    struct fix *f = *state;
    struct store_result r;
    struct manifest m;

    store_write_dump(&f->store, &f->m, &f->bundle, &r);
    m = f->m;
    m.phase = 2;
    dump_list_files(&m, &f->bundle, "native/");
    assert_int_equal(m.n_files, 8);
    assert_string_equal(m.open_set, "native");
    for (int i = 0; i < 2; i++) { /* again is no harm */
        store_write_native(&f->store, &m, &f->bundle, &r);
        assert_int_equal(r.error, 0);
    }
    assert_true(dump_whole(&f->store, m.id));
    assert_int_equal(store_remove(&f->store, m.id, NULL), 0);
    assert_int_equal(census(f).dumps, 0);
    assert_int_equal(census(f).strays, 0);
}

static void test_resolve(void **state)
{
    struct fix *f = *state;
    char id[DUMP_ID_MAX];
    struct errmsg e;

    assert_int_equal(store_resolve(&f->store, "latest", id, &e), -ENOENT);
    for (uint64_t seq = 1; seq <= 11; seq++)
        assert_int_equal(write_dump(f, seq, 1), 0);
    assert_int_equal(store_resolve(&f->store, "latest", id, &e), 0);
    assert_string_equal(id, "20260528T203740Z-verdict-cart-11");
    assert_int_equal(store_resolve(&f->store, "20260528T2030", id, &e), 0);
    assert_string_equal(id, "20260528T203040Z-verdict-cart-4");
    assert_int_equal(store_resolve(&f->store, "2026", id, &e), ERR_MISMATCH);
    assert_non_null(strstr(e.text, "11 dumps"));
    assert_int_equal(store_resolve(&f->store, "2027", id, &e), -ENOENT);
    assert_int_equal(store_resolve(&f->store, "", id, &e), -ENOENT);
}

static void test_outcome(void **state)
{
    struct fix *f = *state;
    struct manifest m;

    write_dump(f, 1, 1);
    write_dump(f, 2, 2);
    write_dump(f, 3, 2);
    struct moment death = {.boot_ms = 17345, .wall_ms = WALL - 999999999};
    assert_int_equal(
        store_stamp_outcome(&f->store, "cart", 2, OUTCOME_OOM, 137, "cgroup", death, NULL), 2);
    assert_int_equal(
        store_stamp_outcome(&f->store, "cart", 2, OUTCOME_OOM, 137, "cgroup", death, NULL), 0);
    assert_int_equal(store_read_manifest(&f->store, f->m.id, &m, NULL), 0);
    assert_int_equal(m.outcome.cause, OUTCOME_OOM);
    assert_int_equal(m.outcome.exit_code, 137);
    assert_int_equal(m.outcome.lead_ms, 12345); /* a wall clock that jumped is no matter */
    /* After a reboot boot_ms is small again: the wall has to do. */
    death = (struct moment){.boot_ms = 100, .wall_ms = WALL + 60000};
    assert_int_equal(store_stamp_outcome(&f->store, "cart", 1, OUTCOME_PROBABLE_OOM, -1,
                                         "inferred", death, NULL),
                     1);
    assert_int_equal(
        store_read_manifest(&f->store, "20260528T202740Z-verdict-cart-1", &m, NULL), 0);
    assert_int_equal(m.outcome.lead_ms, 60000);
    /* Who writes the manifest again without knowing of it does not undo it. */
    m.outcome.cause = OUTCOME_NONE;
    m.phase = 2;
    assert_int_equal(store_write_manifest(&f->store, &m, NULL), 0);
    assert_int_equal(store_read_manifest(&f->store, m.id, &m, NULL), 0);
    assert_int_equal(m.phase, 2);
    assert_int_equal(m.outcome.cause, OUTCOME_PROBABLE_OOM);
    assert_int_equal(m.outcome.lead_ms, 60000);
}

static void test_retention(void **state)
{
    struct fix *f = *state;
    int removed = 0;

    for (uint64_t seq = 1; seq <= 9; seq++) /* lives 1, 2, 3 of three dumps each */
        assert_int_equal(write_dump(f, seq, 1 + (seq - 1) / 3), 0);
    int64_t one = store_used_bytes(&f->store) / 9;
    f->store.limit_bytes = store_used_bytes(&f->store);
    assert_int_equal(store_make_room(&f->store, one, &removed), 0);
    assert_int_equal(removed, 1);
    assert_false(disk_fake_exists(f->fake, "20260528T202840Z-verdict-cart-2", NULL));
    /* Firsts of lives outlast the others; the newest outlasts all. */
    assert_int_equal(store_make_room(&f->store, one * 5, &removed), 0);
    assert_int_equal(removed, 5);
    assert_true(disk_fake_exists(f->fake, "20260528T202740Z-verdict-cart-1", NULL));
    assert_true(disk_fake_exists(f->fake, "20260528T203040Z-verdict-cart-4", NULL));
    assert_true(disk_fake_exists(f->fake, "20260528T203340Z-verdict-cart-7", NULL));
    assert_int_equal(store_make_room(&f->store, one * 10, &removed), -ENOSPC);
    assert_int_equal(census(f).dumps, 1);
    assert_true(disk_fake_exists(f->fake, "20260528T203540Z-verdict-cart-9", NULL));
}

static void test_limit(void **state)
{
    struct fix *f = *state;
    /* Everything counts; the directory stays below its limit over many dumps. */
    f->store.limit_bytes = 60000;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        assert_int_equal(write_dump(f, seq, 1), 0);
        assert_true(store_used_bytes(&f->store) <= 60000);
    }
    assert_true(disk_fake_exists(f->fake, "20260528T202740Z-verdict-cart-1", NULL));
    /* A dump larger than all of it is written in part, the first files first. */
    f->store.limit_bytes = 16384 + 7000;
    assert_int_equal(write_dump(f, 21, 1), 0);
    assert_int_equal(f->m.n_files, 2);
    assert_string_equal(f->m.note, "2 of 4 files written: the directory's limit");
    assert_true(dump_whole(&f->store, f->m.id));
}

static void test_disk_full(void **state)
{
    struct fix *f = *state;
    struct store_result r;

    disk_fake_space(f->fake, 60000);
    for (uint64_t seq = 1; seq <= 12; seq++)
        assert_int_equal(write_dump(f, seq, 1), 0);
    assert_int_equal(census(f).damaged, 0);
    assert_true(census(f).dumps >= 3);
    /* Somebody else fills the volume: fewer files, said so. */
    struct disk *d = disk_fake_disk(f->fake);
    while (store_list(&f->store, count_dump, &(struct census){.store = &f->store}) == 0) {
        char id[DUMP_ID_MAX];
        if (store_resolve(&f->store, "latest", id, NULL))
            break;
        assert_int_equal(store_remove(&f->store, id, NULL), 0);
    }
    int h = d->open(d, "foreign", DISK_CREATE);
    assert_int_equal(d->preallocate(d, h, 60000 - 8500), 0);
    d->close(d, h);
    manifest_make(&f->m, 13, 1);
    dump_list_files(&f->m, &f->bundle, "");
    store_write_dump(&f->store, &f->m, &f->bundle, &r);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.files_written, 2);
    assert_string_equal(f->m.note, "2 of 4 files written: No space left on device");
    assert_true(dump_whole(&f->store, f->m.id));
    assert_true(disk_fake_exists(f->fake, "foreign", NULL));
    /* No room for anything: an error, and what the caller had is as it was. */
    h = d->open(d, "foreign2", DISK_CREATE);
    struct disk_space space;
    d->space(d, &space);
    d->preallocate(d, h, space.free_bytes);
    d->close(d, h);
    assert_int_equal(write_dump(f, 14, 1), -ENOSPC);
    assert_int_equal(f->m.n_files, 4);
    assert_string_equal(f->m.note, "");
    assert_int_equal(census(f).damaged, 0);
    assert_int_equal(census(f).strays, 0);
}

/* Each operation fails, once or for ever: nothing half is seen, and when the
 * disk is well again the same write succeeds. */
static void test_every_failure(void **state)
{
    static const int errors[] = {ENOSPC, EIO, EROFS, EMFILE, EDQUOT};
    struct fix *f = *state;

    for (int e = 0; e < 5; e++)
        for (int forever = 0; forever < 2; forever++)
            for (uint64_t nth = 1;; nth++) {
                again(f);
                assert_int_equal(write_dump(f, 1, 1), 0);
                assert_int_equal(write_dump(f, 2, 1), 0);
                uint64_t before = disk_fake_ops(f->fake);
                disk_fake_fail(f->fake, nth, errors[e], forever);
                int rc = write_dump(f, 3, 1);
                bool reached = disk_fake_ops(f->fake) - before >= nth;
                disk_fake_fail(f->fake, 0, 0, false);
                struct census c = census(f);
                assert_int_equal(c.damaged, 0);
                if (!forever && reached && (errors[e] == EIO || errors[e] == ENOSPC))
                    assert_int_equal(rc, 0); /* it helps itself */
                bool there = disk_fake_exists(f->fake, f->m.id, NULL);
                assert_true(there || rc);
                disk_fake_kill(f->fake);
                open_store(f);
                c = census(f);
                assert_int_equal(c.damaged, 0);
                assert_int_equal(c.strays, 0);
                assert_int_equal(write_dump(f, 3, 1), 0);
                assert_true(dump_whole(&f->store, f->m.id));
                if (!reached)
                    break;
            }
}

/* The power goes at each operation, and chance decides what was written. */
static void test_power_loss(void **state)
{
    struct fix *f = *state;

    for (uint64_t seed = 1; seed <= 12; seed++)
        for (uint64_t nth = 1;; nth++) {
            again(f);
            assert_int_equal(write_dump(f, 1, 1), 0);
            assert_int_equal(write_dump(f, 2, 1), 0);
            f->store.limit_bytes = store_used_bytes(&f->store); /* one has to go */
            uint64_t before = disk_fake_ops(f->fake);
            disk_fake_fail(f->fake, nth, EIO, true);
            int rc = write_dump(f, 3, 1);
            bool reached = disk_fake_ops(f->fake) - before >= nth;
            disk_fake_power_loss(f->fake, seed * 1000 + nth);
            open_store(f);
            struct census c = census(f);
            assert_int_equal(c.damaged, 0);
            assert_int_equal(c.strays, 0);
            assert_true(disk_fake_exists(f->fake, "20260528T202740Z-verdict-cart-1", NULL));
            if (!rc)
                assert_true(dump_whole(&f->store, f->m.id));
            assert_int_equal(write_dump(f, 3, 1), 0);
            if (!reached)
                break;
        }
}

static void test_native_power_loss(void **state)
{
    struct fix *f = *state;
    struct store_result r;

    for (uint64_t seed = 1; seed <= 6; seed++)
        for (uint64_t nth = 1;; nth++) {
            again(f);
            assert_int_equal(write_dump(f, 1, 1), 0);
            struct manifest m = f->m;
            dump_list_files(&m, &f->bundle, "native/");
            m.phase = 2;
            uint64_t before = disk_fake_ops(f->fake);
            disk_fake_fail(f->fake, nth, EIO, true);
            store_write_native(&f->store, &m, &f->bundle, &r);
            int failed = r.error;
            bool reached = disk_fake_ops(f->fake) - before >= nth;
            disk_fake_power_loss(f->fake, seed * 1000 + nth);
            open_store(f);
            struct census c = census(f);
            assert_int_equal(c.dumps, 1);
            assert_int_equal(c.damaged, 0);
            assert_int_equal(c.strays, 0);
            store_write_native(&f->store, &m, &f->bundle, &r);
            assert_int_equal(r.error, 0);
            struct manifest now;
            assert_int_equal(store_read_manifest(&f->store, m.id, &now, NULL), 0);
            assert_int_equal(now.phase, 2);
            assert_true(dump_whole(&f->store, m.id));
            if (!reached) {
                assert_int_equal(failed, 0);
                break;
            }
        }
}

static void test_second_agent(void **state)
{
    struct fix *f = *state;
    struct store second, third;
    struct errmsg e;

    assert_int_equal(store_open(&second, disk_fake_disk(f->fake), LIMIT, "pod-1", &e), 0);
    assert_string_equal(second.base, "pod-1");
    assert_int_equal(store_open(&third, disk_fake_disk(f->fake), LIMIT, "pod-1", &e),
                     ERR_LOCKED);
    assert_int_equal(store_put(&second, "baseline-x", "abc", 3), 0);
    assert_true(disk_fake_exists(f->fake, "pod-1/baseline-x", NULL));
    struct store_result r;
    store_write_dump(&second, &f->m, &f->bundle, &r);
    assert_int_equal(r.error, 0);
    assert_true(dump_whole(&second, f->m.id));
    assert_int_equal(census(f).dumps, 0);
    store_close(&second);
    assert_int_equal(store_open(&third, disk_fake_disk(f->fake), LIMIT, "../x", &e),
                     ERR_LOCKED);
}

static void test_foreign(void **state)
{
    struct fix *f = *state;
    struct disk *d = disk_fake_disk(f->fake);
    const char *const foreign[] = {".tmp-notes", "20260528T202640Z-verdict-cart-x", "data"};

    disk_fake_foreign(f->fake, "20260528T202641Z-verdict-cart-9");
    for (int i = 0; i < 3; i++)
        assert_int_equal(d->mkdir(d, foreign[i]), 0);
    int h = d->open(d, ".tmp-file", DISK_CREATE);
    d->close(d, h);
    store_close(&f->store);
    open_store(f);
    write_dump(f, 1, 1);
    char link[STORE_TEST_PATH];
    (void)snprintf(link, sizeof link, "%s/link", f->m.id);
    disk_fake_foreign(f->fake, link);
    f->store.limit_bytes = 1;
    (void)store_make_room(&f->store, 0, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(disk_fake_exists(f->fake, foreign[i], NULL));
    assert_true(disk_fake_exists(f->fake, ".tmp-file", NULL));
    assert_true(disk_fake_exists(f->fake, "20260528T202641Z-verdict-cart-9", NULL));
    assert_int_equal(census(f).dumps, 1);
    /* A dump with something foreign in it goes from sight; that thing stays. */
    assert_int_equal(store_remove(&f->store, f->m.id, NULL), -ENOTEMPTY);
    assert_int_equal(census(f).dumps, 0);
}

static void test_damaged_manifest(void **state)
{
    struct fix *f = *state;
    char path[STORE_TEST_PATH];

    write_dump(f, 1, 1);
    write_dump(f, 2, 1);
    (void)snprintf(path, sizeof path, "%s/manifest.json", f->m.id);
    disk_fake_damage(f->fake, path, 0); /* '{' no more */
    struct census c = {.store = &f->store};
    assert_int_equal(store_list(&f->store, count_dump, &c), 0);
    assert_int_equal(c.dumps, 2);
    assert_int_equal(c.damaged, 1);
    assert_int_equal(store_remove(&f->store, f->m.id, NULL), 0);
}

static void test_read_only(void **state)
{
    struct fix *f = *state;
    struct store reader;
    struct store_result r;
    struct errmsg e;

    write_dump(f, 1, 1);
    assert_int_equal(store_open_read(&reader, disk_fake_disk(f->fake), &e), 0);
    assert_true(dump_whole(&reader, f->m.id));
    store_write_dump(&reader, &f->m, &f->bundle, &r);
    assert_int_equal(r.error, -EROFS);
    assert_int_equal(store_remove(&reader, f->m.id, &e), -EROFS);
    assert_int_equal(store_put(&reader, "x", "y", 1), -EROFS);
    store_close(&reader);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_round),
        T(test_native),
        T(test_resolve),
        T(test_outcome),
        T(test_retention),
        T(test_limit),
        T(test_disk_full),
        T(test_every_failure),
        T(test_power_loss),
        T(test_native_power_loss),
        T(test_second_agent),
        T(test_foreign),
        T(test_damaged_manifest),
        T(test_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
