/* Opening, the lock, and what a crash left behind. */
#include "lib/store/store.h"

#include <errno.h>
#include <string.h>

#include "lib/store/files.h"

/* Takes <base>/lock. 0, ERR_LOCKED, or a negative errno. */
static int lock_take(struct store *s)
{
    char path[STORE_PATH_MAX];
    struct disk *d = s->disk;
    int handle = d->open(d, path_join(s, "", "lock", path), DISK_WRITE), rc;

    if (handle < 0)
        return handle;
    rc = d->lock(d, handle);
    if (rc) {
        (void)d->close(d, handle);
        return rc == -EAGAIN || rc == -EACCES ? ERR_LOCKED : rc;
    }
    s->lock_handle = handle;
    return 0;
}

/* The folder of a second agent in the same directory. */
static int lock_take_below(struct store *s, const char *hostname, struct errmsg *e)
{
    int rc;

    if (!name_valid(hostname) || dump_id_valid(hostname))
        return err_set(e, ERR_LOCKED,
                       "another leakwatch holds the directory, and the host name \"%.64s\" "
                       "cannot be a folder's",
                       hostname);
    rc = s->disk->mkdir(s->disk, hostname);
    if (rc && rc != -EEXIST)
        return err_set(e, rc, "mkdir %s: %s", hostname, err_text(rc));
    str_copy(s->base, sizeof s->base, str_of(hostname));
    rc = lock_take(s);
    return rc ? err_set(e, rc, "lock %s/lock: %s", hostname, err_text(rc)) : 0;
}

#define LEFT_MAX 32

struct leftovers {
    char names[LEFT_MAX][DISK_NAME_MAX];
    bool is_dir[LEFT_MAX];
    int n;
};

static int leftover_add(void *ctx, const struct disk_entry *e)
{
    struct leftovers *l = ctx;
    bool dump = e->is_dir && !strncmp(e->name, TMP, strlen(TMP)) &&
                dump_id_valid(e->name + strlen(TMP));
    bool put = e->is_file && !strncmp(e->name, TMP_PUT, strlen(TMP_PUT));

    if (!dump && !put)
        return 0;
    str_copy(l->names[l->n], DISK_NAME_MAX, str_of(e->name));
    l->is_dir[l->n++] = dump;
    return l->n == LEFT_MAX;
}

/* Best effort: what cannot be removed now is tried again at the next open. */
static void leftovers_remove(struct store *s)
{
    char path[STORE_PATH_MAX];
    struct inventory inv;
    struct leftovers left = {.n = 0};
    struct disk *d = s->disk;

    (void)d->list(d, path_join(s, "", "", path), leftover_add, &left);
    for (int i = 0; i < left.n; i++) {
        path_join(s, "", left.names[i], path);
        (void)(left.is_dir[i] ? folder_remove(s, path) : d->unlink(d, path));
    }
    if (inventory_read(s, false, &inv))
        return;
    for (size_t i = 0; i < inv.n; i++) {
        (void)d->unlink(d, path_join(s, inv.items[i].id, TMP_MANIFEST, path));
        (void)folder_remove(s, path_join(s, inv.items[i].id, TMP_NATIVE, path));
    }
    inventory_free(&inv);
}

int store_open(struct store *s, struct disk *d, int64_t limit_bytes, const char *hostname,
               struct errmsg *e)
{
    int rc;

    *s = (struct store){.disk = d, .limit_bytes = limit_bytes, .lock_handle = -1};
    rc = lock_take(s);
    if (rc == ERR_LOCKED)
        rc = lock_take_below(s, hostname, e);
    else if (rc)
        rc = err_set(e, rc, "lock: %s", err_text(rc));
    if (!rc)
        leftovers_remove(s);
    return rc;
}

int store_open_read(struct store *s, struct disk *d, struct errmsg *e)
{
    struct disk_space space;
    int rc = d->space(d, &space);

    *s = (struct store){.disk = d, .lock_handle = -1, .read_only = true};
    return rc ? err_set(e, rc, "directory: %s", err_text(rc)) : 0;
}

void store_close(struct store *s)
{
    if (s->lock_handle >= 0)
        (void)s->disk->close(s->disk, s->lock_handle);
    s->lock_handle = -1;
}

/* ---- small files ---- */

int store_put(struct store *s, const char *name, const void *bytes, size_t n)
{
    char tmp[DISK_NAME_MAX];
    struct buf b;

    if (s->read_only)
        return -EROFS;
    buf_fixed(&b, tmp, sizeof tmp);
    buf_puts(&b, TMP_PUT);
    buf_puts(&b, name);
    (void)buf_cstr(&b);
    if (!name_valid(name) || b.overflow)
        return -EINVAL;
    return file_replace(s, "", tmp, name, bytes, n);
}

int store_get(struct store *s, const char *name, struct buf *out)
{
    char path[STORE_PATH_MAX];

    if (!name_valid(name))
        return -EINVAL;
    return file_get(s, path_join(s, "", name, path), out);
}
