#include "lib/view/status_make.h"

#include <math.h>
#include <string.h>

#include "lib/detect/owner.h"

/* An hour in the three finest tiers: 240, 480 and 300 slots, and some. */
#define POINTS_MAX 1100

void status_target_init(struct status_target *t, const char *name)
{
    *t = (struct status_target){
        .goroutines = -1,
        .goroutines_age_ms = -1,
        .usage_bytes = -1,
        .memory_age_ms = -1,
        .heap_bytes = -1,
        .heap_age_ms = -1,
        .uptime_ms = -1,
        .baseline_age_ms = -1,
        .baseline_goroutines = -1,
    };
    str_copy(t->name, sizeof(t->name), str_of(name));
}

void status_head(struct status *s, const struct history *h, int64_t now_wall_ms,
                 const char *source)
{
    struct history_usage usage;

    memset(s, 0, sizeof(*s));
    str_copy(s->version, sizeof(s->version), STR(LW_VERSION));
    str_copy(s->source, sizeof(s->source), str_of(source));
    s->now_wall_ms = now_wall_ms;
    history_usage(h, 0, &usage);
    s->history.bytes = (int64_t)usage.bytes;
    s->history.used_bytes = (int64_t)usage.used_bytes;
    s->history.stacks = (int64_t)usage.stacks;
    s->history.torn_records = (int64_t)usage.torn_records;
    s->history.finest_span_ms = usage.finest_span_ms;
    s->history.shortened = usage.shortened;
    for (int i = 0; i < history_targets(h); i++) {
        int64_t oldest_ms = history_oldest(h, i), reach_ms = history_newest(h, i) - oldest_ms;

        if (oldest_ms > 0 && reach_ms > s->history.reach_ms)
            s->history.reach_ms = reach_ms;
    }
}

void status_name_stack(const struct history *h, uint32_t stack, struct manifest_culprit *out)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n = history_frames(h, stack, frames, HISTORY_FRAMES_MAX);
    const struct frame *f = n ? &frames[owner_frame(frames, n, NULL)] : NULL;

    str_copy(out->fingerprint, sizeof(out->fingerprint), str_of(history_fingerprint(h, stack)));
    str_copy(out->function, sizeof(out->function), f ? f->function : STR("(no visible frame)"));
    str_copy(out->file, sizeof(out->file), f ? f->file : STR(""));
    out->line = f ? f->line : 0;
}

void status_grown(struct status_target *t, const struct history *h, int target,
                  enum history_class class, int64_t from_ms, int64_t to_ms)
{
    struct history_growth grown[STATUS_STACKS_MAX];
    size_t n = history_grown(h, target, class, from_ms, to_ms, 1, grown, STATUS_STACKS_MAX);
    double hours = (double)(to_ms - from_ms) / 3600e3, all = 0;

    for (size_t i = 0; i < n; i++)
        all += (double)(grown[i].now - grown[i].before);
    t->stacks_span_ms = to_ms - from_ms;
    t->n_stacks = 0;
    for (size_t i = 0; i < n; i++) {
        double rise = (double)(grown[i].now - grown[i].before);
        struct manifest_culprit *c;

        if (grown[i].stack == HISTORY_OTHER)
            continue;
        c = &t->stacks[t->n_stacks++];
        *c = (struct manifest_culprit){
            .before = grown[i].before,
            .now = grown[i].now,
            .per_hour = hours > 0 ? rise / hours : 0,
            .share = rise / all,
        };
        str_copy(c->unit, sizeof(c->unit),
                 class == HISTORY_SITES ? STR("bytes") : STR("goroutines"));
        status_name_stack(h, grown[i].stack, c);
    }
}

/* Means of even spans; spans without a point are left out. */
static void series_make(struct status_series *out, const struct history_point *points, size_t n,
                        int64_t from_ms, int64_t to_ms)
{
    double sum = 0;
    int count = 0;
    int64_t bucket = -1;

    out->n = 0;
    for (size_t i = 0; i <= n; i++) {
        int64_t at =
            i < n ? (points[i].t_ms - from_ms) * STATUS_SERIES_MAX / (to_ms - from_ms) : -1;

        if (at != bucket && count > 0 && out->n < STATUS_SERIES_MAX) {
            out->values[out->n++] = (float)(sum / count);
            sum = count = 0;
        }
        if (i == n)
            break;
        bucket = at;
        if (isfinite(points[i].mean)) {
            sum += (double)points[i].mean;
            count++;
        }
    }
}

void status_series(struct status_target *t, const struct history *h, int target,
                   int64_t from_ms, int64_t to_ms)
{
    struct history_point points[POINTS_MAX];
    size_t n;

    if (to_ms <= from_ms)
        return;
    t->series_span_ms = to_ms - from_ms;
    n = history_signal(h, target, HISTORY_GOROUTINES, from_ms, to_ms, 0, points, POINTS_MAX);
    series_make(&t->goroutine_series, points, n, from_ms, to_ms);
    n = history_signal(h, target, HISTORY_MEMORY_BYTES, from_ms, to_ms, 0, points, POINTS_MAX);
    series_make(&t->memory_series, points, n, from_ms, to_ms);
}
