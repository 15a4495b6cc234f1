#include "tests/eval/chance.h"

#include <math.h>

#include "lib/base/str.h"

struct chance chance_of(const char *name, uint64_t seed)
{
    return (struct chance){str_hash(str_of(name), seed)};
}

/* splitmix64: one word of state, and every state is a good one. */
static uint64_t next(struct chance *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

double chance_unit(struct chance *c)
{
    return (double)(next(c) >> 11) * 0x1p-53;
}

double chance_between(struct chance *c, double low, double high)
{
    return low + (high - low) * chance_unit(c);
}

double chance_in(struct chance *c, struct span s)
{
    return chance_between(c, s.low, s.high);
}

double chance_gauss(struct chance *c)
{
    double radius = sqrt(-2 * log(1 - chance_unit(c)));
    return radius * cos(2 * M_PI * chance_unit(c));
}
