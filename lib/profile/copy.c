/* Copies between profiles: ids of one become ids of the other. */
#include <string.h>

#include "lib/profile/index.h"

static int copy_string(struct profile *dst, const struct profile *src, uint32_t from,
                       uint32_t *to)
{
    return profile_string(dst, profile_text(src, from), to);
}

static int copy_type(struct profile *dst, const struct profile *src, struct value_type from,
                     struct value_type *to)
{
    int rc = copy_string(dst, src, from.type, &to->type);

    return rc ? rc : copy_string(dst, src, from.unit, &to->unit);
}

static int copy_mapping(struct profile *dst, const struct profile *src, const struct mapping *m,
                        struct mapping *out)
{
    int rc;

    *out = *m;
    rc = copy_string(dst, src, m->file, &out->file);
    return rc ? rc : copy_string(dst, src, m->build_id, &out->build_id);
}

int profile_copy_head(struct profile *dst, const struct profile *src)
{
    int rc = copy_type(dst, src, src->period_type, &dst->period_type);

    for (int i = 0; i < src->n_sample_types && !rc; i++)
        rc = copy_type(dst, src, src->sample_types[i], &dst->sample_types[i]);
    for (int i = 0; i < src->n_mappings && !rc; i++)
        rc = copy_mapping(dst, src, &src->mappings[i], &dst->mappings[i]);
    if (!rc)
        rc = copy_string(dst, src, src->default_sample_type, &dst->default_sample_type);
    if (rc)
        return rc;
    dst->n_sample_types = src->n_sample_types;
    dst->n_mappings = src->n_mappings;
    dst->period = src->period;
    dst->time_nanos = src->time_nanos;
    dst->duration_nanos = src->duration_nanos;
    dst->partial = src->partial;
    dst->from_text = src->from_text;
    return 0;
}

/* Two mappings are one when pprof's merge takes them for one: build id (else
 * file), offset and size in pages; where they were loaded does not matter. */
static bool mapping_same(const struct mapping *a, const struct mapping *b)
{
    const uint64_t page = 0x1000;
    uint64_t a_pages = (a->limit - a->start + page - 1) / page;
    uint64_t b_pages = (b->limit - b->start + page - 1) / page;

    if (a->offset != b->offset || a_pages != b_pages)
        return false;
    return a->build_id || b->build_id ? a->build_id == b->build_id : a->file == b->file;
}

/* Finds or adds the mapping of a location; 0 when there is none or no room. */
static int map_location(struct profile *dst, const struct profile *src,
                        const struct location *l, uint16_t *mapping, uint64_t *address)
{
    struct mapping m;
    const struct mapping *from;
    int rc, i;

    *mapping = 0;
    *address = l->address;
    if (!l->mapping || l->mapping > src->n_mappings)
        return 0;
    from = &src->mappings[l->mapping - 1];
    if ((rc = copy_mapping(dst, src, from, &m)))
        return rc;
    for (i = 0; i < dst->n_mappings; i++)
        if (mapping_same(&dst->mappings[i], &m))
            break;
    if (i == dst->n_mappings) {
        if (i == PROFILE_MAPPINGS_MAX)
            return 0;
        dst->mappings[dst->n_mappings++] = m;
    }
    *mapping = (uint16_t)(i + 1);
    *address = l->address - from->start + dst->mappings[i].start;
    return 0;
}

static int copy_function(struct profile *dst, const struct profile *src, uint32_t from,
                         uint32_t *to)
{
    struct function f = src->functions.p[from];
    int rc;

    if ((rc = copy_string(dst, src, f.name, &f.name)) ||
        (rc = copy_string(dst, src, f.system_name, &f.system_name)) ||
        (rc = copy_string(dst, src, f.file, &f.file)))
        return rc;
    return profile_function(dst, f, to);
}

static int copy_location(struct profile *dst, const struct profile *src, uint32_t from,
                         uint32_t *to)
{
    const struct location *l = &src->locations.p[from];
    struct line lines[PROFILE_LINES_MAX];
    uint64_t address;
    uint16_t mapping;
    int rc;

    for (uint32_t i = 0; i < l->n_lines; i++) {
        lines[i] = src->lines.p[l->first_line + i];
        if ((rc = copy_function(dst, src, lines[i].function, &lines[i].function)))
            return rc;
    }
    if ((rc = map_location(dst, src, l, &mapping, &address)))
        return rc;
    return profile_location(dst, address, mapping, lines, l->n_lines, l->folded, to);
}

static int copy_label(struct profile *dst, const struct profile *src, const struct label *from,
                      struct label *to)
{
    int rc;

    *to = *from;
    if ((rc = copy_string(dst, src, from->key, &to->key)) ||
        (rc = copy_string(dst, src, from->str, &to->str)))
        return rc;
    return copy_string(dst, src, from->unit, &to->unit);
}

/* Labels go straight to where profile_sample_of takes them from. */
static int copy_labels(struct profile *dst, const struct profile *src, const struct sample *s,
                       const struct label *extra, size_t *n)
{
    const struct label *labels = sample_labels(src, s);
    int rc = VEC_RESERVE(dst, dst->labels, s->n_labels + 1);

    *n = 0;
    for (uint32_t i = 0; i < s->n_labels && !rc; i++)
        rc = copy_label(dst, src, &labels[i], &dst->labels.p[dst->labels.n + (*n)++]);
    if (!rc && extra)
        dst->labels.p[dst->labels.n + (*n)++] = *extra;
    return rc;
}

int profile_copy_sample(struct profile *dst, const struct profile *src, const struct sample *s,
                        const int64_t values[PROFILE_VALUES_MAX], const struct label *extra)
{
    const uint32_t *refs = sample_refs(src, s);
    uint32_t locations[PROFILE_STACK_MAX], stack;
    size_t n_labels;
    int rc = 0;

    for (uint32_t i = 0; i < s->n_refs && !rc; i++)
        rc = copy_location(dst, src, refs[i], &locations[i]);
    if (!rc)
        rc = profile_stack(dst, locations, s->n_refs, &stack);
    if (!rc)
        rc = copy_labels(dst, src, s, extra, &n_labels);
    return rc ? rc : profile_sample_of(dst, stack, n_labels, values);
}
