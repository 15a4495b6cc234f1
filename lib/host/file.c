#include "lib/host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_STEP_BYTES 4096

int file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int rc = 0;
    while (!rc && out->len < out->ceiling) {
        size_t left = out->ceiling - out->len;
        rc = buf_reserve(out, left < FILE_STEP_BYTES ? left : FILE_STEP_BYTES);
        if (rc)
            break;
        ssize_t n = read(fd, out->p + out->len, out->cap - out->len);
        if (n == 0)
            break;
        if (n < 0)
            rc = errno == EINTR ? 0 : -errno;
        else
            out->len += (size_t)n;
    }
    close(fd);
    return rc;
}

int64_t file_peek(int fd, char *storage, size_t cap)
{
    ssize_t n = pread(fd, storage, cap - 1, 0);
    if (n < 0)
        return -errno;
    storage[n] = 0;
    return n;
}
