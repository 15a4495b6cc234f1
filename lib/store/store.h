/* The directory: dumps, the history file, the lock, and the room they may take.
 * Everything is blocking and over the disk seam; the agent calls it from the
 * pool, one job at a time, the CLI directly.
 *
 * Happy path of a dump: mkdir .tmp-ID, write and fsync each file, fsync the
 * folder, rename to ID, fsync the directory: whole or absent. Failure: disk
 * full frees the oldest dumps (never the newest, never the first of a life) and
 * tries with fewer files; what is left behind as .tmp-* is removed at the next
 * open. Ownership: the caller's storage; the disk is borrowed. */
#ifndef LW_STORE_STORE_H
#define LW_STORE_STORE_H

#include "lib/base/err.h"
#include "lib/dump/dump.h"
#include "lib/store/disk.h"

struct store {
    struct disk *disk;
    char base[DISK_NAME_MAX]; /* "" or "<hostname>" below the directory */
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

/* Writes bundle and manifest as dump m->id. m->files and m->note are mended
 * when fewer files fit. m->durable_* are left to the caller. */
void store_write_dump(struct store *s, struct manifest *m, const struct bundle *b,
                      struct store_result *r);
/* Adds native/ by one rename, then replaces the manifest. */
void store_write_native(struct store *s, const struct manifest *m, const struct bundle *b,
                        struct store_result *r);
/* Replaces manifest.json of an existing dump. */
int store_write_manifest(struct store *s, const struct manifest *m, struct errmsg *e);
int store_read_manifest(struct store *s, const char *id, struct manifest *m, struct errmsg *e);
/* Stamps outcome on every dump of that target's life that has none yet; lead is
 * computed from each one's durable_boot_ms (or wall). Returns how many. */
int store_stamp_outcome(struct store *s, const char *target, uint64_t life,
                        enum outcome_cause cause, int exit_code, const char *source,
                        struct moment death, struct errmsg *e);

/* Calls each for every dump, newest first. */
int store_list(struct store *s, int (*each)(void *ctx, const struct store_dump *d), void *ctx);
/* Reads a file of a dump ("goroutine.diff.pb.gz", "native/…") whole into out. */
int store_read_file(struct store *s, const char *id, const char *name, struct buf *out);
int store_remove(struct store *s, const char *id, struct errmsg *e);
/* A dump's id from a unique prefix, or "latest"; ERR_MISMATCH when ambiguous. */
int store_resolve(struct store *s, const char *text, char id[DUMP_ID_MAX], struct errmsg *e);

/* Makes room: removes the oldest dumps until used + wanted fits the limit and
 * the volume. The newest and the first dump of each life go last. */
int store_make_room(struct store *s, int64_t wanted_bytes, int *removed);
int64_t store_used_bytes(struct store *s);

/* ---- small files kept whole (baselines): temporary, fsync, rename ---- */
int store_put(struct store *s, const char *name, const void *bytes, size_t n);
int store_get(struct store *s, const char *name, struct buf *out);

/* ---- the history file ---- */

/* Reads history.bin into block (exactly `bytes`). 0; -ENOENT; ERR_MISMATCH when
 * its size differs. */
int store_read_history(struct store *s, void *block, size_t bytes);
int64_t store_history_size(struct store *s); /* bytes, or a negative errno */
/* Applies the records of history_take_dirty; whole: replace the file atomically
 * by these bytes (first time, rewrite). sync: fdatasync afterwards. */
int store_write_history(struct store *s, const void *dirty, size_t n, bool sync);
int store_rewrite_history(struct store *s, const void *block, size_t bytes);
/* Sets a damaged file aside as history.bin.bad-<time>. */
int store_quarantine_history(struct store *s, int64_t wall_ms);

#endif
