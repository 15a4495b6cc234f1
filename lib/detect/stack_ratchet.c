/* A, the stack ratchet. For each window (rung) the stacks whose count rose at
 * all are looked at as block minima: what lives through a whole block is in its
 * minimum, what comes and goes is not. The first rung that a stack climbs without
 * an excuse makes it a culprit; together they are the finding. */
#include "lib/detect/ratchet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/detect/detectors.h"
#include "lib/detect/excuse.h"

#define MEASURED_MAX 3 /* stacks a rung that explain shows */

static const struct rung rungs[] = {
    {2 * MINUTE_MS, 45, 60, 0.30, 0.03, 0.20},  /* 90 minutes */
    {5 * MINUTE_MS, 36, 60, 0.30, 0.03, 0.20},  /* 3 hours */
    {15 * MINUTE_MS, 48, 50, 0.30, 0.03, 0.20}, /* 12 hours */
    {60 * MINUTE_MS, 18, 60, 0.50, 0.02, 0.00}, /* 18 hours, in steps */
};
#define RUNGS (sizeof(rungs) / sizeof(rungs[0]))

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
    enum excuse excuse;
    uint32_t witness; /* the stack that speaks for it */
};

struct climbs {
    struct climb p[DETECT_CULPRITS_MAX]; /* those without excuse first; by rise */
    int n;
};

static bool climb_before(const struct climb *a, const struct climb *b)
{
    bool a_excused = a->excuse != EXCUSE_NONE, b_excused = b->excuse != EXCUSE_NONE;
    if (a_excused != b_excused)
        return b_excused;
    return a->culprit.now - a->culprit.before > b->culprit.now - b->culprit.before;
}

static struct climb *climbs_find(struct climbs *all, uint32_t stack)
{
    for (int i = 0; i < all->n; i++)
        if (all->p[i].culprit.stack == stack)
            return &all->p[i];
    return NULL;
}

/* What does not fit falls off the end. */
static void climbs_insert(struct climbs *all, const struct climb *c)
{
    int at = all->n;
    while (at > 0 && climb_before(c, &all->p[at - 1]))
        at--;
    if (at == DETECT_CULPRITS_MAX)
        return;
    int last = all->n < DETECT_CULPRITS_MAX ? all->n++ : DETECT_CULPRITS_MAX - 1;
    for (int i = last; i > at; i--)
        all->p[i] = all->p[i - 1];
    all->p[at] = *c;
}

/* A window in which it has an excuse does not acquit where another has none. */
static void climbs_add(struct climbs *all, const struct climb *c)
{
    struct climb *have = climbs_find(all, c->culprit.stack);
    if (have != NULL && (have->excuse == EXCUSE_NONE || c->excuse != EXCUSE_NONE))
        return;
    if (have != NULL) {
        struct climb *end = &all->p[all->n--];
        memmove(have, have + 1, (size_t)(end - have - 1) * sizeof(*have));
    }
    climbs_insert(all, c);
}

/* Half the least rise leaves room for a moment's count above the floor. */
static void grown_find(const struct detect_view *v, struct grown *g)
{
    struct history_growth found[DETECT_CANDIDATES_MAX];
    size_t n = history_grown(v->history, v->target, HISTORY_STACKS, g->since_ms, g->end_ms,
                             (int64_t)(g->rung->least_rise / 2), found, DETECT_CANDIDATES_MAX);
    g->n = 0;
    g->rise = 0;
    for (size_t i = 0; i < n; i++) {
        g->rise += (double)(found[i].now - found[i].before);
        if (found[i].stack != HISTORY_OTHER)
            g->stack[g->n++] = found[i].stack;
    }
}

static void grown_judge(const struct detect_view *v, struct grown *g)
{
    history_minima(v->history, v->target, HISTORY_STACKS, g->stack, g->n, g->end_ms,
                   g->block_ms, (size_t)g->rung->n, g->minima);
    for (size_t i = 0; i < g->n; i++) {
        float *m = &g->minima[i * (size_t)g->rung->n];
        g->climbs[i] = false;
        if (!ratchet_fill(m, (size_t)g->rung->n)) {
            memset(m, 0, (size_t)g->rung->n * sizeof(*m));
            continue;
        }
        ratchet_shape(m, g->rung, &g->shape[i]);
        g->climbs[i] = ratchet_holds(&g->shape[i], g->rung);
        if (i < MEASURED_MAX)
            stack_measure(v, g->stack[i], &g->shape[i], g->rung);
    }
}

/* No stack is worth a look: says what the one that grew most did. */
static void none_measure(const struct detect_view *v, const struct grown *g)
{
    struct history_growth most;
    struct measure m = {.detector = "stack-ratchet",
                        .subject = "every stack",
                        .what = "largest rise",
                        .window_ms = g->end_ms - g->since_ms,
                        .bound = g->rung->least_rise,
                        .unit = "goroutines"};
    if (v->measures == NULL)
        return;
    if (history_grown(v->history, v->target, HISTORY_STACKS, g->since_ms, g->end_ms, 1, &most,
                      1) == 1)
        m.value = (double)(most.now - most.before);
    measure_put(v, m);
}

static void climb_make(const struct detect_view *v, const struct grown *g, size_t i,
                       struct climb *out)
{
    const float *m = grown_minima(g, i);
    double before = (double)m[0], now = (double)m[g->rung->n - 1];
    double hours = (double)((g->rung->n - 1) * g->block_ms) / (double)HOUR_MS;
    *out = (struct climb){
        .rung = g->rung, .since_ms = g->since_ms, .window_ms = g->end_ms - g->since_ms};
    out->excuse = excuse_find(v, g, i, &out->witness);
    out->culprit = (struct culprit){
        .class = HISTORY_STACKS,
        .stack = g->stack[i],
        .before = (int64_t)before,
        .now = (int64_t)now,
        .per_hour = (now - before) / hours,
        .share = g->rise > now - before ? (now - before) / g->rise : 1,
    };
}

static void rung_run(const struct detect_view *v, const struct rung *r, struct climbs *all)
{
    struct grown g = {.rung = r, .block_ms = detect_scaled(v, r->block_ms)};
    g.end_ms = v->t_ms / g.block_ms * g.block_ms;
    g.since_ms = g.end_ms - r->n * g.block_ms;
    int64_t from_ms = v->life_start_ms + detect_scaled(v, DETECT_GRACE_MS);
    if (g.since_ms < from_ms) {
        (void)window_is_full(v, "stack-ratchet", "every stack", from_ms,
                             (r->n + 1) * g.block_ms);
        return;
    }
    grown_find(v, &g);
    if (g.n == 0) {
        none_measure(v, &g);
        return;
    }
    grown_judge(v, &g);
    for (size_t i = 0; i < g.n; i++) {
        struct climb c;
        if (!g.climbs[i] || stack_exempt(v, g.stack[i]))
            continue;
        climb_make(v, &g, i, &c);
        climbs_add(all, &c);
    }
}

static void climbs_tell(const struct detect_view *v, const struct climbs *all,
                        struct finding *out)
{
    const struct climb *first = &all->p[0];
    out->kind = VERDICT_STEP;
    out->grade = first->excuse == EXCUSE_NONE ? GRADE_LIKELY : GRADE_SUSPECT;
    out->refuted = first->excuse == EXCUSE_TURNOVER;
    out->since_ms = first->since_ms;
    out->window_ms = first->window_ms;
    for (int i = 0; i < all->n; i++) {
        if (all->p[i].rung->each_third > 0)
            out->kind = VERDICT_DRIFT;
        out->culprits[out->n_culprits++] = all->p[i].culprit;
    }
    char window[MOMENT_TEXT_MAX], more[96] = "";
    excuse_text(v, first->excuse, first->witness, more, sizeof(more));
    if (first->excuse == EXCUSE_NONE && all->n > 1)
        snprintf(more, sizeof(more),
                 all->n > 2 ? "; %d more stacks climb" : "; so does another", all->n - 1);
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
        climbs_tell(v, &all, out);
}
