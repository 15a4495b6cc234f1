#include "lib/store/files.h"

#include <errno.h>
#include <string.h>

char *path_join(const struct store *s, const char *folder, const char *name,
                char out[STORE_PATH_MAX])
{
    const char *parts[] = {s->base, folder, name};
    struct buf b;

    buf_fixed(&b, out, STORE_PATH_MAX);
    for (int i = 0; i < 3; i++) {
        if (b.len && parts[i][0])
            buf_putc(&b, '/');
        buf_puts(&b, parts[i]);
    }
    (void)buf_cstr(&b);
    return out;
}

char *tmp_name(const char *id, char out[DISK_NAME_MAX])
{
    struct buf b;

    buf_fixed(&b, out, DISK_NAME_MAX);
    buf_puts(&b, TMP);
    buf_puts(&b, id);
    (void)buf_cstr(&b);
    return out;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
}

bool name_valid(const char *name)
{
    size_t n = strnlen(name, DISK_NAME_MAX);

    if (n == 0 || n == DISK_NAME_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!name_char(name[i]))
            return false;
    return true;
}

bool dump_id_valid(const char *id)
{
    static const char stamp[] = "00000000T000000Z-";
    size_t n = strnlen(id, DUMP_ID_MAX), i = 0;

    if (n == DUMP_ID_MAX || !name_valid(id))
        return false;
    for (; stamp[i]; i++)
        if (stamp[i] == '0' ? !is_digit(id[i]) : id[i] != stamp[i])
            return false;
    const char *seq = strrchr(id + i - 1, '-') + 1;
    return seq > id + i && *seq && strspn(seq, "0123456789") == strlen(seq);
}

int dump_id_compare(const char *a, const char *b)
{
    int time = strncmp(a, b, 16);
    uint64_t seq_a = 0, seq_b = 0;

    if (time)
        return time;
    (void)str_u64(str_of(strrchr(a, '-') + 1), &seq_a);
    (void)str_u64(str_of(strrchr(b, '-') + 1), &seq_b);
    if (seq_a != seq_b)
        return seq_a < seq_b ? -1 : 1;
    return strcmp(a, b);
}

int file_create(struct store *s, const char *path, const void *bytes, size_t n)
{
    struct disk *d = s->disk;
    int handle = d->open(d, path, DISK_CREATE), rc, closed;

    if (handle < 0)
        return handle;
    rc = n ? d->write(d, handle, 0, bytes, n) : 0;
    if (!rc)
        rc = d->sync(d, handle);
    closed = d->close(d, handle);
    if (!rc)
        rc = closed;
    if (rc)
        (void)d->unlink(d, path);
    return rc;
}

int file_replace(struct store *s, const char *folder, const char *tmp, const char *name,
                 const void *bytes, size_t n)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], dir[STORE_PATH_MAX];
    struct disk *d = s->disk;
    int rc;

    path_join(s, folder, tmp, from);
    path_join(s, folder, name, to);
    path_join(s, folder, "", dir);
    rc = d->unlink(d, from); /* of a crash */
    if (rc && rc != -ENOENT)
        return rc;
    if ((rc = file_create(s, from, bytes, n)))
        return rc;
    if ((rc = d->rename(d, from, to))) {
        (void)d->unlink(d, from);
        return rc;
    }
    return d->sync_dir(d, dir);
}

int file_get(struct store *s, const char *path, struct buf *out)
{
    struct disk *d = s->disk;
    int handle = d->open(d, path, DISK_READ), rc;
    int64_t size = 0, got, at = 0;

    if (handle < 0)
        return handle;
    rc = d->size(d, handle, &size);
    if (!rc)
        rc = buf_reserve(out, (size_t)size);
    while (!rc && at < size) {
        got = d->read(d, handle, at, out->p + out->len, (size_t)(size - at));
        if (got <= 0) {
            rc = got ? (int)got : ERR_CUT; /* it shrank meanwhile */
            break;
        }
        out->len += (size_t)got;
        at += got;
    }
    if (rc)
        out->len -= (size_t)at;
    (void)d->close(d, handle);
    return rc;
}

/* Entries are gathered first, since removing while listing is not defined. */
#define BATCH 16

struct batch {
    char names[BATCH][DISK_NAME_MAX];
    bool is_dir[BATCH];
    int n;
};

static int batch_add(void *ctx, const struct disk_entry *e)
{
    struct batch *b = ctx;
    bool folder = e->is_dir && (!strcmp(e->name, "native") || !strcmp(e->name, TMP_NATIVE));

    if (!e->is_file && !folder)
        return 0;
    str_copy(b->names[b->n], DISK_NAME_MAX, str_of(e->name));
    b->is_dir[b->n++] = folder;
    return b->n == BATCH;
}

static int folder_empty(struct store *s, const char *path, int levels)
{
    struct disk *d = s->disk;
    struct batch batch;
    int rc;

    do {
        batch.n = 0;
        if ((rc = d->list(d, path, batch_add, &batch)) < 0)
            return rc;
        for (int i = 0; i < batch.n; i++) {
            struct store at = {.disk = d};
            char child[STORE_PATH_MAX];
            path_join(&at, path, batch.names[i], child);
            if (batch.is_dir[i] && levels == 0)
                return -ENOTEMPTY;
            if (batch.is_dir[i] && (rc = folder_empty(s, child, levels - 1)))
                return rc;
            if ((rc = batch.is_dir[i] ? d->rmdir(d, child) : d->unlink(d, child)))
                return rc;
        }
    } while (batch.n == BATCH);
    return 0;
}

int folder_remove(struct store *s, const char *path)
{
    int rc = folder_empty(s, path, 1);

    return rc ? rc : s->disk->rmdir(s->disk, path);
}

#define LEVELS_MAX 4

struct tally {
    struct store *s;
    const char *path;
    int levels;
    int64_t bytes;
};

static int tally_add(void *ctx, const struct disk_entry *e)
{
    struct tally *t = ctx;
    struct store at = {.disk = t->s->disk};
    char child[STORE_PATH_MAX];

    t->bytes += e->bytes;
    if (!e->is_dir || t->levels == 0)
        return 0;
    struct tally below = {t->s, path_join(&at, t->path, e->name, child), t->levels - 1, 0};
    int rc = at.disk->list(at.disk, child, tally_add, &below);
    t->bytes += below.bytes;
    return rc == -ENOENT ? 0 : rc; /* gone meanwhile */
}

int64_t folder_bytes(struct store *s, const char *path)
{
    struct tally t = {s, path, LEVELS_MAX, 0};
    int rc = s->disk->list(s->disk, path, tally_add, &t);

    return rc ? rc : t.bytes;
}
