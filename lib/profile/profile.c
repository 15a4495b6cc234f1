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

void profile_reset(struct profile *p)
{
    struct profile kept = *p;
    uint32_t empty;

    index_reset(p->index);
    *p = (struct profile){.index = kept.index, .ceiling = kept.ceiling, .bytes = kept.bytes};
#define KEEP(vec) p->vec.p = kept.vec.p, p->vec.cap = kept.vec.cap
    KEEP(text);
    KEEP(strings);
    KEEP(functions);
    KEEP(lines);
    KEEP(locations);
    KEEP(refs);
    KEEP(labels);
    KEEP(samples);
#undef KEEP
    (void)profile_string(p, STR(""), &empty); /* the room is there since profile_init */
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

int profile_sample(struct profile *p, const uint32_t *locations, size_t n,
                   const struct label *labels, size_t n_labels,
                   const int64_t values[PROFILE_VALUES_MAX])
{
    struct sample s = {.n_refs = (uint32_t)n,
                       .first_label = (uint32_t)p->labels.n,
                       .n_labels = (uint32_t)n_labels};
    int rc;

    if (n > PROFILE_STACK_MAX)
        return ERR_LIMIT;
    if ((rc = VEC_RESERVE(p, p->samples, 1)) || (rc = VEC_RESERVE(p, p->labels, n_labels)) ||
        (rc = profile_stack(p, locations, n, &s.first_ref)))
        return rc;
    memcpy(s.values, values, sizeof s.values);
    if (n_labels)
        memmove(p->labels.p + p->labels.n, labels, n_labels * sizeof *labels);
    p->labels.n += n_labels;
    p->samples.p[p->samples.n++] = s;
    return 0;
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
    return p->refs.p + s->first_ref;
}

const struct label *sample_labels(const struct profile *p, const struct sample *s)
{
    return p->labels.p + s->first_label;
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
