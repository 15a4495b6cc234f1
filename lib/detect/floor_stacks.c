/* Which stacks lift the daily floor of all goroutines: each has a floor of its
 * own, the least of its last day against the least of the time before. */
#include <math.h>
#include <string.h>

#include "lib/detect/detectors.h"
#include "lib/detect/ratchet.h"
#include "lib/detect/traffic.h"

#define DAY 24
#define HOURS_MAX 48
#define STACKS_MAX 32
#define SHARE_LEAST 0.2 /* of the floor's rise, to be named */

struct floors {
    size_t n;
    uint32_t stack[STACKS_MAX];
    float least[STACKS_MAX][2]; /* of the time before, of the last day */
};

static double floor_rise(const struct floors *f, size_t i)
{
    return (double)f->least[i][1] - (double)f->least[i][0];
}

static float least_of(const float *v, int n)
{
    float least = v[0];
    for (int i = 1; i < n; i++)
        least = fminf(least, v[i]);
    return least;
}

static void floors_read(const struct detect_view *v, int64_t end_ms, int hours,
                        struct floors *f)
{
    struct history_growth grown[STACKS_MAX];
    float hourly[STACKS_MAX * HOURS_MAX];
    int64_t hour_ms = detect_scaled(v, HOUR_MS);
    size_t n = history_grown(v->history, v->target, HISTORY_STACKS, end_ms - hours * hour_ms,
                             end_ms, 1, grown, STACKS_MAX);
    f->n = 0;
    for (size_t i = 0; i < n; i++)
        if (grown[i].stack != HISTORY_OTHER)
            f->stack[f->n++] = grown[i].stack;
    history_minima(v->history, v->target, HISTORY_STACKS, f->stack, f->n, end_ms, hour_ms,
                   (size_t)hours, hourly);
    for (size_t i = 0; i < f->n; i++) {
        float *h = &hourly[i * (size_t)hours];
        if (!ratchet_fill(h, (size_t)hours))
            memset(h, 0, (size_t)hours * sizeof(*h));
        f->least[i][0] = least_of(h, hours - DAY);
        f->least[i][1] = least_of(h + hours - DAY, DAY);
    }
}

static size_t floors_top(const struct floors *f)
{
    size_t top = 0;
    for (size_t i = 1; i < f->n; i++)
        if (floor_rise(f, i) > floor_rise(f, top))
            top = i;
    return top;
}

static void floors_name(const struct floors *f, double sum, int hours, struct finding *out)
{
    bool named[STACKS_MAX] = {false};
    while (out->n_culprits < DETECT_CULPRITS_MAX) {
        size_t best = STACKS_MAX;
        for (size_t i = 0; i < f->n; i++)
            if (!named[i] && floor_rise(f, i) >= SHARE_LEAST * sum &&
                (best == STACKS_MAX || floor_rise(f, i) > floor_rise(f, best)))
                best = i;
        if (best == STACKS_MAX)
            return;
        named[best] = true;
        out->culprits[out->n_culprits++] = (struct culprit){
            .class = HISTORY_STACKS,
            .stack = f->stack[best],
            .before = (int64_t)f->least[best][0],
            .now = (int64_t)f->least[best][1],
            .per_hour = floor_rise(f, best) / hours,
            .share = fmin(1, floor_rise(f, best) / sum),
        };
    }
}

enum floor_lift floor_culprits(const struct detect_view *v, int64_t end_ms, int hours,
                               double sum, struct finding *out)
{
    struct floors f;
    struct frame frames[HISTORY_FRAMES_MAX];
    if (hours > HOURS_MAX)
        hours = HOURS_MAX;
    if (hours <= DAY)
        return FLOOR_UNKNOWN;
    floors_read(v, end_ms, hours, &f);
    if (f.n == 0)
        return FLOOR_UNKNOWN;
    size_t top = floors_top(&f);
    floors_name(&f, sum, hours, out);
    if (out->n_culprits == 0)
        return FLOOR_BY_MANY;
    size_t n = history_frames(v->history, f.stack[top], frames, HISTORY_FRAMES_MAX);
    if (detect_exempt(frames, n, v->allow, v->n_allow))
        return FLOOR_BY_CONNECTIONS;
    for (size_t i = 0; i < f.n && traffic_can_explain(frames, n); i++)
        if (i != top && traffic_swings_alike(f.least[top], f.least[i], 2))
            return FLOOR_BY_MANY;
    return FLOOR_BY_ONE;
}
