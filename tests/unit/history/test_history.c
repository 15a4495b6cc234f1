/* The history against a plain array of all samples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/history/plant.h"

#define START_MS INT64_C(1790000000000)
#define MIB ((size_t)1 << 20)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

/* ---- stacks against the model ---- */

enum { MODEL_STACKS = 120, MODEL_SAMPLES = 3000 };

struct model {
    int64_t t_ms[MODEL_SAMPLES];
    int64_t counts[MODEL_SAMPLES][MODEL_STACKS];
    int n;
};

static void model_push(struct model *m, struct plant *p, int target, int64_t t_ms,
                       uint32_t *seed)
{
    struct history_count counts[MODEL_STACKS];
    size_t n = 0;

    m->t_ms[m->n] = t_ms;
    for (int i = 0; i < MODEL_STACKS; i++) {
        int64_t before = m->n > 0 ? m->counts[m->n - 1][i] : 0;
        int64_t v = before;
        uint32_t dice = plant_random(seed) % 100;
        if (i % 3 == 0)
            v = m->n == 0 ? 20 + i : before;
        else if (dice < 40)
            v = 20 + plant_random(seed) % 100;
        else if (dice < 43)
            v = 0;
        else if (dice < 44)
            v = (int64_t)plant_random(seed) << 20;
        m->counts[m->n][i] = v;
        if (v > 0)
            counts[n++] = plant_count((uint32_t)i, v);
    }
    m->n++;
    assert_int_equal(
        history_push_stacks(p->h, target, HISTORY_STACKS, t_ms, counts, n, plant_frames, p), 0);
}

static int64_t value_of(const struct plant *p, const struct history_value *v, size_t n, int i)
{
    uint32_t id = history_find_key(p->h, plant_key((uint32_t)i));

    for (size_t k = 0; k < n; k++)
        if (v[k].stack == id && id != HISTORY_OTHER)
            return v[k].value;
    return 0;
}

static void assert_moment(const struct model *m, const struct plant *p, int sample,
                          int64_t t_ms)
{
    struct history_value v[MODEL_STACKS + 8];
    int64_t at_ms = 0, total = 0, expected = 0;
    size_t n = history_at(p->h, 0, HISTORY_STACKS, t_ms, v, MODEL_STACKS + 8, &at_ms);

    assert_true(n > 0);
    assert_int_equal(at_ms, m->t_ms[sample]);
    for (int i = 0; i < MODEL_STACKS; i++) {
        expected += m->counts[sample][i];
        assert_int_equal(value_of(p, v, n, i), m->counts[sample][i]);
    }
    for (size_t i = 0; i < n; i++)
        total += v[i].value;
    assert_int_equal(total, expected);
    assert_int_equal(v[n - 1].stack, HISTORY_OTHER);
}

static void assert_minima(const struct model *m, const struct plant *p, int64_t end_ms,
                          int64_t block_ms, size_t n_blocks)
{
    uint32_t stacks[MODEL_STACKS];
    float *out = calloc(MODEL_STACKS * n_blocks, sizeof(float));

    for (int i = 0; i < MODEL_STACKS; i++)
        stacks[i] = history_find_key(p->h, plant_key((uint32_t)i));
    history_minima(p->h, 0, HISTORY_STACKS, stacks, MODEL_STACKS, end_ms, block_ms, n_blocks,
                   out);
    for (size_t j = 0; j < n_blocks; j++) {
        int64_t from_ms = end_ms - (int64_t)(n_blocks - j) * block_ms;
        for (int i = 0; i < MODEL_STACKS; i++) {
            float least = NAN;
            for (int k = 0; k < m->n; k++)
                if (m->t_ms[k] >= from_ms && m->t_ms[k] < from_ms + block_ms &&
                    !((float)m->counts[k][i] >= least))
                    least = (float)m->counts[k][i];
            if (isnan(least))
                assert_true(isnan(out[(size_t)i * n_blocks + j]));
            else
                assert_true(out[(size_t)i * n_blocks + j] == least);
        }
    }
    free(out);
}

/* Samples 10 s apart with some missing: every moment, and minima of whole
 * slots of every tier, are exactly the model's. */
static void test_model(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 3; round++) {
        struct model *m = calloc(1, sizeof(*m));
        struct plant p;
        uint32_t seed = round;
        int64_t t_ms = START_MS;
        int64_t hour_ms;
        plant_format(&p, 4 * MIB, START_MS);
        while (m->n < MODEL_SAMPLES) {
            model_push(m, &p, 0, t_ms, &seed);
            t_ms += 10000 + plant_random(&seed) % 50;
            if (plant_random(&seed) % 50 == 0)
                t_ms += plant_random(&seed) % 400000;
        }
        for (int i = m->n - 400; i < m->n; i++) {
            assert_moment(m, &p, i, m->t_ms[i]);
            assert_moment(m, &p, i, m->t_ms[i] + 500);
        }
        hour_ms = t_ms - t_ms % HOUR_MS;
        assert_minima(m, &p, t_ms, 2 * MINUTE_MS, 30);
        assert_minima(m, &p, t_ms - t_ms % (5 * MINUTE_MS), 5 * MINUTE_MS, 36);
        assert_minima(m, &p, t_ms - t_ms % (15 * MINUTE_MS), 15 * MINUTE_MS, 24);
        assert_minima(m, &p, hour_ms, HOUR_MS, 6);
        plant_free(&p);
        free(m);
    }
}

/* Unaligned blocks: a minimum may come from a neighbour's slot, never from
 * further away, and is never above the block's own. */
static void test_minima_unaligned(void **state)
{
    struct plant p;
    float out[18];
    uint32_t stack;

    (void)state;
    plant_format(&p, 2 * MIB, START_MS);
    for (int i = 0; i < 6 * 360 * 4; i++)
        plant_push_one(&p, 0, START_MS + i * 10000, 3, 100 + i);
    stack = history_find_key(p.h, plant_key(3));
    history_minima(p.h, 0, HISTORY_STACKS, &stack, 1, START_MS + 24 * HOUR_MS - 123456, HOUR_MS,
                   18, out);
    for (int j = 0; j < 18; j++) {
        float exact = 100.0F + (float)((6 * HOUR_MS + j * HOUR_MS - 123456) / 10000);
        assert_true(out[j] <= exact + 1);
        assert_true(out[j] >= exact - 91);
    }
    plant_free(&p);
}

static void test_small_and_growing(void **state)
{
    struct plant p;
    struct history_value v[8];

    (void)state;
    plant_format(&p, MIB, START_MS);
    plant_push_one(&p, 0, START_MS, 1, 15);
    assert_int_equal(history_find_key(p.h, plant_key(1)), HISTORY_OTHER);
    assert_int_equal(history_at(p.h, 0, HISTORY_STACKS, START_MS, v, 8, NULL), 1);
    assert_int_equal(v[0].value, 15);
    plant_push_one(&p, 0, START_MS + 10000, 1, 16);
    assert_int_not_equal(history_find_key(p.h, plant_key(1)), HISTORY_OTHER);
    /* Rises three times without a fall, from 2 to 5. */
    for (int i = 0; i < 6; i++)
        plant_push_one(&p, 0, START_MS + 20000 + i * 10000, 2, 2 + i / 2);
    assert_int_equal(history_find_key(p.h, plant_key(2)), HISTORY_OTHER);
    plant_push_one(&p, 0, START_MS + 90000, 2, 5);
    assert_int_not_equal(history_find_key(p.h, plant_key(2)), HISTORY_OTHER);
    /* Up and down is no growth. */
    for (int i = 0; i < 50; i++)
        plant_push_one(&p, 0, START_MS + 100000 + i * 10000, 4, 3 + i % 2);
    assert_int_equal(history_find_key(p.h, plant_key(4)), HISTORY_OTHER);
    assert_int_equal(history_last(p.h, 0, HISTORY_STACKS, HISTORY_OTHER), 4);
    /* A stack that mattered keeps its series at any count. */
    plant_push_one(&p, 0, START_MS + 900000, 1, 1);
    assert_int_equal(history_last(p.h, 0, HISTORY_STACKS, history_find_key(p.h, plant_key(1))),
                     1);
    plant_free(&p);
}

static void test_push_refuses_the_past(void **state)
{
    struct plant p;
    struct history_count c = plant_count(1, 20);

    (void)state;
    plant_format(&p, MIB, START_MS);
    plant_push_one(&p, 0, START_MS + 10000, 1, 20);
    assert_int_equal(
        history_push_stacks(p.h, 0, HISTORY_STACKS, START_MS, &c, 1, plant_frames, &p),
        -EINVAL);
    assert_int_equal(
        history_push_stacks(p.h, 1, HISTORY_STACKS, START_MS, &c, 1, plant_frames, &p),
        -EINVAL);
    assert_int_equal(history_push_stacks(p.h, 0, HISTORY_STACKS, -5, &c, 1, plant_frames, &p),
                     -EINVAL);
    plant_free(&p);
}

static void test_grown(void **state)
{
    struct plant p;
    struct history_growth g[3];
    struct history_count c[5];

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (int i = 0; i < 5; i++)
        c[i] = plant_count((uint32_t)i, 100);
    assert_int_equal(
        history_push_stacks(p.h, 0, HISTORY_STACKS, START_MS, c, 5, plant_frames, &p), 0);
    for (int i = 0; i < 5; i++)
        c[i].value = 100 + i * 10;
    assert_int_equal(
        history_push_stacks(p.h, 0, HISTORY_STACKS, START_MS + HOUR_MS, c, 5, plant_frames, &p),
        0);
    /* A span that begins before everything counts from the oldest moment. */
    assert_int_equal(
        history_grown(p.h, 0, HISTORY_STACKS, START_MS - HOUR_MS, START_MS + HOUR_MS, 20, g, 3),
        3);
    assert_int_equal(g[0].stack, history_find_key(p.h, plant_key(4)));
    assert_int_equal(g[0].before, 100);
    assert_int_equal(g[0].now, 140);
    assert_int_equal(g[2].stack, history_find_key(p.h, plant_key(2)));
    assert_int_equal(
        history_grown(p.h, 0, HISTORY_STACKS, START_MS, START_MS + HOUR_MS, 40, g, 3), 1);
    assert_int_equal(
        history_grown(p.h, 0, HISTORY_SITES, START_MS, START_MS + HOUR_MS, 0, g, 3), 0);
    plant_free(&p);
}

static void test_series(void **state)
{
    struct plant p;
    struct history_point out[600];
    uint32_t stack;
    size_t n;

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (int i = 0; i < 1080; i++)
        plant_push_one(&p, 0, START_MS + i * 10000, 3, 1000 + i);
    stack = history_find_key(p.h, plant_key(3));
    n = history_series(p.h, 0, HISTORY_STACKS, stack, START_MS + 10000000, START_MS + 11000000,
                       0, out, 600);
    assert_int_equal(n, 80);
    assert_true(out[0].t_ms == START_MS + 10000000 && out[0].mean == 2000);
    /* By 5 min slots; the newest, unfinished slot is folded from samples. */
    n = history_series(p.h, 0, HISTORY_STACKS, stack, 0, START_MS + 11000000, 300000, out, 600);
    assert_in_range(n, 36, 37);
    for (size_t i = 1; i < n; i++) {
        assert_int_equal(out[i].t_ms % 300000, 0);
        assert_int_equal(out[i].t_ms - out[i - 1].t_ms, 300000);
        assert_true(out[i].min > out[i - 1].max);
    }
    assert_true(out[n - 1].max == 2079);
    plant_free(&p);
}

static void test_symbols(void **state)
{
    struct plant p;
    struct frame f[HISTORY_FRAMES_MAX];
    uint32_t stack;
    char fingerprint[FINGERPRINT_MAX];

    (void)state;
    plant_format(&p, MIB, START_MS);
    plant_push_one(&p, 0, START_MS, 77, 20);
    stack = history_find_key(p.h, plant_key(77));
    assert_int_equal(history_frames(p.h, stack, f, HISTORY_FRAMES_MAX), PLANT_DEPTH);
    assert_true(str_is(f[0].function, "main.worker77"));
    assert_true(str_is(f[0].file, "/src/worker.go"));
    assert_int_equal(f[0].line, 78);
    assert_int_equal(history_frames(p.h, stack, f, 1), 1);
    history_frames(p.h, stack, f, HISTORY_FRAMES_MAX);
    assert_string_equal(history_fingerprint(p.h, stack),
                        fingerprint_frames(f, PLANT_DEPTH, fingerprint));
    assert_int_equal(history_find_fingerprint(p.h, fingerprint), stack);
    assert_int_equal(history_find_fingerprint(p.h, "0123456789"), HISTORY_OTHER);
    assert_int_equal(history_frames(p.h, HISTORY_OTHER, f, 1), 0);
    assert_string_equal(history_fingerprint(p.h, HISTORY_OTHER), "");
    plant_free(&p);
}

/* ---- signals ---- */

static void test_signals(void **state)
{
    struct plant p;
    struct history_point out[4000];
    size_t n;

    (void)state;
    plant_format(&p, 2 * MIB, START_MS);
    /* Two hours, every 500 ms: memory a ramp, goroutines every 10 s. */
    for (int i = 0; i < 4 * 3600; i++) {
        float v[HISTORY_SIGNALS] = {i % 20 == 0 ? 50 : NAN, (float)i, NAN, 1e6F};
        history_push_signals(p.h, 0, START_MS + i * 500, v);
    }
    n = history_signal(p.h, 0, HISTORY_MEMORY_BYTES, START_MS, START_MS + 3 * HOUR_MS, 60000,
                       out, 4000);
    assert_in_range(n, 120, 121);
    for (size_t i = 1; i + 1 < n; i++) {
        float first = (float)((out[i].t_ms - START_MS) / 500);
        assert_int_equal(out[i].t_ms - out[i - 1].t_ms, 60000);
        assert_true(out[i].min == first && out[i].max == first + 119);
        assert_true(fabsf(out[i].mean - (first + 59.5F)) < 0.01F);
    }
    assert_true(out[n - 1].max == 4 * 3600 - 1);
    n = history_signal(p.h, 0, HISTORY_GOROUTINES, START_MS, START_MS + 3 * HOUR_MS, 60000, out,
                       4000);
    assert_in_range(n, 120, 121);
    assert_true(out[5].min == 50 && out[5].mean == 50 && out[5].max == 50);
    assert_int_equal(history_signal(p.h, 0, HISTORY_HEAP_BYTES, 0, START_MS * 2, 0, out, 4000),
                     0);
    /* At the finest step the last two minutes come slot by slot, in order. */
    n = history_signal(p.h, 0, HISTORY_MEMORY_BYTES, 0, START_MS + 3 * HOUR_MS, 0, out, 4000);
    assert_in_range(n, 240, 4000);
    for (size_t i = 1; i < n; i++)
        assert_true(out[i].t_ms > out[i - 1].t_ms);
    assert_int_equal(out[n - 1].t_ms - out[n - 200].t_ms, 199 * 500);
    assert_true(out[n - 1].mean == 4 * 3600 - 1);
    plant_free(&p);
}

/* ---- targets, lives, notes ---- */

static void test_lives(void **state)
{
    struct plant p;
    struct history_life lives[40];
    struct history_life life = {.id = 1, .start_ms = START_MS};

    (void)state;
    plant_format(&p, MIB, START_MS);
    for (uint64_t id = 1; id <= 50; id++) {
        life = (struct history_life){.id = id, .start_ms = START_MS + (int64_t)id};
        history_push_life(p.h, 0, &life);
        life.end_ms = START_MS + (int64_t)id + 100;
        life.oom = true;
        history_push_life(p.h, 0, &life);
    }
    assert_int_equal(history_lives(p.h, 0, lives, 32), 32);
    assert_int_equal(lives[31].id, 50);
    assert_int_equal(lives[0].id, 19);
    for (int i = 0; i < 32; i++)
        assert_true(lives[i].oom && lives[i].end_ms == lives[i].start_ms + 100);
    assert_int_equal(history_lives(p.h, 0, lives, 2), 2);
    assert_int_equal(lives[1].id, 50);
    plant_free(&p);
}

static void test_notes(void **state)
{
    struct plant p;
    char big[HISTORY_NOTE_BYTES], out[HISTORY_NOTE_BYTES];

    (void)state;
    plant_format(&p, MIB, START_MS);
    assert_int_equal(history_note_get(p.h, 0, out, sizeof(out)), 0);
    memset(big, 'x', sizeof(big));
    history_note_set(p.h, 0, big, sizeof(big));
    assert_int_equal(history_note_get(p.h, 0, out, sizeof(out)), sizeof(big));
    assert_memory_equal(out, big, sizeof(big));
    history_note_set(p.h, 0, "ab", 2);
    assert_int_equal(history_note_get(p.h, 0, out, sizeof(out)), 2);
    assert_int_equal(history_note_get(p.h, 0, out, 1), 1);
    plant_free(&p);
}

static void test_format_refuses(void **state)
{
    struct history *h;
    uint64_t *block = malloc(MIB);
    const char *const long_name[] = {
        "0123456789012345678901234567890123456789012345678901234567890123"};
    uint8_t boot[16] = {0};
    struct moment now = {1000, START_MS};

    (void)state;
    assert_int_equal(history_format(&h, block, HISTORY_BLOCK_MIN - 1, NULL, 0, now, boot),
                     -EINVAL);
    assert_int_equal(history_format(&h, (char *)block + 4, MIB - 8, NULL, 0, now, boot),
                     -EINVAL);
    assert_int_equal(history_format(&h, block, MIB, long_name, 1, now, boot), -EINVAL);
    assert_null(h);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_minima_unaligned),
        cmocka_unit_test(test_small_and_growing),
        cmocka_unit_test(test_push_refuses_the_past),
        cmocka_unit_test(test_grown),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_format_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
