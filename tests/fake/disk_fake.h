/* A disk in memory that behaves as badly as the real ones may.
 *
 * It keeps two states: what the running program sees, and what would be there
 * after the power went. Bytes written are durable after sync of the file; names
 * (created, renamed, unlinked) after sync_dir of their folder. At a power loss
 * every write and every change of names that was not synced is kept, dropped or,
 * for writes, torn at a 512-byte border, each on its own and in any order. A
 * rename is one change: never half.
 * Ownership: disk_fake_free frees all. */
#ifndef LW_FAKE_DISK_FAKE_H
#define LW_FAKE_DISK_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/disk.h"

struct disk_fake;

struct disk_fake *disk_fake_new(void);
void disk_fake_free(struct disk_fake **f);
/* The seam; valid until disk_fake_free. */
struct disk *disk_fake_disk(struct disk_fake *f);

/* Operations so far: every call that can fail, thus not close. */
uint64_t disk_fake_ops(const struct disk_fake *f);
/* The nth operation from now (1: the next) fails with that errno (positive) and
 * changes nothing; forever: so do all after it. nth 0: none does. */
void disk_fake_fail(struct disk_fake *f, uint64_t nth, int error, bool forever);
/* From now on bytes of files may take this much together, 0: any. */
void disk_fake_space(struct disk_fake *f, int64_t bytes);
/* mtime of what is written from now on. */
void disk_fake_clock(struct disk_fake *f, int64_t wall_ms);

/* The power goes: open handles and locks are gone, unsynced work survives as
 * chance (seed) has it, failures are off. */
void disk_fake_power_loss(struct disk_fake *f, uint64_t seed);
/* The process dies (kill -9): handles and locks are gone, nothing else is. */
void disk_fake_kill(struct disk_fake *f);

/* Puts a foreign thing there: neither file nor folder (as a symbolic link). */
void disk_fake_foreign(struct disk_fake *f, const char *path);
/* Flips one bit of a file. */
void disk_fake_damage(struct disk_fake *f, const char *path, uint64_t bit);
/* Whether a path is there; its size is put in *bytes when that is not NULL. */
bool disk_fake_exists(struct disk_fake *f, const char *path, int64_t *bytes);

#endif
