#include "lib/host/disk_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/str.h"

#define PATH_BYTES_MAX 512

static struct disk_posix *posix_of(struct disk *d)
{
    return (struct disk_posix *)d;
}

/* Calls that a signal interrupts are made again. */
#define RETRY(rc, call) \
    do {                \
        (rc) = (call);  \
    } while ((rc) < 0 && errno == EINTR)

/* ---- resolving ---- */

static int open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    int tries = 8; /* EAGAIN: somebody renamed while the kernel looked */

    do {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return fd < 0 ? -errno : (int)fd;
}

/* One name at a time, none of them a link. */
static int open_walking(int dir_fd, const char *path, int flags, mode_t mode)
{
    int at = dir_fd, fd = -1, rc = 0;

    for (;;) {
        char name[PATH_BYTES_MAX];
        size_t n = strcspn(path, "/");
        bool last = path[n] == '\0';
        if (n == 0 || n >= sizeof name || (n == 2 && !memcmp(path, "..", 2))) {
            rc = -EXDEV;
            break;
        }
        memcpy(name, path, n);
        name[n] = '\0';
        RETRY(fd, openat(at, name,
                         (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW, mode));
        rc = fd < 0 ? -errno : 0;
        if (rc || last)
            break;
        if (at != dir_fd)
            close(at);
        at = fd;
        path += n + 1;
    }
    if (at != dir_fd)
        close(at);
    return rc ? rc : fd;
}

static int open_at(struct disk_posix *d, const char *path, int flags, mode_t mode)
{
    if (!*path)
        path = ".";
    flags |= O_CLOEXEC | O_NOFOLLOW;
    return d->walks ? open_walking(d->dir_fd, path, flags, mode)
                    : open_beneath(d->dir_fd, path, flags, mode);
}

/* The folder a path is in, as a descriptor to be closed, and its last name. */
static int open_parent(struct disk_posix *d, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_BYTES_MAX];

    *name = slash ? slash + 1 : path;
    if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
        return -EINVAL;
    if (slash && (size_t)(slash - path) >= sizeof folder)
        return -ENAMETOOLONG;
    str_copy(folder, sizeof folder, (struct str){path, slash ? (size_t)(slash - path) : 0});
    return open_at(d, folder, O_PATH | O_DIRECTORY, 0);
}

/* ---- files ---- */

/* Only a regular file with one name is ours: no pipe to hang on, no file of
 * somebody else's behind a hard link. */
static int check_file(int fd, enum disk_open how)
{
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
    return how == DISK_WRITE && st.st_nlink > 1 ? -EMLINK : 0;
}

static int posix_open(struct disk *disk, const char *path, enum disk_open how)
{
    static const int flags[] = {
        [DISK_READ] = O_RDONLY,
        [DISK_WRITE] = O_RDWR | O_CREAT,
        [DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL,
    };
    int fd = open_at(posix_of(disk), path, flags[how] | O_NONBLOCK | O_NOCTTY,
                     how == DISK_READ ? 0 : 0600);
    int rc;

    if (fd < 0)
        return fd;
    rc = check_file(fd, how);
    if (!rc)
        return fd;
    close(fd);
    return rc;
}

/* After EINTR the descriptor is closed all the same. */
static int posix_release(struct disk *disk, int handle)
{
    (void)disk;
    return close(handle) && errno != EINTR ? -errno : 0;
}

static int64_t posix_read(struct disk *disk, int handle, int64_t offset, void *bytes, size_t n)
{
    ssize_t got;

    (void)disk;
    RETRY(got, pread(handle, bytes, n, offset));
    return got < 0 ? -errno : got;
}

static int posix_write(struct disk *disk, int handle, int64_t offset, const void *bytes,
                       size_t n)
{
    const char *p = bytes;

    (void)disk;
    while (n) {
        ssize_t put;
        RETRY(put, pwrite(handle, p, n, offset));
        if (put <= 0)
            return put ? -errno : -EIO;
        p += put;
        offset += put;
        n -= (size_t)put;
    }
    return 0;
}

/* Where the file system cannot reserve: zeros behind the end do. */
static int extend(struct disk *disk, int handle, int64_t bytes)
{
    static const char zeros[16384];
    struct stat st;

    if (fstat(handle, &st))
        return -errno;
    for (int64_t at = st.st_size; at < bytes;) {
        int64_t left = bytes - at, n = (int64_t)sizeof zeros;
        int rc = posix_write(disk, handle, at, zeros, (size_t)(left < n ? left : n));
        if (rc)
            return rc;
        at += left < n ? left : n;
    }
    return 0;
}

static int posix_preallocate(struct disk *disk, int handle, int64_t bytes)
{
    int rc;

    RETRY(rc, fallocate(handle, 0, 0, bytes));
    if (rc && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
        return extend(disk, handle, bytes);
    return rc ? -errno : 0;
}

static int posix_size(struct disk *disk, int handle, int64_t *bytes)
{
    struct stat st;

    (void)disk;
    if (fstat(handle, &st))
        return -errno;
    *bytes = st.st_size;
    return 0;
}

static int posix_sync(struct disk *disk, int handle)
{
    int rc;

    (void)disk;
    RETRY(rc, fdatasync(handle));
    return rc ? -errno : 0;
}

/* ---- folders ---- */

static int posix_sync_dir(struct disk *disk, const char *path)
{
    int fd = open_at(posix_of(disk), path, O_RDONLY | O_DIRECTORY, 0), rc;

    if (fd < 0)
        return fd;
    RETRY(rc, fsync(fd));
    /* Some network and FUSE file systems cannot, and promise nothing. */
    rc = rc && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
    close(fd);
    return rc;
}

static int posix_mkdir(struct disk *disk, const char *path)
{
    const char *name;
    int fd = open_parent(posix_of(disk), path, &name), rc;

    if (fd < 0)
        return fd;
    rc = mkdirat(fd, name, 0700) ? -errno : 0;
    close(fd);
    return rc;
}

static int posix_rename(struct disk *disk, const char *from, const char *to)
{
    const char *old, *new;
    int old_fd = open_parent(posix_of(disk), from, &old), new_fd = -1, rc;

    if (old_fd < 0)
        return old_fd;
    new_fd = open_parent(posix_of(disk), to, &new);
    if (new_fd < 0)
        rc = new_fd;
    else
        rc = renameat(old_fd, old, new_fd, new) ? -errno : 0;
    close(old_fd);
    if (new_fd >= 0)
        close(new_fd);
    return rc;
}

static int remove_at(struct disk *disk, const char *path, int flags)
{
    const char *name;
    int fd = open_parent(posix_of(disk), path, &name), rc;

    if (fd < 0)
        return fd;
    rc = unlinkat(fd, name, flags) ? -errno : 0;
    close(fd);
    return rc;
}

static int posix_unlink(struct disk *disk, const char *path)
{
    return remove_at(disk, path, 0);
}

static int posix_rmdir(struct disk *disk, const char *path)
{
    int rc = remove_at(disk, path, AT_REMOVEDIR);

    return rc == -EEXIST ? -ENOTEMPTY : rc;
}

static bool entry_fill(int dir_fd, const char *name, struct disk_entry *e)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return false; /* gone meanwhile */
    int64_t allocated = (int64_t)st.st_blocks * 512;
    *e = (struct disk_entry){
        .is_dir = S_ISDIR(st.st_mode),
        .is_file = S_ISREG(st.st_mode),
        .bytes = allocated > st.st_size ? allocated : st.st_size,
        .mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
    };
    str_copy(e->name, sizeof e->name, str_of(name));
    return true;
}

static int posix_list(struct disk *disk, const char *path,
                      int (*each)(void *ctx, const struct disk_entry *e), void *ctx)
{
    int fd = open_at(posix_of(disk), path, O_RDONLY | O_DIRECTORY, 0), rc = 0;
    struct dirent *entry;
    DIR *dir;

    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir) {
        rc = -errno;
        close(fd);
        return rc;
    }
    while (!rc && (errno = 0, entry = readdir(dir))) {
        struct disk_entry e;
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            entry_fill(fd, entry->d_name, &e))
            rc = each(ctx, &e);
    }
    if (!rc && errno)
        rc = -errno;
    closedir(dir);
    return rc;
}

static int posix_space(struct disk *disk, struct disk_space *out)
{
    struct statvfs v;
    int rc;

    RETRY(rc, fstatvfs(posix_of(disk)->dir_fd, &v));
    if (rc)
        return -errno;
    out->free_bytes = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    out->total_bytes = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
    return 0;
}

/* An OFD lock: held by the descriptor, gone with it. */
static int posix_lock(struct disk *disk, int handle)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;

    (void)disk;
    RETRY(rc, fcntl(handle, F_OFD_SETLK, &whole));
    if (rc && errno == EINVAL)
        RETRY(rc, flock(handle, LOCK_EX | LOCK_NB));
    return rc ? -errno : 0;
}

/* ---- */

int disk_posix_open(struct disk_posix *d, const char *path, bool create, struct errmsg *e)
{
    int fd;

    *d = (struct disk_posix){
        .disk = {.open = posix_open,
                 .close = posix_release,
                 .read = posix_read,
                 .write = posix_write,
                 .preallocate = posix_preallocate,
                 .size = posix_size,
                 .sync = posix_sync,
                 .sync_dir = posix_sync_dir,
                 .mkdir = posix_mkdir,
                 .rename = posix_rename,
                 .unlink = posix_unlink,
                 .rmdir = posix_rmdir,
                 .list = posix_list,
                 .space = posix_space,
                 .lock = posix_lock},
        .dir_fd = -1,
    };
    if (create && mkdir(path, 0700) && errno != EEXIST && errno != EROFS)
        return err_set(e, -errno, "make %.200s: %s", path, err_text(-errno));
    RETRY(fd, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return err_set(e, -errno, "open %.200s: %s", path, err_text(-errno));
    d->dir_fd = fd;
    /* An old seccomp profile answers EPERM for calls it does not know. */
    fd = open_beneath(d->dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    d->walks = fd < 0;
    if (fd >= 0)
        close(fd);
    return 0;
}

void disk_posix_close(struct disk_posix *d)
{
    if (d->dir_fd >= 0)
        close(d->dir_fd);
    d->dir_fd = -1;
}
