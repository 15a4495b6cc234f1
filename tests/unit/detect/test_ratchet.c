/* The ratchet's tests on plain arrays: each rule alone can refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/detect/ratchet.h"

static const struct rung even = {120000, 45, 60, 0.30, 0.03, 0.20};
static const struct rung steps = {3600000, 18, 60, 0.50, 0.02, 0};

static bool climbs(const float *v, const struct rung *r)
{
    struct climb_shape shape;
    ratchet_shape(v, r, &shape);
    return ratchet_climbs(&shape, r);
}

static bool climbs_in_steps(const float *v, const struct rung *r)
{
    struct climb_shape shape;
    ratchet_shape(v, r, &shape);
    return ratchet_steps(&shape, r);
}

static void line(float *v, int n, double from, double to)
{
    for (int i = 0; i < n; i++)
        v[i] = (float)floor(from + (to - from) * i / (n - 1));
}

static void test_line_climbs(void **state)
{
    (void)state;
    float v[45];
    line(v, 45, 0, 60);
    assert_true(climbs(v, &even));
    line(v, 45, 0, 59);
    assert_false(climbs(v, &even)); /* 60 at least */
    line(v, 45, 1000, 1290);
    assert_false(climbs(v, &even)); /* 30 % of the start at least */
    line(v, 45, 1000, 1300);
    assert_true(climbs(v, &even));
    line(v, 45, 200, 0);
    assert_false(climbs(v, &even));
}

static void test_give_back(void **state)
{
    (void)state;
    float v[45];
    line(v, 45, 0, 200);
    v[20] = v[19] - 6; /* 3 % of the rise */
    assert_true(climbs(v, &even));
    v[20] = v[19] - 7;
    assert_false(climbs(v, &even));
}

static void test_each_third_holds_its_share(void **state)
{
    (void)state;
    float v[45];
    line(v, 45, 0, 200); /* a plateau in the last third */
    for (int i = 30; i < 45; i++)
        v[i] = v[30];
    assert_false(climbs(v, &even));
    for (int i = 0; i < 45; i++) /* one jump in the middle */
        v[i] = i < 22 ? 0 : 500;
    assert_false(climbs(v, &even));
}

static void test_steps(void **state)
{
    (void)state;
    float v[18];
    for (int i = 0; i < 18; i++) /* every six hours fifty more */
        v[i] = (float)(40 + 50 * (i / 6));
    assert_true(climbs_in_steps(v, &steps));
    for (int i = 0; i < 18; i++) /* one step only: two levels */
        v[i] = i < 12 ? 40 : 140;
    assert_false(climbs_in_steps(v, &steps));
    for (int i = 0; i < 18; i++) /* nothing new in the last half */
        v[i] = (float)(40 + (i < 3 ? 0 : i < 6 ? 50 : 100));
    assert_false(climbs_in_steps(v, &steps));
    for (int i = 0; i < 18; i++) /* below half of the start */
        v[i] = (float)(400 + 50 * (i / 6));
    assert_false(climbs_in_steps(v, &steps));
}

static void test_fill(void **state)
{
    (void)state;
    float v[5] = {NAN, 3, NAN, NAN, 7};
    assert_true(ratchet_fill(v, 5));
    static const float want[5] = {3, 3, 3, 3, 7};
    assert_memory_equal(v, want, sizeof(v));
    float none[2] = {NAN, NAN};
    assert_false(ratchet_fill(none, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_climbs),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_each_third_holds_its_share),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
