/* Signals as blocks of a window: what the detectors of memory look at. */
#include <math.h>

#include "lib/detect/detectors.h"

/* The history is asked for points this much finer than a block, so that a point
 * that straddles two blocks moves neither by much. */
#define POINTS_A_BLOCK 20
#define BLOCKS_A_READ 64
#define POINTS_MAX (POINTS_A_BLOCK * (BLOCKS_A_READ + 2)) /* where tiers meet: more */

bool window_is_full(const struct detect_view *v, const char *detector, const char *subject,
                    int64_t from_ms, int64_t window_ms)
{
    struct measure m = {.detector = detector,
                        .what = "seen of this life",
                        .window_ms = window_ms,
                        .value = (double)(v->t_ms - from_ms) / 1000,
                        .bound = (double)window_ms / 1000,
                        .unit = "s"};
    if (v->t_ms - from_ms >= window_ms)
        return true;
    str_copy(m.subject, sizeof(m.subject), str_of(subject));
    measure_put(v, m);
    return false;
}

static void blocks_read(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                        int64_t start_ms, int64_t scaled_ms, int n, bool greatest, float *out)
{
    struct history_point p[POINTS_MAX];
    int64_t end_ms = start_ms + n * scaled_ms;
    int64_t since_ms = start_ms > from_ms ? start_ms : from_ms;
    size_t n_points = 0;

    if (since_ms < end_ms)
        n_points = history_signal(v->history, v->target, s, since_ms, end_ms,
                                  scaled_ms / POINTS_A_BLOCK, p, POINTS_MAX);
    for (int i = 0; i < n; i++)
        out[i] = NAN;
    for (size_t i = 0; i < n_points; i++) {
        float *at = &out[(p[i].t_ms - start_ms) / scaled_ms];
        float value = greatest ? p[i].max : p[i].min;
        if (isnan(*at) || (greatest ? value > *at : value < *at))
            *at = value;
    }
}

/* Piece by piece: a month of a tier that reaches past its span is more points
 * than fit, and the oldest hours would be missing. */
static void window_read(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                        int64_t end_ms, int64_t block_ms, int n, bool greatest, float *out)
{
    int64_t scaled_ms = detect_scaled(v, block_ms), start_ms = end_ms - n * scaled_ms;
    for (int i = 0; i < n; i += BLOCKS_A_READ)
        blocks_read(v, s, from_ms, start_ms + i * scaled_ms, scaled_ms,
                    n - i < BLOCKS_A_READ ? n - i : BLOCKS_A_READ, greatest, &out[i]);
}

void window_least(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                  int64_t end_ms, int64_t block_ms, int n, float *out)
{
    window_read(v, s, from_ms, end_ms, block_ms, n, false, out);
}

void window_greatest(const struct detect_view *v, enum history_signal s, int64_t from_ms,
                     int64_t end_ms, int64_t block_ms, int n, float *out)
{
    window_read(v, s, from_ms, end_ms, block_ms, n, true, out);
}
