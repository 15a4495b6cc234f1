#include "lib/detect/excuse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/detect/detectors.h"
#include "lib/detect/traffic.h"

#define DAY_MS (24 * HOUR_MS)
#define TIDE_POINTS_MAX 64
#define TIDE 0.5 /* of the rise that must be more than there was yesterday */

bool stack_exempt(const struct detect_view *v, uint32_t stack)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n = history_frames(v->history, stack, frames, HISTORY_FRAMES_MAX);
    return detect_exempt(frames, n, v->allow, v->n_allow);
}

static bool stack_excusable(const struct detect_view *v, uint32_t stack)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n = history_frames(v->history, stack, frames, HISTORY_FRAMES_MAX);
    return traffic_can_explain(frames, n);
}

const float *grown_minima(const struct grown *g, size_t i)
{
    return &g->minima[i * (size_t)g->rung->n];
}

/* The most there were around this hour of yesterday, in this life; 0: unknown. A
 * tide may come some later than the day before. */
static double level_yesterday(const struct detect_view *v, const struct grown *g, size_t i)
{
    struct history_point p[TIDE_POINTS_MAX];
    int64_t then_ms = g->end_ms - detect_scaled(v, DAY_MS), hour_ms = detect_scaled(v, HOUR_MS);
    double most = 0;
    if (then_ms - hour_ms < v->life_start_ms + detect_scaled(v, DETECT_GRACE_MS))
        return 0;
    size_t n =
        history_series(v->history, v->target, HISTORY_STACKS, g->stack[i], then_ms - hour_ms,
                       then_ms + 2 * hour_ms, hour_ms / 4, p, TIDE_POINTS_MAX);
    for (size_t k = 0; k < n; k++)
        most = fmax(most, (double)p[k].max);
    return most;
}

static bool is_tide(const struct detect_view *v, const struct grown *g, size_t i)
{
    const float *m = grown_minima(g, i);
    double now = (double)m[g->rung->n - 1], rise = now - (double)m[0];
    double yesterday = level_yesterday(v, g, i);
    return yesterday > 0 && now - yesterday < TIDE * rise;
}

/* The stack that speaks for a climber, of those that grew in the same window. */
static enum excuse find_witness(const struct detect_view *v, const struct grown *g,
                                size_t climber, uint32_t *witness)
{
    const float *m = grown_minima(g, climber);
    for (size_t i = 0; i < g->n; i++) {
        const float *o = grown_minima(g, i);
        *witness = g->stack[i];
        if (i == climber)
            continue;
        if (!g->climbs[i] && traffic_swings_alike(m, o, g->rung->n))
            return EXCUSE_SWINGS;
        if (traffic_follows(m, o, g->rung->n) && stack_exempt(v, g->stack[i]))
            return EXCUSE_FOLLOWS;
    }
    *witness = HISTORY_OTHER;
    return EXCUSE_NONE;
}

enum excuse excuse_find(const struct detect_view *v, const struct grown *g, size_t i,
                        uint32_t *witness)
{
    *witness = HISTORY_OTHER;
    if (v->refuted && strcmp(history_fingerprint(v->history, g->stack[i]), v->refuted) == 0)
        return EXCUSE_TURNOVER;
    if (is_tide(v, g, i))
        return EXCUSE_TIDE;
    return stack_excusable(v, g->stack[i]) ? find_witness(v, g, i, witness) : EXCUSE_NONE;
}

void excuse_text(const struct detect_view *v, enum excuse excuse, uint32_t witness, char *out,
                 size_t cap)
{
    const char *stack =
        witness != HISTORY_OTHER ? history_fingerprint(v->history, witness) : "";
    out[0] = '\0';
    switch (excuse) {
    case EXCUSE_NONE: break;
    case EXCUSE_SWINGS:
        snprintf(out, cap, "; but stack %s, which swings, grew alike: traffic?", stack);
        break;
    case EXCUSE_FOLLOWS:
        snprintf(out, cap, "; but connections (stack %s) grew with it: clients?", stack);
        break;
    case EXCUSE_TIDE:
        snprintf(out, cap, "; but at this hour of yesterday there were as many");
        break;
    case EXCUSE_TURNOVER: snprintf(out, cap, "; but its goroutines come and go"); break;
    }
}
