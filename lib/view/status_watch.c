/* A status from the running agent. */
#include <string.h>

#include "lib/view/status_make.h"

#define HOUR_MS 3600000LL
#define COPY(dst, z) str_copy((dst), sizeof(dst), str_of(z))

static int64_t age(const struct watch *w, int64_t boot_ms)
{
    return boot_ms > 0 ? w->now.boot_ms - boot_ms : -1;
}

static void from_verdict(const struct watch *w, int target, struct status_target *out)
{
    const struct watched *t = &w->targets[target];
    const struct verdict *v = &t->judge.detect.verdict;
    const struct finding *f = &v->finding;

    if (f->kind == VERDICT_NONE)
        return;
    COPY(out->verdict.kind, verdict_kind_text(f->kind));
    COPY(out->verdict.grade, verdict_grade_text(f->grade));
    COPY(out->verdict.detector, v->detector);
    COPY(out->verdict.evidence, f->evidence);
    out->verdict.since_wall_ms = history_wall_ms(w->history, f->since_ms);
    out->verdict.eta_s = v->forecast.eta_s;
    out->verdict.eta_low_s = v->forecast.low_s;
    out->verdict.eta_high_s = v->forecast.high_s;
    if (f->n_culprits == 0)
        return;
    out->stacks_span_ms = f->window_ms;
    out->n_stacks = watch_culprits(w, f, out->stacks);
    watch_name_culprits(w, target, f, out->stacks, out->n_stacks);
    for (int i = 0; i < out->n_stacks; i++)
        if (out->stacks[i].function[0] == '\0')
            COPY(out->stacks[i].function, "(no visible frame)");
}

static void from_life(const struct watch *w, const struct watched *t, struct status_target *out)
{
    const struct history_life *life = &t->life.record;

    out->life = (int64_t)life->id;
    if (life->id == 0 || life->end_ms != 0)
        return;
    out->life_start_wall_ms = history_wall_ms(w->history, life->start_ms);
    out->uptime_ms = w->t_ms - life->start_ms;
}

static void from_counters(const struct watched *t, struct status_target *out)
{
    out->scrapes = (int64_t)t->counters.scrapes;
    out->failures = (int64_t)t->counters.failures;
    out->cut = (int64_t)t->counters.cut;
    out->skipped_budget = (int64_t)t->counters.skipped_budget;
    out->skipped_headroom = (int64_t)t->counters.skipped_headroom;
    out->dump_failures = (int64_t)t->counters.dump_failures;
    for (int i = 0; i < TRIGGERS; i++)
        out->dumps += (int64_t)t->counters.dumps[i];
    COPY(out->last_dump, t->counters.last_dump);
    COPY(out->store_problem, t->counters.last_error);
}

static void from_target(const struct watch *w, int target, struct status_target *out)
{
    const struct watched *t = &w->targets[target];
    int64_t from_ms = w->t_ms - HOUR_MS / w->settings->time_scale;

    status_target_init(out, t->spec.name);
    COPY(out->url, t->url);
    COPY(out->state, target_state_text(t->state));
    COPY(out->problem, t->problem);
    from_life(w, t, out);
    out->goroutines = t->goroutines;
    out->goroutines_age_ms = t->goroutines < 0 ? -1 : age(w, t->goroutines_ms);
    COPY(out->memory_source, memory_tier_text(t->tier));
    COPY(out->memory_blowup, memory_tier_fastest_blowup(t->tier));
    out->usage_bytes = t->usage_bytes;
    out->limit_bytes = t->limit_bytes;
    out->memory_age_ms = t->usage_bytes < 0 ? -1 : age(w, t->memory_at_ms);
    out->memory_eta_s = t->judge.emergency.near_s;
    out->heap_bytes = t->heap_bytes;
    out->heap_age_ms = age(w, t->heap_ms);
    COPY(out->baseline_kind, t->baseline.kind);
    if (t->baseline.wall_ms > 0) {
        out->baseline_age_ms = w->now.wall_ms - t->baseline.wall_ms;
        out->baseline_goroutines = t->baseline.goroutines;
    }
    if (from_ms < t->life.record.seen_ms)
        from_ms = t->life.record.seen_ms;
    from_verdict(w, target, out);
    if (out->n_stacks == 0 && from_ms > 0)
        status_grown(out, w->history, target,
                     t->judge.detect.verdict.finding.kind == VERDICT_HEAP ? HISTORY_SITES
                                                                          : HISTORY_STACKS,
                     from_ms, w->t_ms);
    status_series(out, w->history, target, from_ms, w->t_ms + 1);
    from_counters(t, out);
}

void status_from_watch(const struct watch *w, struct status *out)
{
    status_head(out, w->history, w->now.wall_ms, "agent");
    out->n_targets = w->n_targets;
    for (int i = 0; i < w->n_targets; i++)
        from_target(w, i, &out->targets[i]);
}
