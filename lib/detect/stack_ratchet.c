/* A, the stack ratchet. For each window (rung) the stacks whose count rose at
 * all are looked at as block minima: what lives through a whole block is in its
 * minimum, what comes and goes is not. The first rung that a stack climbs makes
 * it a culprit; together they are the finding. */
#include "lib/detect/ratchet.h"

#include <math.h>
#include <stdio.h>

#include "lib/detect/detectors.h"

#define BLOCKS_MAX 48
#define MEASURED_MAX 3 /* stacks a rung that explain shows */

static const struct rung rungs[] = {
    {2 * MINUTE_MS, 45, 60, 0.30, 0.03, 0.20},  /* 90 minutes */
    {5 * MINUTE_MS, 36, 60, 0.30, 0.03, 0.20},  /* 3 hours */
    {15 * MINUTE_MS, 48, 50, 0.30, 0.03, 0.20}, /* 12 hours */
    {60 * MINUTE_MS, 18, 60, 0.50, 0.02, 0.00}, /* 18 hours, in steps */
};
#define RUNGS (sizeof(rungs) / sizeof(rungs[0]))

static bool stack_exempt(const struct detect_view *v, uint32_t stack)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n = history_frames(v->history, stack, frames, HISTORY_FRAMES_MAX);
    return detect_exempt(frames, n, v->allow, v->n_allow);
}

static void stack_measure(const struct detect_view *v, uint32_t stack,
                          const struct climb_shape *shape, const struct rung *r)
{
    char subject[64];
    if (v->measures == NULL)
        return;
    snprintf(subject, sizeof(subject), "stack %s%s", history_fingerprint(v->history, stack),
             stack_exempt(v, stack) ? " (background)" : "");
    ratchet_measure(v, "stack-ratchet", subject, shape, r, "goroutines");
}

/* A culprit and the window that convicted it. */
struct climb {
    struct culprit culprit;
    const struct rung *rung;
    int64_t since_ms, window_ms;
};

struct climbs {
    struct climb p[DETECT_CULPRITS_MAX]; /* by rise */
    int n;
};

static int64_t climb_rise(const struct climb *c)
{
    return c->culprit.now - c->culprit.before;
}

static bool climbs_have(const struct climbs *all, uint32_t stack)
{
    for (int i = 0; i < all->n; i++)
        if (all->p[i].culprit.stack == stack)
            return true;
    return false;
}

/* What does not fit falls off the end. */
static void climbs_insert(struct climbs *all, const struct climb *c)
{
    int at = all->n;
    while (at > 0 && climb_rise(c) > climb_rise(&all->p[at - 1]))
        at--;
    if (at == DETECT_CULPRITS_MAX)
        return;
    int last = all->n < DETECT_CULPRITS_MAX ? all->n++ : DETECT_CULPRITS_MAX - 1;
    for (int i = last; i > at; i--)
        all->p[i] = all->p[i - 1];
    all->p[at] = *c;
}

/* The stacks worth a look: goroutines that are more at the window's end than
 * at its start, new to the list. Half the least rise leaves room for a moment's
 * count above the floor. Returns how many; *rise is that of the whole target. */
static size_t rung_candidates(const struct detect_view *v, const struct rung *r,
                              int64_t from_ms, int64_t to_ms, const struct climbs *all,
                              uint32_t stacks[DETECT_CANDIDATES_MAX], double *rise)
{
    struct history_growth grown[DETECT_CANDIDATES_MAX];
    size_t n = history_grown(v->history, v->target, HISTORY_STACKS, from_ms, to_ms,
                             (int64_t)(r->least_rise / 2), grown, DETECT_CANDIDATES_MAX);
    size_t kept = 0;
    *rise = 0;
    for (size_t i = 0; i < n; i++) {
        *rise += (double)(grown[i].now - grown[i].before);
        if (grown[i].stack != HISTORY_OTHER && !climbs_have(all, grown[i].stack))
            stacks[kept++] = grown[i].stack;
    }
    return kept;
}

static void rung_climb(const struct rung *r, uint32_t stack, const float *minima,
                       int64_t since_ms, int64_t block_ms, double target_rise,
                       struct climb *out)
{
    double before = (double)minima[0], now = (double)minima[r->n - 1];
    double hours = (double)((r->n - 1) * block_ms) / (double)HOUR_MS;
    *out = (struct climb){.rung = r, .since_ms = since_ms, .window_ms = r->n * block_ms};
    out->culprit = (struct culprit){
        .class = HISTORY_STACKS,
        .stack = stack,
        .before = (int64_t)before,
        .now = (int64_t)now,
        .per_hour = (now - before) / hours,
        .share = target_rise > now - before ? (now - before) / target_rise : 1,
    };
}

static void rung_run(const struct detect_view *v, const struct rung *r, struct climbs *all)
{
    int64_t block_ms = detect_scaled(v, r->block_ms);
    int64_t end_ms = v->t_ms / block_ms * block_ms;
    int64_t since_ms = end_ms - r->n * block_ms;
    if (since_ms < v->life_start_ms + detect_scaled(v, DETECT_GRACE_MS))
        return;
    uint32_t stacks[DETECT_CANDIDATES_MAX];
    double target_rise;
    size_t n = rung_candidates(v, r, since_ms, end_ms, all, stacks, &target_rise);
    if (n == 0)
        return;
    float minima[DETECT_CANDIDATES_MAX * BLOCKS_MAX];
    history_minima(v->history, v->target, HISTORY_STACKS, stacks, n, end_ms, block_ms,
                   (size_t)r->n, minima);
    for (size_t i = 0; i < n; i++) {
        float *m = &minima[i * (size_t)r->n];
        if (!ratchet_fill(m, (size_t)r->n))
            continue;
        struct climb_shape shape;
        ratchet_shape(m, r, &shape);
        if (i < MEASURED_MAX)
            stack_measure(v, stacks[i], &shape, r);
        if (!ratchet_holds(&shape, r) || stack_exempt(v, stacks[i]))
            continue;
        struct climb c;
        rung_climb(r, stacks[i], m, since_ms, block_ms, target_rise, &c);
        climbs_insert(all, &c);
    }
}

static void climbs_tell(const struct climbs *all, struct finding *out)
{
    const struct climb *first = &all->p[0];
    out->kind = VERDICT_STEP;
    out->grade = GRADE_LIKELY;
    out->since_ms = first->since_ms;
    out->window_ms = first->window_ms;
    for (int i = 0; i < all->n; i++) {
        if (all->p[i].rung->each_third > 0)
            out->kind = VERDICT_DRIFT;
        out->culprits[out->n_culprits++] = all->p[i].culprit;
    }
    char window[MOMENT_TEXT_MAX], more[40] = "";
    if (all->n > 1)
        snprintf(more, sizeof(more), "; %d more stacks climb", all->n - 1);
    snprintf(
        out->evidence, sizeof(out->evidence),
        "the least count of one stack went from %lld to %lld in %s (%.0f per hour) and gave "
        "back at most %.0f %% of the rise%s",
        (long long)first->culprit.before, (long long)first->culprit.now,
        span_text(first->window_ms, window), first->culprit.per_hour,
        100 * first->rung->give_back, more);
}

void stack_ratchet_run(const struct detect_view *v, struct finding *out)
{
    struct climbs all = {.n = 0};
    for (size_t i = 0; i < RUNGS; i++)
        rung_run(v, &rungs[i], &all);
    if (all.n > 0)
        climbs_tell(&all, out);
}
