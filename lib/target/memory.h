/* The target's memory and limit, from the bytes of /proc, cgroup and /metrics
 * files (the host reads them). All values in bytes; ownership: plain values. */
#ifndef LW_TARGET_MEMORY_H
#define LW_TARGET_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/profile/memstats.h"

/* In order of preference: what `status` and `doctor` name. */
enum memory_tier {
    MEMORY_NONE,
    MEMORY_CGROUP2,
    MEMORY_CGROUP1,
    MEMORY_PROC,     /* /proc/PID/status: RssAnon + RssShmem */
    MEMORY_MEMSTATS, /* max(Sys - HeapReleased, MaxRSS while it rises) */
    MEMORY_METRICS,  /* process_resident_memory_bytes */
    MEMORY_TIERS
};
const char *memory_tier_text(enum memory_tier t);           /* "cgroup-v2" … */
const char *memory_tier_fastest_blowup(enum memory_tier t); /* one phrase for people */

struct memory_sample {
    enum memory_tier tier;
    int64_t usage_bytes; /* anon + shmem + kernel memory; -1 unknown */
    int64_t limit_bytes; /* 0: no limit or unknown */
    int64_t oom_kills;   /* of the cgroup; -1 unknown */
    int64_t pid;         /* of the target; 0 unknown */
    int64_t start_ticks; /* /proc/PID/stat field 22; 0 unknown */
    bool gone;           /* the process or its cgroup has vanished */
};

/* cgroup v2: memory.current is not what kills (it counts reclaimable file
 * pages): usage = anon + shmem + kernel of memory.stat (shmem is in "shmem",
 * kernel in "kernel" or the sum of its parts on old kernels). */
int cgroup2_usage(struct str memory_stat, int64_t *bytes);
int cgroup2_limit(struct str memory_max, int64_t *bytes); /* "max": 0 */
int cgroup2_oom_kills(struct str memory_events, int64_t *count);

/* cgroup v1: total_rss + total_shmem (or shmem) of memory.stat, and kmem usage. */
int cgroup1_usage(struct str memory_stat, struct str kmem_usage, int64_t *bytes);
int cgroup1_limit(struct str memory_stat, struct str limit_in_bytes, int64_t *bytes);
int cgroup1_oom_kills(struct str oom_control, int64_t *count);

/* /proc/PID/cgroup: the path of the unified hierarchy or of the v1 memory
 * controller; 0 or -ENOENT. */
int cgroup_path(struct str proc_cgroup, bool v1_memory, struct str *path);

/* /proc/PID/status: RssAnon + RssShmem. */
int proc_status_rss(struct str status, int64_t *bytes);
/* /proc/PID/stat: field 22, start time in clock ticks since boot. */
int proc_stat_start(struct str stat, int64_t *ticks);

/* MemStats as a memory reading; *max_rss_bytes keeps the last MaxRSS seen. */
int64_t memstats_usage(const struct memstats *m, uint64_t *max_rss_bytes);

/* One value of a text exposition: the first sample line of that name. */
int metrics_value(struct str exposition, const char *name, double *value);

#endif
