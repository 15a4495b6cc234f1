/* The real disk: in a fresh directory, with and without openat2. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/host/disk_posix.h"
#include "lib/store/store.h"

struct fix {
    char dir[64];
    struct disk_posix posix;
    struct disk *d;
};

static int setup(void **state, bool walks)
{
    static struct fix f;
    struct errmsg e;

    (void)snprintf(f.dir, sizeof f.dir, "/tmp/lw-disk-XXXXXX");
    if (!mkdtemp(f.dir) || disk_posix_open(&f.posix, f.dir, false, &e))
        return -1;
    if (walks)
        f.posix.walks = true;
    f.d = &f.posix.disk;
    *state = &f;
    return 0;
}

static int setup_native(void **state)
{
    return setup(state, false);
}

static int setup_walks(void **state)
{
    return setup(state, true);
}

static int teardown(void **state)
{
    struct fix *f = *state;
    char command[128];

    disk_posix_close(&f->posix);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->dir);
    return system(command);
}

static void path_in(const struct fix *f, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", f->dir, name);
}

static void test_files(void **state)
{
    struct fix *f = *state;
    struct disk *d = f->d;
    char back[64], path[128];
    int64_t size;
    struct stat st;

    assert_int_equal(d->open(d, "a", DISK_READ), -ENOENT);
    int h = d->open(d, "a", DISK_CREATE);
    assert_true(h >= 0);
    assert_int_equal(d->open(d, "a", DISK_CREATE), -EEXIST);
    assert_int_equal(d->write(d, h, 3, "hello", 5), 0);
    assert_int_equal(d->sync(d, h), 0);
    assert_int_equal(d->size(d, h, &size), 0);
    assert_int_equal(size, 8);
    assert_int_equal(d->preallocate(d, h, 10000), 0);
    d->size(d, h, &size);
    assert_int_equal(size, 10000);
    assert_int_equal(d->read(d, h, 3, back, 5), 5);
    assert_memory_equal(back, "hello", 5);
    assert_int_equal(d->read(d, h, 10000, back, 5), 0);
    assert_int_equal(d->close(d, h), 0);
    path_in(f, "a", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(d->mkdir(d, "x"), 0);
    assert_int_equal(d->mkdir(d, "x"), -EEXIST);
    assert_int_equal(d->mkdir(d, "x/y"), 0);
    h = d->open(d, "x/y/b", DISK_WRITE);
    assert_true(h >= 0);
    d->close(d, h);
    assert_int_equal(d->sync_dir(d, "x/y"), 0);
    assert_int_equal(d->sync_dir(d, ""), 0);
    assert_int_equal(d->rmdir(d, "x/y"), -ENOTEMPTY);
    assert_int_equal(d->rename(d, "x/y/b", "x/c"), 0);
    assert_int_equal(d->unlink(d, "x/c"), 0);
    assert_int_equal(d->rmdir(d, "x/y"), 0);
    assert_int_equal(d->unlink(d, "x"), -EISDIR);
}

static void test_no_escape(void **state)
{
    struct fix *f = *state;
    struct disk *d = f->d;
    char path[128];

    path_in(f, "link", path);
    assert_int_equal(symlink("/etc", path), 0);
    path_in(f, "file", path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(d->open(d, "file", DISK_READ), -ELOOP);
    assert_int_equal(d->open(d, "file", DISK_WRITE), -ELOOP);
    assert_true(d->open(d, "link/passwd", DISK_READ) < 0);
    assert_true(d->mkdir(d, "link/x") < 0);
    assert_true(d->rename(d, "file", "link/x") < 0);
    assert_true(d->unlink(d, "link/passwd") < 0);
    assert_true(d->sync_dir(d, "link") < 0);
    assert_true(d->open(d, "../passwd", DISK_READ) < 0);
    assert_true(d->open(d, "/etc/passwd", DISK_READ) < 0);
    assert_true(d->mkdir(d, "..") < 0);
    assert_true(d->unlink(d, "x/../file") < 0);
    assert_int_equal(d->unlink(d, "file"), 0); /* the link itself */
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void test_odd_files(void **state)
{
    struct fix *f = *state;
    struct disk *d = f->d;
    char path[128], other[128];

    path_in(f, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(d->open(d, "pipe", DISK_READ), -ENOTSUP);
    assert_int_equal(d->open(d, "pipe", DISK_WRITE), -ENOTSUP);
    int h = d->open(d, "one", DISK_CREATE);
    d->close(d, h);
    path_in(f, "one", path);
    path_in(f, "two", other);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(d->open(d, "two", DISK_WRITE), -EMLINK);
    d->mkdir(d, "dir");
    assert_int_equal(d->open(d, "dir", DISK_READ), -EISDIR);
}

static int entry_note(void *ctx, const struct disk_entry *e)
{
    struct disk_entry *wanted = ctx;
    if (!strcmp(e->name, wanted->name))
        *wanted = *e;
    return 0;
}

static void test_list(void **state)
{
    struct fix *f = *state;
    struct disk *d = f->d;
    char path[128];
    struct disk_space space;

    d->mkdir(d, "dir");
    path_in(f, "link", path);
    assert_int_equal(symlink("dir", path), 0);
    int h = d->open(d, "file", DISK_CREATE);
    d->write(d, h, 100000, "x", 1);
    d->close(d, h);
    struct disk_entry e = {.name = "file"};
    assert_int_equal(d->list(d, "", entry_note, &e), 0);
    assert_true(e.is_file && !e.is_dir && e.bytes >= 100001 && e.mtime_ms > 0);
    e = (struct disk_entry){.name = "link"};
    assert_int_equal(d->list(d, "", entry_note, &e), 0);
    assert_true(!e.is_file && !e.is_dir);
    assert_true(d->list(d, "link", entry_note, &e) < 0);
    assert_int_equal(d->space(d, &space), 0);
    assert_true(space.total_bytes > 0 && space.free_bytes <= space.total_bytes);
}

static void test_store(void **state)
{
    struct fix *f = *state;
    struct disk_posix other;
    struct store first, second, third;
    struct errmsg e;

    assert_int_equal(disk_posix_open(&other, f->dir, true, &e), 0);
    assert_int_equal(store_open(&first, f->d, 1 << 20, "pod-1", &e), 0);
    assert_string_equal(first.base, "");
    assert_int_equal(store_open(&second, &other.disk, 1 << 20, "pod-1", &e), 0);
    assert_string_equal(second.base, "pod-1");
    store_close(&first);
    assert_int_equal(store_open(&third, f->d, 1 << 20, "pod-1", &e), 0);
    assert_string_equal(third.base, "");
    struct manifest m = {
        .schema = MANIFEST_SCHEMA, .trigger = "manual", .target = "t", .seq = 4};
    struct bundle b;
    struct store_result r;
    bundle_init(&b, 1000);
    bundle_begin(&b, "summary.txt");
    buf_puts(&b.bytes, "hello");
    assert_int_equal(bundle_end(&b), 0);
    manifest_name(&m);
    store_write_dump(&third, &m, &b, &r);
    assert_int_equal(r.error, 0);
    store_write_native(&third, &m, &b, &r);
    assert_int_equal(r.error, 0);
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(store_read_file(&third, m.id, "native/summary.txt", &out), 0);
    assert_int_equal(out.len, 5);
    buf_free(&out);
    assert_int_equal(store_remove(&third, m.id, &e), 0);
    bundle_free(&b);
    store_close(&third);
    store_close(&second);
    disk_posix_close(&other);
}

static void test_missing(void **state)
{
    struct disk_posix d;
    struct errmsg e;

    (void)state;
    assert_int_equal(disk_posix_open(&d, "/nonexistent/x", false, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/x"));
}

int main(void)
{
#define N(name) cmocka_unit_test_setup_teardown(name, setup_native, teardown)
#define W(name) cmocka_unit_test_setup_teardown(name, setup_walks, teardown)
    const struct CMUnitTest tests[] = {
        N(test_files),
        W(test_files),
        N(test_no_escape),
        W(test_no_escape),
        N(test_odd_files),
        W(test_odd_files),
        N(test_list),
        W(test_list),
        N(test_store),
        W(test_store),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
