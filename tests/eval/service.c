#include "tests/eval/service.h"

#include <math.h>
#include <string.h>

#define HOUR_S 3600.0
#define DAY_S (24 * HOUR_S)
#define POOL_S 90.0 /* how fast a pool follows the load */
#define POOL_PART 0.5
#define POOL_PART_KEPT 1.5
#define HANDLERS_PART 0.035 /* of the limit: what all handlers hold at the peak */
#define SUBSCRIBERS_PART 0.05

static void open_bursts(struct service *s)
{
    const struct service_class *c = s->kind;
    double hours = class_length_s(c) / HOUR_S;
    bool fast = c->bursts_an_hour > 0;
    int n = (int)(fast ? c->bursts_an_hour * hours : c->bursts_a_day * hours / 24);
    for (; s->n_bursts < n && s->n_bursts < BURSTS_MAX; s->n_bursts++) {
        struct burst *b = &s->bursts[s->n_bursts];
        b->start_s = chance_between(&s->chance, 0, class_length_s(c));
        b->length_s =
            chance_in(&s->chance, fast ? (struct span){5, 60} : (struct span){300, 2400});
        b->goroutines = s->traffic.base * chance_in(&s->chance, fast ? (struct span){0.5, 4}
                                                                     : (struct span){1, 5});
    }
}

static double burst_total(const struct service *s)
{
    double total = 0;
    for (int i = 0; i < s->n_bursts; i++)
        total += s->bursts[i].goroutines;
    return total;
}

static void open_absences(struct service *s)
{
    int n = (int)(s->kind->absences_a_day * class_length_s(s->kind) / DAY_S);
    for (; s->n_absences < n && s->n_absences < ABSENCES_MAX; s->n_absences++) {
        double from = chance_between(&s->chance, 0, class_length_s(s->kind));
        s->absences[s->n_absences] =
            (struct span){from, from + chance_between(&s->chance, 600, 3 * HOUR_S)};
    }
}

static void start_life(struct service *s, double t_s)
{
    s->born_s = t_s;
    s->booted_s = t_s + chance_between(&s->chance, 20, 120);
    s->restart_s = INFINITY;
    if (s->kind->restart_h.high > 0)
        s->restart_s = t_s + chance_in(&s->chance, s->kind->restart_h) * HOUR_S;
    else if (s->kind->deployed && t_s < s->leaks.onset_s - 60)
        s->restart_s = s->leaks.onset_s - 60;
    s->pool = 0;
    memory_restart(&s->memory, 0.6 * s->live_base_bytes);
    leaks_restart(&s->leaks, t_s);
}

void service_open(struct service *s, const struct service_class *c, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->kind = c;
    s->chance = chance_of(c->name, seed);
    memory_open(&s->memory, c, &s->chance);
    traffic_open(&s->traffic, c, &s->chance);
    leaks_open(&s->leaks, c, &s->chance);
    double limit = s->memory.limit_bytes, peak = s->traffic.base * (1 + s->traffic.swing);
    s->workers = floor(chance_between(&s->chance, 20, 121));
    s->live_base_bytes = chance_between(&s->chance, 0.09, 0.13) * limit;
    s->handler_bytes = HANDLERS_PART * limit / peak;
    s->pool_step_s = chance_in(&s->chance, c->pool_step_h) * HOUR_S;
    s->cache_s = chance_in(&s->chance, c->cache_h) * HOUR_S;
    s->batch_day_s = chance_between(&s->chance, 0, 5) * HOUR_S;
    s->spike_from_s = chance_between(&s->chance, 1, 5) * HOUR_S;
    s->spike_s = chance_between(&s->chance, 8, 25);
    s->spike_top = chance_in(&s->chance, c->near_miss);
    s->subscribers = chance_between(&s->chance, 150, 1500);
    s->subscriber_bytes = SUBSCRIBERS_PART * limit / s->subscribers;
    s->day = -1;
    open_bursts(s);
    open_absences(s);
    double handlers_bytes = HANDLERS_PART * limit * 0.8;
    leaks_scale(&s->leaks, c, &s->memory,
                s->live_base_bytes + handlers_bytes + c->cache * limit, s->workers + peak,
                burst_total(s));
    start_life(s, 0);
}

/* Goroutines of the bursts that are on; *ended are those of the ones just over. */
static double step_bursts(struct service *s, double *ended)
{
    double on = 0;
    *ended = 0;
    for (int i = 0; i < s->n_bursts; i++) {
        struct burst *b = &s->bursts[i];
        double past = (s->t_s - b->start_s) / b->length_s;
        if (past < 0 || b->ended || b->start_s < s->born_s)
            continue;
        if (past >= 1) {
            b->ended = true;
            *ended += b->goroutines;
        } else {
            on +=
                b->goroutines * (past > 0.1 ? 1 - past : past * 10); /* up fast, down slowly */
        }
    }
    return on;
}

/* Connections of an office day, no two days alike. */
static double step_subscribers(struct service *s, double boot)
{
    if (!s->kind->subscribers)
        return 0;
    double clock_s = s->traffic.first_day_s + s->t_s;
    int64_t day = (int64_t)floor((clock_s - 4 * HOUR_S) / DAY_S); /* from four to four */
    if (day != s->day) {
        s->day = day;
        s->subscribers_day = chance_between(&s->chance, 0.85, 1.15);
    }
    double hour = traffic_day_s(&s->traffic, s->t_s) / HOUR_S;
    double there = 1 / (1 + exp((8.5 - hour) / 0.7)) / (1 + exp((hour - 19.0) / 0.9));
    return s->subscribers * boot * (0.04 + s->subscribers_day * there);
}

static void step_pool(struct service *s, double load, double boot)
{
    if (s->kind->pool_keeps)
        s->pool = fmax(s->pool, POOL_PART_KEPT * load * boot);
    else
        s->pool +=
            (POOL_PART * load * boot - s->pool) * fmin(1, class_step_s(s->kind) / POOL_S);
}

/* The live heap that a spike of seconds adds on its way up to its top and down. */
static double spike_bytes(const struct service *s, double live_bytes, double goroutines)
{
    double past = (s->t_s - s->spike_from_s) / s->spike_s;
    if (s->kind->near_miss.high <= 0 || past < 0 || past >= 2)
        return 0;
    struct memory top = s->memory;
    top.limit_bytes *= s->spike_top;
    return fmin(past, 2 - past) * memory_room(&top, live_bytes, goroutines, 0);
}

static double live_bytes_of(const struct service *s, const struct sample *now, double boot)
{
    const struct service_class *c = s->kind;
    double handlers =
        (double)now->handlers + 0.3 * (double)now->pool + 0.6 * (double)now->burst;
    double live = s->live_base_bytes * (0.6 + 0.4 * boot) + s->handler_bytes * handlers;
    live += s->subscriber_bytes * (double)now->subscribers;
    live += leaks_sum(&s->leaks, SITE_STACK) + leaks_sum(&s->leaks, SITE_HEAP);
    if (c->cache > 0)
        live +=
            c->cache * s->memory.limit_bytes * (1 - exp(-(s->t_s - s->born_s) / s->cache_s));
    double batch_s = traffic_day_s(&s->traffic, s->t_s) - s->batch_day_s;
    if (c->night_batch && batch_s >= 0 && batch_s < 2 * HOUR_S)
        live += 0.8 * s->live_base_bytes;
    return live + spike_bytes(s, live, (double)now->goroutines);
}

/* Counts of the stacks, and their sum. Sound requests pass through the leaking
 * line as well, so that its count is never clean. */
static void count_goroutines(struct service *s, struct sample *now, double load, double boot)
{
    double noise = s->kind->noise > 0 ? s->kind->noise : 1, ended;
    double handlers = load + sqrt(fmax(load, 1)) * noise * chance_gauss(&s->chance);
    now->burst = (int64_t)step_bursts(s, &ended);
    leaks_step(&s->leaks, s->t_s, class_step_s(s->kind), s->traffic.relative, ended,
               &s->chance);
    step_pool(s, load, boot);
    now->workers = (int64_t)s->workers;
    now->pool = (int64_t)s->pool;
    if (s->pool_step_s > 0 && s->t_s >= s->pool_step_s)
        now->pool += (int64_t)(1.2 * s->traffic.base);
    now->subscribers = (int64_t)step_subscribers(s, boot);
    now->handlers = (int64_t)fmax(0, handlers * boot);
    now->goroutines = now->handlers + now->workers + now->pool + now->burst + now->subscribers;
    double passing = fmax(0, 2 + 2.5 * chance_gauss(&s->chance) + 0.01 * load) * boot;
    int slot = 0;
    for (int i = 0; i < s->leaks.n; i++)
        if (s->leaks.all[i].plan.site == SITE_STACK)
            now->leaked[slot++] = (int64_t)leak_goroutines(&s->leaks.all[i]);
    for (int i = 0; i < slot; i++)
        now->goroutines += now->leaked[i];
    int64_t there = (int64_t)fmin(passing, (double)now->handlers);
    now->leaked[0] += there;
    now->handlers -= there;
}

static bool absent(const struct service *s)
{
    for (int i = 0; i < s->n_absences; i++)
        if (s->t_s >= s->absences[i].low && s->t_s < s->absences[i].high)
            return true;
    return false;
}

bool service_next(struct service *s, struct sample *out)
{
    const struct service_class *c = s->kind;
    if (s->killed || s->t_s >= class_length_s(c))
        return false;
    if (s->t_s >= s->restart_s)
        start_life(s, s->t_s);
    double load = traffic_step(&s->traffic, c, s->t_s, &s->chance);
    double boot = fmin(1, (s->t_s - s->born_s) / (s->booted_s - s->born_s));
    *out = (struct sample){.t_s = (int64_t)s->t_s, .uptime_s = (int64_t)(s->t_s - s->born_s)};
    count_goroutines(s, out, load, boot);
    double live = live_bytes_of(s, out, boot);
    live *= 1 + 0.004 * (c->noise > 0 ? c->noise : 1) * chance_gauss(&s->chance);
    struct memory_use use = {live, leaks_sum(&s->leaks, SITE_NATIVE), (double)out->goroutines,
                             (double)out->handlers, s->traffic.share};
    double resident = memory_step(&s->memory, c, &use, &s->chance);
    s->killed = resident >= s->memory.limit_bytes;
    out->live_bytes = (int64_t)live;
    out->resident_bytes = (int64_t)fmin(resident, s->memory.limit_bytes);
    out->limit_bytes = (int64_t)s->memory.limit_bytes;
    out->leaking = leaks_active(&s->leaks, s->t_s);
    out->killed = s->killed;
    out->seen = s->killed || (chance_unit(&s->chance) >= c->missed && !absent(s));
    s->t_s += class_step_s(c);
    return true;
}
