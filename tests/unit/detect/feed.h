/* A history to feed by stack names, and a watcher of it: what the tests of the
 * detectors have in common. Also a seeded generator of a leaking service.
 * Ownership: feed_close frees all. */
#ifndef LW_TEST_FEED_H
#define LW_TEST_FEED_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/detect/detect.h"

#define FEED_BYTES (2 * 1024 * 1024)
#define FEED_STACKS_MAX 64
#define MINUTE_MS (60 * 1000LL)
#define HOUR_MS (60 * MINUTE_MS)
/* A whole hour, so that blocks of the reference and of the ring begin alike. */
#define ORIGIN_MS (472222LL * HOUR_MS)

struct feed {
    struct history *h;
    void *block;
    struct detect_state state;
    struct detect_view view;
    const char *names[FEED_STACKS_MAX];
    size_t n;
};

/* Opens an empty history; time 0 of the feed is origin_ms. */
static inline int feed_open(struct feed *f, int64_t origin_ms)
{
    static const char *const name = "app";
    static const uint8_t boot_id[16] = {1};
    *f = (struct feed){.block = aligned_alloc(8, FEED_BYTES)};
    if (!f->block)
        return -1;
    struct moment now = {.boot_ms = 0, .wall_ms = origin_ms};
    int rc = history_format(&f->h, f->block, FEED_BYTES, &name, 1, now, boot_id);
    f->view =
        (struct detect_view){.history = f->h, .time_scale = 1, .life_start_ms = origin_ms};
    return rc;
}

static inline void feed_close(struct feed *f)
{
    history_close(&f->h);
    free(f->block);
}

static inline size_t feed_frames(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    const struct feed *f = ctx;
    if (max == 0)
        return 0;
    out[0] = (struct frame){.function = str_of(f->names[sample]), .file = STR("main.go")};
    out[0].line = (int32_t)sample + 1;
    return 1;
}

/* One sample of all stacks, and a step of the detectors. */
static inline enum detect_change feed_step(struct feed *f, int64_t t_ms, const int64_t *counts)
{
    struct history_count c[FEED_STACKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (counts[i] > 0)
            c[n++] = (struct history_count){.key = str_hash(str_of(f->names[i]), 1),
                                            .value = counts[i],
                                            .sample = (uint32_t)i};
    history_push_stacks(f->h, 0, HISTORY_STACKS, t_ms, c, n, feed_frames, f);
    f->view.t_ms = t_ms;
    return detect_step(&f->state, &f->view);
}

/* One reading of the signals; NAN: not read. */
static inline void feed_reading(struct feed *f, int64_t t_ms, double goroutines, double heap,
                                double memory)
{
    float values[HISTORY_SIGNALS] = {[HISTORY_GOROUTINES] = (float)goroutines,
                                     [HISTORY_HEAP_BYTES] = (float)heap,
                                     [HISTORY_MEMORY_BYTES] = (float)memory,
                                     [HISTORY_LIMIT_BYTES] = NAN};
    history_push_signals(f->h, 0, t_ms, values);
    f->view.t_ms = t_ms;
}

/* The function at the leaf of a stack, for asserting. */
static inline bool feed_is(const struct feed *f, uint32_t stack, const char *name)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    return history_frames(f->h, stack, frames, HISTORY_FRAMES_MAX) > 0 &&
           str_is(frames[0].function, name);
}

/* A service of one pool of handlers around 300 and one stack that gains
 * goroutines in a staircase, both with noise. */
struct staircase {
    uint64_t seed;
    double per_hour;  /* the leak; 0 none */
    int64_t every_ms; /* a stair */
};

static inline double staircase_noise(struct staircase *s) /* -1 … 1, in the middle mostly */
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        s->seed = s->seed * 6364136223846793005ULL + 1442695040888963407ULL;
        sum += (double)(s->seed >> 11) / 9007199254740992.0 - 0.5;
    }
    return sum / 2;
}

static inline void staircase_at(struct staircase *s, int64_t since_ms, int64_t *base,
                                int64_t *leak)
{
    int64_t stairs = since_ms > 0 ? since_ms / s->every_ms : 0;
    double leaked = s->per_hour * (double)(stairs * s->every_ms) / (double)HOUR_MS;
    *base = 300 + (int64_t)(60 * staircase_noise(s));
    *leak = (int64_t)leaked + (int64_t)(4 + 4 * staircase_noise(s)); /* some only pass */
}

#endif
