/* The neighbour: the process behind a target's URL and its cgroup, read through
 * descriptors that are opened once a life. After an OOM kill the cgroup vanishes
 * within milliseconds, and its counter is readable only through a descriptor
 * that was open before.
 * Ownership: a neighbour owns its descriptors until neighbour_fini; the limit's
 * text is borrowed. */
#ifndef LW_HOST_MEMORY_H
#define LW_HOST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/target/memory.h"

/* Processes that are summed where no limited cgroup is visible: so many that a
 * sample stays within ten system calls. */
#define NEIGHBOUR_FAMILY_MAX 5

enum neighbour_file {
    FILE_STAT,  /* memory.stat */
    FILE_LIMIT, /* memory.max, memory.limit_in_bytes */
    FILE_KILLS, /* memory.events, memory.oom_control */
    FILE_KMEM,  /* v1 alone: memory.kmem.usage_in_bytes */
    NEIGHBOUR_FILES
};

struct neighbour {
    const char *limit_text; /* "", bytes, a quantity, file:PATH */
    int64_t limit_bytes;    /* as last read */
    int64_t limit_read_ms;  /* boot time; -1 never */
    pid_t pid;              /* 0: not found */
    int64_t start_ticks;
    int64_t oom_kills; /* last seen; -1 */
    bool v1;
    int files[NEIGHBOUR_FILES];       /* -1: none */
    int proc_stat;                    /* /proc/PID/stat */
    int family[NEIGHBOUR_FAMILY_MAX]; /* /proc/PID/status; [0] the process itself */
    int64_t family_read_ms;
};

void neighbour_init(struct neighbour *n, const char *limit_text);
void neighbour_fini(struct neighbour *n);
/* Finds process and cgroup anew, from the URL's port (or the socket's path) to
 * the owner of the listening socket. Blocking: milliseconds. */
void neighbour_locate(struct neighbour *n, const char *url, const char *unix_socket);
/* 0, or -ENOENT when nothing is visible. Once the process is gone, out->gone is
 * set and oom_kills is what the cgroup still said. */
int neighbour_sample(struct neighbour *n, int64_t boot_ms, struct memory_sample *out);
/* The limit setting in bytes, 0 unknown; a file is read again after 5 s. */
int64_t neighbour_limit(struct neighbour *n, int64_t boot_ms);

#endif
