/* A status without an agent: from the history file and the manifests. */
#include <string.h>

#include "lib/view/status_make.h"

#define HOUR_MS 3600000LL
#define LAST_POINTS 64

bool status_signal_at(const struct history *h, int target, enum history_signal s,
                      int64_t newest_ms, int64_t *value, int64_t *at_ms)
{
    struct history_point points[LAST_POINTS];
    int64_t reach_ms = 30 * 1000;

    for (; reach_ms < 48 * HOUR_MS; reach_ms *= 8) {
        int64_t step_ms = reach_ms / LAST_POINTS * 2;
        size_t n = history_signal(h, target, s, newest_ms - reach_ms, newest_ms + 1, step_ms,
                                  points, LAST_POINTS);

        if (n == 0)
            continue;
        *value = (int64_t)points[n - 1].max;
        *at_ms = points[n - 1].t_ms;
        return true;
    }
    return false;
}

static void from_signals(const struct history *h, int target, int64_t t_ms, int64_t newest_ms,
                         struct status_target *out)
{
    int64_t at_ms;

    if (status_signal_at(h, target, HISTORY_GOROUTINES, newest_ms, &out->goroutines, &at_ms))
        out->goroutines_age_ms = t_ms - at_ms;
    if (status_signal_at(h, target, HISTORY_MEMORY_BYTES, newest_ms, &out->usage_bytes, &at_ms))
        out->memory_age_ms = t_ms - at_ms;
    if (status_signal_at(h, target, HISTORY_HEAP_BYTES, newest_ms, &out->heap_bytes, &at_ms))
        out->heap_age_ms = t_ms - at_ms;
    (void)status_signal_at(h, target, HISTORY_LIMIT_BYTES, newest_ms, &out->limit_bytes,
                           &at_ms);
}

static void from_lives(const struct history *h, int target, int64_t newest_ms,
                       struct status_target *out)
{
    struct history_life lives[HISTORY_LIVES_MAX];
    size_t n = history_lives(h, target, lives, HISTORY_LIVES_MAX);
    const struct history_life *last = n ? &lives[n - 1] : NULL;

    for (size_t i = 0; i < n; i++)
        if (lives[i].id > last->id)
            last = &lives[i];
    if (last == NULL)
        return;
    out->life = (int64_t)last->id;
    out->life_start_wall_ms = history_wall_ms(h, last->start_ms);
    out->uptime_ms = (last->end_ms ? last->end_ms : newest_ms) - last->start_ms;
    if (last->end_ms)
        str_copy(out->state, sizeof(out->state), STR("ended"));
}

static void from_target(const struct history *h, int target, int64_t t_ms,
                        struct status_target *out)
{
    int64_t newest_ms = history_newest(h, target), from_ms;
    struct watch_note note;
    bool noted = watch_note_read(h, target, &note);

    status_target_init(out, history_target_name(h, target));
    str_copy(out->state, sizeof(out->state), STR("unknown"));
    if (newest_ms == 0)
        return;
    from_ms = newest_ms - HOUR_MS / (note.time_scale > 0 ? note.time_scale : 1);
    if (from_ms < history_oldest(h, target))
        from_ms = history_oldest(h, target);
    from_signals(h, target, t_ms, newest_ms, out);
    from_lives(h, target, newest_ms, out);
    status_grown(out, h, target, HISTORY_STACKS, from_ms, newest_ms);
    status_series(out, h, target, from_ms, newest_ms + 1);
    if (!noted || note.baseline_wall_ms <= 0)
        return;
    str_copy(out->baseline_kind, sizeof(out->baseline_kind), str_of(note.baseline_kind));
    out->baseline_age_ms = history_wall_ms(h, t_ms) - note.baseline_wall_ms;
    out->baseline_goroutines = note.baseline_goroutines;
}

void status_from_history(const struct history *h, struct moment now, struct status *out)
{
    int64_t t_ms = history_time(h, now);

    status_head(out, h, now.wall_ms, "files");
    out->n_targets = history_targets(h);
    for (int i = 0; i < out->n_targets; i++)
        from_target(h, i, t_ms, &out->targets[i]);
}

static void from_manifest(struct status_target *t, const struct manifest *m)
{
    str_copy(t->url, sizeof(t->url), str_of(m->url));
    str_copy(t->memory_source, sizeof(t->memory_source), str_of(m->memory.source));
    for (int tier = 0; tier < MEMORY_TIERS; tier++)
        if (strcmp(memory_tier_text((enum memory_tier)tier), m->memory.source) == 0)
            str_copy(t->memory_blowup, sizeof(t->memory_blowup),
                     str_of(memory_tier_fastest_blowup((enum memory_tier)tier)));
    if ((int64_t)m->life != t->life || m->verdict.kind[0] == '\0')
        return;
    str_copy(t->verdict.kind, sizeof(t->verdict.kind), str_of(m->verdict.kind));
    str_copy(t->verdict.grade, sizeof(t->verdict.grade), str_of(m->verdict.grade));
    str_copy(t->verdict.detector, sizeof(t->verdict.detector), str_of(m->verdict.detector));
    str_copy(t->verdict.evidence, sizeof(t->verdict.evidence), str_of(m->verdict.evidence));
    t->verdict.since_wall_ms = m->verdict.since_wall_ms;
    t->verdict.eta_s = m->verdict.eta_s;
    t->verdict.eta_low_s = m->verdict.eta_low_s;
    t->verdict.eta_high_s = m->verdict.eta_high_s;
    if (m->n_culprits == 0)
        return;
    t->n_stacks = m->n_culprits;
    memcpy(t->stacks, m->culprits, sizeof(t->stacks));
    t->stacks_span_ms = 0;
}

void status_add_dump(struct status *s, const struct store_dump *d)
{
    int target = d->readable ? status_find(s, d->manifest.target) : -1;
    struct status_target *t;

    if (target < 0)
        return;
    t = &s->targets[target];
    if (t->last_dump[0] == '\0') {
        str_copy(t->last_dump, sizeof(t->last_dump), str_of(d->id));
        from_manifest(t, &d->manifest);
    }
    t->dumps++;
}
