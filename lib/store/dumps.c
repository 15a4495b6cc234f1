/* Writing dumps.
 *
 * Happy path: mkdir .tmp-ID; manifest and files, each synced; sync the folder;
 * rename to ID; sync the directory. What is visible under ID is whole.
 * Failure: a full disk frees the oldest dumps and tries again, then tries with
 * one file less each time (the bundle's order is importance); an I/O error is
 * tried again once from the start, since a sync that failed may have lost what
 * was written, then with fewer files too. All else (read-only, no descriptors)
 * is reported, and the caller tries later. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/files.h"

/* Manifest and folder, roughly: what a dump takes besides its files. */
#define OVERHEAD_BYTES 16384

static bool is_full(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT;
}

static int manifest_render(const struct manifest *m, struct buf *out)
{
    manifest_write(m, out);
    return buf_status(out);
}

static int manifest_create(struct store *s, const struct manifest *m, const char *folder,
                           struct errmsg *e)
{
    char path[STORE_PATH_MAX];
    struct buf bytes;

    buf_init(&bytes, MANIFEST_BYTES_MAX);
    int rc = manifest_render(m, &bytes);
    path_join(s, folder, "manifest.json", path);
    if (!rc)
        rc = file_create(s, path, bytes.p, bytes.len);
    buf_free(&bytes);
    return rc ? err_set(e, rc, "write %s: %s", path, err_text(rc)) : 0;
}

/* The first n files of the bundle into a new folder, synced. */
static int files_create(struct store *s, const struct bundle *b, int n, const char *folder,
                        struct errmsg *e)
{
    char path[STORE_PATH_MAX];

    for (int i = 0; i < n; i++) {
        const struct bundle_file *f = &b->files[i];
        path_join(s, folder, f->name, path);
        int rc = name_valid(f->name) ? file_create(s, path, b->bytes.p + f->offset, f->bytes)
                                     : -EINVAL;
        if (rc)
            return err_set(e, rc, "write %s: %s", path, err_text(rc));
    }
    path_join(s, folder, "", path);
    int rc = s->disk->sync_dir(s->disk, path);
    return rc ? err_set(e, rc, "sync %s: %s", path, err_text(rc)) : 0;
}

static int folder_create(struct store *s, const char *folder, struct errmsg *e)
{
    char path[STORE_PATH_MAX];
    int rc;

    path_join(s, folder, "", path);
    rc = folder_remove(s, path); /* of a crash */
    if (!rc || rc == -ENOENT)
        rc = s->disk->mkdir(s->disk, path);
    return rc ? err_set(e, rc, "make %s: %s", path, err_text(rc)) : 0;
}

/* Renames within a folder and makes the new name durable. */
static int folder_publish(struct store *s, const char *folder, const char *from, const char *to,
                          struct errmsg *e)
{
    char old[STORE_PATH_MAX], new[STORE_PATH_MAX], dir[STORE_PATH_MAX];
    int rc;

    rc = s->disk->rename(s->disk, path_join(s, folder, from, old),
                         path_join(s, folder, to, new));
    if (!rc)
        rc = s->disk->sync_dir(s->disk, path_join(s, folder, "", dir));
    return rc ? err_set(e, rc, "publish %s: %s", new, err_text(rc)) : 0;
}

/* 1: that dump is visible, thus whole; 0: it is not; negative: unknown. */
static int is_visible(struct store *s, const char *id)
{
    char path[STORE_PATH_MAX];
    int handle = s->disk->open(s->disk, path_join(s, id, "manifest.json", path), DISK_READ);

    if (handle < 0)
        return handle == -ENOENT ? 0 : handle;
    (void)s->disk->close(s->disk, handle);
    return 1;
}

static int dump_try(struct store *s, const struct manifest *m, const struct bundle *b, int n,
                    struct errmsg *e)
{
    char tmp[DISK_NAME_MAX], path[STORE_PATH_MAX];
    int rc = is_visible(s, m->id);

    if (rc < 0)
        return err_set(e, rc, "look for %s: %s", m->id, err_text(rc));
    if (rc) /* an earlier try got as far as the rename */
        return s->disk->sync_dir(s->disk, path_join(s, "", "", path));
    tmp_name(m->id, tmp);
    if ((rc = folder_create(s, tmp, e)))
        return rc;
    rc = manifest_create(s, m, tmp, e);
    if (!rc)
        rc = files_create(s, b, n, tmp, e);
    if (!rc)
        rc = folder_publish(s, "", tmp, m->id, e);
    if (rc)
        (void)folder_remove(s, path_join(s, "", tmp, path));
    return rc;
}

/* Leaves in m what is in the first n files and says so. */
static void manifest_shorten(struct manifest *m, const struct manifest *whole,
                             const struct bundle *b, int n, int why)
{
    *m = *whole;
    m->n_files = 0;
    for (int i = 0; i < whole->n_files; i++)
        for (int k = 0; k < n; k++)
            if (!strcmp(whole->files[i].name, b->files[k].name)) {
                m->files[m->n_files++] = whole->files[i];
                break;
            }
    (void)snprintf(m->note, sizeof m->note, "%.150s%s%d of %d files written: %.60s",
                   whole->note, whole->note[0] ? "; " : "", n, b->n_files,
                   why == ERR_LIMIT ? "the directory's limit" : err_text(why));
}

/* How many files fit the limit when everything else but the history is gone. */
static int files_allowed(struct store *s, const struct bundle *b)
{
    int64_t history = store_history_size(s);
    int64_t room = s->limit_bytes - OVERHEAD_BYTES - (history > 0 ? history : 0);
    int n = 0;

    for (; n < b->n_files; n++) {
        room -= (int64_t)b->files[n].bytes;
        if (room < 0)
            break;
    }
    return n;
}

void store_write_dump(struct store *s, struct manifest *m, const struct bundle *b,
                      struct store_result *r)
{
    int64_t wanted = (int64_t)b->bytes.len + OVERHEAD_BYTES;
    struct manifest *whole = malloc(sizeof *whole);
    bool again = true;
    int n, rc;

    *r = (struct store_result){0};
    rc = s->read_only ? -EROFS : !dump_id_valid(m->id) ? -EINVAL : whole ? 0 : -ENOMEM;
    if (rc) {
        r->error = err_set(&r->why, rc, "dump \"%s\": %s", m->id, err_text(rc));
        goto out;
    }
    *whole = *m;
    n = files_allowed(s, b);
    if (n < b->n_files)
        manifest_shorten(m, whole, b, n, ERR_LIMIT);
    while ((rc = dump_try(s, m, b, n, &r->why))) {
        if (is_full(rc) && retention_free(s, wanted, m, &r->dumps_removed) > 0)
            continue;
        if (rc == -EIO && again) {
            again = false;
            continue;
        }
        if ((!is_full(rc) && rc != -EIO) || n == 0)
            break;
        manifest_shorten(m, whole, b, --n, rc);
    }
    r->error = rc;
    if (rc) {
        *m = *whole;
        goto out;
    }
    r->files_written = n;
    (void)store_make_room(s, 0, &r->dumps_removed);
out:
    free(whole);
}

void store_write_native(struct store *s, const struct manifest *m, const struct bundle *b,
                        struct store_result *r)
{
    int64_t wanted = (int64_t)b->bytes.len + OVERHEAD_BYTES;
    char folder[STORE_PATH_MAX], path[STORE_PATH_MAX];
    struct store below = *s; /* whose base is the dump */
    int rc;

    *r = (struct store_result){0};
    rc = s->read_only ? -EROFS : dump_id_valid(m->id) ? 0 : -EINVAL;
    if (rc) {
        r->error = err_set(&r->why, rc, "dump \"%s\": %s", m->id, err_text(rc));
        return;
    }
    path_join(s, m->id, "", folder);
    str_copy(below.base, sizeof below.base, str_of(folder));
    do {
        rc = folder_create(&below, TMP_NATIVE, &r->why);
        if (!rc)
            rc = files_create(&below, b, b->n_files, TMP_NATIVE, &r->why);
        if (!rc)
            rc = folder_publish(&below, "", TMP_NATIVE, "native", &r->why);
        if (rc)
            (void)folder_remove(s, path_join(&below, TMP_NATIVE, "", path));
    } while (is_full(rc) && retention_free(s, wanted, m, &r->dumps_removed) > 0);
    if (rc == -ENOTEMPTY || rc == -EEXIST) /* an earlier try got as far as the rename */
        rc = s->disk->sync_dir(s->disk, folder);
    if (!rc)
        rc = store_write_manifest(s, m, &r->why);
    r->error = rc;
    if (rc)
        return;
    r->files_written = b->n_files;
    (void)store_make_room(s, 0, &r->dumps_removed);
}

/* The outcome may have been stamped while the caller's manifest was on its way:
 * then the one on disk is kept. Renders into bytes. */
static int manifest_renew(struct store *s, const struct manifest *m, struct buf *bytes)
{
    struct manifest *there = malloc(sizeof *there), *mended = malloc(sizeof *mended);
    int rc = -ENOMEM;

    if (!there || !mended)
        goto out;
    *mended = *m;
    if (m->outcome.cause == OUTCOME_NONE && !store_read_manifest(s, m->id, there, NULL))
        mended->outcome = there->outcome;
    rc = manifest_render(mended, bytes);
out:
    free(there);
    free(mended);
    return rc;
}

int store_write_manifest(struct store *s, const struct manifest *m, struct errmsg *e)
{
    struct buf bytes;
    int rc, removed = 0;

    if (s->read_only || !dump_id_valid(m->id))
        return err_set(e, s->read_only ? -EROFS : -EINVAL, "dump \"%s\"", m->id);
    buf_init(&bytes, MANIFEST_BYTES_MAX);
    rc = manifest_renew(s, m, &bytes);
    while (!rc) {
        rc = file_replace(s, m->id, TMP_MANIFEST, "manifest.json", bytes.p, bytes.len);
        if (!is_full(rc) || retention_free(s, OVERHEAD_BYTES, m, &removed) == 0)
            break;
        rc = 0;
    }
    buf_free(&bytes);
    return rc ? err_set(e, rc, "manifest of %s: %s", m->id, err_text(rc)) : 0;
}

int store_remove(struct store *s, const char *id, struct errmsg *e)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], base[STORE_PATH_MAX];
    char tmp[DISK_NAME_MAX];
    int rc;

    if (s->read_only || !dump_id_valid(id))
        return err_set(e, s->read_only ? -EROFS : -EINVAL, "dump \"%s\"", id);
    path_join(s, id, "", from);
    path_join(s, tmp_name(id, tmp), "", to);
    rc = s->disk->rename(s->disk, from, to);
    /* Else, after a power loss, a visible dump could have lost files. */
    if (!rc)
        rc = s->disk->sync_dir(s->disk, path_join(s, "", "", base));
    if (!rc)
        rc = folder_remove(s, to);
    return rc ? err_set(e, rc, "remove %s: %s", id, err_text(rc)) : 0;
}
