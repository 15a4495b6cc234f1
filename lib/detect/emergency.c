/* F, the emergency trigger: the last seconds before the kernel kills. Two
 * triggers in one: an ETA, from the slower of the last step and the last five
 * seconds, so that neither a single jump nor a climb that has ended calls for a
 * dump; and two plain levels for what climbs too slowly for that, deaf where
 * the service is known to live. */
#include <string.h>

#include "lib/detect/detect.h"

#define STEP_MIN_MS 250 /* closer samples are noise over noise */
#define SLOPE_MS 5000   /* the longer of the two slopes */
#define FORGET_MS 15000 /* a gap: what was before says nothing of now */
#define ETA_MS 30000    /* called for when less is left … */
#define ETA_DUMPS 5     /* … or than this many dumps take */
#define ETA_PERCENT 50  /* below, no climb is an emergency */
#define REARM_PERCENT 70
#define REARM_MS (5 * 60 * 1000LL)

static const int level_percent[EMERGENCY_LEVELS] = {
    [EMERGENCY_80] = 80,
    [EMERGENCY_92] = 92,
};

static bool at_percent(int64_t usage_bytes, int64_t limit_bytes, int percent)
{
    return (double)usage_bytes >= (double)limit_bytes * percent / 100;
}

/* Keeps what is needed: samples of the last FORGET_MS, of those older than
 * SLOPE_MS only the newest, which the slope starts from. */
static void recent_trim(struct emergency *e, int64_t t_ms, int64_t time_scale)
{
    int drop = 0;
    while (drop < e->n && t_ms - e->recent[drop].t_ms > detect_scale(FORGET_MS, time_scale))
        drop++;
    while (drop + 1 < e->n &&
           t_ms - e->recent[drop + 1].t_ms >= detect_scale(SLOPE_MS, time_scale))
        drop++;
    if (e->n == EMERGENCY_SAMPLES && drop == 0)
        drop = 1;
    e->n -= drop;
    memmove(e->recent, e->recent + drop, (size_t)e->n * sizeof(e->recent[0]));
}

/* Seconds to the limit at the slower slope; 0 when not rising, or unknown. */
static double recent_eta(const struct emergency *e, int64_t t_ms, int64_t usage_bytes,
                         int64_t limit_bytes)
{
    if (e->n == 0)
        return 0;
    double step = (double)(usage_bytes - e->recent[e->n - 1].bytes) /
                  (double)(t_ms - e->recent[e->n - 1].t_ms);
    double slope =
        (double)(usage_bytes - e->recent[0].bytes) / (double)(t_ms - e->recent[0].t_ms);
    double bytes_per_ms = step < slope ? step : slope;
    if (bytes_per_ms <= 0)
        return 0;
    double left = (double)(limit_bytes - usage_bytes);
    return (left > 0 ? left : 1) / bytes_per_ms / 1000;
}

/* Takes a sample into the ETA, unless it comes too soon after the last one. */
static void emergency_measure(struct emergency *e, int64_t t_ms, int64_t usage_bytes,
                              int64_t limit_bytes, int64_t dump_ms, int64_t time_scale)
{
    if (e->n > 0 && t_ms - e->recent[e->n - 1].t_ms < detect_scale(STEP_MIN_MS, time_scale))
        return;
    recent_trim(e, t_ms, time_scale);
    e->eta_s = recent_eta(e, t_ms, usage_bytes, limit_bytes);
    e->recent[e->n].t_ms = t_ms;
    e->recent[e->n].bytes = usage_bytes;
    e->n++;
    int64_t call_ms = detect_scale(ETA_MS, time_scale);
    if (call_ms < ETA_DUMPS * dump_ms)
        call_ms = ETA_DUMPS * dump_ms;
    bool calls = e->eta_s > 0 && e->eta_s * 1000 <= (double)call_ms;
    e->hits = calls ? e->hits + 1 : 0;
}

static void emergency_rearm(struct emergency *e, int64_t t_ms, bool calm, int64_t time_scale)
{
    if (!calm)
        e->calm_since_ms = 0;
    else if (e->calm_since_ms == 0)
        e->calm_since_ms = t_ms;
    else if (t_ms - e->calm_since_ms >= detect_scale(REARM_MS, time_scale))
        memset(e->fired, 0, sizeof(e->fired));
}

enum emergency_level emergency_push(struct emergency *e, int64_t t_ms, int64_t usage_bytes,
                                    int64_t limit_bytes, int settled_percent, int64_t dump_ms,
                                    int64_t time_scale)
{
    if (limit_bytes <= 0 || usage_bytes < 0)
        return EMERGENCY_NONE;
    emergency_measure(e, t_ms, usage_bytes, limit_bytes, dump_ms, time_scale);
    emergency_rearm(e, t_ms, !at_percent(usage_bytes, limit_bytes, REARM_PERCENT), time_scale);
    enum emergency_level call = EMERGENCY_NONE;
    bool near = e->hits >= 2 && at_percent(usage_bytes, limit_bytes, ETA_PERCENT);
    e->near_s = near ? e->eta_s : 0;
    if (near && !e->fired[EMERGENCY_ETA]) {
        call = EMERGENCY_ETA;
        e->fired[EMERGENCY_ETA] = true;
    }
    for (enum emergency_level l = EMERGENCY_80; l <= EMERGENCY_92; l++) {
        if (!at_percent(usage_bytes, limit_bytes, level_percent[l]) || e->fired[l])
            continue;
        e->fired[l] = true;
        if (level_percent[l] > settled_percent)
            call = l;
    }
    if (call != EMERGENCY_NONE)
        e->calm_since_ms = 0; /* calm before the call is no calm after it */
    return call;
}
