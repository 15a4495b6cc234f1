/* The plain rules people know, off unless asked for, each at most once per
 * life, and what the percentages have to know of earlier lives. */
#include <stdio.h>

#include "lib/detect/detectors.h"

#define RATIO 1.2
#define RATIO_LEAST 100
#define RATIO_FOR_MS (15 * MINUTE_MS)
#define PERCENT_MAX 1000            /* of a limit lowered later, or a foolish one */
#define LOOKBACK_MS (5 * MINUTE_MS) /* as Prometheus: an older value is none */

static bool rule_fires(int64_t *fired_ms, const struct detect_view *v)
{
    if (*fired_ms != 0 && *fired_ms >= v->life_start_ms)
        return false;
    *fired_ms = v->t_ms;
    return true;
}

/* The count one hour ago in this life, or -1. */
static double goroutines_hour_ago(const struct detect_view *v)
{
    struct history_point p[512];
    int64_t to_ms = v->t_ms - detect_scaled(v, HOUR_MS) + 1;
    int64_t from_ms = to_ms - detect_scaled(v, LOOKBACK_MS);
    if (from_ms < v->life_start_ms)
        from_ms = v->life_start_ms;
    if (from_ms >= to_ms)
        return -1;
    size_t n = history_signal(v->history, v->target, HISTORY_GOROUTINES, from_ms, to_ms, 0, p,
                              sizeof(p) / sizeof(p[0]));
    return n > 0 ? (double)p[n - 1].mean : -1;
}

/* Whether the article's ratio has held for its quarter of an hour; a moment
 * without numbers changes nothing. */
static bool ratio_holds(struct rule_state *s, const struct detect_view *v, int64_t goroutines,
                        double *before)
{
    *before = goroutines_hour_ago(v);
    if (goroutines < 0 || *before < 0)
        return false;
    bool now = (double)goroutines > RATIO * *before && goroutines > RATIO_LEAST;
    if (!now)
        s->ratio_since_ms = 0;
    else if (s->ratio_since_ms < v->life_start_ms || s->ratio_since_ms == 0)
        s->ratio_since_ms = v->t_ms;
    return now && v->t_ms - s->ratio_since_ms >= detect_scaled(v, RATIO_FOR_MS);
}

const char *rules_step(struct rule_state *s, const struct rule_config *c,
                       const struct detect_view *v, int64_t goroutines, int64_t usage_bytes,
                       int settled_percent, char why[160])
{
    if (c->goroutines > 0 && goroutines >= c->goroutines && rule_fires(&s->goroutines_ms, v)) {
        snprintf(why, 160, "%lld goroutines, the rule's bound is %lld", (long long)goroutines,
                 (long long)c->goroutines);
        return "goroutines";
    }
    bool percent = c->memory_percent > settled_percent && v->limit_bytes > 0;
    double used = percent ? 100 * (double)usage_bytes / (double)v->limit_bytes : 0;
    if (percent && used >= (double)c->memory_percent && rule_fires(&s->percent_ms, v)) {
        snprintf(why, 160, "memory at %.1f %% of the limit, the rule's bound is %lld %%", used,
                 (long long)c->memory_percent);
        return "memory-percent";
    }
    double before;
    if (c->ratio && ratio_holds(s, v, goroutines, &before) && rule_fires(&s->ratio_ms, v)) {
        snprintf(
            why, 160,
            "%lld goroutines are more than %.1f times the %.0f of one hour ago, for %d minutes",
            (long long)goroutines, RATIO, before, (int)(RATIO_FOR_MS / MINUTE_MS));
        return "ratio";
    }
    return NULL;
}

/* The highest floor of a whole hour in [from_ms, to_ms), bytes. */
static double held_bytes(const struct detect_view *v, int64_t from_ms, int64_t to_ms)
{
    struct history_point p[1152]; /* thirty days: 3 by 10 minutes, the rest by hours */
    double best = 0;
    int64_t hour_ms = detect_scaled(v, HOUR_MS);
    size_t n = history_signal(v->history, v->target, HISTORY_MEMORY_BYTES, from_ms, to_ms,
                              hour_ms / 6, p, sizeof(p) / sizeof(p[0]));
    for (size_t i = 0; i < n; i++) {
        double floor_bytes = (double)p[i].min;
        size_t j = i;
        while (j < n && p[j].t_ms - p[i].t_ms < hour_ms) {
            floor_bytes = (double)p[j].min < floor_bytes ? (double)p[j].min : floor_bytes;
            j++;
        }
        bool whole = j < n && p[j].t_ms - p[i].t_ms <= hour_ms + hour_ms / 6; /* no gap */
        if (whole && floor_bytes > best)
            best = floor_bytes;
    }
    return best;
}

int detect_settled_percent(const struct detect_view *v)
{
    struct history_life lives[HISTORY_LIVES_MAX];
    size_t n = history_lives(v->history, v->target, lives, HISTORY_LIVES_MAX);
    double best = 0;
    for (size_t i = 0; i < n; i++) {
        if (lives[i].oom)
            continue;
        int64_t end_ms = lives[i].end_ms > 0 ? lives[i].end_ms : v->t_ms;
        double held = held_bytes(v, lives[i].start_ms, end_ms);
        best = held > best ? held : best;
    }
    double percent = v->limit_bytes > 0 ? 100 * best / (double)v->limit_bytes : 0;
    return percent < PERCENT_MAX ? (int)percent : PERCENT_MAX;
}
