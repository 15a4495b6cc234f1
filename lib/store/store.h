/* The directory: dumps, the history file, the lock, and the room they may take.
 * Everything is blocking and over the disk seam; the agent calls it from the
 * pool, one job at a time, the CLI directly.
 *
 * Happy path of a dump: mkdir .tmp-ID, write and fsync each file, fsync the
 * folder, rename to ID, fsync the directory: whole or absent. Failure: disk
 * full frees the oldest dumps (firsts of earlier lives after the others; never
 * the newest, never the first of the life that is being written) and tries with
 * fewer files; what is left behind as .tmp-* is removed at the next open.
 * Nothing but names of our own is ever removed (files.h), no link is followed.
 * Ownership: the caller's storage; the disk is borrowed. */
#ifndef LW_STORE_STORE_H
#define LW_STORE_STORE_H

#include "lib/base/err.h"
#include "lib/dump/dump.h"
#include "lib/store/disk.h"

struct store {
    struct disk *disk;
    char base[2 * DISK_NAME_MAX]; /* "" or "<hostname>" below the directory */
    int64_t limit_bytes;
    int lock_handle;
    bool read_only;
};

struct store_dump {
    char id[DUMP_ID_MAX];
    int64_t bytes;
    bool readable; /* the manifest could be read */
    struct manifest manifest;
};

/* Opens for writing: takes the lock (file "lock"); when another holds it, uses
 * the folder `hostname` below and its lock. Removes what a crash left. */
int store_open(struct store *s, struct disk *d, int64_t limit_bytes, const char *hostname,
               struct errmsg *e);
int store_open_read(struct store *s, struct disk *d, struct errmsg *e);
void store_close(struct store *s);

/* What came of a write. */
struct store_result {
    int error;         /* 0: durable */
    int files_written; /* fewer than asked for when the disk was short */
    int dumps_removed; /* by retention */
    struct errmsg why;
};

/* Writes bundle and manifest as dump m->id (manifest_name). m->files and m->note
 * are mended when fewer files fit, and as they were when it failed: then call it
 * again later; a dump of that id that is there already is only made durable.
 * m->durable_* are left to the caller. Afterwards what is over the limit goes. */
void store_write_dump(struct store *s, struct manifest *m, const struct bundle *b,
                      struct store_result *r);
/* Adds native/ by one rename, then replaces the manifest. May be repeated. */
void store_write_native(struct store *s, const struct manifest *m, const struct bundle *b,
                        struct store_result *r);
/* Replaces manifest.json of an existing dump. An outcome that is stamped there
 * is kept when m has none. */
int store_write_manifest(struct store *s, const struct manifest *m, struct errmsg *e);
int store_read_manifest(struct store *s, const char *id, struct manifest *m, struct errmsg *e);
/* Stamps outcome on every dump of that target's life that has none yet; lead is
 * computed from each one's durable_boot_ms (or wall). Returns how many, or the
 * first error (the others are stamped all the same). */
int store_stamp_outcome(struct store *s, const char *target, uint64_t life,
                        enum outcome_cause cause, int exit_code, const char *source,
                        struct moment death, struct errmsg *e);

/* Calls each for every dump, newest first, until it returns non-zero, which is
 * returned then. */
int store_list(struct store *s, int (*each)(void *ctx, const struct store_dump *d), void *ctx);
/* Appends a file of a dump ("goroutine.diff.pb.gz", "native/…") whole. 0,
 * -ENOENT, -EINVAL (no such name), ERR_LIMIT (larger than out may hold). */
int store_read_file(struct store *s, const char *id, const char *name, struct buf *out);
int store_remove(struct store *s, const char *id, struct errmsg *e);
/* A dump's id from a unique prefix, or "latest"; -ENOENT, ERR_MISMATCH when
 * ambiguous. */
int store_resolve(struct store *s, const char *text, char id[DUMP_ID_MAX], struct errmsg *e);

/* Makes room: removes the oldest dumps until used + wanted fits the limit and
 * the volume. The first dump of each life goes last, the newest never. 0, or
 * -ENOSPC when it does not suffice. *removed (may be NULL) is added to. */
int store_make_room(struct store *s, int64_t wanted_bytes, int *removed);
int64_t store_used_bytes(struct store *s);

/* ---- small files kept whole (baselines): temporary, fsync, rename ---- */

/* Names are of [A-Za-z0-9_.-] and do not begin with a dot: -EINVAL else. get
 * appends. */
int store_put(struct store *s, const char *name, const void *bytes, size_t n);
int store_get(struct store *s, const char *name, struct buf *out);

/* ---- the history file ---- */

/* Reads history.bin into block (exactly `bytes`). 0; -ENOENT; ERR_MISMATCH when
 * its size differs. */
int store_read_history(struct store *s, void *block, size_t bytes);
int64_t store_history_size(struct store *s); /* bytes, or a negative errno */
/* Applies the records of history_take_dirty to the file; sync: fdatasync
 * afterwards. -ENOENT: there is none yet. */
int store_write_history(struct store *s, const void *dirty, size_t n, bool sync);
/* Replaces the file atomically by these bytes (first time, another size). */
int store_rewrite_history(struct store *s, const void *block, size_t bytes);
/* Sets a damaged file aside as history.bin.bad-<time>; one such is kept. */
int store_quarantine_history(struct store *s, int64_t wall_ms);

#endif
