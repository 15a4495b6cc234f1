/* The runtime.MemStats tail of heap?debug=1, in bytes and counts.
 * Source: runtime/pprof writeHeapInternal; the key set is equal in Go 1.17–1.27. */
#ifndef LW_PROFILE_MEMSTATS_H
#define LW_PROFILE_MEMSTATS_H

#include <stdbool.h>
#include <stdint.h>

struct memstats {
    bool present; /* the tail was read to its end */
    uint64_t alloc_bytes, total_alloc_bytes, sys_bytes;
    uint64_t heap_alloc_bytes, heap_sys_bytes, heap_idle_bytes;
    uint64_t heap_inuse_bytes, heap_released_bytes, heap_objects;
    uint64_t stack_inuse_bytes, stack_sys_bytes, next_gc_bytes;
    uint64_t last_gc_ns, num_gc;
    double gc_cpu_fraction;
    uint64_t max_rss_bytes; /* 0 where the platform has none */
};

#endif
