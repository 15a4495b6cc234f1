/* How many requests are in flight in one pod: day and night, growth, noise,
 * replicas. Ownership: a plain value of the caller's. */
#ifndef LW_EVAL_TRAFFIC_H
#define LW_EVAL_TRAFFIC_H

#include "tests/eval/classes.h"

struct traffic {
    double base;        /* handlers at the trough */
    double swing;       /* as in the class, its default filled in */
    double first_day_s; /* time of day at the start */
    double first_weekday;
    double ramp_from_s, ramp_s;
    double double_at_s;
    double wave_s;
    double growth;
    double wander; /* slow noise: an autoregressive walk */
    double replicas;
    double idle_s;     /* since when the replicas have had too little to do */
    double share;      /* of the day's peak now, 0…1 */
    double mean_share; /* of a whole day */
    double relative;   /* requests now over those of an average moment */
};

void traffic_open(struct traffic *w, const struct service_class *c, struct chance *chance);

/* Mean number of handlers at t_s; call it once a sample, in order of time. */
double traffic_step(struct traffic *w, const struct service_class *c, double t_s,
                    struct chance *chance);

double traffic_day_s(const struct traffic *w, double t_s); /* time of day, 0…86,400 */

#endif
