#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/target/memory.h"

#define KEPT (-7) /* outputs keep this where a parser fails */

static void test_tiers(void **state)
{
    (void)state;
    assert_string_equal(memory_tier_text(MEMORY_CGROUP2), "cgroup-v2");
    for (int t = 0; t <= MEMORY_TIERS; t++) {
        assert_non_null(memory_tier_text((enum memory_tier)t));
        assert_non_null(memory_tier_fastest_blowup((enum memory_tier)t));
    }
}

static void test_cgroup2(void **state)
{
    (void)state;
    int64_t v = KEPT;
    /* anon_thp is not anon; file pages are reclaimable and not counted. */
    assert_int_equal(cgroup2_usage(STR("anon_thp 999\nanon 1000\nfile 5000\nkernel 300\n"
                                       "kernel_stack 100\nshmem 20\nslab 77\n"),
                                   &v),
                     0);
    assert_int_equal(v, 1320);
    assert_int_equal(cgroup2_usage(STR("anon 1000\nkernel_stack 100\npagetables 10\n"
                                       "percpu 1\nslab 77\nshmem 20\n"),
                                   &v),
                     0);
    assert_int_equal(v, 1208);
    assert_int_equal(cgroup2_usage(STR("anon 18446744073709551615\nshmem 1\nkernel 0"), &v), 0);
    assert_int_equal(v, INT64_MAX);
    v = KEPT;
    assert_int_equal(cgroup2_usage(STR(""), &v), ERR_SYNTAX);
    assert_int_equal(cgroup2_usage(STR("anon x\n"), &v), ERR_SYNTAX);
    assert_int_equal(v, KEPT);

    assert_int_equal(cgroup2_limit(STR("max\n"), &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(cgroup2_limit(STR("134217728\n"), &v), 0);
    assert_int_equal(v, 134217728);
    assert_int_equal(cgroup2_limit(STR(""), &v), ERR_SYNTAX);
    assert_int_equal(cgroup2_oom_kills(STR("low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n"
                                           "oom_group_kill 1\n"),
                                       &v),
                     0);
    assert_int_equal(v, 2);
}

static void test_cgroup1(void **state)
{
    (void)state;
    int64_t v = KEPT;
    struct str stat = STR("rss 10\nshmem 1\nhierarchical_memory_limit 1000000\n"
                          "total_rss 2000\ntotal_rss_huge 5\ntotal_shmem 30\n");
    assert_int_equal(cgroup1_usage(stat, STR("400\n"), &v), 0);
    assert_int_equal(v, 2430);
    assert_int_equal(cgroup1_usage(STR("rss 10\nshmem 1\n"), STR(""), &v), 0);
    assert_int_equal(v, 11);
    assert_int_equal(cgroup1_usage(STR("cache 10\n"), STR("400"), &v), ERR_SYNTAX);

    /* The parent's limit is the smaller one. */
    assert_int_equal(cgroup1_limit(stat, STR("2000000\n"), &v), 0);
    assert_int_equal(v, 1000000);
    assert_int_equal(cgroup1_limit(STR(""), STR("9223372036854771712\n"), &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(cgroup1_limit(STR(""), STR("x"), &v), ERR_SYNTAX);
    assert_int_equal(
        cgroup1_oom_kills(STR("oom_kill_disable 0\nunder_oom 1\noom_kill 4\n"), &v), 0);
    assert_int_equal(v, 4);
}

static void test_cgroup_path(void **state)
{
    (void)state;
    struct str path = {NULL, 0};
    struct str hybrid = STR("9:name=systemd:/x\n4:cpu,memory:/pod/a:b\n0::/\n");
    assert_int_equal(cgroup_path(hybrid, true, &path), 0);
    assert_true(str_is(path, "/pod/a:b"));
    assert_int_equal(cgroup_path(hybrid, false, &path), 0);
    assert_true(str_is(path, "/"));
    assert_int_equal(cgroup_path(STR("0::/kubepods/x\n"), true, &path), -ENOENT);
    /* A sibling, seen out of a cgroup namespace. */
    assert_int_equal(cgroup_path(STR("0::/../app\n"), false, &path), 0);
    assert_true(str_is(path, "/../app"));
    assert_int_equal(cgroup_path(STR("4:memoryless:/a\n4\n4:memory\n::\n"), true, &path),
                     -ENOENT);
}

static void test_proc(void **state)
{
    (void)state;
    int64_t v = KEPT;
    assert_int_equal(proc_status_rss(STR("Name:\tapp\nVmRSS:\t 900 kB\nRssAnon:\t  500 kB\n"
                                         "RssFile:\t  396 kB\nRssShmem:\t    4 kB\n"),
                                     &v),
                     0);
    assert_int_equal(v, 504 * 1024);
    assert_int_equal(proc_status_rss(STR("VmRSS:\t 900 kB\n"), &v), 0);
    assert_int_equal(v, 900 * 1024);
    assert_int_equal(proc_status_rss(STR("Name:\tapp\nState:\tZ (zombie)\n"), &v), ERR_SYNTAX);
    assert_int_equal(
        proc_stat_start(STR("12 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
                            "8675309 20 21\n"),
                        &v),
        0);
    assert_int_equal(v, 8675309);
    assert_int_equal(proc_stat_start(STR("12 (a) S 1 2 3"), &v), ERR_SYNTAX);
    assert_int_equal(proc_stat_start(STR(""), &v), ERR_SYNTAX);
}

static void test_memstats(void **state)
{
    (void)state;
    uint64_t peak = 0;
    struct memstats m = {
        .present = true, .sys_bytes = 100, .heap_released_bytes = 30, .max_rss_bytes = 500};
    assert_int_equal(memstats_usage(&m, &peak), 70); /* a peak of unknown age */
    m.max_rss_bytes = 520;
    assert_int_equal(memstats_usage(&m, &peak), 520);
    assert_int_equal(memstats_usage(&m, &peak), 70); /* it stands still */
    m.max_rss_bytes = 50;                            /* a new life */
    assert_int_equal(memstats_usage(&m, &peak), 70);
    assert_int_equal(peak, 50);
    m.present = false;
    assert_int_equal(memstats_usage(&m, &peak), -1);
}

static void test_metrics(void **state)
{
    (void)state;
    struct str text = STR("# HELP process_resident_memory_bytes x\n"
                          "process_resident_memory_bytes_total 1\n"
                          "process_resident_memory_bytes 1.2345e+07 1700000000\n"
                          "labelled{a=\"}\\\"{\",b=\"c\"} 42\n"
                          "broken{a=\"x 5\n"
                          "nan NaN\n");
    double v = 0;
    assert_int_equal(metrics_value(text, "process_resident_memory_bytes", &v), 0);
    assert_true(v == 12345000.0);
    assert_int_equal(metrics_value(text, "labelled", &v), 0);
    assert_true(v == 42.0);
    assert_int_equal(metrics_value(text, "broken", &v), -ENOENT);
    assert_int_equal(metrics_value(text, "nan", &v), ERR_SYNTAX);
    assert_int_equal(metrics_value(text, "absent", &v), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers),   cmocka_unit_test(test_cgroup2),
        cmocka_unit_test(test_cgroup1), cmocka_unit_test(test_cgroup_path),
        cmocka_unit_test(test_proc),    cmocka_unit_test(test_memstats),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
