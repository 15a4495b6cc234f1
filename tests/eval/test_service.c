/* The generator itself: what it promises of its classes holds for every seed
 * tried here, or the figures of the evaluation would mean nothing. */
#include "tests/unit/base/unit.h"

#include <string.h>

#include "tests/eval/service.h"

#define SEEDS 4
#define SAMPLE_BYTES                                                        \
    (offsetof(struct sample, killed) + 1) /* without the padding at its end \
                                           */

/* Leaks that no kill ends: too slow, over, or restarted in time. */
static const char *const survivors[] = {"tiny_masked", "daily_restart", "rollout_leak",
                                        "leak_stops"};

static bool survives(const struct service_class *c)
{
    for (size_t i = 0; i < sizeof(survivors) / sizeof(survivors[0]); i++)
        if (strcmp(c->name, survivors[i]) == 0)
            return true;
    return !class_leaks(c->group);
}

static int64_t sum(const struct sample *s)
{
    int64_t n = s->handlers + s->workers + s->pool + s->burst + s->subscribers;
    for (int i = 0; i < CLASS_LEAKS_MAX; i++)
        n += s->leaked[i];
    return n;
}

static void test_names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < class_count; i++)
        assert_ptr_equal(class_find(class_table[i].name), &class_table[i]);
    assert_null(class_find("no such class"));
}

static void test_a_seed_is_a_trace(void **state)
{
    (void)state;
    for (int i = 0; i < class_count; i++) {
        struct service a, b, other;
        struct sample x, y, z;
        bool differs = false;
        service_open(&a, &class_table[i], 7);
        service_open(&b, &class_table[i], 7);
        service_open(&other, &class_table[i], 8);
        for (int n = 0; n < 500; n++) {
            assert_true(service_next(&a, &x) && service_next(&b, &y) &&
                        service_next(&other, &z));
            assert_memory_equal(&x, &y, SAMPLE_BYTES);
            differs = differs || memcmp(&x, &z, SAMPLE_BYTES) != 0;
        }
        assert_true(differs);
    }
}

static void one_trace(const struct service_class *c, uint64_t seed)
{
    struct service service;
    struct sample s, last = {0};
    bool leaked = false;
    service_open(&service, c, seed);
    while (service_next(&service, &s)) {
        assert_true(last.t_s == 0 || s.t_s > last.t_s);
        assert_true(s.uptime_s >= 0 && s.uptime_s <= s.t_s);
        assert_int_equal(s.goroutines, sum(&s));
        assert_true(s.live_bytes > 0 && s.resident_bytes > s.live_bytes);
        assert_true(s.killed == (s.resident_bytes >= s.limit_bytes));
        assert_true(!s.leaking || class_leaks(c->group));
        leaked = leaked || s.leaking;
        last = s;
    }
    if (leaked != class_leaks(c->group) || last.killed == survives(c))
        fail_msg("%s, seed %d: leaked %d, killed %d at %d s", c->name, (int)seed, leaked,
                 last.killed, (int)last.t_s);
    assert_true(!last.killed || last.leaking);
}

static void test_leaks_kill_and_sound_services_live(void **state)
{
    (void)state;
    for (int i = 0; i < class_count; i++)
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            one_trace(&class_table[i], seed);
}

/* Extremes of one class over whole traces, boot and the last sample left out. */
struct extremes {
    int64_t goroutines_min, goroutines_max, leaked_max, subscribers_min, subscribers_max;
    int64_t gap_max_s, uptime_max_s;
    double resident_min, resident_max; /* of the limit */
};

static struct extremes extremes_of(const char *class, uint64_t seed)
{
    struct extremes e = {
        .goroutines_min = INT64_MAX, .subscribers_min = INT64_MAX, .resident_min = 1};
    struct service service;
    struct sample s;
    int64_t seen_s = 0;
    service_open(&service, class_find(class), seed);
    while (service_next(&service, &s)) {
        if (!s.seen || s.killed || s.uptime_s < 600)
            continue;
        double resident = (double)s.resident_bytes / (double)s.limit_bytes;
#define KEEP(field, value, better) e.field = (value)better e.field ? (value) : e.field
        KEEP(goroutines_min, s.goroutines, <);
        KEEP(goroutines_max, s.goroutines, >);
        KEEP(leaked_max, s.leaked[0] + s.leaked[1] + s.leaked[2], >);
        KEEP(subscribers_min, s.subscribers, <);
        KEEP(subscribers_max, s.subscribers, >);
        KEEP(uptime_max_s, s.uptime_s, >);
        KEEP(gap_max_s, s.t_s - seen_s, >);
        KEEP(resident_min, resident, <);
        KEEP(resident_max, resident, >);
        seen_s = s.t_s;
    }
    return e;
}

static void test_classes_are_what_they_say(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct extremes e = extremes_of("gc_tuned", seed);
        assert_true(e.resident_min > 0.8 && e.resident_max > 0.88 && e.resident_max < 0.95);
        e = extremes_of("heap_lin", seed);
        assert_true(e.leaked_max < 30 && e.resident_max > 0.9);
        e = extremes_of("lin3d", seed);
        assert_true(e.leaked_max > 500 && e.goroutines_max > 3 * e.goroutines_min);
        e = extremes_of("subscribers", seed);
        assert_true(e.subscribers_max > 8 * e.subscribers_min);
        e = extremes_of("rollouts", seed);
        assert_true(e.uptime_max_s < 70 * 60);
        e = extremes_of("absences", seed);
        assert_true(e.gap_max_s > 1800);
        e = extremes_of("flat", seed);
        assert_true(e.gap_max_s <= 600 && e.goroutines_max < 2 * e.goroutines_min);
        e = extremes_of("near_miss", seed);
        assert_true(e.resident_max > 0.65 && e.resident_max < 0.95);
        e = extremes_of("mmap_file", seed);
        assert_true(e.resident_max > 0.9 && e.resident_max < 1);
    }
}

/* Two leaks in one service are two stacks, each with its share. */
static void test_leaks_beside_each_other(void **state)
{
    (void)state;
    struct service service;
    struct sample s;
    service_open(&service, class_find("two_leaks"), 3);
    while (service_next(&service, &s))
        ;
    assert_int_equal(class_stacks_leaking(service.kind), 2);
    assert_true(s.leaked[0] > 200 && s.leaked[1] > 60);
    double first = service.leaks.all[0].bytes, second = service.leaks.all[1].bytes;
    assert_true(first > 2.5 * second && first < 4.5 * second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_a_seed_is_a_trace),
        cmocka_unit_test(test_leaks_kill_and_sound_services_live),
        cmocka_unit_test(test_classes_are_what_they_say),
        cmocka_unit_test(test_leaks_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
