/* C, the daily floor: what a service needs at its quietest hour of a day. It is
 * the one measure that daily traffic cannot move: the least of the last 24
 * hours, by the hour, whose rises are summed up (CUSUM), less what a healthy
 * service grows by. Two checks keep steps and single days out: no hour may hold
 * half of the sum, and the same hour of yesterday must agree. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/detect/detectors.h"
#include "lib/detect/ratchet.h"

#define DAY 24
#define HOURS_MAX 720 /* of a life: what the history remembers */
#define GRACE_MS (60 * MINUTE_MS)
#define LEAK_FREE 0.0015 /* of the floor, an hour: no leak */
#define AGREES 0.5
#define GOES_ON 0.5
#define HOURS_LEAST 4
#define ONE_HOUR_MOST 0.5

struct floor_rule {
    enum history_signal signal;
    enum verdict_kind kind;
    double least, of_limit, of_floor; /* the sum must exceed the greatest of them */
    const char *name, *unit;
    double shown;       /* the unit, for people */
    int hours_to_trust; /* of rise, until then no more than suspect */
};

static const struct floor_rule rules[] = {
    {HISTORY_HEAP_BYTES, VERDICT_HEAP, 0, 0.02, 0.10, "live heap", "bytes", 1048576, 0},
    {HISTORY_MEMORY_BYTES, VERDICT_MEMORY, 0, 0.04, 0.12, "memory", "bytes", 1048576, 0},
    {HISTORY_GOROUTINES, VERDICT_DRIFT, 60, 0, 0.15, "goroutines", "goroutines", 1, 36},
};

struct floor_sum {
    double sum;  /* of the rises; 0: the floor does not rise */
    double from; /* the floor where it began */
    double most_in_an_hour;
    int hours; /* since then */
};

static double floor_at(const float *hourly, int j)
{
    double least = INFINITY;
    for (int i = j - DAY + 1; i <= j; i++)
        least = fmin(least, (double)hourly[i]);
    return least;
}

static struct floor_sum floor_sum(const float *hourly, int n)
{
    struct floor_sum s = {0};
    double before = floor_at(hourly, DAY - 1);
    int began = DAY;
    s.from = floor_at(hourly, began);
    for (int j = DAY; j < n; j++) {
        double now = floor_at(hourly, j), rise = now - before;
        s.sum += rise - LEAK_FREE * before;
        s.most_in_an_hour = fmax(s.most_in_an_hour, rise);
        if (s.sum <= 0) {
            s = (struct floor_sum){.from = now};
            began = j;
        }
        before = now;
    }
    s.hours = s.sum > 0 ? n - began : 0;
    return s;
}

static double median3(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* How much more there is than at the same hour of yesterday. */
static double since_yesterday(const float *hourly, int n)
{
    double d[3];
    for (int i = 0; i < 3; i++)
        d[i] = (double)hourly[n - 3 + i] - (double)hourly[n - 3 + i - DAY];
    return median3(d[0], d[1], d[2]);
}

/* How much rose since the floor began to, and in the same hours of yesterday: a
 * leak goes on, while a cache that fills and traffic that has doubled do not.
 * The share of yesterday's rise that today's is. */
static double goes_on(const float *hourly, int n, int hours)
{
    int span = hours < DAY ? hours : DAY;
    if (span > n - 1 - DAY)
        span = n - 1 - DAY;
    double today = (double)hourly[n - 1] - (double)hourly[n - 1 - span];
    double yesterday = (double)hourly[n - 1 - DAY] - (double)hourly[n - 1 - DAY - span];
    return yesterday > 0 ? today / yesterday : INFINITY;
}

/* Why the floor's rise may be none of a leak; "" where nothing speaks for it.
 * Traffic that has grown for good lifts the floor as well, until the last quiet
 * hour before it is a day old: memory follows it little, goroutines one to one. */
static void floor_doubt(const struct floor_rule *r, const struct floor_sum *s, double share,
                        enum floor_lift lift, char *out, size_t cap)
{
    out[0] = '\0';
    if (lift == FLOOR_BY_MANY)
        snprintf(out, cap, "; but all stacks grew alike: traffic?");
    else if (lift == FLOOR_BY_CONNECTIONS)
        snprintf(out, cap, "; but what grew may: it waits for input, or is allowed to");
    else if (share < GOES_ON)
        snprintf(out, cap, "; but today only %.0f %% of what the same hours rose by yesterday",
                 100 * fmax(share, 0));
    else if (s->hours < r->hours_to_trust)
        snprintf(out, cap, "; but traffic that grew would do the same for up to %d hours",
                 r->hours_to_trust);
}

static void floor_measure(const struct detect_view *v, const struct floor_rule *r,
                          const struct floor_sum *s, double least, double same)
{
    struct measure m = {.detector = "daily-floor",
                        .what = "rise of the daily floor",
                        .window_ms = detect_scaled(v, s->hours * HOUR_MS),
                        .value = s->sum,
                        .bound = least,
                        .unit = r->unit};
    if (v->measures == NULL)
        return;
    str_copy(m.subject, sizeof(m.subject), str_of(r->name));
    measure_put(v, m);
    m.what = "hours of rise", m.unit = "h";
    m.value = s->hours, m.bound = HOURS_LEAST;
    measure_put(v, m);
    if (s->hours == 0)
        return;
    m.unit = "%";
    m.what = "rise in one hour", m.at_most = true;
    m.value = 100 * s->most_in_an_hour / s->sum, m.bound = 100 * ONE_HOUR_MOST;
    measure_put(v, m);
    m.what = "yesterday's same hour agrees", m.at_most = false;
    m.value = 100 * same * s->hours / (DAY * s->sum), m.bound = 100 * AGREES;
    measure_put(v, m);
}

static void floor_tell(const struct detect_view *v, const struct floor_rule *r,
                       const struct floor_sum *s, int64_t end_ms, struct finding *out)
{
    out->kind = r->kind;
    out->grade = GRADE_LIKELY;
    out->window_ms = (s->hours + DAY) * detect_scaled(v, HOUR_MS);
    out->since_ms = end_ms - out->window_ms;
    snprintf(out->evidence, sizeof(out->evidence),
             "the least %s of a day rose by %.1f%s, from %.1f, in the last %d hours", r->name,
             s->sum / r->shown, r->shown > 1 ? " MiB" : "", s->from / r->shown, s->hours);
    if (r->kind == VERDICT_HEAP)
        culprit_sites(v, out->since_ms, out);
}

static bool floor_rises(const struct detect_view *v, const struct floor_rule *r,
                        struct finding *out)
{
    int64_t hour_ms = detect_scaled(v, HOUR_MS), end_ms = v->t_ms / hour_ms * hour_ms;
    int64_t from_ms = v->life_start_ms + detect_scaled(v, GRACE_MS);
    int64_t hours = end_ms > from_ms ? (end_ms - from_ms) / hour_ms : 0;
    int n = hours < HOURS_MAX ? (int)hours : HOURS_MAX;
    float hourly[HOURS_MAX];

    if (n < DAY + HOURS_LEAST) {
        (void)window_is_full(v, "daily-floor", r->name, from_ms,
                             (DAY + HOURS_LEAST + 1) * hour_ms);
        return false;
    }
    window_least(v, r->signal, from_ms, end_ms, HOUR_MS, n, hourly);
    if (!ratchet_fill(hourly, (size_t)n))
        return false;
    struct floor_sum s = floor_sum(hourly, n);
    double least =
        fmax(r->least, fmax(r->of_limit * (double)v->limit_bytes, r->of_floor * s.from));
    double same = since_yesterday(hourly, n);
    floor_measure(v, r, &s, least, same);
    if (s.hours < HOURS_LEAST || s.sum <= least || s.most_in_an_hour > ONE_HOUR_MOST * s.sum ||
        same * s.hours < AGREES * s.sum * DAY)
        return false;
    floor_tell(v, r, &s, end_ms, out);
    enum floor_lift lift = FLOOR_UNKNOWN;
    if (r->kind == VERDICT_DRIFT)
        lift = floor_culprits(v, end_ms, n, s.sum, out);
    size_t told = strlen(out->evidence);
    floor_doubt(r, &s, goes_on(hourly, n, s.hours), lift, out->evidence + told,
                sizeof(out->evidence) - told);
    if (out->evidence[told] != '\0')
        out->grade = GRADE_SUSPECT;
    return true;
}

void daily_floor_run(const struct detect_view *v, struct finding *out)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct finding f = {0};
        if (floor_rises(v, &rules[i], &f) && f.grade > out->grade)
            *out = f;
    }
}
