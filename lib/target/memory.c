#include "lib/target/memory.h"

#include <errno.h>

/* cgroup v1 says "no limit" as the largest multiple of the page size below
 * 2^63; no machine has this much. */
#define CGROUP1_UNLIMITED ((uint64_t)1 << 60)

const char *memory_tier_text(enum memory_tier t)
{
    switch (t) {
    case MEMORY_NONE: return "none";
    case MEMORY_CGROUP2: return "cgroup-v2";
    case MEMORY_CGROUP1: return "cgroup-v1";
    case MEMORY_PROC: return "proc";
    case MEMORY_MEMSTATS: return "memstats";
    case MEMORY_METRICS: return "metrics";
    case MEMORY_TIERS: break;
    }
    return "unknown";
}

const char *memory_tier_fastest_blowup(enum memory_tier t)
{
    switch (t) {
    case MEMORY_CGROUP2:
    case MEMORY_CGROUP1: return "a fill of the limit within about two seconds";
    case MEMORY_PROC: return "a fill within about two seconds, kernel memory not counted";
    case MEMORY_MEMSTATS: return "a fill within about ten seconds, while pprof answers";
    case MEMORY_METRICS: return "a fill within about a minute, while /metrics answers";
    case MEMORY_NONE:
    case MEMORY_TIERS: break;
    }
    return "none by memory: goroutines and the heap profile alone";
}

/* Bytes to a signed count, cut at what it holds. */
static int64_t clamped(uint64_t v)
{
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t v;
    return __builtin_add_overflow(a, b, &v) ? UINT64_MAX : v;
}

/* The number of the line "KEY VALUE[ …]" or "KEY:\tVALUE kB". 0 or -ENOENT. */
static int keyed(struct str text, const char *key, uint64_t *value)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        if (!str_starts(line, key))
            continue;
        size_t n = str_of(key).n;
        struct str rest = {line.p + n, line.n - n};
        struct str trimmed = str_trim(rest), word;
        if (trimmed.n == rest.n)
            continue; /* a longer key */
        if (str_split(&trimmed, ' ', &word) && str_u64(word, value) == 0)
            return 0;
    }
    return -ENOENT;
}

/* The sum of those keys that are there; the count of these. */
static int keyed_sum(struct str text, const char *const *keys, uint64_t *total)
{
    int found = 0;
    *total = 0;
    for (; *keys; keys++) {
        uint64_t v;
        if (keyed(text, *keys, &v))
            continue;
        *total = sum(*total, v);
        found++;
    }
    return found;
}

int cgroup2_usage(struct str memory_stat, int64_t *bytes)
{
    static const char *const user[] = {"anon", "shmem", NULL};
    /* "kernel" came with Linux 5.18; before it these are its largest parts. */
    static const char *const parts[] = {"kernel_stack", "pagetables", "percpu", "slab", NULL};
    uint64_t anon, kernel;
    if (keyed(memory_stat, "anon", &anon))
        return ERR_SYNTAX;
    keyed_sum(memory_stat, user, &anon);
    if (keyed(memory_stat, "kernel", &kernel))
        keyed_sum(memory_stat, parts, &kernel);
    *bytes = clamped(sum(anon, kernel));
    return 0;
}

int cgroup2_limit(struct str memory_max, int64_t *bytes)
{
    struct str text = str_trim(memory_max);
    uint64_t v = 0;
    if (!str_is(text, "max") && str_u64(text, &v))
        return ERR_SYNTAX;
    *bytes = clamped(v);
    return 0;
}

int cgroup2_oom_kills(struct str memory_events, int64_t *count)
{
    uint64_t v;
    if (keyed(memory_events, "oom_kill", &v))
        return ERR_SYNTAX;
    *count = clamped(v);
    return 0;
}

int cgroup1_usage(struct str memory_stat, struct str kmem_usage, int64_t *bytes)
{
    uint64_t rss, shmem = 0, kernel = 0;
    if (keyed(memory_stat, "total_rss", &rss) && keyed(memory_stat, "rss", &rss))
        return ERR_SYNTAX;
    if (keyed(memory_stat, "total_shmem", &shmem))
        (void)keyed(memory_stat, "shmem", &shmem);
    /* Absent where the kernel was told not to count its own memory. */
    (void)str_u64(str_trim(kmem_usage), &kernel);
    *bytes = clamped(sum(sum(rss, shmem), kernel));
    return 0;
}

int cgroup1_limit(struct str memory_stat, struct str limit_in_bytes, int64_t *bytes)
{
    uint64_t own = UINT64_MAX, above = UINT64_MAX;
    int rc = str_u64(str_trim(limit_in_bytes), &own);
    if (keyed(memory_stat, "hierarchical_memory_limit", &above) && rc)
        return ERR_SYNTAX;
    uint64_t least = own < above ? own : above;
    *bytes = least >= CGROUP1_UNLIMITED ? 0 : clamped(least);
    return 0;
}

int cgroup1_oom_kills(struct str oom_control, int64_t *count)
{
    return cgroup2_oom_kills(oom_control, count); /* the same key since 4.13 */
}

static bool has_word(struct str list, const char *word)
{
    struct str head;
    while (str_split(&list, ',', &head))
        if (str_is(head, word))
            return true;
    return false;
}

int cgroup_path(struct str proc_cgroup, bool v1_memory, struct str *path)
{
    struct str line, number, controllers;
    while (str_split(&proc_cgroup, '\n', &line)) {
        if (!str_split(&line, ':', &number) || !str_split(&line, ':', &controllers) || !line.p)
            continue;
        bool fits =
            v1_memory ? has_word(controllers, "memory") : str_is(number, "0") && !controllers.n;
        if (!fits || !str_starts(line, "/"))
            continue;
        *path = line;
        return 0;
    }
    return -ENOENT;
}

int proc_status_rss(struct str status, int64_t *bytes)
{
    static const char *const parts[] = {"RssAnon:", "RssShmem:", NULL};
    static const char *const whole[] = {"VmRSS:", NULL}; /* kernels without the split */
    uint64_t kib;
    if (!keyed_sum(status, parts, &kib) && !keyed_sum(status, whole, &kib))
        return ERR_SYNTAX; /* a zombie or a kernel thread */
    *bytes = kib > INT64_MAX / 1024 ? INT64_MAX : (int64_t)(kib * 1024);
    return 0;
}

int proc_stat_start(struct str stat, int64_t *ticks)
{
    /* Field 2 is the command in brackets and may hold anything: count fields
     * from behind its last bracket, where field 3 begins. */
    size_t at = stat.n;
    while (at && stat.p[at - 1] != ')')
        at--;
    if (!at)
        return ERR_SYNTAX;
    struct str rest = str_trim((struct str){stat.p + at, stat.n - at}), word;
    for (int field = 3; str_split(&rest, ' ', &word); field++)
        if (field == 22)
            return str_i64(str_trim(word), ticks) ? ERR_SYNTAX : 0;
    return ERR_SYNTAX;
}

int64_t memstats_usage(const struct memstats *m, uint64_t *max_rss_bytes)
{
    if (!m->present)
        return -1;
    uint64_t held =
        m->sys_bytes > m->heap_released_bytes ? m->sys_bytes - m->heap_released_bytes : 0;
    /* MaxRSS is a peak: it tells of now only while it moves. */
    bool rises = *max_rss_bytes && m->max_rss_bytes > *max_rss_bytes;
    *max_rss_bytes = m->max_rss_bytes;
    return clamped(rises && m->max_rss_bytes > held ? m->max_rss_bytes : held);
}

/* What follows the name on a sample line; p NULL when it is none of it. */
static struct str sample_value(struct str line, const char *name)
{
    const struct str none = {NULL, 0};
    size_t i = str_of(name).n;
    if (!str_starts(line, name) || i == line.n)
        return none;
    if (line.p[i] == '{') {
        bool quoted = false;
        for (; i < line.n && (quoted || line.p[i] != '}'); i++) {
            if (quoted && line.p[i] == '\\')
                i++;
            else if (line.p[i] == '"')
                quoted = !quoted;
        }
        if (i >= line.n)
            return none;
        i++;
    } else if (line.p[i] != ' ' && line.p[i] != '\t') {
        return none; /* a longer name */
    }
    struct str rest = str_trim((struct str){line.p + i, line.n - i}), value = none;
    str_split(&rest, ' ', &value); /* a time stamp may follow */
    return value;
}

int metrics_value(struct str exposition, const char *name, double *value)
{
    struct str line;
    while (str_split(&exposition, '\n', &line)) {
        struct str text = sample_value(line, name);
        if (text.p)
            return str_double(text, value) ? ERR_SYNTAX : 0;
    }
    return -ENOENT;
}
