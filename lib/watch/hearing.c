/* Brings what was just learnt before the judge, and carries out what he asks. */
#include <math.h>

#include "lib/watch/internal.h"

struct judge_reading hearing_reading(const struct watch *w, int target)
{
    const struct watched *t = &w->targets[target];
    const struct settings *s = w->settings;

    return (struct judge_reading){
        .view =
            {
                .history = w->history,
                .target = target,
                .t_ms = w->t_ms,
                .life_start_ms = t->life.record.seen_ms,
                .limit_bytes = t->limit_bytes,
                .time_scale = s->time_scale,
                .allow = s->allow_stack,
                .n_allow = s->n_allow_stack,
                .gc = &t->judge.gc,
                .refuted = watch_refuted(w, target, w->t_ms),
            },
        .life = t->life.record.id,
        .goroutines = t->goroutines,
        .usage_bytes = t->usage_bytes,
        .heap_bytes = t->heap_bytes,
        .dump_ms = t->dump.took_ms,
        .rules = {.goroutines = s->rule_goroutines,
                  .memory_percent = s->rule_memory_percent,
                  .ratio = s->rule_ratio},
    };
}

static void carry_out(struct watch *w, int target, const struct judge_asks *asks)
{
    for (int i = 0; i < asks->n; i++)
        evidence_ask(w, target, asks->p[i].trigger, asks->p[i].reason);
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

void hearing_memory(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct judge_reading r = hearing_reading(w, target);
    struct judge_asks asks;

    push_memory(w, target);
    judge_memory(&t->judge, &t->note.kept, &r, &asks);
    carry_out(w, target, &asks);
}

static void log_forecast(struct log *l, const struct forecast *f)
{
    if (f->eta_s <= 0)
        return;
    log_i64(l, "eta_s", (int64_t)f->eta_s);
    log_i64(l, "eta_low_s", (int64_t)f->low_s);
    if (f->high_s > 0)
        log_i64(l, "eta_high_s", (int64_t)f->high_s);
}

void hearing_log(struct watch *w, int target, const char *msg, const struct verdict *v)
{
    const struct finding *f = &v->finding;
    struct manifest_culprit culprits[MANIFEST_CULPRITS_MAX];

    log_begin(w->log, w->now.wall_ms, LOG_WARN, msg);
    log_cstr(w->log, "target", w->targets[target].spec.name);
    log_cstr(w->log, "kind", verdict_kind_text(f->kind));
    log_cstr(w->log, "grade", verdict_grade_text(f->grade));
    log_cstr(w->log, "detector", v->detector);
    log_cstr(w->log, "evidence", f->evidence);
    log_forecast(w->log, &v->forecast);
    if (watch_culprits(w, f, culprits) > 0) {
        watch_name_culprits(w, target, f, culprits, 1);
        watch_log_culprit(w->log, &culprits[0]);
    }
    log_end(w->log);
}

void hearing_stacks(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct judge_reading r = hearing_reading(w, target);
    struct verdict before = t->judge.detect.verdict;
    struct judge_asks asks;
    enum detect_change change = judge_stacks(&t->judge, &t->note.kept, &r, &asks);

    if (change == DETECT_RAISED)
        hearing_log(w, target, "verdict", &t->judge.detect.verdict);
    else if (change == DETECT_CLEARED)
        hearing_log(w, target, "verdict cleared", &before);
    carry_out(w, target, &asks);
}
