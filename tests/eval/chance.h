/* Seeded random numbers: the same name and seed give the same numbers.
 * Ownership: a plain value of the caller's. */
#ifndef LW_EVAL_CHANCE_H
#define LW_EVAL_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* A range from which a trace draws one value, evenly; both 0: not used. */
struct span {
    double low, high;
};

struct chance chance_of(const char *name, uint64_t seed);
double chance_unit(struct chance *c); /* [0, 1) */
double chance_between(struct chance *c, double low, double high);
double chance_in(struct chance *c, struct span s);
double chance_gauss(struct chance *c); /* mean 0, deviation 1 */

#endif
