/* The history's bytes: torn, reordered, flipped and cut files. */
#include "tests/unit/history/image.h"

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
        cmocka_unit_test(test_compaction_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
