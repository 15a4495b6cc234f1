/* A status from the running agent. */
#include <string.h>

#include "lib/dump/naming.h"
#include "lib/view/status_make.h"

#define HOUR_MS 3600000LL
#define NAME_AND_COPY(dst, z) str_copy((dst), sizeof(dst), str_of(z))

static int64_t age(const struct watch *w, int64_t boot_ms)
{
    return boot_ms > 0 ? w->now.boot_ms - boot_ms : -1;
}

/* A library's goroutine whose maker nobody knows, or nothing known at all. */
static bool is_in_the_dark(const struct manifest_culprit *c)
{
    return strcmp(c->pattern, pattern_text(PATTERN_UNKNOWN)) == 0 ||
           (c->helper[0] && strcmp(c->helper, c->function) == 0);
}

/* The last dump of this life has seen the heap profile, and so more. */
static void name_from_dump(const struct watched *t, struct manifest_culprit *c)
{
    const struct manifest *m = &t->dump.manifest;

    for (int i = 0; m->life == t->life.record.id && i < m->n_culprits; i++) {
        const struct manifest_culprit *named = &m->culprits[i];

        if (strcmp(named->fingerprint, c->fingerprint) != 0 || !named->pattern[0] ||
            is_in_the_dark(named) || !is_in_the_dark(c))
            continue;
        NAME_AND_COPY(c->pattern, named->pattern);
        NAME_AND_COPY(c->helper, named->helper);
        NAME_AND_COPY(c->advice, named->advice);
        NAME_AND_COPY(c->function, named->function);
        NAME_AND_COPY(c->file, named->file);
        c->line = named->line;
    }
}

/* The page of now knows the hidden frames; the rest comes of the history, since
 * a status may not cost what a dump does. */
static void name_stacks(const struct watch *w, int target, struct status_target *out)
{
    const struct watched *t = &w->targets[target];
    const struct finding *f = &t->judge.detect.verdict.finding;
    struct naming_stack where[STATUS_STACKS_MAX];
    struct naming_sources sources = {
        .goroutine = t->have_now ? &t->now : NULL,
        .pcs = &t->pcs,
        .history = w->history,
        .target = target,
        .from_ms = w->t_ms - f->window_ms,
        .to_ms = w->t_ms,
    };

    for (int i = 0; i < out->n_stacks; i++)
        where[i] = (struct naming_stack){NAMING_NONE, f->culprits[i].stack};
    culprits_name(out->stacks, where, out->n_stacks, &sources);
    for (int i = 0; i < out->n_stacks; i++)
        name_from_dump(t, &out->stacks[i]);
}

static void from_verdict(const struct watch *w, int target, struct status_target *out)
{
    const struct watched *t = &w->targets[target];
    const struct verdict *v = &t->judge.detect.verdict;
    const struct finding *f = &v->finding;

    if (f->kind == VERDICT_NONE)
        return;
    NAME_AND_COPY(out->verdict.kind, verdict_kind_text(f->kind));
    NAME_AND_COPY(out->verdict.grade, verdict_grade_text(f->grade));
    NAME_AND_COPY(out->verdict.detector, v->detector);
    NAME_AND_COPY(out->verdict.evidence, f->evidence);
    out->verdict.since_wall_ms = history_wall_ms(w->history, f->since_ms);
    out->verdict.eta_s = v->forecast.eta_s;
    out->verdict.eta_low_s = v->forecast.low_s;
    out->verdict.eta_high_s = v->forecast.high_s;
    if (f->n_culprits == 0)
        return;
    out->stacks_span_ms = f->window_ms;
    out->n_stacks = f->n_culprits;
    for (int i = 0; i < f->n_culprits; i++) {
        const struct culprit *c = &f->culprits[i];

        out->stacks[i] = (struct manifest_culprit){
            .before = c->before,
            .now = c->now,
            .per_hour = c->per_hour,
            .share = c->share,
            .bytes_each = c->bytes_each,
            .explains = c->explains,
        };
        NAME_AND_COPY(out->stacks[i].unit, c->class == HISTORY_SITES ? "bytes" : "goroutines");
        status_name_stack(w->history, c->stack, &out->stacks[i]);
    }
    name_stacks(w, target, out);
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
    NAME_AND_COPY(out->last_dump, t->counters.last_dump);
    NAME_AND_COPY(out->store_problem, t->counters.last_error);
}

static void from_target(const struct watch *w, int target, struct status_target *out)
{
    const struct watched *t = &w->targets[target];
    int64_t from_ms = w->t_ms - HOUR_MS / w->settings->time_scale;

    status_target_init(out, t->spec.name);
    NAME_AND_COPY(out->url, t->url);
    NAME_AND_COPY(out->state, target_state_text(t->state));
    NAME_AND_COPY(out->problem, t->problem);
    from_life(w, t, out);
    out->goroutines = t->goroutines;
    out->goroutines_age_ms = t->goroutines < 0 ? -1 : age(w, t->goroutines_ms);
    NAME_AND_COPY(out->memory_source, memory_tier_text(t->tier));
    NAME_AND_COPY(out->memory_blowup, memory_tier_fastest_blowup(t->tier));
    out->usage_bytes = t->usage_bytes;
    out->limit_bytes = t->limit_bytes;
    out->memory_age_ms = t->usage_bytes < 0 ? -1 : age(w, t->memory_at_ms);
    out->memory_eta_s = t->judge.emergency.eta_s;
    out->heap_bytes = t->heap_bytes;
    out->heap_age_ms = age(w, t->heap_ms);
    NAME_AND_COPY(out->baseline_kind, t->baseline.kind);
    if (t->baseline.wall_ms > 0) {
        out->baseline_age_ms = w->now.wall_ms - t->baseline.wall_ms;
        out->baseline_goroutines = t->baseline.goroutines;
    }
    if (from_ms < t->life.record.seen_ms)
        from_ms = t->life.record.seen_ms;
    from_verdict(w, target, out);
    if (out->n_stacks == 0 && from_ms > 0)
        status_grown(out, w->history, target, from_ms, w->t_ms);
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
