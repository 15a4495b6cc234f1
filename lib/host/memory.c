#include "lib/host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/host/file.h"
#include "lib/host/owner.h"

#define LIMIT_AGE_MS 5000
#define FAMILY_AGE_MS 30000
#define STAT_MAX_BYTES 8192

static const char *const names_v2[NEIGHBOUR_FILES] = {"memory.stat", "memory.max",
                                                      "memory.events", NULL};
static const char *const names_v1[NEIGHBOUR_FILES] = {
    "memory.stat", "memory.limit_in_bytes", "memory.oom_control", "memory.kmem.usage_in_bytes"};

static void close_all(int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

static void forget(struct neighbour *n)
{
    close_all(n->files, NEIGHBOUR_FILES);
    close_all(n->family, NEIGHBOUR_FAMILY_MAX);
    close_all(&n->proc_stat, 1);
    n->pid = 0;
    n->start_ticks = 0;
    n->oom_kills = -1;
}

void neighbour_init(struct neighbour *n, const char *limit_text)
{
    *n = (struct neighbour){.limit_text = limit_text, .limit_read_ms = -1, .proc_stat = -1};
    memset(n->files, -1, sizeof n->files);
    memset(n->family, -1, sizeof n->family);
    n->oom_kills = -1;
}

void neighbour_fini(struct neighbour *n)
{
    forget(n);
}

/* ---- finding ---- */

static int proc_open(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int file_at(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    return n < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* Only the root of a v1 hierarchy has it: that is the whole machine. */
static bool is_v1_root(const char *dir)
{
    int fd = file_at(dir, "release_agent");
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Opens the files of a cgroup's folder; the root's are none of the target's. */
static bool cgroup_open(struct neighbour *n, const char *dir, bool v1)
{
    const char *const *names = v1 ? names_v1 : names_v2;
    if (v1 && is_v1_root(dir))
        return false;
    for (int i = 0; i < NEIGHBOUR_FILES; i++)
        n->files[i] = names[i] ? file_at(dir, names[i]) : -1;
    n->v1 = v1;
    if (n->files[FILE_STAT] >= 0 && n->files[FILE_LIMIT] >= 0)
        return true;
    close_all(n->files, NEIGHBOUR_FILES); /* v2's root has no memory.max */
    return false;
}

/* A hierarchy as it is mounted below root ("/proc/PID/root" or ""): first the
 * process' own folder, as where the mount shows the whole machine, then the
 * mount itself, which in a container is the container's folder. The latter is
 * no answer in our own mounts: it would be ours. */
static bool cgroup_try(struct neighbour *n, const char *root, struct str path, bool v1)
{
    static const char *const mounts[2] = {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"};
    char dir[PATH_MAX];
    int length;
    if (!str_contains(path, "/..")) { /* outside of what we may see */
        length = snprintf(dir, sizeof dir, "%s%s%.*s", root, mounts[v1], (int)path.n, path.p);
        if (path.n > 1 && length < (int)sizeof dir && cgroup_open(n, dir, v1))
            return true;
    }
    if (!*root)
        return false;
    snprintf(dir, sizeof dir, "%s%s", root, mounts[v1]);
    return cgroup_open(n, dir, v1);
}

/* A hybrid machine has both: v1's memory controller, where it is, is the one
 * that counts. */
static void cgroup_find(struct neighbour *n)
{
    char text[4096], root[64];
    int fd = proc_open(n->pid, "cgroup");
    int64_t length = fd >= 0 ? file_peek(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    if (length < 0)
        return;
    struct str all = {text, (size_t)length}, path;
    snprintf(root, sizeof root, "/proc/%d/root", (int)n->pid);
    for (int v1 = 1; v1 >= 0; v1--)
        if (cgroup_path(all, v1, &path) == 0 &&
            (cgroup_try(n, root, path, v1) || cgroup_try(n, "", path, v1)))
            return;
}

static void family_find(struct neighbour *n)
{
    pid_t pids[NEIGHBOUR_FAMILY_MAX - 1];
    close_all(n->family, NEIGHBOUR_FAMILY_MAX);
    n->family[0] = proc_open(n->pid, "status");
    size_t count = owner_descendants(n->pid, pids, NEIGHBOUR_FAMILY_MAX - 1);
    for (size_t i = 0; i < count; i++)
        n->family[i + 1] = proc_open(pids[i], "status");
}

/* 0 when it has ended: a zombie holds no memory. */
static int64_t start_read(const struct neighbour *n)
{
    char text[1024];
    int64_t ticks;
    int64_t length = file_peek(n->proc_stat, text, sizeof text);
    if (length <= 0 || proc_stat_start((struct str){text, (size_t)length}, &ticks))
        return 0;
    const char *state = strrchr(text, ')'); /* ") S …" */
    return state[1] && (state[2] == 'Z' || state[2] == 'X') ? 0 : ticks;
}

void neighbour_locate(struct neighbour *n, const char *url, const char *unix_socket)
{
    forget(n);
    uint64_t inode = owner_inode(url, unix_socket);
    n->pid = inode ? owner_pid(inode) : 0;
    if (!n->pid)
        return;
    n->proc_stat = proc_open(n->pid, "stat");
    n->start_ticks = n->proc_stat >= 0 ? start_read(n) : 0;
    if (!n->start_ticks) {
        forget(n);
        return;
    }
    cgroup_find(n);
    n->family[0] = proc_open(n->pid, "status");
    n->family_read_ms = INT64_MIN; /* descendants are looked for when they count */
}

/* ---- reading ---- */

static struct str peek(int fd, char *storage, size_t cap)
{
    int64_t n = fd >= 0 ? file_peek(fd, storage, cap) : -EBADF;
    return (struct str){storage, n > 0 ? (size_t)n : 0};
}

/* Three or four reads. A cgroup without a limit gives its kills alone: it may be
 * a whole session, and nothing in it forecasts a kill. */
static void cgroup_sample(struct neighbour *n, struct memory_sample *out)
{
    char stat[STAT_MAX_BYTES], limit[64], kills[512], kmem[64];
    struct str stat_text = peek(n->files[FILE_STAT], stat, sizeof stat);
    struct str limit_text = peek(n->files[FILE_LIMIT], limit, sizeof limit);
    struct str kills_text = peek(n->files[FILE_KILLS], kills, sizeof kills);
    struct str kmem_text = {"", 0};
    if (n->v1)
        kmem_text = peek(n->files[FILE_KMEM], kmem, sizeof kmem);
    int rc;
    if (n->v1) {
        (void)cgroup1_oom_kills(kills_text, &n->oom_kills);
        rc = cgroup1_limit(stat_text, limit_text, &out->limit_bytes);
    } else {
        (void)cgroup2_oom_kills(kills_text, &n->oom_kills);
        rc = cgroup2_limit(limit_text, &out->limit_bytes);
    }
    out->oom_kills = n->oom_kills;
    if (rc || out->limit_bytes == 0)
        return;
    rc = n->v1 ? cgroup1_usage(stat_text, kmem_text, &out->usage_bytes)
               : cgroup2_usage(stat_text, &out->usage_bytes);
    if (rc == 0)
        out->tier = n->v1 ? MEMORY_CGROUP1 : MEMORY_CGROUP2;
}

static void family_sample(struct neighbour *n, int64_t boot_ms, struct memory_sample *out)
{
    char text[4096];
    int64_t total = 0, bytes;
    if (n->family_read_ms == INT64_MIN || boot_ms - n->family_read_ms >= FAMILY_AGE_MS) {
        family_find(n);
        n->family_read_ms = boot_ms;
    }
    for (int i = 0; i < NEIGHBOUR_FAMILY_MAX; i++) {
        if (n->family[i] < 0)
            continue;
        struct str status = peek(n->family[i], text, sizeof text);
        if (proc_status_rss(status, &bytes) == 0)
            total += bytes;
        else if (i == 0)
            return; /* a zombie: its end has come */
    }
    out->usage_bytes = total;
    out->tier = MEMORY_PROC;
}

int neighbour_sample(struct neighbour *n, int64_t boot_ms, struct memory_sample *out)
{
    *out = (struct memory_sample){.usage_bytes = -1, .oom_kills = -1};
    if (!n->pid)
        return -ENOENT;
    out->pid = n->pid;
    out->start_ticks = n->start_ticks;
    out->oom_kills = n->oom_kills;
    if (n->files[FILE_STAT] >= 0)
        cgroup_sample(n, out);
    /* The file belongs to this process alone: a reused pid is not in it. */
    out->gone = start_read(n) != n->start_ticks;
    if (!out->gone && out->tier == MEMORY_NONE)
        family_sample(n, boot_ms, out);
    return 0;
}

int64_t neighbour_limit(struct neighbour *n, int64_t boot_ms)
{
    char storage[64];
    struct str text = str_of(n->limit_text);
    bool file = str_starts(text, "file:");
    if (n->limit_read_ms >= 0 && (!file || boot_ms - n->limit_read_ms < LIMIT_AGE_MS))
        return n->limit_bytes;
    n->limit_read_ms = boot_ms;
    if (file) {
        struct buf b;
        buf_fixed(&b, storage, sizeof storage);
        text = file_read(n->limit_text + 5, &b) ? (struct str){"", 0} : buf_view(&b);
    }
    uint64_t bytes = 0;
    if (str_quantity(str_trim(text), &bytes) || bytes > INT64_MAX)
        bytes = 0;
    n->limit_bytes = (int64_t)bytes;
    return n->limit_bytes;
}
