/* The second seam: a blocking disk beneath one directory. lib/host implements
 * it with openat2 and friends; tests/fake with a disk that fails, tears, drops
 * and reorders unsynced writes. Paths are relative to the directory, never
 * absolute, never with "..": symbolic links are not followed.
 * All return 0 (or a count, or a handle >= 0) or a negative errno. */
#ifndef LW_STORE_DISK_H
#define LW_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_NAME_MAX 160

enum disk_open {
    DISK_READ,
    DISK_WRITE /* existing or new, kept */,
    DISK_CREATE /* must be new */
};

struct disk_entry {
    char name[DISK_NAME_MAX];
    bool is_dir;
    bool is_file;  /* regular */
    int64_t bytes; /* allocated or size, the larger */
    int64_t mtime_ms;
};

struct disk_space {
    int64_t free_bytes, total_bytes;
};

struct disk {
    int (*open)(struct disk *d, const char *path, enum disk_open how);
    int (*close)(struct disk *d, int handle);
    int64_t (*read)(struct disk *d, int handle, int64_t offset, void *bytes, size_t n);
    /* All n bytes or an error. */
    int (*write)(struct disk *d, int handle, int64_t offset, const void *bytes, size_t n);
    int (*preallocate)(struct disk *d, int handle, int64_t bytes);
    int (*size)(struct disk *d, int handle, int64_t *bytes);
    int (*sync)(struct disk *d, int handle);
    int (*sync_dir)(struct disk *d, const char *path);
    int (*mkdir)(struct disk *d, const char *path);
    int (*rename)(struct disk *d, const char *from, const char *to);
    int (*unlink)(struct disk *d, const char *path);
    int (*rmdir)(struct disk *d, const char *path);
    /* Calls each for every entry but . and ..; stops when it returns non-zero. */
    int (*list)(struct disk *d, const char *path,
                int (*each)(void *ctx, const struct disk_entry *e), void *ctx);
    int (*space)(struct disk *d, struct disk_space *out);
    /* Takes the exclusive lock on a file (OFD lock), held until close. */
    int (*lock)(struct disk *d, int handle);
};

#endif
