#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/watch/budget.h"

static void test_one_percent(void **state)
{
    struct budget b;
    int64_t now_ms = 1000, spent_us = 0;

    (void)state;
    budget_init(&b, now_ms);
    /* Greedy requests of 35 ms for ten minutes: no more than 1 % and the first
     * balance gets through. */
    for (; now_ms < 601000; now_ms += 10) {
        budget_refill(&b, now_ms, 1);
        if (budget_allows(&b, now_ms)) {
            budget_pay(&b, 35000);
            spent_us += 35000;
        }
    }
    assert_in_range(spent_us, 5900000, 6000000 + 200000 + 35000);
}

static void test_debt_says_when(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 0);
    budget_pay(&b, 600000); /* 200 ms of balance, 400 ms of debt */
    assert_false(budget_allows(&b, 0));
    assert_int_equal(budget_ready_ms(&b, 0), 40001);
    budget_refill(&b, 40000, 1);
    assert_false(budget_allows(&b, 40000));
    budget_refill(&b, 40001, 1);
    assert_true(budget_allows(&b, 40001));
}

static void test_debt_is_bounded(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 0);
    budget_pay(&b, 60000000); /* a minute, while the target starts on a starved CPU */
    assert_int_equal(budget_ready_ms(&b, 0), 100001);
}

static void test_suspend_earns_no_more_than_a_minute(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 0);
    budget_pay(&b, 10000000);
    budget_refill(&b, 86400000, 1);
    assert_false(budget_allows(&b, 86400000));
}

static void test_backoff(void **state)
{
    struct budget b;
    int64_t last_ms = 0;

    (void)state;
    budget_init(&b, 0);
    for (int i = 0; i < 40; i++) {
        budget_fail(&b, 0, 1000, 60000, (uint64_t)i * 977);
        assert_in_range(b.retry_ms, 800, 72000);
        if (i < 5)
            assert_true(b.retry_ms > last_ms);
        last_ms = b.retry_ms;
    }
    assert_in_range(b.retry_ms, 48000, 72000);
    budget_succeed(&b);
    assert_true(budget_allows(&b, 0));
}

static void test_headroom(void **state)
{
    (void)state;
    /* 0.46 KB a goroutine at 10 PCs, as measured. */
    assert_int_equal(scrape_bytes(FETCH_GOROUTINE, 100000, 10), 46000000);
    assert_true(scrape_fits(46000000, 80 << 20, 128 << 20));
    assert_false(scrape_fits(46000000, 90 << 20, 128 << 20));
    assert_true(scrape_fits(46000000, 90 << 20, 0));
    assert_true(scrape_fits(0, 130 << 20, 128 << 20)); /* a reading costs nothing */
    assert_true(scrape_fits(46000000, -1, 128 << 20));
    /* Of 1,000 goroutines at 10 PCs: a GC has 4 MiB, debug=2 its buffers. */
    assert_int_equal(scrape_bytes(FETCH_LEAK, 1000, 10), 460000 + (4 << 20));
    assert_int_equal(scrape_bytes(FETCH_STACKS, 1000, 10), (1 << 20) + 4 * 480000);
    assert_int_equal(scrape_bytes(FETCH_STACKS, 1000, 10),
                     scrape_bytes(FETCH_NATIVE_STACKS, 1000, 10));
    assert_true(scrape_bytes(FETCH_NATIVE_LEAK, 1000, 10) > scrape_bytes(FETCH_LEAK, 1000, 10));
    assert_int_equal(scrape_bytes(FETCH_SYMBOL, 100000, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_percent),
        cmocka_unit_test(test_debt_says_when),
        cmocka_unit_test(test_debt_is_bounded),
        cmocka_unit_test(test_suspend_earns_no_more_than_a_minute),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_headroom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
