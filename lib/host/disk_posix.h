/* The disk seam over one directory of the real world. Every path is resolved
 * beneath that directory and through no symbolic link: by openat2, or where the
 * kernel or its seccomp profile has none, by walking with O_NOFOLLOW.
 * Ownership: the caller's storage; disk_posix_close ends it. */
#ifndef LW_HOST_DISK_POSIX_H
#define LW_HOST_DISK_POSIX_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/store/disk.h"

struct disk_posix {
    struct disk disk; /* the seam: hand out &d->disk */
    int dir_fd;
    bool walks; /* openat2 is missing */
};

/* Opens the directory; create: makes its last part when it is missing, 0700.
 * 0 or a negative errno with a line that names it. */
int disk_posix_open(struct disk_posix *d, const char *path, bool create, struct errmsg *e);
void disk_posix_close(struct disk_posix *d);

#endif
