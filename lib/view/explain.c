#include "lib/view/explain_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/view/status_make.h"

#define HOUR_MS 3600000LL
#define MINUTE_MS 60000LL
#define SINCE_STEPS 24

const char *rule_standing_text(enum rule_standing s)
{
    static const char *const texts[] = {
        [RULE_OFF] = "off",     [RULE_BLIND] = "blind",       [RULE_WAITING] = "waiting",
        [RULE_QUIET] = "quiet", [RULE_SUSPECTS] = "suspects", [RULE_FIRES] = "fires",
    };
    return texts[s];
}

/* ---- how near a rule is ---- */

/* 1 where it holds; else how much of the way there it is. */
static double measure_nearness(const struct measure *m)
{
    double part = m->at_most ? m->bound / m->value : m->value / m->bound;
    if (m->holds)
        return 1;
    return isfinite(part) && part > 0 ? fmin(part, 1) : 0;
}

static bool same_set(const struct measure *a, const struct measure *b)
{
    return a->window_ms == b->window_ms && strcmp(a->subject, b->subject) == 0;
}

/* Comparisons of one subject in one window stand together: all must hold, so
 * that the worst says how near the set is; the best set stands for the rule. */
static void rule_nearest(const struct measures *all, struct explain_rule *r)
{
    for (int i = r->first; i < r->first + r->n;) {
        double worst = 1;
        int end = i;
        for (; end < r->first + r->n && same_set(&all->p[i], &all->p[end]); end++)
            worst = fmin(worst, measure_nearness(&all->p[end]));
        if (r->near_n == 0 || worst > r->nearness) {
            r->nearness = worst;
            r->near_first = i;
            r->near_n = end - i;
        }
        i = end;
    }
}

static struct explain_rule *rule_add(struct explain *x, const char *name, const char *sentence)
{
    struct explain_rule *r = &x->rules[x->n_rules++];
    *r = (struct explain_rule){.name = name, .sentence = sentence, .first = x->measures.n};
    return r;
}

static void rule_close(struct explain *x, struct explain_rule *r)
{
    r->n = x->measures.n - r->first;
    rule_nearest(&x->measures, r);
}

static void measure_add(struct explain *x, struct measure m, const char *subject)
{
    str_copy(m.subject, sizeof(m.subject), str_of(subject));
    m.holds = m.at_most ? m.value <= m.bound : m.value >= m.bound;
    if (x->measures.n < MEASURES_MAX)
        x->measures.p[x->measures.n++] = m;
}

/* ---- the detectors ---- */

static struct detect_view view_at(const struct explain_input *in, const struct explain *x,
                                  int64_t life_start_ms, int64_t t_ms)
{
    return (struct detect_view){
        .history = in->history,
        .target = in->target,
        .t_ms = t_ms,
        .life_start_ms = life_start_ms,
        .limit_bytes = x->limit_bytes > 0 ? x->limit_bytes : 0,
        .time_scale = in->settings->time_scale,
        .allow = in->settings->allow_stack,
        .n_allow = in->settings->n_allow_stack,
        .gc = in->judge ? &in->judge->gc : NULL,
        .refuted = in->refuted,
    };
}

static bool fires_at(const struct detector *d, struct detect_view v, int64_t t_ms)
{
    struct finding f = {0};
    v.t_ms = t_ms;
    d->run(&v, &f);
    return f.kind != VERDICT_NONE;
}

/* Since when it has been firing, by halving: to within a step of its own pace. */
static int64_t fires_since(const struct detector *d, const struct detect_view *v)
{
    int64_t step_ms = d->every_ms / v->time_scale, fires_ms = v->t_ms, quiet_ms;
    for (quiet_ms = v->t_ms - step_ms; quiet_ms > v->life_start_ms; step_ms *= 2) {
        if (!fires_at(d, *v, quiet_ms))
            break;
        fires_ms = quiet_ms;
        quiet_ms -= step_ms;
    }
    for (int i = 0; i < SINCE_STEPS && fires_ms - quiet_ms > d->every_ms / v->time_scale; i++) {
        int64_t middle_ms = quiet_ms + (fires_ms - quiet_ms) / 2;
        if (fires_at(d, *v, middle_ms))
            fires_ms = middle_ms;
        else
            quiet_ms = middle_ms;
    }
    return fires_ms;
}

static void explain_detector(struct explain *x, const struct detector *d, struct detect_view v)
{
    struct explain_rule *r = rule_add(x, d->name, d->sentence);
    int64_t grace_ms = DETECT_GRACE_MS / v.time_scale;
    struct finding f = {0};
    char left[MOMENT_TEXT_MAX];

    r->standing = RULE_QUIET;
    if (v.t_ms - v.life_start_ms < grace_ms) {
        r->standing = RULE_WAITING;
        snprintf(r->found, sizeof(r->found), "nothing is judged in the first %s of a life",
                 span_text(grace_ms, left));
        return;
    }
    v.measures = &x->measures;
    d->run(&v, &f);
    v.measures = NULL;
    if (f.kind != VERDICT_NONE) {
        r->standing = f.grade >= GRADE_LIKELY ? RULE_FIRES : RULE_SUSPECTS;
        str_copy(r->found, sizeof(r->found), str_of(f.evidence));
        r->since_ms = fires_since(d, &v);
    } else if (x->measures.n == r->first) {
        r->standing = RULE_BLIND;
        str_copy(r->found, sizeof(r->found), STR("what it looks at is not known"));
    }
    rule_close(x, r);
}

/* ---- emergency and plain rules ---- */

static void explain_emergency(struct explain *x, const struct explain_input *in)
{
    struct explain_rule *r = rule_add(x, "emergency", "memory is about to reach the limit");
    double percent = 100 * (double)x->usage_bytes / (double)x->limit_bytes;
    struct measure m = {.detector = r->name, .what = "share of the limit", .unit = "%"};
    int settled = in->judge ? in->judge->settled_percent : 0;

    if (x->limit_bytes <= 0 || x->usage_bytes < 0) {
        r->standing = RULE_BLIND;
        str_copy(r->found, sizeof(r->found),
                 x->limit_bytes <= 0 ? STR("no memory limit is known: see --memory-limit")
                                     : STR("memory is not read"));
        return;
    }
    r->standing = RULE_QUIET;
    m.value = percent;
    m.bound = 92;
    measure_add(x, m, "memory, last call");
    m.bound = 80;
    measure_add(x, m, "memory, first call");
    if (in->judge && in->judge->emergency.eta_s > 0) {
        m.bound = 50;
        measure_add(x, m, "memory, rising");
        m.what = "time to the limit", m.unit = "s", m.at_most = true;
        m.value = in->judge->emergency.eta_s, m.bound = 30;
        measure_add(x, m, "memory, rising");
    }
    if (x->past)
        str_copy(r->found, sizeof(r->found),
                 STR("how fast memory rose from second to second is remembered for minutes"));
    else if (settled >= 80)
        snprintf(r->found, sizeof(r->found),
                 "this service lives at %d %% of its limit: levels up to there are quiet",
                 settled);
    rule_close(x, r);
    if (r->nearness >= 1)
        r->standing = RULE_FIRES;
}

static void explain_bound(struct explain *x, const char *name, const char *sentence,
                          const char *subject, double value, double bound, const char *unit)
{
    struct explain_rule *r = rule_add(x, name, sentence);
    if (bound <= 0) {
        snprintf(r->found, sizeof(r->found), "--%s N asks for it", name);
        return;
    }
    if (value < 0) {
        r->standing = RULE_BLIND;
        str_copy(r->found, sizeof(r->found), STR("what it looks at is not known"));
        return;
    }
    measure_add(
        x,
        (struct measure){
            .detector = name, .what = "value", .value = value, .bound = bound, .unit = unit},
        subject);
    rule_close(x, r);
    r->standing = r->nearness >= 1 ? RULE_FIRES : RULE_QUIET;
}

static void explain_ratio(struct explain *x, const struct explain_input *in)
{
    struct explain_rule *r =
        rule_add(x, "rule-ratio", "1.2 times the goroutines of an hour ago, and above 100");
    int64_t hour_ms = HOUR_MS / in->settings->time_scale, before = -1, at_ms;
    bool known = x->life_age_ms >= hour_ms &&
                 status_signal_at(in->history, in->target, HISTORY_GOROUTINES,
                                  x->at_ms - hour_ms, &before, &at_ms);

    r->standing = in->settings->rule_ratio ? RULE_QUIET : RULE_OFF;
    if (!known || before <= 0 || x->goroutines < 0) {
        str_copy(r->found, sizeof(r->found), STR("there is no count of an hour ago"));
        return;
    }
    struct measure m = {.detector = r->name,
                        .what = "now against an hour ago",
                        .window_ms = hour_ms,
                        .value = (double)x->goroutines / (double)before,
                        .bound = 1.2};
    m.unit = "times";
    measure_add(x, m, "goroutines");
    m.what = "now", m.unit = "goroutines";
    m.value = (double)x->goroutines, m.bound = 101;
    measure_add(x, m, "goroutines");
    snprintf(r->found, sizeof(r->found),
             "deaf to growth below %.0f an hour at this base: a linear leak outgrows it",
             0.2 * (double)before);
    rule_close(x, r);
    if (r->standing == RULE_QUIET && r->nearness >= 1)
        r->standing = RULE_FIRES;
}

/* ---- all of it ---- */

/* What stands now, even where nothing fires any more. */
static void explain_verdict(struct explain *x, const struct explain_input *in)
{
    const struct verdict *v;

    if (in->judge == NULL || x->past)
        return;
    v = &in->judge->detect.verdict;
    x->verdict.kind = v->finding.kind;
    x->verdict.grade = v->finding.grade;
    x->verdict.first_ms = v->first_ms;
    x->verdict.clears_ms = v->last_growth_ms + DETECT_CLEAR_MS / in->settings->time_scale;
}

/* The life at that moment; id 0 when there was none. */
static struct history_life life_at(const struct explain_input *in)
{
    struct history_life lives[HISTORY_LIVES_MAX], found = {0};
    size_t n = history_lives(in->history, in->target, lives, HISTORY_LIVES_MAX);
    for (size_t i = 0; i < n; i++)
        if (lives[i].seen_ms <= in->t_ms &&
            (lives[i].end_ms == 0 || lives[i].end_ms >= in->t_ms) && lives[i].id > found.id)
            found = lives[i];
    return found;
}

static int64_t signal_at(const struct explain_input *in, enum history_signal s, int64_t unknown)
{
    int64_t value = unknown, at_ms;
    (void)status_signal_at(in->history, in->target, s, in->t_ms, &value, &at_ms);
    return value;
}

void explain_make(const struct explain_input *in, struct explain *x)
{
    struct history_life life = life_at(in);

    memset(x, 0, sizeof(*x));
    str_copy(x->target, sizeof(x->target),
             str_of(history_target_name(in->history, in->target)));
    x->at_ms = in->t_ms;
    x->wall_ms = history_wall_ms(in->history, in->t_ms);
    x->past = in->t_ms < in->now_ms - MINUTE_MS / in->settings->time_scale;
    x->life = (int64_t)life.id;
    x->life_age_ms = life.id ? in->t_ms - life.seen_ms : -1;
    x->goroutines = signal_at(in, HISTORY_GOROUTINES, -1);
    x->usage_bytes = signal_at(in, HISTORY_MEMORY_BYTES, -1);
    x->heap_bytes = signal_at(in, HISTORY_HEAP_BYTES, -1);
    x->limit_bytes = signal_at(in, HISTORY_LIMIT_BYTES, 0);
    if (life.id != 0) {
        struct detect_view v = view_at(in, x, life.seen_ms, in->t_ms);
        for (int i = 0; i < detect_count; i++)
            explain_detector(x, &detect_table[i], v);
        x->forecast = detect_forecast(&v);
        explain_emergency(x, in);
        explain_bound(x, "rule-goroutines", "a plain bound on goroutines", "goroutines",
                      (double)x->goroutines, (double)in->settings->rule_goroutines,
                      "goroutines");
        explain_bound(x, "rule-memory-percent", "a plain share of the memory limit", "memory",
                      x->limit_bytes > 0 && x->usage_bytes >= 0
                          ? 100 * (double)x->usage_bytes / (double)x->limit_bytes
                          : -1,
                      (double)in->settings->rule_memory_percent, "%");
        explain_ratio(x, in);
    }
    explain_verdict(x, in);
    explain_answer(x, in);
}
