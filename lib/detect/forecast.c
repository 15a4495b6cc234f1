/* D, the forecast. The slope is the greater of two Theil-Sen slopes (the median
 * of those between all pairs: outliers need no throwing away) of block maxima,
 * over six hours and over a day; the level is the highest of the last hours. The
 * interval is that of both windows together. */
#include <math.h>
#include <stdlib.h>

#include "lib/detect/detectors.h"

#define BLOCKS_MAX 24
#define PAIRS_MAX (BLOCKS_MAX * (BLOCKS_MAX - 1) / 2)
#define BLOCKS_LEAST 6
#define LEVEL_BLOCKS 9         /* three hours: the next peak may be as high as the last */
#define GOROUTINE_BYTES 6144.0 /* a stack and its descriptor, as they mostly are */
#define HELD_ABOVE 0.75        /* of the limit … */
#define HELD_SLOPE 0.1         /* … and memory climbs by less than this part of live heap */
#define OVERHEAD 0.04          /* of the limit: the runtime's own, spans not full */

struct slopes {
    double low, middle, high; /* bytes per ms; tenth, half and nine tenths of the pairs */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* False when too little is known. */
static bool theil_sen(const float *v, int n, double block_ms, struct slopes *out)
{
    double pair[PAIRS_MAX];
    int pairs = 0, known = 0;
    for (int j = 0; j < n; j++) {
        if (isnan(v[j]))
            continue;
        known++;
        for (int i = 0; i < j; i++)
            if (!isnan(v[i]))
                pair[pairs++] = ((double)v[j] - (double)v[i]) / ((j - i) * block_ms);
    }
    if (known < BLOCKS_LEAST)
        return false;
    qsort(pair, (size_t)pairs, sizeof(pair[0]), by_value);
    double median = (pair[(pairs - 1) / 2] + pair[pairs / 2]) / 2;
    *out = (struct slopes){pair[pairs / 10], median, pair[pairs - 1 - pairs / 10]};
    return true;
}

/* How a signal grows. */
struct growth {
    struct slopes hours, both; /* over six hours; over these and a day together */
    double level;              /* bytes; 0: too little is known */
};

static struct growth signal_growth(const struct detect_view *v, enum history_signal s)
{
    float short_term[18], day[24];
    struct growth g = {.level = 0};
    struct slopes a = {0}, b = {0};
    window_greatest(v, s, v->life_start_ms, v->t_ms + 1, 20 * MINUTE_MS, 18, short_term);
    window_greatest(v, s, v->life_start_ms, v->t_ms + 1, HOUR_MS, 24, day);
    bool have_a = theil_sen(short_term, 18, (double)detect_scaled(v, 20 * MINUTE_MS), &a);
    bool have_b = theil_sen(day, 24, (double)detect_scaled(v, HOUR_MS), &b);
    if (!have_a && !have_b)
        return g;
    for (int i = 18 - LEVEL_BLOCKS; i < 18; i++)
        if (!isnan(short_term[i]))
            g.level = fmax(g.level, (double)short_term[i]);
    g.hours = a = have_a ? a : b;
    b = have_b ? b : a;
    g.both =
        (struct slopes){fmin(a.low, b.low), fmax(a.middle, b.middle), fmax(a.high, b.high)};
    return g;
}

/* 0 where a slope never gets there; what is there already is there in a second. */
static double eta_s(double left_bytes, double bytes_per_ms)
{
    if (!(bytes_per_ms > 0))
        return 0;
    return fmax(left_bytes / bytes_per_ms / 1000, 1);
}

static struct forecast forecast_of(const struct slopes *s, double left_bytes)
{
    if (!(s->middle > 0))
        return (struct forecast){0};
    return (struct forecast){
        .eta_s = eta_s(left_bytes, s->middle),
        .low_s = eta_s(left_bytes, s->high),
        .high_s = eta_s(left_bytes, s->low),
    };
}

static double goroutines_now(const struct detect_view *v)
{
    float greatest;
    window_greatest(v, HISTORY_GOROUTINES, v->life_start_ms, v->t_ms + 1, HOUR_MS, 1,
                    &greatest);
    return isnan(greatest) ? 0 : (double)greatest;
}

/* GOMEMLIMIT holds memory level, near the limit, while live heap climbs on: what
 * memory did before says nothing of what is to come. */
static bool is_held(const struct growth *memory, const struct growth *live, double limit_bytes)
{
    return memory->level > HELD_ABOVE * limit_bytes && live->hours.middle > 0 &&
           memory->hours.middle < HELD_SLOPE * live->hours.middle;
}

struct forecast detect_forecast(const struct detect_view *v)
{
    struct forecast by_memory = {0}, by_live = {0};
    double limit = (double)v->limit_bytes;
    if (v->limit_bytes <= 0)
        return by_memory;
    struct growth memory = signal_growth(v, HISTORY_MEMORY_BYTES);
    struct growth live = signal_growth(v, HISTORY_HEAP_BYTES);
    if (memory.level > 0)
        by_memory = forecast_of(&memory.both, limit - memory.level);
    if (live.level > 0)
        by_live = forecast_of(&live.both, (1 - OVERHEAD) * limit - live.level -
                                              GOROUTINE_BYTES * goroutines_now(v));
    bool live_first =
        by_live.eta_s > 0 && (by_memory.eta_s <= 0 || by_live.eta_s < by_memory.eta_s ||
                              is_held(&memory, &live, limit));
    return live_first ? by_live : by_memory;
}
