/* The history's bytes: torn, reordered, flipped and cut files; restarts.
 *
 * Samples here follow from their number, so that any moment found after a
 * load can be checked: whatever is found is exactly what was pushed then. */
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

static int64_t value_at(uint32_t i, int64_t k)
{
    int64_t born = ((int64_t)i - alive) * BORN_EVERY;
    uint32_t seed = i * 7919 + (uint32_t)k;

    if (k < born || k >= born + alive * BORN_EVERY)
        return 0;
    return i % 2 == 0 ? 20 + i % 5 : 16 + plant_random(&seed) % 50;
}

static int64_t total_at(int64_t k)
{
    int64_t sum = 0;

    for (int64_t i = k / BORN_EVERY; i <= k / BORN_EVERY + alive; i++)
        if (i >= 0)
            sum += value_at((uint32_t)i, k);
    return sum;
}

static void push(struct plant *p, int64_t k)
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
static uint32_t sample_of(const struct history *h, uint32_t stack)
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
static int64_t assert_exact(const struct history *h, int64_t k)
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

static int load(struct history **h, void *block, const uint8_t *image, size_t image_bytes)
{
    memset(block, 0xA5, BLOCK); /* scratch must not be trusted either */
    memcpy(block, image, image_bytes);
    return history_load(h, block, BLOCK, api, 1, (struct moment){90000000, START_MS + 90000000},
                        boot_a, false, NULL);
}

/* Applies the first n bytes of a stream of dirty records to an image. */
static void apply(uint8_t *image, const char *stream, size_t n)
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
static bool sync_into(struct plant *p, uint8_t *image, struct buf *stream)
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

static void bench_set(struct bench *b, int64_t n_alive)
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

static void bench_clear(struct bench *b)
{
    plant_free(&b->p);
    buf_free(&b->stream);
    free(b->image);
    free(b->torn);
    free(b->block);
}

static void bench_advance(struct bench *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        push(&b->p, b->k++);
}

static void bench_sync(struct bench *b)
{
    if (sync_into(&b->p, b->image, &b->stream))
        apply(b->image, b->stream.p, b->stream.len);
}

/* Loads an image of which the samples up to `synced` were safe. */
static void assert_survives(struct bench *b, const uint8_t *image, int64_t synced)
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

static void test_image_is_the_block(void **state)
{
    struct bench b;

    (void)state;
    bench_set(&b, 60);
    for (int i = 0; i < 50; i++) {
        bench_advance(&b, 37);
        bench_sync(&b);
        assert_memory_equal(b.image, b.p.block, b.image_bytes);
    }
    buf_reset(&b.stream);
    assert_false(history_take_dirty(b.p.h, &b.stream));
    assert_int_equal(b.stream.len, 0);
    bench_clear(&b);
}

/* A small buffer takes the changes in several turns. */
static void test_dirty_in_turns(void **state)
{
    struct bench b;
    struct buf small;
    char storage[1000];
    int turns = 0;

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 100);
    buf_fixed(&small, storage, sizeof(storage));
    for (bool more = true; more; turns++) {
        buf_reset(&small);
        more = history_take_dirty(b.p.h, &small);
        assert_int_equal(buf_status(&small), 0);
        apply(b.image, storage, small.len);
    }
    assert_true(turns > 10);
    assert_memory_equal(b.image, b.p.block, b.image_bytes);
    bench_clear(&b);
}

/* The write stream stops after any of its bytes. */
static void try_torn(int64_t n_alive)
{
    struct bench b;

    bench_set(&b, n_alive);
    bench_advance(&b, 30);
    bench_sync(&b);
    for (int round = 0; round < 12; round++) {
        int64_t synced = b.k - 1;
        size_t n, from;
        bench_advance(&b, 1 + round % 3);
        if (!sync_into(&b.p, b.image, &b.stream))
            continue;
        n = b.stream.len;
        from = round == 0 && n > 2048 ? n - 2048 : 0;
        for (size_t i = from; i <= n; i += round == 0 ? 1 : 97) {
            memcpy(b.torn, b.image, b.image_bytes);
            apply(b.torn, b.stream.p, i);
            assert_survives(&b, b.torn, synced);
        }
        apply(b.image, b.stream.p, n);
        bench_advance(&b, 50 + 41 * round);
        bench_sync(&b);
    }
    bench_clear(&b);
}

static void test_torn(void **state)
{
    (void)state;
    try_torn(60);
    try_torn(ALIVE_MAX);
}

/* Unsynced writes reach the disk in any order: any subset of them may be there. */
static void try_reordered(int64_t n_alive)
{
    struct bench b;
    uint32_t seed = 5;

    bench_set(&b, n_alive);
    bench_advance(&b, 500);
    bench_sync(&b);
    for (int round = 0; round < 120; round++) {
        int64_t synced = b.k - 1;
        struct history *h;
        bench_advance(&b, 1 + plant_random(&seed) % 12);
        memcpy(b.torn, b.image, b.image_bytes);
        if (sync_into(&b.p, b.image, &b.stream)) {
            apply(b.image, b.stream.p, b.stream.len);
            for (size_t at = 0; at < b.image_bytes; at += 512)
                if (plant_random(&seed) % 2)
                    memcpy(b.torn + at, b.image + at,
                           b.image_bytes - at < 512 ? b.image_bytes - at : 512);
        } else {
            memcpy(b.torn, b.image, b.image_bytes);
        }
        assert_int_equal(load(&h, b.block, b.torn, b.image_bytes), 0);
        assert_exact(h, b.k);
        assert_int_equal(assert_exact(h, synced), synced);
        history_close(&h);
        bench_advance(&b, plant_random(&seed) % 30);
        bench_sync(&b);
    }
    bench_clear(&b);
}

static void test_reordered(void **state)
{
    (void)state;
    try_reordered(60);
    try_reordered(140);
    try_reordered(ALIVE_MAX);
}

/* After a torn load the history goes on, and what it then writes loads. */
static void try_goes_on_after_torn(int64_t n_alive)
{
    struct bench b;
    uint32_t seed = 9;

    bench_set(&b, n_alive);
    bench_advance(&b, 100);
    bench_sync(&b);
    for (int round = 0; round < 60; round++) {
        struct history *h;
        int64_t found;
        bench_advance(&b, 1 + round % 40);
        if (sync_into(&b.p, b.image, &b.stream))
            apply(b.image, b.stream.p, plant_random(&seed) % (uint32_t)b.stream.len);
        assert_int_equal(load(&h, b.block, b.image, b.image_bytes), 0);
        found = assert_exact(h, b.k);
        assert_true(found >= 0);
        /* The loaded one takes over. */
        memcpy(b.p.block, b.block, BLOCK);
        memcpy(b.image, b.block, b.image_bytes);
        assert_int_equal(history_load(&b.p.h, b.p.block, BLOCK, api, 1,
                                      (struct moment){90000000, START_MS + 90000000}, boot_a,
                                      false, NULL),
                         0);
        b.k = found + 1;
        bench_advance(&b, 20);
        bench_sync(&b);
        assert_memory_equal(b.image, b.p.block, b.image_bytes);
        for (int64_t k = b.k - 20; k < b.k; k++)
            assert_int_equal(assert_exact(b.p.h, k), k);
    }
    bench_clear(&b);
}

static void test_goes_on_after_torn(void **state)
{
    (void)state;
    try_goes_on_after_torn(60);
    try_goes_on_after_torn(ALIVE_MAX);
}

/* Ids are reused after a compaction: nothing that is left in the file may speak
 * of what they were before. */
static void test_compaction_loads(void **state)
{
    struct bench b;

    (void)state;
    bench_set(&b, ALIVE_MAX);
    for (int round = 0; round < 4; round++) {
        struct history *h;
        while (!history_wants_rewrite(b.p.h)) {
            assert_true(b.k < 20000);
            bench_advance(&b, 1);
            if (!history_wants_rewrite(b.p.h))
                bench_sync(&b);
        }
        bench_sync(&b);
        assert_false(history_wants_rewrite(b.p.h));
        assert_memory_equal(b.image, b.p.block, b.image_bytes);
        assert_int_equal(load(&h, b.block, b.image, b.image_bytes), 0);
        for (int64_t k = b.k - 1; k > 0; k -= 3)
            assert_int_equal(assert_exact(h, k), assert_exact(b.p.h, k));
        history_close(&h);
    }
    bench_clear(&b);
}

static void test_flipped_bits(void **state)
{
    struct bench b;
    uint32_t seed = 1;
    int refused = 0;

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 2500);
    bench_sync(&b);
    for (int round = 0; round < 600; round++) {
        struct history *h;
        memcpy(b.torn, b.image, b.image_bytes);
        for (int i = 0; i <= round % 4; i++) {
            /* Half of them where every bit counts: header, targets, symbols. */
            size_t reach = round % 2 ? b.image_bytes : 100000;
            uint32_t dice = plant_random(&seed);
            b.torn[(dice * 7919U + (uint32_t)round) % reach] ^= (uint8_t)(1U << (dice % 8));
        }
        if (load(&h, b.block, b.torn, b.image_bytes) != 0) {
            refused++;
            continue;
        }
        if (history_find_key(h, plant_key(400)) != HISTORY_OTHER)
            for (int64_t k = 2499; k > 0; k -= 97)
                assert_exact(h, k);
        history_close(&h);
    }
    assert_true(refused < 60);
    bench_clear(&b);
}

static void test_cut_files(void **state)
{
    struct bench b;

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 2500);
    bench_sync(&b);
    for (size_t n = 0; n < b.image_bytes; n += 1021) {
        struct history *h;
        int err;
        memset(b.torn, 0, BLOCK);
        memcpy(b.torn, b.image, n);
        err = load(&h, b.block, b.torn, b.image_bytes);
        if (n < 2000)
            assert_true(err == ERR_CORRUPT || err == 0);
        else
            assert_int_equal(err, 0);
        if (err != 0)
            continue;
        for (int64_t k = 2499; k > 0; k -= 331)
            assert_exact(h, k);
        history_close(&h);
    }
    bench_clear(&b);
}

static void test_foreign_files(void **state)
{
    struct bench b;
    struct history *h;
    struct errmsg e;
    uint32_t swapped;

    (void)state;
    bench_set(&b, 60);
    bench_sync(&b);
    memset(b.torn, 0, BLOCK);
    assert_int_equal(load(&h, b.block, b.torn, b.image_bytes), ERR_CORRUPT);
    assert_null(h);
    memcpy(b.torn, b.image, b.image_bytes);
    memcpy(&swapped, b.torn + 8, sizeof(swapped));
    swapped = __builtin_bswap32(swapped);
    memcpy(b.torn + 8, &swapped, sizeof(swapped));
    assert_int_equal(load(&h, b.block, b.torn, b.image_bytes), ERR_VERSION);
    memcpy(b.torn, b.image, b.image_bytes);
    b.torn[12]++;
    assert_int_equal(load(&h, b.block, b.torn, b.image_bytes), ERR_VERSION);
    memset(b.block, 0, BLOCK + 4096);
    memcpy(b.block, b.image, b.image_bytes);
    assert_int_equal(history_load(&h, b.block, BLOCK + 4096, api, 1, (struct moment){1, 1},
                                  boot_a, false, &e),
                     -EINVAL);
    assert_non_null(strstr(e.text, "524288"));
    bench_clear(&b);
}

/* ---- time across restarts ---- */

static int64_t time_after(struct bench *b, struct moment now, const uint8_t boot[16])
{
    struct history *h;
    int64_t t_ms;

    memcpy(b->block, b->image, b->image_bytes);
    assert_int_equal(history_load(&h, b->block, BLOCK, api, 1, now, boot, false, NULL), 0);
    t_ms = history_time(h, now);
    assert_int_equal(history_wall_ms(h, t_ms), now.wall_ms);
    assert_int_equal(history_time(h, (struct moment){now.boot_ms + 5000, 1}), t_ms + 5000);
    history_close(&h);
    return t_ms;
}

static void test_restarts(void **state)
{
    struct bench b;
    int64_t newest_ms;

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 360);
    bench_sync(&b);
    newest_ms = history_newest(b.p.h, 0);
    assert_int_equal(newest_ms, START_MS + 359 * STEP_MS);
    /* Formatted at boot_ms 1000. The same boot goes on whatever the wall says. */
    assert_int_equal(time_after(&b, (struct moment){1000 + 2 * HOUR_MS, 77}, boot_a),
                     START_MS + 2 * HOUR_MS);
    /* Another boot: by the wall clock. */
    assert_int_equal(time_after(&b, (struct moment){500, START_MS + 5 * HOUR_MS}, boot_b),
                     START_MS + 5 * HOUR_MS);
    /* Ten years back: a gap of nothing, never before the newest record. */
    assert_int_equal(
        time_after(&b, (struct moment){500, START_MS - 10 * 365 * 24 * HOUR_MS}, boot_b),
        newest_ms + 1);
    assert_int_equal(time_after(&b, (struct moment){1, 77}, boot_a), newest_ms + 1);
    bench_clear(&b);
}

static void test_wall_jump_labels_only(void **state)
{
    struct plant p;
    int64_t t_ms;

    (void)state;
    plant_format(&p, BLOCK, START_MS);
    t_ms = history_time(p.h, (struct moment){61000, START_MS + 60000});
    assert_int_equal(history_wall_ms(p.h, t_ms), START_MS + 60000);
    history_anchor(p.h, (struct moment){61000, START_MS - HOUR_MS});
    assert_int_equal(history_time(p.h, (struct moment){61000, 0}), t_ms);
    assert_int_equal(history_wall_ms(p.h, t_ms), START_MS - HOUR_MS);
    assert_int_equal(history_wall_ms(p.h, t_ms - 1000), START_MS - HOUR_MS - 1000);
    plant_free(&p);
}

/* Everything but values of stacks comes back, too. */
static void test_all_comes_back(void **state)
{
    struct bench b;
    struct history *h;
    struct history_life life = {.id = 3, .start_ms = START_MS}, lives[4];
    struct history_point before[400], after[400];
    char note[8];
    size_t n;

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 1500);
    history_push_life(b.p.h, 0, &life);
    life.oom = true;
    life.end_ms = START_MS + 5;
    history_push_life(b.p.h, 0, &life);
    history_note_set(b.p.h, 0, "one", 3);
    history_note_set(b.p.h, 0, "four", 4);
    bench_sync(&b);
    assert_int_equal(load(&h, b.block, b.image, b.image_bytes), 0);
    assert_string_equal(history_target_name(h, 0), "api");
    assert_int_equal(history_target_find(h, "api"), 0);
    assert_int_equal(history_target_find(h, "web"), -1);
    assert_int_equal(history_lives(h, 0, lives, 4), 1);
    assert_true(lives[0].oom && lives[0].end_ms == START_MS + 5);
    assert_int_equal(history_note_get(h, 0, note, sizeof(note)), 4);
    assert_memory_equal(note, "four", 4);
    for (int64_t step_ms = 10000; step_ms <= HOUR_MS; step_ms *= 6) {
        /* But for the sample that was running in the finest tier. */
        int64_t to_ms = START_MS + 1400 * STEP_MS;
        n = history_signal(b.p.h, 0, HISTORY_MEMORY_BYTES, 0, to_ms, step_ms, before, 400);
        assert_true(n > 0);
        assert_int_equal(
            history_signal(h, 0, HISTORY_MEMORY_BYTES, 0, to_ms, step_ms, after, 400), n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(after[i].t_ms, before[i].t_ms);
            assert_true(after[i].min == before[i].min);
            assert_true(after[i].max == before[i].max || i + 1 == n);
        }
    }
    history_close(&h);
    bench_clear(&b);
}

static void test_read_only(void **state)
{
    struct bench b;
    struct history *h;
    struct history_count c = plant_count(1, 20);

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 50);
    bench_sync(&b);
    memcpy(b.block, b.image, b.image_bytes);
    assert_int_equal(history_load(&h, b.block, BLOCK, NULL, 0, (struct moment){1, START_MS},
                                  boot_b, true, NULL),
                     0);
    assert_int_equal(history_targets(h), 1);
    assert_int_equal(assert_exact(h, 49), 49);
    assert_int_equal(history_push_stacks(h, 0, HISTORY_STACKS, START_MS + HOUR_MS, &c, 1,
                                         plant_frames, &b.p),
                     -EINVAL);
    bench_clear(&b);
}

/* Targets come and go: by name; a new one takes a free place, and only when
 * there is none that of one which vanished. */
static void test_targets_change(void **state)
{
    struct bench b;
    struct history *h;
    const char *const both[] = {"web", "api"}, *const web[] = {"web"};
    const char *many[HISTORY_TARGETS_MAX];
    char names[HISTORY_TARGETS_MAX][8];
    struct moment now = {90000000, START_MS};

    (void)state;
    bench_set(&b, 60);
    bench_advance(&b, 100);
    bench_sync(&b);
    memcpy(b.block, b.image, b.image_bytes);
    assert_int_equal(history_load(&h, b.block, BLOCK, both, 2, now, boot_a, false, NULL), 0);
    assert_int_equal(history_newest(h, 0), 0);
    assert_int_equal(history_newest(h, 1), START_MS + 99 * STEP_MS);
    assert_int_equal(history_load(&h, b.block, BLOCK, web, 1, now, boot_a, false, NULL), 0);
    assert_int_equal(history_targets(h), 1);
    assert_int_equal(history_load(&h, b.block, BLOCK, api, 1, now, boot_a, false, NULL), 0);
    assert_int_equal(assert_exact(h, 99), 99);
    for (int i = 0; i < HISTORY_TARGETS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "t%d", i);
        many[i] = names[i];
    }
    assert_int_equal(
        history_load(&h, b.block, BLOCK, many, HISTORY_TARGETS_MAX, now, boot_a, false, NULL),
        0);
    assert_int_equal(history_targets(h), HISTORY_TARGETS_MAX);
    for (int i = 0; i < HISTORY_TARGETS_MAX; i++)
        assert_int_equal(history_newest(h, i), 0);
    bench_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_is_the_block),
        cmocka_unit_test(test_dirty_in_turns),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_goes_on_after_torn),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_wall_jump_labels_only),
        cmocka_unit_test(test_all_comes_back),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_compaction_loads),
        cmocka_unit_test(test_targets_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
