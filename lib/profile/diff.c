#include "lib/profile/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/profile/index.h"

/* Sums wrap, as Go's do: a bad file must not stop a good diff. */
static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t negative(int64_t a)
{
    return (int64_t)(0 - (uint64_t)a);
}

/* What may be subtracted */

static bool type_equal(const struct profile *p, struct value_type a, const struct profile *q,
                       struct value_type b)
{
    return str_eq(profile_text(p, a.type), profile_text(q, b.type)) &&
           str_eq(profile_text(p, a.unit), profile_text(q, b.unit));
}

static bool profile_empty(const struct profile *p)
{
    return p->samples.n == 0 && p->n_sample_types == 0;
}

static int diff_check(const struct profile *now, const struct profile *base, struct errmsg *e)
{
    if (now->from_text != base->from_text)
        return err_set(e, ERR_MISMATCH,
                       "one side is debug=1 text, the other protobuf: their stacks differ");
    if (now->n_sample_types != base->n_sample_types)
        return err_set(e, ERR_MISMATCH, "%d sample types against the base's %d",
                       now->n_sample_types, base->n_sample_types);
    if (!type_equal(now, now->period_type, base, base->period_type))
        return err_set(e, ERR_MISMATCH, "the period types differ");
    for (int i = 0; i < now->n_sample_types; i++)
        if (!type_equal(now, now->sample_types[i], base, base->sample_types[i]))
            return err_set(e, ERR_MISMATCH, "the sample types differ: %s against the base's %s",
                           profile_text(now, now->sample_types[i].type).p,
                           profile_text(base, base->sample_types[i].type).p);
    return 0;
}

/* Merging */

#define COMPARE(a, b)                  \
    do {                               \
        if ((a) != (b))                \
            return (a) < (b) ? -1 : 1; \
    } while (0)

static bool sample_zero(const struct sample *s)
{
    for (int i = 0; i < PROFILE_VALUES_MAX; i++)
        if (s->values[i] != 0)
            return false;
    return true;
}

static int label_order(const void *x, const void *y)
{
    const struct label *a = x, *b = y;
    COMPARE(a->key, b->key);
    COMPARE(a->str, b->str);
    COMPARE(a->unit, b->unit);
    COMPARE(a->num, b->num);
    return 0;
}

/* Labels in one order, whatever the encoder's (older Go's was a map's), without
 * those that do not exist for pprof, of neither text nor number. Of the sample's
 * own (all but the last n_extra) pprof::base goes too: it would turn samples of
 * an application that uses it into base and spoil every percentage. */
static void labels_tidy(struct profile *p, struct sample *s, uint32_t n_extra,
                        uint32_t base_key)
{
    struct label *labels = p->labels.p + s->first_label;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_labels; i++) {
        bool exists = labels[i].str != 0 || labels[i].num != 0 || labels[i].unit != 0;
        if (exists && (labels[i].key != base_key || i >= s->n_labels - n_extra))
            labels[n++] = labels[i];
    }
    s->n_labels = n;
    if (n > 1)
        qsort(labels, n, sizeof *labels, label_order);
}

/* The stack as proto_encode writes it, without hidden locations: a side that
 * was read back from a file and one that was not must cancel. */
static int stack_tidy(struct profile *p, struct sample *s)
{
    uint32_t visible[PROFILE_STACK_MAX];
    const uint32_t *refs = sample_refs(p, s);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_refs; i++)
        if (p->locations.p[refs[i]].n_lines > 0)
            visible[n++] = refs[i];
    if (n == 0 || n == s->n_refs)
        return 0;
    uint32_t stack;
    int r = profile_stack(p, visible, n, &stack);
    if (r)
        return r;
    s->first_ref = p->index->stack_list.p[stack].first_ref;
    s->n_refs = n;
    return 0;
}

/* Appends the samples of one side; extra (may be NULL) labels each of them. */
static int side_copy(struct profile *out, const struct profile *side, bool negate,
                     const struct label *extra, uint32_t base_key)
{
    for (size_t i = 0; i < side->samples.n; i++) {
        const struct sample *s = &side->samples.p[i];
        int64_t values[PROFILE_VALUES_MAX];
        if (sample_zero(s))
            continue;
        for (int v = 0; v < PROFILE_VALUES_MAX; v++)
            values[v] = negate ? negative(s->values[v]) : s->values[v];
        int r = profile_copy_sample(out, side, s, values, extra);
        if (r)
            return r;
        struct sample *copy = &out->samples.p[out->samples.n - 1];
        labels_tidy(out, copy, extra != NULL, base_key);
        r = stack_tidy(out, copy);
        if (r)
            return r;
    }
    return 0;
}

/* A sample and its labels at hand, for a comparison without context. */
struct merge_entry {
    struct sample *s;
    const struct label *labels;
};

/* Stacks are interned: equal ones have equal refs. 0 for what merges. */
static int merge_compare(const struct merge_entry *a, const struct merge_entry *b)
{
    COMPARE(a->s->first_ref, b->s->first_ref);
    COMPARE(a->s->n_refs, b->s->n_refs);
    COMPARE(a->s->n_labels, b->s->n_labels);
    for (uint32_t i = 0; i < a->s->n_labels; i++) {
        int r = label_order(&a->labels[i], &b->labels[i]);
        if (r)
            return r;
    }
    return 0;
}

static int merge_order(const void *x, const void *y)
{
    const struct merge_entry *a = x, *b = y;
    int r = merge_compare(a, b);
    return r ? r : (a->s > b->s) - (a->s < b->s);
}

static void drop_zeros(struct profile *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->samples.n; i++)
        if (!sample_zero(&p->samples.p[i]))
            p->samples.p[n++] = p->samples.p[i];
    p->samples.n = n;
}

/* Sums equal samples into the first of them and drops what came to nothing. */
static int samples_merge(struct profile *p)
{
    if (p->samples.n == 0)
        return 0;
    struct merge_entry *all = malloc(p->samples.n * sizeof *all);
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < p->samples.n; i++) {
        struct sample *s = &p->samples.p[i];
        all[i] = (struct merge_entry){s, sample_labels(p, s)};
    }
    qsort(all, p->samples.n, sizeof *all, merge_order);
    size_t first = 0;
    for (size_t i = 1; i < p->samples.n; i++) {
        if (merge_compare(&all[first], &all[i]) != 0) {
            first = i;
            continue;
        }
        for (int v = 0; v < PROFILE_VALUES_MAX; v++) {
            all[first].s->values[v] = sum(all[first].s->values[v], all[i].s->values[v]);
            all[i].s->values[v] = 0;
        }
    }
    free(all);
    drop_zeros(p);
    return 0;
}

/* The difference */

/* Times and period as pprof's combineHeaders has them. */
static int head_merge(struct profile *out, const struct profile *base)
{
    if (out->time_nanos == 0 || base->time_nanos < out->time_nanos)
        out->time_nanos = base->time_nanos;
    if (out->period == 0 || out->period < base->period)
        out->period = base->period;
    out->duration_nanos = sum(out->duration_nanos, base->duration_nanos);
    out->partial |= base->partial;
    if (out->default_sample_type != 0)
        return 0;
    return profile_string(out, profile_text(base, base->default_sample_type),
                          &out->default_sample_type);
}

static int sides_copy(struct profile *out, const struct profile *now,
                      const struct profile *base, enum diff_mode mode)
{
    struct label label = {0};
    int r = profile_copy_head(out, profile_empty(now) && base ? base : now);
    if (r == 0)
        r = profile_string(out, STR("pprof::base"), &label.key);
    if (r == 0)
        r = profile_string(out, STR("true"), &label.str);
    if (r == 0)
        r = side_copy(out, now, false, NULL, label.key);
    if (r || !base)
        return r;
    r = head_merge(out, base);
    if (r == 0)
        r = side_copy(out, base, true, mode == DIFF_DIFF_BASE ? &label : NULL, label.key);
    return r;
}

int profile_diff(struct profile *out, const struct profile *now, const struct profile *base,
                 enum diff_mode mode, struct errmsg *e)
{
    profile_reset(out);
    if (base && profile_empty(base))
        base = NULL;
    int r = base && !profile_empty(now) ? diff_check(now, base, e) : 0;
    if (r)
        return r;
    r = sides_copy(out, now, base, mode);
    if (r == 0)
        r = samples_merge(out);
    return r ? err_set(e, r, "the difference: %s", err_text(r)) : 0;
}
