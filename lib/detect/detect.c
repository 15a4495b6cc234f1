#include "lib/detect/detect.h"

#include <string.h>

#include "lib/detect/detectors.h"

#define FORECAST_EVERY_MS (10 * MINUTE_MS)
#define CLEAR_BLOCKS 4
#define GOES_ON 0.5 /* of the pace that convicted it */

/* A new detector is one file and one row here; its order is its priority among
 * equal grades. */
const struct detector detect_table[] = {
    {"stack-ratchet",
     "the floor of one blocked stack climbs, evenly or in steps, and gives nothing back",
     2 * MINUTE_MS, stack_ratchet_run},
    {"memory-ratchet", "live heap or memory climbs for hours and gives nothing back",
     30 * MINUTE_MS, memory_ratchet_run},
    {"daily-floor", "what is needed at the quietest hour of a day rises from day to day",
     HOUR_MS, daily_floor_run},
    {"gc-bound", "garbage collection takes more and more CPU while its goal stands still",
     5 * MINUTE_MS, gc_bound_run},
};
const int detect_count = (int)(sizeof(detect_table) / sizeof(detect_table[0]));
_Static_assert(sizeof(detect_table) / sizeof(detect_table[0]) <= DETECT_TABLE_MAX,
               "last_run_ms has a slot for each detector");

const char *verdict_kind_text(enum verdict_kind k)
{
    switch (k) {
    case VERDICT_NONE: return "none";
    case VERDICT_DRIFT: return "drift";
    case VERDICT_STEP: return "step";
    case VERDICT_HEAP: return "heap";
    case VERDICT_MEMORY: return "memory";
    case VERDICT_BLOWUP: return "blowup";
    case VERDICT_GC_BOUND: return "gc-bound";
    }
    return "unknown";
}

const char *verdict_grade_text(enum verdict_grade g)
{
    switch (g) {
    case GRADE_NONE: return "none";
    case GRADE_SUSPECT: return "suspect";
    case GRADE_LIKELY: return "likely";
    case GRADE_CONFIRMED: return "confirmed";
    }
    return "unknown";
}

int64_t detect_scale(int64_t ms, int64_t time_scale)
{
    int64_t scaled = time_scale > 1 ? ms / time_scale : ms;
    return scaled > 0 ? scaled : 1;
}

int64_t detect_scaled(const struct detect_view *v, int64_t ms)
{
    return detect_scale(ms, v->time_scale);
}

void measure_put(const struct detect_view *v, struct measure m)
{
    m.holds = m.at_most ? m.value <= m.bound : m.value >= m.bound;
    if (v->measures != NULL && v->measures->n < MEASURES_MAX)
        v->measures->p[v->measures->n++] = m;
}

static struct culprit *finding_culprit(struct finding *f, const struct culprit *c)
{
    for (int i = 0; i < f->n_culprits; i++)
        if (f->culprits[i].stack == c->stack && f->culprits[i].class == c->class)
            return &f->culprits[i];
    return NULL;
}

/* What the standing verdict's own detector found again: fresh numbers, the
 * same kind, and a grade given meanwhile as long as it still means the same. */
static void verdict_refresh(struct verdict *w, const struct finding *f)
{
    struct finding old = w->finding;
    w->finding = *f;
    if (f->n_culprits == 0) { /* seen by memory alone this time: the names stay */
        memcpy(w->finding.culprits, old.culprits, sizeof(old.culprits));
        w->finding.n_culprits = old.n_culprits;
    }
    bool same = old.n_culprits == 0 || finding_culprit(&w->finding, &old.culprits[0]) != NULL;
    for (int i = 0; i < old.n_culprits; i++) {
        struct culprit *c = finding_culprit(&w->finding, &old.culprits[i]);
        if (c != NULL) {
            c->bytes_each = old.culprits[i].bytes_each;
            c->explains = old.culprits[i].explains;
        }
    }
    if (same && old.grade > f->grade && !f->refuted) {
        w->finding.grade = old.grade; /* and the words that earned it */
        memcpy(w->finding.evidence, old.evidence, sizeof(old.evidence));
    }
    if (w->finding.grade <= old.grade)
        w->finding.kind = old.kind;
}

/* A detector further up says more of the cause: it takes over where it is as
 * sure as the one whose verdict stands. */
static bool takes_over(const struct verdict *w, int detector, const struct finding *f)
{
    int standing = 0;
    while (standing < detect_count && strcmp(detect_table[standing].name, w->detector) != 0)
        standing++;
    return f->grade > w->finding.grade || (f->grade == w->finding.grade && detector < standing);
}

static enum detect_change verdict_take(struct verdict *w, int detector, const struct finding *f,
                                       int64_t t_ms)
{
    const char *name = detect_table[detector].name;
    bool stands = w->finding.kind != VERDICT_NONE;
    bool own = stands && strcmp(w->detector, name) == 0;
    bool raised = f->grade > w->finding.grade;
    if (stands && !own && !takes_over(w, detector, f)) {
        if (f->grade >= w->finding.grade) /* whoever sees it, it goes on */
            w->last_growth_ms = t_ms;
        return DETECT_SAME;
    }
    if (own) {
        verdict_refresh(w, f);
    } else {
        raised = true;
        w->finding = *f;
        if (!stands)
            w->first_ms = t_ms;
        str_copy(w->detector, sizeof(w->detector), str_of(name));
    }
    w->last_growth_ms = t_ms;
    return raised ? DETECT_RAISED : DETECT_SAME;
}

/* What raises a verdict asks for a share of where the stack began, which is more
 * each day: a steady leak would clear itself. To stand on it is enough that the
 * first culprit goes on at half the pace, giving nothing back. */
static bool verdict_goes_on(struct verdict *w, const struct detect_view *v)
{
    float m[CLEAR_BLOCKS];
    struct culprit *c = &w->finding.culprits[0];
    int64_t block_ms = detect_scaled(v, DETECT_CLEAR_MS / CLEAR_BLOCKS);
    double hours = (double)((CLEAR_BLOCKS - 1) * block_ms) / (double)HOUR_MS;

    if (w->finding.n_culprits == 0 || c->class != HISTORY_STACKS || c->per_hour <= 0)
        return false;
    history_minima(v->history, v->target, HISTORY_STACKS, &c->stack, 1,
                   v->t_ms / block_ms * block_ms, block_ms, CLEAR_BLOCKS, m);
    for (int i = 1; i < CLEAR_BLOCKS; i++)
        if (!(m[i] > m[i - 1]))
            return false;
    if ((double)(m[CLEAR_BLOCKS - 1] - m[0]) < GOES_ON * c->per_hour * hours)
        return false;
    c->now = (int64_t)m[CLEAR_BLOCKS - 1];
    w->last_growth_ms = v->t_ms;
    return true;
}

static bool verdict_clear(struct verdict *w)
{
    bool stood = w->finding.kind != VERDICT_NONE;
    *w = (struct verdict){0};
    return stood;
}

/* What is new needs its forecast at once, what stands a fresh one now and then;
 * so does what the culprits weigh, seen over all the time they have grown. */
static void verdict_forecast(struct verdict *w, const struct detect_view *v, bool now)
{
    int64_t every_ms = detect_scaled(v, FORECAST_EVERY_MS);
    if (w->finding.kind == VERDICT_NONE ||
        (!now && w->forecast_ms / every_ms == v->t_ms / every_ms))
        return;
    w->forecast = detect_forecast(v);
    culprit_attribute(v, w->first_ms - w->finding.window_ms, &w->finding);
    w->forecast_ms = v->t_ms;
}

enum detect_change detect_step(struct detect_state *s, const struct detect_view *v)
{
    enum detect_change change = DETECT_SAME;
    if (s->verdict.first_ms < v->life_start_ms && verdict_clear(&s->verdict))
        change = DETECT_CLEARED;
    if (v->t_ms - v->life_start_ms < detect_scaled(v, DETECT_GRACE_MS))
        return change;
    for (int i = 0; i < detect_count; i++) {
        const struct detector *d = &detect_table[i];
        int64_t every_ms = detect_scaled(v, d->every_ms);
        if (s->last_run_ms[i] / every_ms == v->t_ms / every_ms)
            continue;
        s->last_run_ms[i] = v->t_ms;
        struct finding f = {0};
        d->run(v, &f);
        if (f.kind != VERDICT_NONE &&
            verdict_take(&s->verdict, i, &f, v->t_ms) == DETECT_RAISED)
            change = DETECT_RAISED;
    }
    if (v->t_ms - s->verdict.last_growth_ms >= detect_scaled(v, DETECT_CLEAR_MS) &&
        !verdict_goes_on(&s->verdict, v) && verdict_clear(&s->verdict))
        change = DETECT_CLEARED;
    verdict_forecast(&s->verdict, v, change == DETECT_RAISED);
    return change;
}
