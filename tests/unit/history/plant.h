/* A history with made-up stacks, for the tests of this folder: stack i has the
 * key, the frames and the name that follow from i. */
#ifndef LW_TESTS_HISTORY_PLANT_H
#define LW_TESTS_HISTORY_PLANT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/history/history.h"

#define PLANT_DEPTH 4

struct plant {
    struct history *h;
    void *block;
    size_t bytes;
    char names[2][64]; /* storage of the frames last handed out */
};

static inline uint32_t plant_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static inline uint64_t plant_key(uint32_t i)
{
    return ((uint64_t)i + 1) * 0x9E3779B97F4A7C15U;
}

static inline size_t plant_frames(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    struct plant *p = ctx;
    size_t n = max < PLANT_DEPTH ? max : PLANT_DEPTH;

    snprintf(p->names[0], sizeof(p->names[0]), "main.worker%u", sample);
    snprintf(p->names[1], sizeof(p->names[1]), "main.(*Pool%u).Run", sample / 10);
    for (size_t i = 0; i < n; i++)
        out[i] = (struct frame){.function = STR("net/http.(*conn).serve"),
                                .file = STR("/go/src/net/http/server.go"),
                                .line = 1900 + (int32_t)i};
    out[0] = (struct frame){.function = str_of(p->names[0]),
                            .file = STR("/src/worker.go"),
                            .line = (int32_t)sample + 1};
    if (n > 1)
        out[1] = (struct frame){
            .function = str_of(p->names[1]), .file = STR("/src/pool.go"), .line = 12};
    return n;
}

static inline struct history_count plant_count(uint32_t i, int64_t value)
{
    return (struct history_count){.key = plant_key(i), .value = value, .sample = i};
}

static inline void plant_format(struct plant *p, size_t bytes, int64_t start_ms)
{
    const char *const names[] = {"api"};
    uint8_t boot[16] = {1};

    memset(p, 0, sizeof(*p));
    p->bytes = bytes;
    p->block = malloc(bytes);
    if (p->block == NULL ||
        history_format(&p->h, p->block, bytes, names, 1, (struct moment){1000, start_ms}, boot))
        abort();
}

static inline void plant_free(struct plant *p)
{
    history_close(&p->h);
    free(p->block);
}

/* A sample of one stack alone. */
static inline void plant_push_one(struct plant *p, int target, int64_t t_ms, uint32_t i,
                                  int64_t value)
{
    struct history_count c = plant_count(i, value);

    if (history_push_stacks(p->h, target, HISTORY_STACKS, t_ms, &c, 1, plant_frames, p) != 0)
        abort();
}

#endif
