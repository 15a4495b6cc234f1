#include "tests/eval/leaks.h"

#include <math.h>

#define HOUR_S 3600.0
#define BURST_KEPT 0.25 /* of its goroutines */
#define FASTER_POWER 2.5

void leaks_open(struct leaks *l, const struct service_class *c, struct chance *chance)
{
    *l = (struct leaks){.stop_s = INFINITY};
    struct span onset_h = c->onset_h.high > 0 ? c->onset_h : (struct span){0.2, 2.0};
    l->onset_s = chance_in(chance, onset_h) * HOUR_S;
    l->kill_s = c->kill_s.high > 0 ? chance_in(chance, c->kill_s)
                                   : chance_in(chance, c->kill_h) * HOUR_S;
    if (c->stop_h.high > 0)
        l->stop_s = l->onset_s + chance_in(chance, c->stop_h) * HOUR_S;
    for (; l->n < CLASS_LEAKS_MAX && c->leaks[l->n].law != LAW_NONE; l->n++) {
        struct leak *k = &l->all[l->n];
        k->plan = c->leaks[l->n];
        k->bytes_each = chance_between(chance, 12e3, 60e3);
        k->next_stair_s = l->onset_s;
    }
}

static double room_of(const struct leak *k, const struct memory *m, double live_bytes,
                      double goroutines)
{
    switch (k->plan.site) {
    case SITE_STACK:
        return memory_room(m, live_bytes, goroutines,
                           k->plan.law == LAW_BURSTS ? 0 : k->bytes_each);
    case SITE_HEAP: return memory_room(m, live_bytes, goroutines, 0);
    case SITE_NATIVE: return m->limit_bytes - memory_resident(m, live_bytes, goroutines);
    }
    return 0;
}

void leaks_scale(struct leaks *l, const struct service_class *c, const struct memory *m,
                 double live_bytes, double goroutines, double burst_goroutines)
{
    for (int i = 0; i < l->n; i++) {
        struct leak *k = &l->all[i];
        double share = k->plan.share > 0 ? k->plan.share : 1;
        double room = room_of(k, m, live_bytes, goroutines);
        k->rate = share * room / l->kill_s;
        /* Bursts decide how many stay; each then holds what fills the memory in time. */
        if (k->plan.law == LAW_BURSTS)
            k->bytes_each =
                room / (BURST_KEPT * burst_goroutines * l->kill_s / class_length_s(c));
    }
}

bool leaks_active(const struct leaks *l, double t_s)
{
    return l->n > 0 && t_s >= l->onset_s && t_s < l->stop_s;
}

static double stairs(struct leak *k, double t_s)
{
    double bytes = 0;
    for (; k->next_stair_s <= t_s; k->next_stair_s += k->plan.stair_s)
        bytes += k->rate * k->plan.stair_s;
    return bytes;
}

static double law(struct leak *k, double t_s, double step_s, double since, double relative,
                  double burst_ended)
{
    switch (k->plan.law) {
    case LAW_NONE: return 0;
    case LAW_EVEN: return k->rate * step_s;
    case LAW_TRAFFIC: return k->rate * step_s * relative;
    case LAW_STAIRS: return stairs(k, t_s);
    case LAW_FASTER:
        return k->rate * step_s * FASTER_POWER * pow(fmax(since, 1e-6), FASTER_POWER - 1);
    case LAW_BURSTS: return BURST_KEPT * burst_ended * k->bytes_each;
    }
    return 0;
}

void leaks_step(struct leaks *l, double t_s, double step_s, double traffic_relative,
                double burst_ended, struct chance *chance)
{
    if (!leaks_active(l, t_s))
        return;
    double since = (t_s - l->onset_s) / l->kill_s;
    /* A blow-up is not smooth: a second's work is never quite the last one's. */
    double rough = l->kill_s < HOUR_S ? 1 + 0.1 * chance_gauss(chance) : 1;
    for (int i = 0; i < l->n; i++)
        l->all[i].bytes +=
            rough * law(&l->all[i], t_s, step_s, since, traffic_relative, burst_ended);
}

void leaks_restart(struct leaks *l, double t_s)
{
    for (int i = 0; i < l->n; i++) {
        l->all[i].bytes = 0;
        l->all[i].next_stair_s = fmax(t_s, l->onset_s);
    }
}

double leak_goroutines(const struct leak *k)
{
    return k->plan.site == SITE_STACK ? floor(k->bytes / k->bytes_each) : 0;
}

double leaks_sum(const struct leaks *l, enum leak_site site)
{
    double bytes = 0;
    for (int i = 0; i < l->n; i++)
        if (l->all[i].plan.site == site)
            bytes += l->all[i].bytes;
    return bytes;
}
