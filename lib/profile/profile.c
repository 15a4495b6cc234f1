/* The life of a profile, its samples and what is asked of it. */
#include "lib/profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/index.h"

int profile_init(struct profile *p, size_t ceiling_bytes)
{
    uint32_t empty;
    int rc;

    *p = (struct profile){.ceiling = ceiling_bytes};
    p->index = calloc(1, sizeof *p->index);
    if (!p->index)
        return -ENOMEM;
    p->bytes = sizeof *p->index;
    /* Pure code has no source of chance but where the kernel put the heap. */
    p->index->seed = (uint64_t)(uintptr_t)p->index * 0x9e3779b97f4a7c15u;
    rc = profile_string(p, STR(""), &empty);
    if (rc)
        profile_free(p);
    return rc ? -ENOMEM : 0;
}

/* Forgets all that a source said of itself, and the samples. */
static void clear(struct profile *p)
{
    struct profile kept = *p;

    *p = (struct profile){.index = kept.index, .ceiling = kept.ceiling, .bytes = kept.bytes};
#define KEEP(vec) memcpy(&p->vec, &kept.vec, sizeof p->vec)
    KEEP(text);
    KEEP(strings);
    KEEP(functions);
    KEEP(lines);
    KEEP(locations);
    KEEP(refs);
    KEEP(labels);
    KEEP(samples);
#undef KEEP
    p->labels.n = p->samples.n = 0;
}

/* Gives back what one overfull page made grow, lest the next page, of another
 * shape, finds the ceiling taken. What the empty string needs stays. */
static void release(struct profile *p)
{
    VEC_SHRINK(p, p->text);
    VEC_SHRINK(p, p->strings);
    VEC_RELEASE(p, p->functions);
    VEC_RELEASE(p, p->lines);
    VEC_RELEASE(p, p->locations);
    VEC_RELEASE(p, p->refs);
    VEC_RELEASE(p, p->labels);
    VEC_RELEASE(p, p->samples);
    index_release(p);
}

void profile_reset(struct profile *p)
{
    uint32_t empty;

    clear(p);
    index_reset(p->index);
    p->text.n = p->strings.n = p->functions.n = p->lines.n = 0;
    p->locations.n = p->refs.n = 0;
    if (p->index->crowded)
        release(p);
    (void)profile_string(p, STR(""), &empty); /* the room is there since profile_init */
}

/* What profile_recycle keeps, roughly: a slot of a table is 8 bytes. */
static size_t interned_bytes(const struct profile *p)
{
    const struct profile_index *x = p->index;
    size_t stacks = x->stack_list.n, records = x->known_records.n;

    if (records < stacks) /* each will be known from the second page on */
        records = stacks;
    return p->text.n + p->strings.n * (sizeof *p->strings.p + 16) +
           p->functions.n * (sizeof *p->functions.p + sizeof *x->facts.p + 16) +
           p->lines.n * sizeof *p->lines.p + p->locations.n * (sizeof *p->locations.p + 16) +
           p->refs.n * sizeof *p->refs.p + stacks * (sizeof *x->stack_list.p + 16) +
           x->known_lines.n * (sizeof *x->known_lines.p + 16) +
           records * (sizeof *x->known_records.p + 16);
}

/* Below this much it does not matter how much of it is still in use. */
#define RECYCLE_BYTES 65536

void profile_recycle(struct profile *p)
{
    struct profile_index *x = p->index;
    size_t bytes = interned_bytes(p);

    if (!x->fresh_bytes && p->samples.n) /* else there was no page to go by */
        x->fresh_bytes = bytes > RECYCLE_BYTES ? bytes : RECYCLE_BYTES;
    if (p->partial || x->crowded || bytes > p->ceiling / 2 || bytes > 2 * x->fresh_bytes)
        profile_reset(p);
    else
        clear(p);
}

void profile_release(struct profile *p)
{
    p->index->crowded = true;
    profile_reset(p);
}

void profile_free(struct profile *p)
{
    free(p->text.p);
    free(p->strings.p);
    free(p->functions.p);
    free(p->lines.p);
    free(p->locations.p);
    free(p->refs.p);
    free(p->labels.p);
    free(p->samples.p);
    index_free(p->index);
    *p = (struct profile){0};
}

int profile_sample_of(struct profile *p, uint32_t stack, size_t n_labels,
                      const int64_t values[PROFILE_VALUES_MAX])
{
    struct sample *s;
    int rc = VEC_RESERVE(p, p->samples, 1);

    if (rc)
        return rc;
    s = &p->samples.p[p->samples.n++];
    s->first_ref = p->index->stack_list.p[stack].first_ref;
    s->n_refs = p->index->stack_list.p[stack].n_refs;
    s->first_label = (uint32_t)p->labels.n;
    s->n_labels = (uint32_t)n_labels;
    memcpy(s->values, values, sizeof s->values);
    p->labels.n += n_labels;
    return 0;
}

int profile_sample(struct profile *p, const uint32_t *locations, size_t n,
                   const struct label *labels, size_t n_labels,
                   const int64_t values[PROFILE_VALUES_MAX])
{
    uint32_t stack;
    int rc = n > PROFILE_STACK_MAX ? ERR_LIMIT : profile_stack(p, locations, n, &stack);

    if (!rc)
        rc = VEC_RESERVE(p, p->labels, n_labels);
    if (rc)
        return rc;
    if (n_labels)
        memcpy(p->labels.p + p->labels.n, labels, n_labels * sizeof *labels);
    return profile_sample_of(p, stack, n_labels, values);
}

struct str profile_text(const struct profile *p, uint32_t string_id)
{
    size_t start, end;

    if (string_id >= p->strings.n)
        return STR("");
    start = p->strings.p[string_id];
    end = string_id + 1 < p->strings.n ? p->strings.p[string_id + 1] : p->text.n;
    return (struct str){p->text.p + start, end - start - 1};
}

const uint32_t *sample_refs(const struct profile *p, const struct sample *s)
{
    return s->n_refs ? p->refs.p + s->first_ref : NULL;
}

const struct label *sample_labels(const struct profile *p, const struct sample *s)
{
    return s->n_labels ? p->labels.p + s->first_label : NULL;
}

int profile_value_index(const struct profile *p, const char *type)
{
    for (int i = 0; i < p->n_sample_types; i++)
        if (str_is(profile_text(p, p->sample_types[i].type), type ? type : "inuse_space"))
            return i;
    return type ? -1 : p->n_sample_types - 1;
}

int64_t profile_total(const struct profile *p, int value_index)
{
    int64_t total = 0;

    if (value_index < 0 || value_index >= PROFILE_VALUES_MAX)
        return 0;
    for (size_t i = 0; i < p->samples.n; i++) {
        int64_t v = p->samples.p[i].values[value_index];
        if (__builtin_add_overflow(total, v, &total))
            total = v < 0 ? INT64_MIN : INT64_MAX;
    }
    return total;
}

bool profile_is_heap(const struct profile *p)
{
    return profile_value_index(p, "inuse_space") >= 0;
}
