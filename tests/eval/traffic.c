#include "tests/eval/traffic.h"

#include <math.h>

#define HOUR_S 3600.0
#define DAY_S (24 * HOUR_S)
#define WANDER_S 120.0   /* how long the slow noise remembers */
#define DOUBLING_S 600.0 /* how long a doubling for good takes */
#define REPLICAS_MAX 8
#define SCALE_DOWN_S 300.0 /* how long too little is waited for, as an autoscaler does */

/* A bell around an hour of the day that closes over midnight. */
static double bell(double hour, double middle, double width_h)
{
    double turn = 2 * M_PI / 24;
    double sharpness = 1 / (width_h * turn * width_h * turn);
    return exp(sharpness * (cos((hour - middle) * turn) - 1));
}

/* Part of the peak: little at four in the morning, most in the evening. */
static double day_shape(double day_s)
{
    double hour = day_s / HOUR_S;
    return fmin(1, 0.03 + 0.80 * bell(hour, 11.5, 3.0) + 0.95 * bell(hour, 19.5, 3.2));
}

void traffic_open(struct traffic *w, const struct service_class *c, struct chance *chance)
{
    *w = (struct traffic){.swing = c->swing > 0 ? c->swing : 1.5, .replicas = 4};
    w->base = chance_between(chance, 40, 160);
    w->first_day_s = chance_between(chance, 0, DAY_S);
    /* A weekend's edge has to lie within the trace. */
    w->first_weekday = chance_unit(chance) < 0.5 ? 5.6 : 6.2;
    w->ramp_from_s = chance_between(chance, 8, 40) * HOUR_S;
    w->ramp_s = chance_in(chance, c->ramp_h) * HOUR_S;
    w->double_at_s = chance_in(chance, c->double_h) * HOUR_S;
    w->wave_s = chance_in(chance, c->wave_h) * HOUR_S;
    w->growth = chance_in(chance, c->growth);
    for (int hour = 0; hour < 24; hour++)
        w->mean_share += (c->flat ? 0.5 : day_shape(hour * HOUR_S)) / 24;
}

double traffic_day_s(const struct traffic *w, double t_s)
{
    return fmod(w->first_day_s + t_s, DAY_S);
}

/* From 1 to 2 over length_s, once. */
static double doubling(double t_s, double from_s, double length_s)
{
    return 1 + fmin(1, fmax(0, (t_s - from_s) / length_s));
}

/* What one of the replicas gets of a fleet's traffic: they double when it is too
 * much for each, and halve when it has been too little for a while. */
static double autoscale(struct traffic *w, double t_s)
{
    double fleet = 4 * w->base * (0.3 + w->share);
    if (fleet / w->replicas > 1.6 * w->base && w->replicas < REPLICAS_MAX)
        w->replicas *= 2;
    if (fleet / w->replicas > 0.7 * w->base || w->replicas <= 1)
        w->idle_s = t_s;
    if (t_s - w->idle_s >= SCALE_DOWN_S) {
        w->replicas /= 2;
        w->idle_s = t_s;
    }
    return fleet / w->replicas;
}

/* What time does to the traffic beside the hour of the day. */
static double change(const struct traffic *w, double t_s)
{
    double factor = 1 + w->growth * t_s / DAY_S;
    if (w->ramp_s > 0)
        factor *= doubling(t_s, w->ramp_from_s, w->ramp_s);
    if (w->double_at_s > 0)
        factor *= doubling(t_s, w->double_at_s, DOUBLING_S);
    if (w->wave_s > 0)
        factor *= 1 + 0.45 * sin(2 * M_PI * t_s / w->wave_s);
    return factor;
}

double traffic_step(struct traffic *w, const struct service_class *c, double t_s,
                    struct chance *chance)
{
    double noise = c->noise > 0 ? c->noise : 1;
    double kept = exp(-class_step_s(c) / WANDER_S);
    w->wander = kept * w->wander + sqrt(1 - kept * kept) * chance_gauss(chance);
    w->share = c->flat ? 0.5 : day_shape(traffic_day_s(w, t_s));
    if (c->weekend && fmod(w->first_weekday + (w->first_day_s + t_s) / DAY_S, 7) >= 5)
        w->share *= 0.35;
    double load = w->base * (1 + w->swing * w->share);
    w->relative = w->share / w->mean_share;
    if (c->autoscaled) {
        load = autoscale(w, t_s);
        w->relative = load / w->base;
    }
    double factor = change(w, t_s);
    w->relative *= factor;
    return load * factor * (1 + 0.06 * noise * w->wander);
}
