/* The messages of profile.proto, into the profile. */
#include "lib/base/err.h"
#include "lib/profile/decoder.h"

int proto_read_string(struct decoder *d, struct wire w)
{
    size_t n = (size_t)(w.end - w.p);
    if (d->n_strings == 0 && n > 0)
        return decoder_fail(d, w.p, ERR_SYNTAX, "the first string is not empty");
    d->strings[d->n_strings++] =
        (struct entry){(uint32_t)(w.p - d->start), (uint32_t)n, NOT_INTERNED};
    return 0;
}

static int read_value_type(struct decoder *d, struct wire w, struct value_type *t)
{
    uint64_t v[VALUE_TYPE_UNIT + 1] = {0};
    int r = decoder_scalars(d, w, v, VALUE_TYPE_UNIT + 1);
    if (r == 0)
        r = decoder_string(d, w.p, v[VALUE_TYPE_TYPE], &t->type);
    return r ? r : decoder_string(d, w.p, v[VALUE_TYPE_UNIT], &t->unit);
}

int proto_read_sample_type(struct decoder *d, struct wire w)
{
    if (d->p->n_sample_types == PROFILE_VALUES_MAX)
        return decoder_fail(d, w.p, ERR_LIMIT, "more than 4 sample types");
    return read_value_type(d, w, &d->p->sample_types[d->p->n_sample_types++]);
}

int proto_read_period_type(struct decoder *d, struct wire w)
{
    return read_value_type(d, w, &d->p->period_type);
}

/* Mappings beyond the bound are left out, their locations have none then. */
int proto_read_mapping(struct decoder *d, struct wire w)
{
    uint64_t v[MAPPING_HAS_INLINE_FRAMES + 1] = {0};
    if (d->p->n_mappings == PROFILE_MAPPINGS_MAX)
        return 0;
    struct mapping *m = &d->p->mappings[d->p->n_mappings];
    int r = decoder_scalars(d, w, v, MAPPING_HAS_INLINE_FRAMES + 1);
    *m = (struct mapping){
        .start = v[MAPPING_START],
        .limit = v[MAPPING_LIMIT],
        .offset = v[MAPPING_OFFSET],
        .has_functions = v[MAPPING_HAS_FUNCTIONS] != 0,
        .has_filenames = v[MAPPING_HAS_FILENAMES] != 0,
        .has_line_numbers = v[MAPPING_HAS_LINE_NUMBERS] != 0,
        .has_inline_frames = v[MAPPING_HAS_INLINE_FRAMES] != 0,
    };
    if (r == 0)
        r = decoder_string(d, w.p, v[MAPPING_FILE], &m->file);
    if (r == 0)
        r = decoder_string(d, w.p, v[MAPPING_BUILD_ID], &m->build_id);
    if (r)
        return r;
    uint32_t number = (uint32_t)++d->p->n_mappings; /* 1-based, as locations have it */
    d->mappings.p[d->mappings.n++] = (struct id_pair){v[MAPPING_ID], number};
    return 0;
}

int proto_read_function(struct decoder *d, struct wire w)
{
    uint64_t v[FUNCTION_START_LINE + 1] = {0};
    struct function f = {0};
    uint32_t id = 0;
    int r = decoder_scalars(d, w, v, FUNCTION_START_LINE + 1);
    f.start_line = (int64_t)v[FUNCTION_START_LINE];
    if (r == 0)
        r = decoder_string(d, w.p, v[FUNCTION_NAME], &f.name);
    if (r == 0)
        r = decoder_string(d, w.p, v[FUNCTION_SYSTEM_NAME], &f.system_name);
    if (r == 0)
        r = decoder_string(d, w.p, v[FUNCTION_FILENAME], &f.file);
    if (r == 0)
        r = decoder_added(d, w.p, profile_function(d->p, f, &id));
    if (r)
        return r;
    d->functions.p[d->functions.n++] = (struct id_pair){v[FUNCTION_ID], id};
    return 0;
}

static int read_line(struct decoder *d, struct wire w, struct line *line)
{
    uint64_t v[LINE_LINE + 1] = {0};
    int r = decoder_scalars(d, w, v, LINE_LINE + 1);
    if (r)
        return r;
    int64_t number = (int64_t)v[LINE_LINE];
    if (number < INT32_MIN || number > INT32_MAX)
        return decoder_fail(d, w.p, ERR_LIMIT, "a line number beyond 32 bits");
    line->line = (int32_t)number;
    return decoder_find(d, &d->functions, w.p, v[LINE_FUNCTION], &line->function);
}

int proto_read_location(struct decoder *d, struct wire w)
{
    uint64_t v[LOCATION_IS_FOLDED + 1] = {0};
    struct wire_field f;
    struct wire line, rest = w;
    size_t n_lines = 0;
    uint32_t id, mapping = 0;
    int r;
    while ((r = decoder_next(d, &rest, &f)) > 0) {
        if (f.number != LOCATION_LINE) {
            r = decoder_scalar(d, &f, rest.p, v, LOCATION_IS_FOLDED + 1);
        } else if (n_lines == PROFILE_LINES_MAX) {
            r = decoder_fail(d, rest.p, ERR_LIMIT, "a location of too many lines");
        } else {
            r = decoder_message(d, &f, rest.p, &line);
            if (r == 0)
                r = read_line(d, line, &d->lines[n_lines++]);
        }
        if (r)
            return r;
    }
    if (r)
        return r;
    id_map_find(&d->mappings, v[LOCATION_MAPPING], &mapping); /* unknown: none */
    r = profile_location(d->p, v[LOCATION_ADDRESS], (uint16_t)mapping, d->lines, n_lines,
                         v[LOCATION_IS_FOLDED] != 0, &id);
    if (r)
        return decoder_added(d, w.p, r);
    d->locations.p[d->locations.n++] = (struct id_pair){v[LOCATION_ID], id};
    return 0;
}

/* A label of no text, number and unit does not exist for pprof: an empty text
 * has the index 0, and so is written by Go. */
static int read_label(struct decoder *d, struct wire w, size_t *n)
{
    uint64_t v[LABEL_UNIT + 1] = {0};
    struct label label = {0};
    int r = decoder_scalars(d, w, v, LABEL_UNIT + 1);
    if (r == 0)
        r = decoder_string(d, w.p, v[LABEL_KEY], &label.key);
    if (r == 0)
        r = decoder_string(d, w.p, v[LABEL_STR], &label.str);
    if (r == 0 && label.str == 0) {
        label.num = (int64_t)v[LABEL_NUM];
        r = decoder_string(d, w.p, v[LABEL_UNIT], &label.unit);
    }
    if (r || (label.str == 0 && label.num == 0 && label.unit == 0))
        return r;
    if (*n == DECODER_LABELS_MAX)
        return decoder_fail(d, w.p, ERR_LIMIT, "a sample of more than 256 labels");
    d->labels[(*n)++] = label;
    return 0;
}

struct sample_parts {
    size_t n_refs, n_values, n_labels;
    int64_t values[PROFILE_VALUES_MAX];
};

static int read_sample_field(struct decoder *d, struct wire_field *f, const uint8_t *at,
                             struct sample_parts *s)
{
    struct wire message;
    uint64_t value;
    int r = 0;
    switch (f->number) {
    case SAMPLE_LOCATION:
        while ((r = decoder_repeated(d, f, at, &value)) > 0) {
            if (s->n_refs == PROFILE_STACK_MAX)
                return decoder_fail(d, at, ERR_LIMIT, "a stack of more than 1024 locations");
            r = decoder_find(d, &d->locations, at, value, &d->refs[s->n_refs++]);
            if (r)
                return r;
        }
        return r;
    case SAMPLE_VALUE:
        while ((r = decoder_repeated(d, f, at, &value)) > 0) {
            if (s->n_values == (size_t)d->p->n_sample_types)
                return decoder_fail(d, at, ERR_SYNTAX, "more values than sample types");
            s->values[s->n_values++] = (int64_t)value;
        }
        return r;
    case SAMPLE_LABEL:
        r = decoder_message(d, f, at, &message);
        return r ? r : read_label(d, message, &s->n_labels);
    default: return 0;
    }
}

int proto_read_sample(struct decoder *d, struct wire w)
{
    struct sample_parts s = {0};
    struct wire_field f;
    struct wire rest = w;
    int r;
    while ((r = decoder_next(d, &rest, &f)) > 0) {
        r = read_sample_field(d, &f, rest.p, &s);
        if (r)
            return r;
    }
    if (r)
        return r;
    if (d->p->n_sample_types == 0)
        return decoder_fail(d, w.p, ERR_SYNTAX, "a sample, but no sample types");
    if (s.n_values != (size_t)d->p->n_sample_types)
        return decoder_fail(d, w.p, ERR_SYNTAX, "fewer values than sample types");
    return decoder_added(
        d, w.p, profile_sample(d->p, d->refs, s.n_refs, d->labels, s.n_labels, s.values));
}
