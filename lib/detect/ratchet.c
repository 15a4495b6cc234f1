#include "lib/detect/ratchet.h"

#include <math.h>

#include "lib/detect/detectors.h"

#define LATE_SHARE 0.2
#define LEVELS_LEAST 3
#define JUMP_MOST 0.7

bool ratchet_fill(float *v, size_t n)
{
    size_t known = 0;
    while (known < n && isnan(v[known]))
        known++;
    if (known == n)
        return false;
    for (size_t i = 0; i < known; i++)
        v[i] = v[known];
    for (size_t i = known + 1; i < n; i++)
        if (isnan(v[i]))
            v[i] = v[i - 1];
    return true;
}

static double largest_drawdown(const float *v, int n)
{
    double top = (double)v[0], drawdown = 0;
    for (int i = 1; i < n; i++) {
        top = fmax(top, (double)v[i]);
        drawdown = fmax(drawdown, top - (double)v[i]);
    }
    return drawdown;
}

static double largest_step(const float *v, int n)
{
    double step = 0;
    for (int i = 1; i < n; i++)
        step = fmax(step, (double)v[i] - (double)v[i - 1]);
    return step;
}

/* It may give back a little, so a level seen before can come again. */
static int distinct_levels(const float *v, int n)
{
    int levels = 0;
    for (int i = 0; i < n && levels < LEVELS_LEAST; i++) {
        bool seen = false;
        for (int j = 0; j < i && !seen; j++)
            seen = v[j] == v[i];
        levels += !seen;
    }
    return levels;
}

void ratchet_shape(const float *v, const struct rung *r, struct climb_shape *out)
{
    int k = r->n / 3;
    double a = (double)v[0], b = (double)v[k], c = (double)v[2 * k], d = (double)v[r->n - 1];
    double rise = d - a;
    *out = (struct climb_shape){
        .rise = rise,
        .least_rise = fmax(r->least_rise, r->of_start * a),
        .third = {b - a, c - b, d - c},
    };
    if (!(rise > 0) || rise < out->least_rise)
        return; /* the rest says nothing of a series that does not rise */
    out->given_back = largest_drawdown(v, r->n) / rise;
    out->least_third = fmin(b - a, fmin(c - b, d - c)) / rise;
    out->late = (d - (double)v[r->n / 2]) / rise;
    out->jump = largest_step(v, r->n) / rise;
    out->levels = r->each_third > 0 ? 0 : distinct_levels(v, r->n);
}

static bool rises_for_good(const struct climb_shape *s, const struct rung *r)
{
    return s->rise > 0 && s->rise >= s->least_rise && s->given_back <= r->give_back;
}

bool ratchet_climbs(const struct climb_shape *s, const struct rung *r)
{
    return rises_for_good(s, r) && s->least_third >= r->each_third;
}

bool ratchet_steps(const struct climb_shape *s, const struct rung *r)
{
    return rises_for_good(s, r) && s->levels >= LEVELS_LEAST && s->late > LATE_SHARE &&
           s->jump <= JUMP_MOST;
}

bool ratchet_holds(const struct climb_shape *s, const struct rung *r)
{
    return r->each_third > 0 ? ratchet_climbs(s, r) : ratchet_steps(s, r);
}

void ratchet_measure(const struct detect_view *v, const char *detector, const char *subject,
                     const struct climb_shape *s, const struct rung *r, const char *unit)
{
    struct measure m = {.detector = detector,
                        .what = "rise",
                        .window_ms = detect_scaled(v, r->n * r->block_ms),
                        .value = s->rise,
                        .bound = s->least_rise,
                        .unit = unit};
    if (v->measures == NULL)
        return;
    str_copy(m.subject, sizeof(m.subject), str_of(subject));
    measure_put(v, m);
    if (s->rise < s->least_rise)
        return;
    m.unit = "%";
    m.what = "given back", m.at_most = true;
    m.value = 100 * s->given_back, m.bound = 100 * r->give_back;
    measure_put(v, m);
    m.at_most = false;
    if (r->each_third > 0) {
        m.what = "least third of the rise";
        m.value = 100 * s->least_third, m.bound = 100 * r->each_third;
        measure_put(v, m);
        return;
    }
    m.what = "rise in the last half";
    m.value = 100 * s->late, m.bound = 100 * LATE_SHARE;
    measure_put(v, m);
    m.what = "rise in one step", m.at_most = true;
    m.value = 100 * s->jump, m.bound = 100 * JUMP_MOST;
    measure_put(v, m);
    m.at_most = false;
    m.what = "levels", m.unit = "";
    m.value = s->levels, m.bound = LEVELS_LEAST;
    measure_put(v, m);
}
