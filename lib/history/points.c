/* Points handed to a caller: oldest first; where there is no room for all, the
 * newest. */
#include "lib/history/inside.h"

void points_put(struct points *p, struct history_point point)
{
    if (p->max > 0)
        p->out[p->n++ % p->max] = point;
}

static void reverse(struct history_point *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct history_point swap = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = swap;
    }
}

size_t points_finish(struct points *p)
{
    size_t oldest;

    if (p->n <= p->max)
        return p->n;
    oldest = p->n % p->max;
    reverse(p->out, oldest);
    reverse(p->out + oldest, p->max - oldest);
    reverse(p->out, p->max);
    return p->max;
}
