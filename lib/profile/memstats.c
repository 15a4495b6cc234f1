/* The tail of heaps: "# Key = value". Lines of no row are skipped. */
#include "lib/profile/memstats.h"

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

static const struct row {
    const char *key;
    size_t offset;
    size_t second; /* of "a / b"; 0: none */
} rows[] = {
#define AT(field) offsetof(struct memstats, field)
    {"Alloc", AT(alloc_bytes), 0},
    {"TotalAlloc", AT(total_alloc_bytes), 0},
    {"Sys", AT(sys_bytes), 0},
    {"HeapAlloc", AT(heap_alloc_bytes), 0},
    {"HeapSys", AT(heap_sys_bytes), 0},
    {"HeapIdle", AT(heap_idle_bytes), 0},
    {"HeapInuse", AT(heap_inuse_bytes), 0},
    {"HeapReleased", AT(heap_released_bytes), 0},
    {"HeapObjects", AT(heap_objects), 0},
    {"Stack", AT(stack_inuse_bytes), AT(stack_sys_bytes)},
    {"NextGC", AT(next_gc_bytes), 0},
    {"LastGC", AT(last_gc_ns), 0},
    {"NumGC", AT(num_gc), 0},
    {"MaxRSS", AT(max_rss_bytes), 0},
#undef AT
};

int memstats_title(struct text_parser *t, struct str line)
{
    return str_is(line, "# runtime.MemStats")
               ? 0
               : text_fail(t, ERR_SYNTAX, "not \"# runtime.MemStats\"");
}

static bool read_u64(struct str *s, struct memstats *m, size_t offset)
{
    int64_t v;

    if (!scan_i64(s, &v) || v < 0)
        return false;
    *(uint64_t *)((char *)m + offset) = (uint64_t)v;
    return true;
}

/* False when the value is none of this row. */
static bool read_row(const struct row *row, struct str value, struct memstats *m)
{
    if (!read_u64(&value, m, row->offset))
        return false;
    if (row->second && (!scan_word(&value, " / ") || !read_u64(&value, m, row->second)))
        return false;
    return !value.n;
}

int memstats_read(struct text_parser *t, struct str line)
{
    struct memstats *m = &t->r.stats;
    struct str key;

    if (!scan_word(&line, "# ") || !str_split(&line, ' ', &key) || !line.p ||
        !scan_word(&line, "= "))
        return text_fail(t, ERR_SYNTAX, "not \"# KEY = VALUE\"");
    if (str_is(key, "DebugGC")) /* the last but MaxRSS, which not every system has */
        t->tail_whole = true;
    else if (str_is(key, "GCCPUFraction") && str_double(line, &m->gc_cpu_fraction))
        return text_fail(t, ERR_SYNTAX, "GCCPUFraction is no number");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_is(key, rows[i].key) && !read_row(&rows[i], line, m))
            return text_fail(t, ERR_SYNTAX, "%s is no number", rows[i].key);
    return 0;
}
