/* A page's samples as one moment of the history: a count for each stack.
 *
 * Samples that differ in labels alone are one stack. Where each request has a label
 * of its own a page holds a leak as thousands of ones, and none of them would ever
 * count enough to be remembered. */
#include <stdlib.h>
#include <string.h>

#include "lib/watch/internal.h"

#define COUNTS_MAX 8192
#define PLACES (2 * COUNTS_MAX) /* a power of two */

struct counts {
    struct history_count of[COUNTS_MAX + 1]; /* the last is for what does not fit */
    size_t n;
    uint16_t place[PLACES]; /* 1 + index into of, by key; 0 free */
};

struct counts *counts_new(void)
{
    return calloc(1, sizeof(struct counts));
}

/* The count of that stack, new ones at 0; NULL: no room. */
static struct history_count *count_of(struct counts *c, uint64_t key, uint32_t sample)
{
    uint32_t i = (uint32_t)(key ^ key >> 32) % PLACES;

    for (; c->place[i] != 0; i = (i + 1) % PLACES)
        if (c->of[c->place[i] - 1].key == key)
            return &c->of[c->place[i] - 1];
    if (c->n == COUNTS_MAX)
        return NULL;
    c->of[c->n] = (struct history_count){.key = key, .sample = sample};
    c->place[i] = (uint16_t)++c->n;
    return &c->of[c->n - 1];
}

static size_t frames_of(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    const struct profile *p = ctx;

    return sample_frames(p, &p->samples.p[sample], out, max);
}

/* What does not fit is handed on as a stack without frames, so that totals add up. */
void counts_push(struct watch *w, int target, enum history_class class, const struct profile *p,
                 int value_index)
{
    struct counts *c = w->counts;
    int64_t rest = 0;

    c->n = 0;
    memset(c->place, 0, sizeof(c->place));
    for (size_t i = 0; i < p->samples.n; i++) {
        const struct sample *s = &p->samples.p[i];
        int64_t value = s->values[value_index];
        struct history_count *count =
            value != 0 ? count_of(c, sample_key(p, s), (uint32_t)i) : NULL;

        if (count != NULL)
            count->value += value;
        else
            rest += value;
    }
    c->of[c->n] = (struct history_count){.value = rest};
    history_push_stacks(w->history, target, class, w->t_ms, c->of, c->n + 1, frames_of,
                        (void *)p);
}
