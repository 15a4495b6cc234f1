#include "lib/host/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/host/address.h"
#include "lib/host/file.h"
#include "lib/target/memory.h"
#include "lib/target/target.h"

/* The kernel lists listening sockets before all others. */
#define TABLE_MAX_BYTES 262144
#define LISTENERS_MAX 256
#define PROCESSES_MAX 4096
#define LINKS_MAX 200000 /* descriptors looked at in one search */

/* ---- from an address to an inode ---- */

static bool listens_at(const struct listener *l, struct str host, uint16_t port)
{
    struct str own = str_of(l->address);
    bool any = str_is(own, "0.0.0.0") || str_is(own, "::");
    return l->port == port && (any || str_eq(own, host) || str_is(host, "localhost"));
}

static uint64_t tcp_inode(const char *table, bool v6, struct str host, uint16_t port)
{
    static struct listener list[LISTENERS_MAX]; /* 16 KiB: not for the stack */
    struct buf b;
    uint64_t inode = 0;
    buf_init(&b, TABLE_MAX_BYTES);
    if (file_read(table, &b) == 0) {
        size_t n = listeners_parse(buf_view(&b), v6, list, LISTENERS_MAX);
        for (size_t i = 0; i < n && !inode; i++)
            if (listens_at(&list[i], host, port))
                inode = list[i].inode;
    }
    buf_free(&b);
    return inode;
}

/* Num RefCount Protocol Flags Type St Inode Path; a listener has the flag
 * __SO_ACCEPTCON. */
static uint64_t unix_inode(const char *path)
{
    struct buf b;
    struct str line, rest, word[7];
    uint64_t inode = 0;
    buf_init(&b, TABLE_MAX_BYTES);
    if (file_read("/proc/net/unix", &b) == 0)
        rest = buf_view(&b);
    else
        rest = (struct str){NULL, 0};
    while (!inode && str_split(&rest, '\n', &line)) {
        size_t n = 0;
        while (n < 7 && str_split(&line, ' ', &word[n]))
            n += word[n].n > 0;
        if (n == 7 && str_is(str_trim(line), path) && str_is(word[3], "00010000") &&
            str_u64(word[6], &inode))
            inode = 0;
    }
    buf_free(&b);
    return inode;
}

uint64_t owner_inode(const char *url, const char *unix_socket)
{
    struct str host;
    uint16_t port;
    if (*unix_socket)
        return unix_inode(unix_socket);
    if (address_of_url(url, &host, &port) || !address_is_own(host))
        return 0;
    if (!port)
        port = str_starts(str_of(url), "https:") ? 443 : 80;
    uint64_t inode = tcp_inode("/proc/net/tcp", false, host, port);
    return inode ? inode : tcp_inode("/proc/net/tcp6", true, host, port);
}

/* ---- processes ---- */

/* The next process of an open /proc; 0 at the end. */
static pid_t pid_next(DIR *proc)
{
    struct dirent *e;
    uint64_t pid;
    while ((e = readdir(proc)))
        if (str_u64(str_of(e->d_name), &pid) == 0 && pid > 0 && pid <= INT32_MAX)
            return (pid_t)pid;
    return 0;
}

/* /proc/PID/NAME into storage; its length, or negative. */
static int64_t proc_read(pid_t pid, const char *name, char *storage, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int64_t n = file_peek(fd, storage, cap);
    close(fd);
    return n;
}

static bool holds_socket(pid_t pid, const char *link, int *links_left)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    bool found = false;
    struct dirent *e;
    if (!dir)
        return false; /* another user's, or gone */
    while (!found && *links_left > 0 && (e = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, text, sizeof text - 1);
        (*links_left)--;
        if (n <= 0)
            continue;
        text[n] = 0;
        found = strcmp(text, link) == 0;
    }
    closedir(dir);
    return found;
}

static int64_t start_of(pid_t pid)
{
    char text[1024];
    int64_t ticks = INT64_MAX;
    int64_t n = proc_read(pid, "stat", text, sizeof text);
    if (n > 0 && proc_stat_start((struct str){text, (size_t)n}, &ticks))
        ticks = INT64_MAX;
    return ticks;
}

/* A listening socket that was inherited (a prefork server, a graceful restart)
 * has several holders: the one that started first is the ancestor of the others,
 * and their memory is counted with its descendants'. */
pid_t owner_pid(uint64_t inode)
{
    char link[64];
    pid_t pid, best = 0, self = getpid();
    int64_t best_start = INT64_MAX;
    int links_left = LINKS_MAX, processes = 0;
    snprintf(link, sizeof link, "socket:[%llu]", (unsigned long long)inode);
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    while (processes++ < PROCESSES_MAX && (pid = pid_next(proc))) {
        if (pid == self || !holds_socket(pid, link, &links_left))
            continue;
        int64_t start = start_of(pid);
        if (best && start >= best_start)
            continue;
        best = pid;
        best_start = start;
    }
    closedir(proc);
    return best;
}

/* Field 4 of /proc/PID/stat: behind the command's last bracket come the state
 * and the parent. */
static pid_t parent_of(pid_t pid)
{
    char text[1024];
    struct str word, rest;
    int64_t parent = 0;
    int64_t n = proc_read(pid, "stat", text, sizeof text);
    const char *bracket = n > 0 ? strrchr(text, ')') : NULL;
    if (!bracket)
        return 0;
    rest = str_trim(str_of(bracket + 1));
    if (!str_split(&rest, ' ', &word) || !str_split(&rest, ' ', &word) ||
        str_i64(word, &parent))
        return 0;
    return (pid_t)parent;
}

struct kinship {
    pid_t pid, parent;
};

static bool in_list(pid_t pid, const pid_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == pid)
            return true;
    return false;
}

size_t owner_descendants(pid_t pid, pid_t *out, size_t max)
{
    static struct kinship all[PROCESSES_MAX]; /* 32 KiB: not for the stack */
    size_t n_all = 0, n = 0, before;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    pid_t each;
    while (n_all < PROCESSES_MAX && (each = pid_next(proc)))
        all[n_all++] = (struct kinship){each, parent_of(each)};
    closedir(proc);
    do { /* a generation a round */
        before = n;
        for (size_t i = 0; i < n_all && n < max; i++)
            if ((all[i].parent == pid || in_list(all[i].parent, out, before)) &&
                !in_list(all[i].pid, out, n))
                out[n++] = all[i].pid;
    } while (n > before);
    return n;
}
