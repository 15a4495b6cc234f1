#include "lib/watch/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ETA_TRIGGER_S 3600.0
#define ETA_FAR_S (6 * ETA_TRIGGER_S)
#define SETTLED_EVERY_MS (10 * 60000LL)
#define DOUBLING_LEAST_BYTES (8 << 20) /* sixteen samples of the heap profile */
#define PASSED_PERCENT 70              /* an emergency below is over */

static void ask(struct judge_asks *asks, enum trigger trigger, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void ask(struct judge_asks *asks, enum trigger trigger, const char *fmt, ...)
{
    va_list ap;
    if (asks->n == JUDGE_ASKS_MAX)
        return;
    asks->p[asks->n].trigger = trigger;
    va_start(ap, fmt);
    vsnprintf(asks->p[asks->n].reason, JUDGE_REASON_MAX, fmt, ap);
    va_end(ap);
    asks->n++;
}

void judge_new_life(struct judge *j)
{
    memset(&j->emergency, 0, sizeof(j->emergency));
    memset(&j->rules, 0, sizeof(j->rules));
    memset(&j->gc, 0, sizeof(j->gc));
    j->level = EMERGENCY_NONE;
    j->settled_due_ms = 0;
    j->eta_dumped = j->waits = false;
}

/* ---- memory ---- */

/* The level this service is used to live at; it reads all of the history. */
static int settled_percent(struct judge *j, const struct judge_reading *r)
{
    if (r->view.t_ms >= j->settled_due_ms) {
        j->settled_percent = detect_settled_percent(&r->view);
        j->settled_due_ms = r->view.t_ms + detect_scale(SETTLED_EVERY_MS, r->view.time_scale);
    }
    return j->settled_percent;
}

static void judge_emergency(struct judge *j, struct judge_kept *k,
                            const struct judge_reading *r, struct judge_asks *asks)
{
    int64_t limit_bytes = r->view.limit_bytes;
    if (limit_bytes <= 0 || r->usage_bytes <= 0)
        return;
    enum emergency_level level =
        emergency_push(&j->emergency, r->view.t_ms, r->usage_bytes, limit_bytes,
                       settled_percent(j, r), r->dump_ms, r->view.time_scale);
    if (level == EMERGENCY_NONE)
        return;
    /* A burst that passed must not cost the next one its evidence: each level's
     * first call in a life is as exempt as the first of all. */
    if (level > j->level) {
        j->level = level;
        k->triggers.emergency_life = 0;
    }
    double percent = floor((double)r->usage_bytes * 100 / (double)limit_bytes);
    if (level == EMERGENCY_ETA)
        ask(asks, TRIGGER_EMERGENCY, "memory at %.0f %% of the limit and full in about %.0f s",
            percent, j->emergency.eta_s);
    else
        ask(asks, TRIGGER_EMERGENCY, "memory at %.0f %% of the limit", percent);
}

static void judge_rules(struct judge *j, const struct judge_reading *r, struct judge_asks *asks)
{
    char why[160];
    if (rules_step(&j->rules, &r->rules, &r->view, r->goroutines, r->usage_bytes,
                   j->settled_percent, why) != NULL)
        ask(asks, TRIGGER_RULE, "%s", why);
}

void judge_memory(struct judge *j, struct judge_kept *k, const struct judge_reading *r,
                  struct judge_asks *asks)
{
    asks->n = 0;
    judge_emergency(j, k, r, asks);
    judge_rules(j, r, asks);
}

/* ---- stacks ---- */

static const struct culprit *first_culprit(const struct judge *j)
{
    const struct finding *f = &j->detect.verdict.finding;
    return f->n_culprits > 0 ? &f->culprits[0] : NULL;
}

/* Since the last dump the culprit, or the live heap, has doubled. */
static void judge_doubling(const struct judge *j, const struct judge_kept *k,
                           const struct judge_reading *r, struct judge_asks *asks)
{
    const struct culprit *c = first_culprit(j);
    if (k->culprit_at_dump > 0 && c != NULL && c->class == HISTORY_STACKS &&
        c->now >= 2 * k->culprit_at_dump)
        ask(asks, TRIGGER_DOUBLING, "the culprit doubled since the last dump: %lld, now %lld",
            (long long)k->culprit_at_dump, (long long)c->now);
    else if (k->heap_at_dump > 0 && r->heap_bytes >= 2 * k->heap_at_dump &&
             r->heap_bytes - k->heap_at_dump >= DOUBLING_LEAST_BYTES)
        ask(asks, TRIGGER_DOUBLING,
            "the live heap doubled since the last dump: %lld bytes, now %lld",
            (long long)k->heap_at_dump, (long long)r->heap_bytes);
}

/* The limit is less than an hour away: once, until it was far away again. */
static void judge_eta(struct judge *j, const struct judge_reading *r, struct judge_asks *asks)
{
    double eta_s = j->detect.verdict.forecast.eta_s;
    double scaled_s = eta_s * (double)r->view.time_scale;
    if (scaled_s > ETA_FAR_S)
        j->eta_dumped = false;
    else if (eta_s > 0 && scaled_s < ETA_TRIGGER_S && !j->eta_dumped)
        ask(asks, TRIGGER_ETA, "the limit is reached in about %.0f s", eta_s);
}

static void judge_standing(struct judge *j, const struct judge_kept *k,
                           const struct judge_reading *r, struct judge_asks *asks)
{
    const struct finding *f = &j->detect.verdict.finding;
    if (f->kind == VERDICT_NONE || f->grade < GRADE_LIKELY)
        return;
    judge_doubling(j, k, r, asks);
    judge_eta(j, r, asks);
}

enum detect_change judge_stacks(struct judge *j, const struct judge_kept *k,
                                const struct judge_reading *r, struct judge_asks *asks)
{
    enum verdict_grade before = j->detect.verdict.finding.grade;
    enum detect_change change = detect_step(&j->detect, &r->view);
    const struct finding *f = &j->detect.verdict.finding;

    asks->n = 0;
    if (change == DETECT_RAISED && f->grade >= GRADE_LIKELY)
        ask(asks,
            f->grade == GRADE_CONFIRMED && before == GRADE_LIKELY ? TRIGGER_CONFIRMED
                                                                  : TRIGGER_VERDICT,
            "%s", f->evidence);
    judge_rules(j, r, asks); /* also where memory is never read */
    judge_standing(j, k, r, asks);
    return change;
}

/* ---- may it be dumped now ---- */

void judge_put_off(struct judge *j, const struct judge_ask *a, int64_t due_ms)
{
    /* What stays true (doubling, eta) asks by itself, and a person may ask again. */
    bool once = a->trigger == TRIGGER_VERDICT || a->trigger == TRIGGER_CONFIRMED ||
                a->trigger == TRIGGER_RULE || a->trigger == TRIGGER_EMERGENCY;
    if (!once || (j->waits && a->trigger != TRIGGER_EMERGENCY))
        return;
    j->waits = true;
    j->waiting = *a;
    j->waiting_due_ms = due_ms;
}

bool judge_admits(struct judge *j, const struct judge_kept *k, const struct judge_reading *r,
                  const struct judge_ask *a)
{
    int64_t wait_ms =
        trigger_wait_ms(&k->triggers, a->trigger, r->life, r->view.t_ms, r->view.time_scale);
    if (wait_ms > 0)
        judge_put_off(j, a, r->view.t_ms + wait_ms);
    return wait_ms <= 0;
}

bool judge_waiting(struct judge *j, const struct judge_reading *r, struct judge_ask *out)
{
    if (!j->waits || r->view.t_ms < j->waiting_due_ms)
        return false;
    j->waits = false;
    *out = j->waiting;
    return out->trigger != TRIGGER_EMERGENCY ||
           r->usage_bytes >= r->view.limit_bytes / 100 * PASSED_PERCENT;
}

void judge_dumped(struct judge *j, struct judge_kept *k, const struct judge_reading *r,
                  enum trigger trigger)
{
    const struct culprit *c = first_culprit(j);
    k->culprit_at_dump = c != NULL && c->class == HISTORY_STACKS ? c->now : 0;
    k->heap_at_dump = r->heap_bytes > 0 ? r->heap_bytes : 0;
    j->eta_dumped = j->eta_dumped || trigger == TRIGGER_ETA;
    trigger_spend(&k->triggers, trigger, r->life, r->view.t_ms);
}
