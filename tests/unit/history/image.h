/* A history's image as a file sees it. Samples here follow from their number, so
 * that any moment found after a load can be checked: whatever is found is
 * exactly what was pushed then. */
#ifndef LW_TESTS_HISTORY_IMAGE_H
#define LW_TESTS_HISTORY_IMAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/history/plant.h"

#define START_MS INT64_C(1790000000000)
#define BLOCK (512 * 1024)
#define STEP_MS 10000
#define HOUR_MS INT64_C(3600000)
#define ALIVE_MAX 400
#define BORN_EVERY 7 /* samples */

static const uint8_t boot_a[16] = {1}, boot_b[16] = {2};
static const char *const api[] = {"api"};
/* Stacks at a time: few, or so many that a moment spans pages. */
static int64_t alive;

static inline int64_t value_at(uint32_t i, int64_t k)
{
    int64_t born = ((int64_t)i - alive) * BORN_EVERY;
    uint32_t seed = i * 7919 + (uint32_t)k;

    if (k < born || k >= born + alive * BORN_EVERY)
        return 0;
    return i % 2 == 0 ? 20 + i % 5 : 16 + plant_random(&seed) % 50;
}

static inline int64_t total_at(int64_t k)
{
    int64_t sum = 0;

    for (int64_t i = k / BORN_EVERY; i <= k / BORN_EVERY + alive; i++)
        if (i >= 0)
            sum += value_at((uint32_t)i, k);
    return sum;
}

static inline void push(struct plant *p, int64_t k)
{
    struct history_count c[ALIVE_MAX + 2];
    float signals[HISTORY_SIGNALS] = {(float)k, (float)k, (float)k, 1e6F};
    size_t n = 0;

    for (int64_t i = k / BORN_EVERY; i <= k / BORN_EVERY + alive; i++)
        if (i >= 0 && value_at((uint32_t)i, k) > 0)
            c[n++] = plant_count((uint32_t)i, value_at((uint32_t)i, k));
    history_push_signals(p->h, 0, START_MS + k * STEP_MS, signals);
    assert_int_equal(history_push_stacks(p->h, 0, HISTORY_STACKS, START_MS + k * STEP_MS, c, n,
                                         plant_frames, p),
                     0);
}

/* Which made-up stack an id is, by the name of its leaf. */
static inline uint32_t sample_of(const struct history *h, uint32_t stack)
{
    struct frame f[PLANT_DEPTH];
    char name[64];
    uint32_t i = 0;

    assert_int_equal(history_frames(h, stack, f, PLANT_DEPTH), PLANT_DEPTH);
    assert_int_equal(sscanf(str_copy(name, sizeof(name), f[0].function), "main.worker%u", &i),
                     1);
    assert_int_equal(history_find_key(h, plant_key(i)), stack);
    return i;
}

/* The moment at or before sample k: exact. Returns its number, -1 if none. */
static inline int64_t assert_exact(const struct history *h, int64_t k)
{
    struct history_value v[1024];
    int64_t at_ms = 0, total = 0, found;
    size_t n = history_at(h, 0, HISTORY_STACKS, START_MS + k * STEP_MS, v, 1024, &at_ms);

    if (n == 0)
        return -1;
    found = (at_ms - START_MS) / STEP_MS;
    assert_int_equal(START_MS + found * STEP_MS, at_ms);
    assert_in_range(found, 0, k);
    for (size_t i = 0; i < n; i++) {
        total += v[i].value;
        if (v[i].stack != HISTORY_OTHER)
            assert_int_equal(v[i].value, value_at(sample_of(h, v[i].stack), found));
    }
    assert_int_equal(total, total_at(found));
    return found;
}

static inline int load(struct history **h, void *block, const uint8_t *image,
                       size_t image_bytes)
{
    memset(block, 0xA5, BLOCK); /* scratch must not be trusted either */
    memcpy(block, image, image_bytes);
    return history_load(h, block, BLOCK, api, 1, (struct moment){90000000, START_MS + 90000000},
                        boot_a, false, NULL);
}

/* Applies the first n bytes of a stream of dirty records to an image. */
static inline void apply(uint8_t *image, const char *stream, size_t n)
{
    while (n > 16) {
        uint64_t head[2];
        memcpy(head, stream, sizeof(head));
        stream += sizeof(head);
        n -= sizeof(head);
        if (head[1] > n)
            head[1] = n;
        memcpy(image + head[0], stream, head[1]);
        stream += head[1];
        n -= head[1];
    }
}

/* Writes what is dirty to the image as a store does; false: it was replaced. */
static inline bool sync_into(struct plant *p, uint8_t *image, struct buf *stream)
{
    bool whole = history_wants_rewrite(p->h);

    buf_reset(stream);
    assert_false(history_take_dirty(p->h, stream));
    assert_int_equal(buf_status(stream), 0);
    if (whole)
        memcpy(image, p->block, history_image_bytes(p->h));
    return !whole;
}

struct bench {
    struct plant p;
    struct buf stream;
    uint8_t *image, *torn;
    void *block; /* to load into */
    size_t image_bytes;
    int64_t k; /* samples pushed */
};

static inline void bench_set(struct bench *b, int64_t n_alive)
{
    alive = n_alive;
    memset(b, 0, sizeof(*b));
    plant_format(&b->p, BLOCK, START_MS);
    buf_init(&b->stream, 2 * BLOCK);
    b->image = calloc(1, BLOCK);
    b->torn = calloc(1, BLOCK);
    b->block = malloc(BLOCK + 4096);
    b->image_bytes = history_image_bytes(b->p.h);
}

static inline void bench_clear(struct bench *b)
{
    plant_free(&b->p);
    buf_free(&b->stream);
    free(b->image);
    free(b->torn);
    free(b->block);
}

static inline void bench_advance(struct bench *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        push(&b->p, b->k++);
}

static inline void bench_sync(struct bench *b)
{
    if (sync_into(&b->p, b->image, &b->stream))
        apply(b->image, b->stream.p, b->stream.len);
}

/* Loads an image of which the samples up to `synced` were safe. */
static inline void assert_survives(struct bench *b, const uint8_t *image, int64_t synced)
{
    struct history *h;
    int64_t found;

    assert_int_equal(load(&h, b->block, image, b->image_bytes), 0);
    found = assert_exact(h, b->k);
    assert_in_range(found, synced, b->k - 1);
    assert_int_equal(assert_exact(h, synced), synced);
    for (int64_t back = 1; back < 3000; back *= 3)
        if (synced > back)
            assert_exact(h, synced - back);
    history_close(&h);
}

#endif
