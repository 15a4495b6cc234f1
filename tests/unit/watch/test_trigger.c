#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/watch/trigger.h"

#define MINUTE 60000LL

static void test_cooldown_is_per_trigger(void **state)
{
    struct trigger_state s = {0};

    (void)state;
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_VERDICT, 1, 1000, 1), 0);
    trigger_spend(&s, TRIGGER_VERDICT, 1, 1000);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_VERDICT, 1, 1000 + MINUTE, 1), 9 * MINUTE);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_RULE, 1, 1000 + MINUTE, 1), 0);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_VERDICT, 1, 1000 + 10 * MINUTE, 1), 0);
    /* Scaled time cools down sooner. */
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_VERDICT, 1, 1000 + MINUTE, 10), 0);
}

static void test_six_an_hour(void **state)
{
    struct trigger_state s = {0};
    int64_t t_ms = 1000;

    (void)state;
    for (int i = 0; i < TRIGGER_HOURLY_MAX; i++, t_ms += MINUTE) {
        assert_int_equal(trigger_wait_ms(&s, TRIGGER_MANUAL, 1, t_ms, 1), 0);
        trigger_spend(&s, TRIGGER_MANUAL, 1, t_ms);
    }
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_MANUAL, 1, t_ms, 1), 54 * MINUTE);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_VERDICT, 1, t_ms, 1), 54 * MINUTE);
}

static void test_first_emergency_of_a_life_is_exempt(void **state)
{
    struct trigger_state s = {0};

    (void)state;
    for (int i = 0; i < TRIGGER_HOURLY_MAX; i++)
        trigger_spend(&s, TRIGGER_MANUAL, 1, 1000 + i);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_EMERGENCY, 1, 2000, 1), 0);
    trigger_spend(&s, TRIGGER_EMERGENCY, 1, 2000);
    assert_true(trigger_wait_ms(&s, TRIGGER_EMERGENCY, 1, 3000, 1) > 0);
    assert_int_equal(trigger_wait_ms(&s, TRIGGER_EMERGENCY, 2, 3000, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cooldown_is_per_trigger),
        cmocka_unit_test(test_six_an_hour),
        cmocka_unit_test(test_first_emergency_of_a_life_is_exempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
