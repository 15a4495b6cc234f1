/* Every parser of lib/target over the same bytes: none may read beyond them. */
#include <stddef.h>
#include <stdint.h>

#include "lib/target/memory.h"
#include "lib/target/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void memory_parsers(struct str text, struct str half)
{
    int64_t v;
    double d;
    struct str path;
    (void)cgroup2_usage(text, &v);
    (void)cgroup2_limit(text, &v);
    (void)cgroup2_oom_kills(text, &v);
    (void)cgroup1_usage(text, half, &v);
    (void)cgroup1_limit(text, half, &v);
    (void)cgroup_path(text, true, &path);
    (void)cgroup_path(text, false, &path);
    (void)proc_status_rss(text, &v);
    (void)proc_stat_start(text, &v);
    (void)metrics_value(text, "process_resident_memory_bytes", &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct listener l[8];
    struct candidate c[8];
    struct target_spec spec;
    struct pprof_index index;
    struct errmsg e;
    uint64_t pcs[SYMBOL_PCS_MAX];
    struct str names[SYMBOL_PCS_MAX];
    char path[SYMBOL_PATH_MAX];
    memory_parsers(text, (struct str){text.p, size / 2});
    (void)target_parse(text, &spec, &e);
    (void)index_parse(text, &index);
    for (size_t i = 0; i < SYMBOL_PCS_MAX; i++)
        pcs[i] = i * 0x100000;
    (void)symbol_parse(text, pcs, SYMBOL_PCS_MAX, names);
    (void)symbol_path(pcs, size % (SYMBOL_PCS_MAX + 1), path);
    size_t n = listeners_parse(text, false, l, 4);
    n += listeners_parse(text, true, l + n, 4);
    (void)candidates_rank(l, n, true, NULL, 0, c, 8);
    return 0;
}
