/* Which stacks matter: the ones that differ most, the ones to keep. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/diff.h"

#define NO_SAMPLE UINT32_MAX

static uint64_t magnitude(int64_t a)
{
    return a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
}

/* |a - b|, which always fits without a sign. */
static uint64_t distance(int64_t a, int64_t b)
{
    return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return r;
}

/* Ranking */

/* By key, then in the order of the samples. */
static int delta_by_key(const void *x, const void *y)
{
    const struct stack_delta *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->now_sample != b->now_sample)
        return a->now_sample < b->now_sample ? -1 : 1;
    return (a->base_sample > b->base_sample) - (a->base_sample < b->base_sample);
}

static int delta_by_rank(const void *x, const void *y)
{
    const struct stack_delta *a = x, *b = y;
    uint64_t da = distance(a->now, a->base), db = distance(b->now, b->base);
    if (da != db)
        return da > db ? -1 : 1;
    if (a->now != b->now)
        return a->now > b->now ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

/* Folds neighbours of one key; returns how many are left. */
static size_t deltas_fold(struct stack_delta *all, size_t n)
{
    size_t last = 0;
    for (size_t i = 1; i < n; i++) {
        if (all[i].key != all[last].key) {
            all[++last] = all[i];
            continue;
        }
        all[last].now = sum(all[last].now, all[i].now);
        all[last].base = sum(all[last].base, all[i].base);
        if (all[last].base_sample == NO_SAMPLE)
            all[last].base_sample = all[i].base_sample;
    }
    return n ? last + 1 : 0;
}

/* The index, in base, of what value_index is in now; -1: base has none. */
static int base_value_index(const struct profile *now, const struct profile *base,
                            int value_index)
{
    struct str type = profile_text(now, now->sample_types[value_index].type);
    for (int i = 0; i < base->n_sample_types; i++)
        if (str_eq(profile_text(base, base->sample_types[i].type), type))
            return i;
    return -1;
}

int profile_rank(const struct profile *now, const struct profile *base, int value_index,
                 struct stack_delta *out, size_t max, size_t *total)
{
    size_t n_base = base ? base->samples.n : 0, n = now->samples.n + n_base;
    if (total)
        *total = 0;
    if (n == 0)
        return 0;
    if (value_index < 0 || value_index >= PROFILE_VALUES_MAX)
        return -EINVAL;
    int base_index = n_base ? base_value_index(now, base, value_index) : 0;
    if (base_index < 0)
        return ERR_MISMATCH;
    struct stack_delta *all = malloc(n * sizeof *all);
    if (!all)
        return -ENOMEM;
    n = 0;
    for (uint32_t i = 0; i < now->samples.n; i++) {
        const struct sample *s = &now->samples.p[i];
        all[n++] =
            (struct stack_delta){sample_key(now, s), i, NO_SAMPLE, s->values[value_index], 0};
    }
    for (uint32_t i = 0; i < n_base; i++) {
        const struct sample *s = &base->samples.p[i];
        all[n++] =
            (struct stack_delta){sample_key(base, s), NO_SAMPLE, i, 0, s->values[base_index]};
    }
    qsort(all, n, sizeof *all, delta_by_key);
    n = deltas_fold(all, n);
    qsort(all, n, sizeof *all, delta_by_rank);
    if (total)
        *total = n;
    n = n < max ? n : max;
    n = n < INT_MAX ? n : INT_MAX;
    if (n > 0)
        memcpy(out, all, n * sizeof *all);
    free(all);
    return (int)n;
}

/* Cutting */

struct weight {
    uint64_t magnitude;
    uint32_t sample;
};

static int weight_order(const void *x, const void *y)
{
    const struct weight *a = x, *b = y;
    if (a->magnitude != b->magnitude)
        return a->magnitude > b->magnitude ? -1 : 1;
    return (a->sample > b->sample) - (a->sample < b->sample);
}

static int sample_order(const void *x, const void *y)
{
    const struct weight *a = x, *b = y;
    return (a->sample > b->sample) - (a->sample < b->sample);
}

/* The rest of the samples as one, under one frame of that name. */
static int other_add(struct profile *out, const struct profile *src, const struct weight *rest,
                     size_t n)
{
    int64_t values[PROFILE_VALUES_MAX] = {0};
    struct function f = {0};
    struct line line = {0};
    uint32_t location;
    for (size_t i = 0; i < n; i++)
        for (int v = 0; v < PROFILE_VALUES_MAX; v++)
            values[v] = sum(values[v], src->samples.p[rest[i].sample].values[v]);
    int r = profile_string(out, STR("[other]"), &f.name);
    f.system_name = f.name;
    if (r == 0)
        r = profile_function(out, f, &line.function);
    if (r == 0)
        r = profile_location(out, 0, 0, &line, 1, false, &location);
    return r ? r : profile_sample(out, &location, 1, NULL, 0, values);
}

int profile_cut(struct profile *out, const struct profile *src, int value_index, size_t max)
{
    size_t n = src->samples.n, kept = n < max ? n : max;
    profile_reset(out);
    int r = profile_copy_head(out, src);
    if (r || n == 0)
        return r;
    if (value_index < 0 || value_index >= PROFILE_VALUES_MAX)
        return -EINVAL;
    struct weight *all = malloc(n * sizeof *all);
    if (!all)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        all[i] = (struct weight){magnitude(src->samples.p[i].values[value_index]), i};
    qsort(all, n, sizeof *all, weight_order);
    qsort(all, kept, sizeof *all, sample_order); /* the kept ones as they came */
    for (size_t i = 0; i < kept && r == 0; i++) {
        const struct sample *s = &src->samples.p[all[i].sample];
        r = profile_copy_sample(out, src, s, s->values, NULL);
    }
    if (r == 0 && kept < n)
        r = other_add(out, src, all + kept, n - kept);
    free(all);
    return r;
}
