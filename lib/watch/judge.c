/* Detectors, emergency trigger and rules, on what was just learnt. */
#include <math.h>
#include <stdio.h>

#include "lib/watch/internal.h"

#define ETA_TRIGGER_S 3600.0
#define SETTLED_EVERY_MS (10 * 60000LL)

static struct detect_view view_of(const struct watch *w, int target)
{
    const struct watched *t = &w->targets[target];
    const struct settings *s = w->settings;

    return (struct detect_view){
        .history = w->history,
        .target = target,
        .t_ms = w->t_ms,
        .life_start_ms = t->life.record.seen_ms,
        .limit_bytes = t->limit_bytes,
        .time_scale = s->time_scale,
        .allow = s->allow_stack,
        .n_allow = s->n_allow_stack,
    };
}

/* The level this service is used to live at; it reads all of the history. */
static int settled_percent(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct detect_view v = view_of(w, target);

    if (w->now.boot_ms >= t->settled_due_ms) {
        t->settled_percent = detect_settled_percent(&v);
        t->settled_due_ms = w->now.boot_ms + watch_scaled(w, SETTLED_EVERY_MS);
    }
    return t->settled_percent;
}

static void run_rules(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    const struct settings *s = w->settings;
    struct rule_config c = {.goroutines = s->rule_goroutines,
                            .memory_percent = s->rule_memory_percent,
                            .ratio = s->rule_ratio};
    struct detect_view v = view_of(w, target);
    char why[160];

    if (rules_step(&t->rules, &c, &v, t->goroutines, t->usage_bytes, t->settled_percent, why) !=
        NULL)
        evidence_ask(w, target, TRIGGER_RULE, why);
}

static void push_memory(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    float values[HISTORY_SIGNALS];

    for (int i = 0; i < HISTORY_SIGNALS; i++)
        values[i] = NAN;
    values[HISTORY_MEMORY_BYTES] = (float)t->usage_bytes;
    if (t->limit_bytes > 0)
        values[HISTORY_LIMIT_BYTES] = (float)t->limit_bytes;
    history_push_signals(w->history, target, w->t_ms, values);
    t->life.last_usage_bytes = t->usage_bytes;
    t->life.last_limit_bytes = t->limit_bytes;
}

static void emergency_reason(const struct watched *t, enum emergency_level level, char out[200])
{
    const struct emergency *e = &t->emergency;
    int percent = (int)(t->usage_bytes * 100 / t->limit_bytes);

    if (level == EMERGENCY_ETA)
        snprintf(out, 200, "memory at %d %% of the limit and full in about %.0f s", percent,
                 e->eta_s);
    else
        snprintf(out, 200, "memory at %d %% of the limit", percent);
}

void judge_memory(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    enum emergency_level level;
    char reason[200];

    push_memory(w, target);
    if (t->limit_bytes > 0 && t->usage_bytes > 0) {
        level = emergency_push(&t->emergency, w->t_ms, t->usage_bytes, t->limit_bytes,
                               settled_percent(w, target), t->dump.took_ms,
                               w->settings->time_scale);
        if (level != EMERGENCY_NONE) {
            /* A burst that passed must not cost the next one its evidence: each
             * level's first call in a life is as exempt as the first of all. */
            if (level > t->life.emergency_level) {
                t->life.emergency_level = level;
                t->note.triggers.emergency_life = 0;
            }
            emergency_reason(t, level, reason);
            evidence_ask(w, target, TRIGGER_EMERGENCY, reason);
        }
    }
    run_rules(w, target);
}

static void log_verdict(struct watch *w, int target, const char *msg, const struct finding *f)
{
    log_begin(w->log, w->now.wall_ms, LOG_WARN, msg);
    log_cstr(w->log, "target", w->targets[target].spec.name);
    log_cstr(w->log, "kind", verdict_kind_text(f->kind));
    log_cstr(w->log, "grade", verdict_grade_text(f->grade));
    log_cstr(w->log, "evidence", f->evidence);
    if (f->n_culprits > 0)
        log_cstr(w->log, "stack", history_fingerprint(w->history, f->culprits[0].stack));
    log_end(w->log);
}

/* Since the last dump the culprit, or the live heap, has doubled. */
static void check_doubling(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    const struct finding *f = &t->detect.verdict.finding;
    char reason[200];

    if (t->note.culprit_at_dump > 0 && f->n_culprits > 0 &&
        f->culprits[0].now >= 2 * t->note.culprit_at_dump) {
        snprintf(reason, sizeof(reason),
                 "the culprit doubled since the last dump: %lld, now %lld",
                 (long long)t->note.culprit_at_dump, (long long)f->culprits[0].now);
        evidence_ask(w, target, TRIGGER_DOUBLING, reason);
    } else if (t->note.heap_at_dump > 0 && t->heap_bytes >= 2 * t->note.heap_at_dump) {
        snprintf(reason, sizeof(reason),
                 "the live heap doubled since the last dump: %lld bytes, now %lld",
                 (long long)t->note.heap_at_dump, (long long)t->heap_bytes);
        evidence_ask(w, target, TRIGGER_DOUBLING, reason);
    }
}

static void check_verdict(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    const struct finding *f = &t->detect.verdict.finding;
    char reason[200];

    if (f->kind == VERDICT_NONE || f->grade < GRADE_LIKELY)
        return;
    check_doubling(w, target);
    if (f->eta_s > 0 && f->eta_s < ETA_TRIGGER_S / (double)w->settings->time_scale) {
        snprintf(reason, sizeof(reason), "the limit is reached in about %.0f s", f->eta_s);
        evidence_ask(w, target, TRIGGER_ETA, reason);
    }
}

void judge_stacks(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct detect_view v = view_of(w, target);
    struct finding before = t->detect.verdict.finding;
    enum detect_change change = detect_step(&t->detect, &v);
    const struct finding *f = &t->detect.verdict.finding;

    if (change == DETECT_RAISED)
        log_verdict(w, target, "verdict", f);
    else if (change == DETECT_CLEARED)
        log_verdict(w, target, "verdict cleared", &before);
    if (change == DETECT_RAISED && f->grade == GRADE_CONFIRMED && before.grade == GRADE_LIKELY)
        evidence_ask(w, target, TRIGGER_CONFIRMED, f->evidence);
    else if (change == DETECT_RAISED && f->grade >= GRADE_LIKELY)
        evidence_ask(w, target, TRIGGER_VERDICT, f->evidence);
    check_verdict(w, target);
}
