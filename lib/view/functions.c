#include "lib/view/functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 1024

int functions_init(struct function_list *l, const struct profile *now,
                   const struct profile *base)
{
    size_t functions = now->functions.n + (base ? base->functions.n : 0);
    size_t slots = 16;

    while (slots < 2 * functions)
        slots *= 2;
    *l = (struct function_list){.mask = slots - 1};
    l->rows = calloc(slots, sizeof(*l->rows));
    l->frames = malloc(FRAMES_MAX * sizeof(*l->frames));
    if (l->rows && l->frames)
        return 0;
    functions_free(l);
    return -ENOMEM;
}

void functions_free(struct function_list *l)
{
    free(l->rows);
    free(l->frames);
    *l = (struct function_list){0};
}

/* There are twice as many slots as functions, so the search ends. */
static struct function_row *row_of(struct function_list *l, struct str name)
{
    size_t slot = str_hash(name, 0) & l->mask;

    while (l->rows[slot].name.p && !str_eq(l->rows[slot].name, name))
        slot = (slot + 1) & l->mask;
    l->rows[slot].name = name;
    return &l->rows[slot];
}

void functions_add(struct function_list *l, const struct profile *p, int value, int sign)
{
    for (size_t i = 0; i < p->samples.n; i++) {
        const struct sample *s = &p->samples.p[i];
        int64_t v = s->values[value] * sign;
        size_t n = sample_frames(p, s, l->frames, FRAMES_MAX);

        l->serial++;
        for (size_t f = 0; f < n; f++) {
            struct function_row *row = row_of(l, l->frames[f].function);

            if (f == 0)
                row->flat += v;
            if (row->seen != l->serial)
                row->cum += v;
            row->seen = l->serial;
        }
    }
}

static int compare(int64_t a, int64_t b)
{
    return (b > a) - (b < a);
}

static int rank_order(const void *x, const void *y)
{
    const struct function_row *a = x, *b = y;
    int r = compare(llabs(a->cum), llabs(b->cum));

    if (r == 0)
        r = compare(llabs(a->flat), llabs(b->flat));
    if (r == 0)
        r = memcmp(a->name.p, b->name.p, a->name.n < b->name.n ? a->name.n : b->name.n);
    return r ? r : compare((int64_t)b->name.n, (int64_t)a->name.n);
}

void functions_rank(struct function_list *l)
{
    for (size_t slot = 0; slot <= l->mask; slot++)
        if (l->rows[slot].name.p && (l->rows[slot].flat || l->rows[slot].cum))
            l->rows[l->n++] = l->rows[slot];
    qsort(l->rows, l->n, sizeof(*l->rows), rank_order);
}
