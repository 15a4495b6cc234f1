/* history.bin: the history's block, byte for byte. */
#include <errno.h>
#include <string.h>

#include "lib/store/files.h"

static int history_open(struct store *s, enum disk_open how, int64_t *size)
{
    char path[STORE_PATH_MAX];
    struct disk *d = s->disk;
    int handle = d->open(d, path_join(s, "", HISTORY_FILE, path), how), rc;

    if (handle < 0)
        return handle;
    rc = d->size(d, handle, size);
    if (rc) {
        (void)d->close(d, handle);
        return rc;
    }
    return handle;
}

int64_t store_history_size(struct store *s)
{
    int64_t size = 0;
    int handle = history_open(s, DISK_READ, &size);

    if (handle < 0)
        return handle;
    (void)s->disk->close(s->disk, handle);
    return size;
}

int store_read_history(struct store *s, void *block, size_t bytes)
{
    struct buf out;
    char path[STORE_PATH_MAX];
    int64_t size = store_history_size(s);

    if (size < 0)
        return (int)size;
    if ((uint64_t)size != bytes)
        return ERR_MISMATCH;
    buf_fixed(&out, block, bytes);
    return file_get(s, path_join(s, "", HISTORY_FILE, path), &out);
}

struct record {
    uint64_t offset, length;
};

/* Writes one record; *at moves behind it. */
static int record_write(struct store *s, int handle, int64_t size, const char *bytes, size_t n,
                        size_t *at)
{
    struct record r;

    if (n - *at < sizeof r)
        return ERR_CUT;
    memcpy(&r, bytes + *at, sizeof r);
    *at += sizeof r;
    if (r.length > n - *at)
        return ERR_CUT;
    if (r.offset > (uint64_t)size || r.length > (uint64_t)size - r.offset)
        return ERR_MISMATCH;
    *at += r.length;
    return s->disk->write(s->disk, handle, (int64_t)r.offset, bytes + *at - r.length,
                          (size_t)r.length);
}

int store_write_history(struct store *s, const void *dirty, size_t n, bool sync)
{
    struct disk *d = s->disk;
    int64_t size;
    size_t at = 0;
    int handle, rc = 0;

    if (s->read_only)
        return -EROFS;
    /* DISK_WRITE makes what is not there; an empty file is no history. */
    if ((size = store_history_size(s)) < 0)
        return (int)size;
    if ((handle = history_open(s, DISK_WRITE, &size)) < 0)
        return handle;
    while (!rc && at < n)
        rc = record_write(s, handle, size, dirty, n, &at);
    if (!rc && sync)
        rc = d->sync(d, handle);
    (void)d->close(d, handle);
    return rc;
}

int store_rewrite_history(struct store *s, const void *block, size_t bytes)
{
    return s->read_only ? -EROFS
                        : file_replace(s, "", TMP_PUT HISTORY_FILE, HISTORY_FILE, block, bytes);
}

/* ---- damaged ones: one is kept ---- */

#define BAD_MAX 8

struct bad {
    char names[BAD_MAX][DISK_NAME_MAX];
    int n;
};

static int bad_add(void *ctx, const struct disk_entry *e)
{
    struct bad *bad = ctx;

    if (e->is_file && !strncmp(e->name, HISTORY_BAD, strlen(HISTORY_BAD)))
        str_copy(bad->names[bad->n++], DISK_NAME_MAX, str_of(e->name));
    return bad->n == BAD_MAX;
}

int history_forget_bad(struct store *s)
{
    char path[STORE_PATH_MAX];
    struct bad bad = {.n = 0};
    int removed = 0;

    (void)s->disk->list(s->disk, path_join(s, "", "", path), bad_add, &bad);
    for (int i = 0; i < bad.n; i++)
        removed += !s->disk->unlink(s->disk, path_join(s, "", bad.names[i], path));
    return removed;
}

int store_quarantine_history(struct store *s, int64_t wall_ms)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], base[STORE_PATH_MAX];
    char time[MOMENT_TEXT_MAX], name[DISK_NAME_MAX];
    struct buf b;
    int rc;

    if (s->read_only)
        return -EROFS;
    buf_fixed(&b, name, sizeof name);
    buf_puts(&b, HISTORY_BAD);
    buf_puts(&b, moment_compact(wall_ms, time));
    (void)buf_cstr(&b);
    (void)history_forget_bad(s);
    rc = s->disk->rename(s->disk, path_join(s, "", HISTORY_FILE, from),
                         path_join(s, "", name, to));
    return rc ? rc : s->disk->sync_dir(s->disk, path_join(s, "", "", base));
}
