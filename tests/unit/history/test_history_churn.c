/* The history under pressure: endless new stacks, many targets, small blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/history/plant.h"

#define START_MS INT64_C(1790000000000)
#define MIB ((size_t)1 << 20)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

static int64_t total_at(const struct plant *p, int target, int64_t t_ms)
{
    static struct history_value v[9000];
    size_t n = history_at(p->h, target, HISTORY_STACKS, t_ms, v, 9000, NULL);
    int64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += v[i].value;
    return total;
}

static void assert_names(const struct plant *p)
{
    static struct history_value v[9000];
    size_t n = history_at(p->h, 0, HISTORY_STACKS, INT64_MAX, v, 9000, NULL);

    for (size_t i = 0; i + 1 < n; i++) {
        struct frame f[PLANT_DEPTH];
        char name[64];
        unsigned sample = 0;
        assert_int_equal(history_frames(p->h, v[i].stack, f, PLANT_DEPTH), PLANT_DEPTH);
        assert_int_equal(
            sscanf(str_copy(name, sizeof(name), f[0].function), "main.worker%u", &sample), 1);
        assert_int_equal(history_find_key(p->h, plant_key(sample)), v[i].stack);
        assert_int_equal(f[0].line, sample + 1);
    }
}

/* 100,000 stacks, each alive for ten samples, beside one that leaks: totals
 * always add up, and the leak is followed to the end. The block is exactly as
 * large as it says: what is behind it stays untouched. */
static void test_endless_new_stacks(void **state)
{
    struct plant p;
    struct history_usage u;
    uint32_t leak;
    bool rewrote = false;
    int64_t k = 0;
    struct history_growth g[3];

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (uint32_t born = 0; born < 100000; born += 20, k++) {
        struct history_count c[201];
        size_t n = 0;
        int64_t sum = 0;
        for (uint32_t i = born < 180 ? 0 : born - 180; i < born + 20; i++)
            c[n++] = plant_count(i + 1000, 16 + i % 7);
        c[n++] = plant_count(7, 100 + k);
        for (size_t i = 0; i < n; i++)
            sum += c[i].value;
        assert_int_equal(history_push_stacks(p.h, 0, HISTORY_STACKS, START_MS + k * 10000, c, n,
                                             plant_frames, &p),
                         0);
        rewrote |= history_wants_rewrite(p.h);
        if (k % 50 == 0) {
            assert_int_equal(total_at(&p, 0, INT64_MAX), sum);
            assert_names(&p);
        }
    }
    assert_true(rewrote);
    leak = history_find_key(p.h, plant_key(7));
    assert_int_equal(history_last(p.h, 0, HISTORY_STACKS, leak), 100 + k - 1);
    assert_int_equal(history_grown(p.h, 0, HISTORY_STACKS, START_MS + (k - 361) * 10000,
                                   START_MS + (k - 1) * 10000, 100, g, 3),
                     1);
    assert_int_equal(g[0].stack, leak);
    /* The finest tier is short here: before may be of the slot before. */
    assert_in_range(g[0].now - g[0].before, 360, 391);
    history_usage(p.h, 0, &u);
    assert_true(u.used_bytes <= MIB && u.stacks <= MIB / 1024);
    plant_free(&p);
}

/* More busy stacks than the block can hold: the finest tier shortens first. */
static void test_finest_shortens(void **state)
{
    struct plant p;
    struct history_usage u;
    struct history_count c[500];
    struct history_value v[600];
    uint32_t seed = 3;
    int64_t t_ms = START_MS, at_ms = 0;

    (void)state;
    plant_format(&p, HISTORY_BLOCK_MIN, START_MS);
    history_usage(p.h, 0, &u);
    assert_false(u.shortened);
    for (int k = 0; k < 3 * 360; k++, t_ms += 10000) {
        for (uint32_t i = 0; i < 500; i++)
            c[i] = plant_count(i, 20 + plant_random(&seed) % 1000);
        assert_int_equal(
            history_push_stacks(p.h, 0, HISTORY_STACKS, t_ms, c, 500, plant_frames, &p), 0);
    }
    history_usage(p.h, 0, &u);
    assert_true(u.shortened);
    assert_in_range(u.finest_span_ms, 10 * MINUTE_MS, 60 * MINUTE_MS);
    /* Coarser tiers still reach back to the beginning. */
    assert_true(history_at(p.h, 0, HISTORY_STACKS, START_MS + 20 * MINUTE_MS, v, 600, &at_ms) >
                0);
    assert_in_range(at_ms, START_MS, START_MS + 20 * MINUTE_MS);
    plant_free(&p);
}

/* Sixteen targets with stacks and sites in the smallest block. */
static void test_many_targets(void **state)
{
    struct plant p;
    const char *names[HISTORY_TARGETS_MAX];
    char storage[HISTORY_TARGETS_MAX][8];
    uint8_t boot[16] = {1};
    int64_t t_ms = START_MS;

    (void)state;
    for (int i = 0; i < HISTORY_TARGETS_MAX; i++) {
        snprintf(storage[i], sizeof(storage[i]), "t%d", i);
        names[i] = storage[i];
    }
    p.bytes = HISTORY_BLOCK_MIN;
    p.block = malloc(p.bytes);
    assert_int_equal(history_format(&p.h, p.block, p.bytes, names, HISTORY_TARGETS_MAX,
                                    (struct moment){1000, START_MS}, boot),
                     0);
    for (int k = 0; k < 2000; k++, t_ms += 10000) {
        for (int target = 0; target < HISTORY_TARGETS_MAX; target++) {
            struct history_count c[30];
            float v[HISTORY_SIGNALS] = {(float)k, (float)target, 1, 2};
            for (uint32_t i = 0; i < 30; i++)
                c[i] = plant_count(i, 100 * target + 20 + (k + (int)i) % 5);
            history_push_signals(p.h, target, t_ms, v);
            for (int class = 0; class < HISTORY_CLASSES; class ++)
                assert_int_equal(history_push_stacks(p.h, target, (enum history_class) class,
                                                     t_ms, c, 30, plant_frames, &p),
                                 0);
        }
    }
    for (int target = 0; target < HISTORY_TARGETS_MAX; target++) {
        struct history_point last[1];
        uint32_t stack = history_find_key(p.h, plant_key(4));
        if (stack != HISTORY_OTHER && history_last(p.h, target, HISTORY_SITES, stack) > 0)
            assert_in_range(history_last(p.h, target, HISTORY_SITES, stack), 100 * target + 20,
                            100 * target + 24);
        assert_int_equal(history_signal(p.h, target, HISTORY_MEMORY_BYTES, 0, t_ms, 0, last, 1),
                         1);
        assert_true(last[0].mean == (float)target);
        assert_in_range(total_at(&p, target, t_ms), 30 * (100 * target + 20),
                        30 * (100 * target + 24));
    }
    plant_free(&p);
}

/* Thirty days: the coarsest tier reaches all the way, by the hour. */
static void test_thirty_days(void **state)
{
    struct plant p;
    struct history_point out[800];
    struct history_count c[20];
    size_t n;
    int64_t end_ms = START_MS + 31 * 24 * HOUR_MS;

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (int64_t t_ms = START_MS; t_ms < end_ms; t_ms += MINUTE_MS) {
        float v[HISTORY_SIGNALS] = {5, (float)((t_ms - START_MS) / HOUR_MS), 1, 1};
        for (uint32_t i = 0; i < 20; i++)
            c[i] = plant_count(i, 20 + (t_ms - START_MS) / HOUR_MS);
        history_push_signals(p.h, 0, t_ms, v);
        assert_int_equal(
            history_push_stacks(p.h, 0, HISTORY_STACKS, t_ms, c, 20, plant_frames, &p), 0);
    }
    n = history_series(p.h, 0, HISTORY_STACKS, history_find_key(p.h, plant_key(3)),
                       end_ms - 30 * 24 * HOUR_MS, end_ms, HOUR_MS, out, 800);
    assert_in_range(n, 719, 721);
    n = history_signal(p.h, 0, HISTORY_MEMORY_BYTES, end_ms - 30 * 24 * HOUR_MS, end_ms,
                       HOUR_MS, out, 800);
    assert_in_range(n, 719, 721);
    plant_free(&p);
}

/* Values at the edges of what is kept. */
static void test_extreme_values(void **state)
{
    struct plant p;
    struct history_count c[3] = {plant_count(1, INT64_MAX), plant_count(2, INT64_MIN),
                                 plant_count(3, (INT64_C(1) << 53) - 1)};

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (int k = 0; k < 1000; k++) {
        c[0].value = k % 2 ? INT64_MAX : 1;
        assert_int_equal(history_push_stacks(p.h, 0, HISTORY_SITES, START_MS + k * 60000, c, 3,
                                             plant_frames, &p),
                         0);
    }
    assert_int_equal(history_last(p.h, 0, HISTORY_SITES, history_find_key(p.h, plant_key(1))),
                     INT64_C(1) << 53);
    assert_int_equal(history_last(p.h, 0, HISTORY_SITES, history_find_key(p.h, plant_key(3))),
                     (INT64_C(1) << 53) - 1);
    assert_int_equal(history_find_key(p.h, plant_key(2)), HISTORY_OTHER);
    plant_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endless_new_stacks), cmocka_unit_test(test_finest_shortens),
        cmocka_unit_test(test_many_targets),       cmocka_unit_test(test_thirty_days),
        cmocka_unit_test(test_extreme_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
