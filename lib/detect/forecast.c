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

/* The steeper of six hours and of a day; false when neither is known. */
static bool signal_slopes(const struct detect_view *v, enum history_signal s,
                          struct slopes *out, double *level)
{
    float short_term[18], day[24];
    struct slopes a = {0}, b = {0};
    window_greatest(v, s, v->life_start_ms, v->t_ms + 1, 20 * MINUTE_MS, 18, short_term);
    window_greatest(v, s, v->life_start_ms, v->t_ms + 1, HOUR_MS, 24, day);
    bool have_a = theil_sen(short_term, 18, (double)detect_scaled(v, 20 * MINUTE_MS), &a);
    bool have_b = theil_sen(day, 24, (double)detect_scaled(v, HOUR_MS), &b);
    *level = 0;
    for (int i = 18 - LEVEL_BLOCKS; i < 18; i++)
        if (!isnan(short_term[i]))
            *level = fmax(*level, (double)short_term[i]);
    if (!have_a && !have_b)
        return false;
    a = have_a ? a : b;
    b = have_b ? b : a;
    *out = (struct slopes){fmin(a.low, b.low), fmax(a.middle, b.middle), fmax(a.high, b.high)};
    return *level > 0;
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

struct forecast detect_forecast(const struct detect_view *v)
{
    struct forecast memory = {0}, live = {0};
    struct slopes s;
    double level, limit = (double)v->limit_bytes;
    if (v->limit_bytes <= 0)
        return memory;
    if (signal_slopes(v, HISTORY_MEMORY_BYTES, &s, &level))
        memory = forecast_of(&s, limit - level);
    if (signal_slopes(v, HISTORY_HEAP_BYTES, &s, &level))
        live = forecast_of(&s, (1 - OVERHEAD) * limit - level -
                                   GOROUTINE_BYTES * goroutines_now(v));
    bool live_first = live.eta_s > 0 && (memory.eta_s <= 0 || live.eta_s < memory.eta_s);
    return live_first ? live : memory;
}
