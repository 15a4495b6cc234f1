/* A moment has two faces: boot_ms (CLOCK_BOOTTIME) orders events and measures
 * spans, wall_ms (CLOCK_REALTIME) labels them for people. Nothing pure reads
 * a clock; the moment is handed in. */
#ifndef LW_BASE_MOMENT_H
#define LW_BASE_MOMENT_H

#include <stdint.h>

#include "lib/base/str.h"

struct moment {
    int64_t boot_ms;
    int64_t wall_ms;
};

#define MOMENT_TEXT_MAX 48

/* "2026-03-01T04:05:06.789Z" into out; returns out. Years beyond 0000…9999 show
 * as the first or last moment of these. */
char *moment_rfc3339(int64_t wall_ms, char out[MOMENT_TEXT_MAX]);
/* "20260301T040506Z", as in the names of dumps. */
char *moment_compact(int64_t wall_ms, char out[MOMENT_TEXT_MAX]);
/* Reads RFC 3339 with "Z" or an offset, cut to ms; 0 or -EINVAL. */
int moment_parse(struct str text, int64_t *wall_ms);
/* "3d 4h", "2h 05m", "41s", "850ms": two units at most, cut
 * (not rounded), "-" before a negative one; returns out. */
char *span_text(int64_t ms, char out[MOMENT_TEXT_MAX]);

#endif
