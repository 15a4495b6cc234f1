/* What a restart finds: this boot and another, clocks that jumped, other targets. */
#include "tests/unit/history/image.h"

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
        cmocka_unit_test(test_restarts),       cmocka_unit_test(test_wall_jump_labels_only),
        cmocka_unit_test(test_all_comes_back), cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_targets_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
