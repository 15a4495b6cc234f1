#include "tests/fake/disk_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/disk_tree.h"

#define SECTOR 512
#define HANDLES_MAX 64

struct handle {
    struct node *node;
    bool may_write;
};

struct disk_fake {
    struct disk disk;
    struct disk_tree tree;
    struct handle handles[HANDLES_MAX];
    uint64_t ops, fail_at, random;
    int fail_errno;
    bool fail_forever;
    int64_t space_bytes;
};

static struct disk_fake *fake_of(struct disk *d)
{
    return (struct disk_fake *)d;
}

/* Counts an operation; negative when it is to fail. */
static int op(struct disk_fake *f)
{
    f->ops++;
    if (!f->fail_at || f->ops < f->fail_at)
        return 0;
    if (f->ops > f->fail_at && !f->fail_forever)
        return 0;
    return -f->fail_errno;
}

static uint64_t chance(struct disk_fake *f, uint64_t below)
{
    uint64_t x = f->random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) % below;
}

/* ---- the seam ---- */

static struct node *opened(struct disk_fake *f, int handle)
{
    return handle >= 0 && handle < HANDLES_MAX ? f->handles[handle].node : NULL;
}

static int fake_open(struct disk *d, const char *path, enum disk_open how)
{
    struct disk_fake *f = fake_of(d);
    char last[DISK_NAME_MAX];
    struct node *dir;
    int rc = op(f), i = 0;
    if (rc || (rc = tree_walk(&f->tree, path, &dir, last)))
        return rc;
    struct name *name = name_find(&dir->seen_names, last);
    struct node *node = name ? name->node : NULL;
    if (node && how == DISK_CREATE)
        return -EEXIST;
    if (!node && how == DISK_READ)
        return -ENOENT;
    if (node && node->kind != KIND_FILE)
        return node->kind == KIND_DIR ? -EISDIR : -ELOOP;
    while (i < HANDLES_MAX && f->handles[i].node)
        i++;
    if (i == HANDLES_MAX)
        return -EMFILE;
    if (!node) {
        node = node_new(&f->tree, KIND_FILE);
        change_make(dir, "", last, node);
    }
    f->handles[i] = (struct handle){node, how != DISK_READ};
    return i;
}

static int fake_close(struct disk *d, int handle)
{
    struct node *node = opened(fake_of(d), handle);
    if (!node)
        return -EBADF;
    if (node->locked_by && node->locked_handle == handle)
        node->locked_by = NULL;
    fake_of(d)->handles[handle].node = NULL;
    return 0;
}

static int64_t fake_read(struct disk *d, int handle, int64_t offset, void *bytes, size_t n)
{
    struct disk_fake *f = fake_of(d);
    struct node *node = opened(f, handle);
    int rc = op(f);
    if (rc)
        return rc;
    if (!node || offset < 0)
        return -EBADF;
    if ((size_t)offset >= node->seen.n)
        return 0;
    if (n > node->seen.n - (size_t)offset)
        n = node->seen.n - (size_t)offset;
    memcpy(bytes, node->seen.p + offset, n);
    return (int64_t)n;
}

/* A short write is an error to the caller, but what fitted stays. */
static int fake_write(struct disk *d, int handle, int64_t offset, const void *bytes, size_t n)
{
    struct disk_fake *f = fake_of(d);
    struct node *node = opened(f, handle);
    int rc = op(f);
    if (rc)
        return rc;
    if (!node || !f->handles[handle].may_write || offset < 0)
        return -EBADF;
    size_t end = (size_t)offset + n;
    int64_t grown = end > node->seen.n ? (int64_t)(end - node->seen.n) : 0;
    int64_t over = f->space_bytes ? used_below(f->tree.root) + grown - f->space_bytes : 0;
    if (grown && over > 0) {
        rc = -ENOSPC;
        n = over < (int64_t)n ? n - (size_t)over : 0;
    }
    node->mtime_ms = f->tree.now_ms;
    if (n)
        pending_add(node, (size_t)offset, bytes, n);
    return rc;
}

static int fake_preallocate(struct disk *d, int handle, int64_t bytes)
{
    struct disk_fake *f = fake_of(d);
    struct node *node = opened(f, handle);
    int rc = op(f);
    if (rc)
        return rc;
    if (!node)
        return -EBADF;
    int64_t grown = bytes - (int64_t)node->seen.n;
    if (grown > 0 && f->space_bytes && used_below(f->tree.root) + grown > f->space_bytes)
        return -ENOSPC;
    if (grown > 0)
        pending_add(node, node->seen.n, NULL, (size_t)grown);
    return 0;
}

static int fake_size(struct disk *d, int handle, int64_t *bytes)
{
    struct node *node = opened(fake_of(d), handle);
    int rc = op(fake_of(d));
    if (rc)
        return rc;
    if (!node)
        return -EBADF;
    *bytes = (int64_t)node->seen.n;
    return 0;
}

/* As Linux: a sync that failed has lost the writes it was to make durable. */
static int fake_sync(struct disk *d, int handle)
{
    struct node *node = opened(fake_of(d), handle);
    int rc = op(fake_of(d));
    if (!node)
        return -EBADF;
    for (struct pending *w = node->writes; w && !rc; w = w->next)
        content_write(&node->safe, w->offset, w->bytes, w->n);
    pending_drop(node);
    return rc;
}

static int fake_sync_dir(struct disk *d, const char *path)
{
    struct node *node;
    int rc = op(fake_of(d));
    if (rc || (rc = tree_find(&fake_of(d)->tree, path, &node)))
        return rc;
    if (node->kind != KIND_DIR)
        return -ENOTDIR;
    names_copy(&node->safe_names, &node->seen_names);
    changes_drop(node);
    return 0;
}

static int fake_mkdir(struct disk *d, const char *path)
{
    struct disk_fake *f = fake_of(d);
    char last[DISK_NAME_MAX];
    struct node *dir;
    int rc = op(f);
    if (rc || (rc = tree_walk(&f->tree, path, &dir, last)))
        return rc;
    if (name_find(&dir->seen_names, last))
        return -EEXIST;
    change_make(dir, "", last, node_new(&f->tree, KIND_DIR));
    return 0;
}

static int fake_rename(struct disk *d, const char *from, const char *to)
{
    struct disk_fake *f = fake_of(d);
    char old[DISK_NAME_MAX], new[DISK_NAME_MAX];
    struct node *dir, *to_dir;
    int rc = op(f);
    if (rc || (rc = tree_walk(&f->tree, from, &dir, old)) ||
        (rc = tree_walk(&f->tree, to, &to_dir, new)))
        return rc;
    if (dir != to_dir)
        return -EXDEV; /* nothing of ours moves between folders */
    struct name *name = name_find(&dir->seen_names, old);
    struct name *there = name_find(&dir->seen_names, new);
    if (!name)
        return -ENOENT;
    if (there && there->node->kind == KIND_DIR && there->node->seen_names.n)
        return -ENOTEMPTY;
    if (there && (there->node->kind == KIND_DIR) != (name->node->kind == KIND_DIR))
        return there->node->kind == KIND_DIR ? -EISDIR : -ENOTDIR;
    change_make(dir, old, new, name->node);
    return 0;
}

static int remove_name(struct disk *d, const char *path, bool want_dir)
{
    struct disk_fake *f = fake_of(d);
    char last[DISK_NAME_MAX];
    struct node *dir;
    int rc = op(f);
    if (rc || (rc = tree_walk(&f->tree, path, &dir, last)))
        return rc;
    struct name *name = name_find(&dir->seen_names, last);
    if (!name)
        return -ENOENT;
    bool is_dir = name->node->kind == KIND_DIR;
    if (is_dir != want_dir)
        return is_dir ? -EISDIR : -ENOTDIR;
    if (is_dir && name->node->seen_names.n)
        return -ENOTEMPTY;
    change_make(dir, last, "", name->node);
    return 0;
}

static int fake_unlink(struct disk *d, const char *path)
{
    return remove_name(d, path, false);
}

static int fake_rmdir(struct disk *d, const char *path)
{
    return remove_name(d, path, true);
}

/* Over a copy: each may remove what it is shown. */
static int fake_list(struct disk *d, const char *path,
                     int (*each)(void *ctx, const struct disk_entry *e), void *ctx)
{
    struct names names = {0};
    struct node *node;
    int rc = op(fake_of(d));
    if (rc || (rc = tree_find(&fake_of(d)->tree, path, &node)))
        return rc;
    if (node->kind != KIND_DIR)
        return -ENOTDIR;
    names_copy(&names, &node->seen_names);
    for (size_t i = 0; i < names.n && !rc; i++) {
        const struct node *at = names.p[i].node;
        struct disk_entry e = {
            .is_dir = at->kind == KIND_DIR,
            .is_file = at->kind == KIND_FILE,
            .bytes = (int64_t)at->seen.n,
            .mtime_ms = at->mtime_ms,
        };
        memcpy(e.name, names.p[i].text, sizeof e.name);
        rc = each(ctx, &e);
    }
    free(names.p);
    return rc;
}

static int fake_space(struct disk *d, struct disk_space *out)
{
    struct disk_fake *f = fake_of(d);
    int rc = op(f);
    if (rc)
        return rc;
    out->total_bytes = f->space_bytes ? f->space_bytes : INT64_MAX;
    out->free_bytes = f->space_bytes ? f->space_bytes - used_below(f->tree.root) : INT64_MAX;
    if (out->free_bytes < 0)
        out->free_bytes = 0;
    return 0;
}

static int fake_lock(struct disk *d, int handle)
{
    struct node *node = opened(fake_of(d), handle);
    int rc = op(fake_of(d));
    if (rc)
        return rc;
    if (!node)
        return -EBADF;
    if (node->locked_by && node->locked_handle != handle)
        return -EAGAIN;
    node->locked_by = d;
    node->locked_handle = handle;
    return 0;
}

/* ---- the tests' side ---- */

struct disk_fake *disk_fake_new(void)
{
    struct disk_fake *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->tree.root = node_new(&f->tree, KIND_DIR);
    f->disk = (struct disk){
        .open = fake_open,
        .close = fake_close,
        .read = fake_read,
        .write = fake_write,
        .preallocate = fake_preallocate,
        .size = fake_size,
        .sync = fake_sync,
        .sync_dir = fake_sync_dir,
        .mkdir = fake_mkdir,
        .rename = fake_rename,
        .unlink = fake_unlink,
        .rmdir = fake_rmdir,
        .list = fake_list,
        .space = fake_space,
        .lock = fake_lock,
    };
    return f;
}

void disk_fake_free(struct disk_fake **f)
{
    for (struct node *node = (*f)->tree.all, *next; node; node = next) {
        next = node->next;
        pending_drop(node);
        changes_drop(node);
        free(node->seen.p);
        free(node->safe.p);
        free(node->seen_names.p);
        free(node->safe_names.p);
        free(node);
    }
    free(*f);
    *f = NULL;
}

struct disk *disk_fake_disk(struct disk_fake *f)
{
    return &f->disk;
}

uint64_t disk_fake_ops(const struct disk_fake *f)
{
    return f->ops;
}

void disk_fake_fail(struct disk_fake *f, uint64_t nth, int error, bool forever)
{
    f->fail_at = nth ? f->ops + nth : 0;
    f->fail_errno = error;
    f->fail_forever = forever;
}

void disk_fake_space(struct disk_fake *f, int64_t bytes)
{
    f->space_bytes = bytes;
}

void disk_fake_clock(struct disk_fake *f, int64_t wall_ms)
{
    f->tree.now_ms = wall_ms;
}

static void lose_writes(struct disk_fake *f, struct node *node)
{
    for (struct pending *w = node->writes; w; w = w->next) {
        size_t n = w->n;
        switch (chance(f, 3)) {
        case 0: continue;
        case 1: n = chance(f, n / SECTOR + 1) * SECTOR; break;
        default: break;
        }
        content_write(&node->safe, w->offset, w->bytes, n);
    }
    pending_drop(node);
    content_copy(&node->seen, &node->safe);
}

static void lose_names(struct disk_fake *f, struct node *dir)
{
    for (struct change *c = dir->changes; c; c = c->next)
        if (chance(f, 2))
            change_apply(&dir->safe_names, c);
    changes_drop(dir);
    names_copy(&dir->seen_names, &dir->safe_names);
}

void disk_fake_kill(struct disk_fake *f)
{
    for (int i = 0; i < HANDLES_MAX; i++)
        (void)fake_close(&f->disk, i);
    disk_fake_fail(f, 0, 0, false);
}

void disk_fake_power_loss(struct disk_fake *f, uint64_t seed)
{
    disk_fake_kill(f);
    f->random = seed;
    for (struct node *node = f->tree.all; node; node = node->next) {
        lose_writes(f, node);
        lose_names(f, node);
    }
}

void disk_fake_foreign(struct disk_fake *f, const char *path)
{
    char last[DISK_NAME_MAX];
    struct node *dir;
    if (!tree_walk(&f->tree, path, &dir, last))
        change_make(dir, "", last, node_new(&f->tree, KIND_FOREIGN));
}

void disk_fake_damage(struct disk_fake *f, const char *path, uint64_t bit)
{
    struct node *node;
    if (!tree_find(&f->tree, path, &node) && bit / 8 < node->seen.n)
        node->seen.p[bit / 8] ^= (char)(1u << (bit % 8));
}

bool disk_fake_exists(struct disk_fake *f, const char *path, int64_t *bytes)
{
    struct node *node;
    if (tree_find(&f->tree, path, &node))
        return false;
    if (bytes)
        *bytes = (int64_t)node->seen.n;
    return true;
}
