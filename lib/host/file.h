/* Small files, whole. Ownership: the caller's buf. */
#ifndef LW_HOST_FILE_H
#define LW_HOST_FILE_H

#include "lib/base/buf.h"

/* Appends a file's bytes up to the buf's ceiling (the rest is not read: buf_status
 * tells only of memory). 0 or a negative errno. */
int file_read(const char *path, struct buf *out);
/* Reads an open file from its start into storage; terminated. The count of bytes
 * or a negative errno. One system call: for files of /proc and cgroups. */
int64_t file_peek(int fd, char *storage, size_t cap);

#endif
