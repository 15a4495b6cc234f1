/* profile.proto, read.
 *
 * Go interleaves locations, functions and samples and writes the strings they
 * name last, so the top level is walked once per kind of message, in the order
 * in which they refer to each other: strings, mappings, functions, locations,
 * samples. A walk skips by length and costs next to nothing.
 *
 * Failure: what pprof itself refuses (ids that are zero, double or unknown,
 * string indexes beyond the table, a wrong number of values) is ERR_SYNTAX with
 * the offset; the tables made here count against the profile's ceiling. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/proto.h"
#include "lib/profile/proto_fields.h"
#include "lib/profile/wire.h"

#define LABELS_MAX 256 /* of one sample */
#define NOT_INTERNED UINT32_MAX

/* One entry of the string table; interned when first referred to. */
struct entry {
    uint32_t offset, n;
    uint32_t id; /* in the profile, or NOT_INTERNED */
};

/* The file's ids are arbitrary 64-bit numbers. A sorted table instead of a hash:
 * encoders count upwards, and no choice of ids can make it slow. */
struct id_pair {
    uint64_t from;
    uint32_t to;
};

struct id_map {
    const char *noun;
    struct id_pair *p;
    size_t n;
};

struct decoder {
    struct profile *p;
    struct errmsg *e;
    const uint8_t *start;
    struct wire all;
    size_t counts[PROFILE_STRING + 1]; /* of messages, by field number */
    struct entry *strings;
    size_t n_strings;
    struct id_map mappings, functions, locations;
    uint64_t head[PROFILE_HEAD_FIELDS];
    uint32_t refs[PROFILE_STACK_MAX];
    struct label labels[LABELS_MAX];
    struct line lines[PROFILE_LINES_MAX];
};

/* Errors */

static int fail_at(struct decoder *d, const uint8_t *at, int code, const char *what)
{
    return err_set(d->e, code, "protobuf, byte %zu: %s", (size_t)(at - d->start), what);
}

static int next_field(struct decoder *d, struct wire *w, struct wire_field *f)
{
    int r = wire_next(w, f);
    return r >= 0 ? r : fail_at(d, w->p, r, "a field is malformed or passes the end");
}

/* A code of the profile's own functions, with a word of where. */
static int fail_add(struct decoder *d, const uint8_t *at, int code)
{
    return code == 0 ? 0 : fail_at(d, at, code, err_text(code));
}

/* Fields */

/* Stores a varint field below n under its number; skips the unknown. */
static int take_scalar(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                       uint64_t *values, size_t n)
{
    if (f->number >= n)
        return 0;
    if (f->type != WIRE_VARINT)
        return fail_at(d, at, ERR_SYNTAX, "a number has the wrong wire type");
    values[f->number] = f->value;
    return 0;
}

/* Reads a message that has only numbers. values is zeroed by the caller. */
static int take_scalars(struct decoder *d, struct wire w, uint64_t *values, size_t n)
{
    struct wire_field f;
    int r;
    while ((r = next_field(d, &w, &f)) > 0) {
        r = take_scalar(d, &f, w.p, values, n);
        if (r)
            return r;
    }
    return r;
}

static int take_message(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                        struct wire *message)
{
    if (f->type != WIRE_BYTES)
        return fail_at(d, at, ERR_SYNTAX, "a message has the wrong wire type");
    *message = f->bytes;
    return 0;
}

/* A repeated number, packed or not: hands out the numbers one by one. Zeroed
 * at first; 1: there is one, 0: the field is done. */
static int take_repeated(struct decoder *d, struct wire_field *f, const uint8_t *at,
                         uint64_t *value)
{
    if (f->type == WIRE_VARINT) {
        *value = f->value;
        f->type = WIRE_BYTES; /* with empty bytes: done next time */
        return 1;
    }
    if (f->type != WIRE_BYTES)
        return fail_at(d, at, ERR_SYNTAX, "a repeated number has the wrong wire type");
    if (f->bytes.p == f->bytes.end)
        return 0;
    int r = wire_varint(&f->bytes, value);
    return r ? fail_at(d, f->bytes.p, r, "a packed number is malformed") : 1;
}

/* Strings and ids */

static int intern(struct decoder *d, const uint8_t *at, uint64_t index, uint32_t *id)
{
    *id = 0;
    if (index == 0)
        return 0;
    if (index >= d->n_strings)
        return err_set(d->e, ERR_SYNTAX, "protobuf, byte %zu: string %" PRIu64 " of %zu",
                       (size_t)(at - d->start), index, d->n_strings);
    struct entry *s = &d->strings[index];
    if (s->id == NOT_INTERNED) {
        struct str text = {(const char *)d->start + s->offset, s->n};
        int r = profile_string(d->p, text, &s->id);
        if (r)
            return fail_add(d, at, r);
    }
    *id = s->id;
    return 0;
}

static int id_order(const void *a, const void *b)
{
    uint64_t x = ((const struct id_pair *)a)->from, y = ((const struct id_pair *)b)->from;
    return (x > y) - (x < y);
}

/* Sorts where the encoder did not count upwards; refuses zero and doubles. */
static int id_map_close(struct decoder *d, struct id_map *m)
{
    bool ascending = true;
    for (size_t i = 1; i < m->n && ascending; i++)
        ascending = m->p[i - 1].from < m->p[i].from;
    if (!ascending)
        qsort(m->p, m->n, sizeof *m->p, id_order);
    if (m->n > 0 && m->p[0].from == 0)
        return err_set(d->e, ERR_SYNTAX, "protobuf: a %s has the id 0", m->noun);
    for (size_t i = 1; i < m->n; i++)
        if (m->p[i - 1].from == m->p[i].from)
            return err_set(d->e, ERR_SYNTAX, "protobuf: two %ss have the id %" PRIu64, m->noun,
                           m->p[i].from);
    return 0;
}

static bool id_map_find(const struct id_map *m, uint64_t id, uint32_t *to)
{
    const struct id_pair *hit = NULL;
    if (id - 1 < m->n && m->p[id - 1].from == id) /* 1, 2, 3 …, as all write them */
        hit = &m->p[id - 1];
    else if (m->n > 0)
        hit = bsearch(&(struct id_pair){.from = id}, m->p, m->n, sizeof *m->p, id_order);
    if (hit)
        *to = hit->to;
    return hit != NULL;
}

static int find(struct decoder *d, const struct id_map *m, const uint8_t *at, uint64_t id,
                uint32_t *to)
{
    if (id_map_find(m, id, to))
        return 0;
    return err_set(d->e, ERR_SYNTAX, "protobuf, byte %zu: no %s has the id %" PRIu64,
                   (size_t)(at - d->start), m->noun, id);
}

/* Messages, in the order of the walks */

static int read_string(struct decoder *d, struct wire w)
{
    size_t n = (size_t)(w.end - w.p);
    if (d->n_strings == 0 && n > 0)
        return fail_at(d, w.p, ERR_SYNTAX, "the first string is not empty");
    d->strings[d->n_strings++] =
        (struct entry){(uint32_t)(w.p - d->start), (uint32_t)n, NOT_INTERNED};
    return 0;
}

static int read_value_type(struct decoder *d, struct wire w, struct value_type *t)
{
    uint64_t v[VALUE_TYPE_UNIT + 1] = {0};
    int r = take_scalars(d, w, v, VALUE_TYPE_UNIT + 1);
    if (r == 0)
        r = intern(d, w.p, v[VALUE_TYPE_TYPE], &t->type);
    return r ? r : intern(d, w.p, v[VALUE_TYPE_UNIT], &t->unit);
}

static int read_sample_type(struct decoder *d, struct wire w)
{
    if (d->p->n_sample_types == PROFILE_VALUES_MAX)
        return fail_at(d, w.p, ERR_LIMIT, "more than 4 sample types");
    return read_value_type(d, w, &d->p->sample_types[d->p->n_sample_types++]);
}

static int read_period_type(struct decoder *d, struct wire w)
{
    return read_value_type(d, w, &d->p->period_type);
}

/* Mappings beyond the bound are left out, their locations have none then. */
static int read_mapping(struct decoder *d, struct wire w)
{
    uint64_t v[MAPPING_HAS_INLINE_FRAMES + 1] = {0};
    if (d->p->n_mappings == PROFILE_MAPPINGS_MAX)
        return 0;
    struct mapping *m = &d->p->mappings[d->p->n_mappings];
    int r = take_scalars(d, w, v, MAPPING_HAS_INLINE_FRAMES + 1);
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
        r = intern(d, w.p, v[MAPPING_FILE], &m->file);
    if (r == 0)
        r = intern(d, w.p, v[MAPPING_BUILD_ID], &m->build_id);
    if (r)
        return r;
    uint32_t number = (uint32_t)++d->p->n_mappings; /* 1-based, as locations have it */
    d->mappings.p[d->mappings.n++] = (struct id_pair){v[MAPPING_ID], number};
    return 0;
}

static int read_function(struct decoder *d, struct wire w)
{
    uint64_t v[FUNCTION_START_LINE + 1] = {0};
    struct function f = {0};
    uint32_t id = 0;
    int r = take_scalars(d, w, v, FUNCTION_START_LINE + 1);
    f.start_line = (int64_t)v[FUNCTION_START_LINE];
    if (r == 0)
        r = intern(d, w.p, v[FUNCTION_NAME], &f.name);
    if (r == 0)
        r = intern(d, w.p, v[FUNCTION_SYSTEM_NAME], &f.system_name);
    if (r == 0)
        r = intern(d, w.p, v[FUNCTION_FILENAME], &f.file);
    if (r == 0)
        r = fail_add(d, w.p, profile_function(d->p, f, &id));
    if (r)
        return r;
    d->functions.p[d->functions.n++] = (struct id_pair){v[FUNCTION_ID], id};
    return 0;
}

static int read_line(struct decoder *d, struct wire w, struct line *line)
{
    uint64_t v[LINE_LINE + 1] = {0};
    int r = take_scalars(d, w, v, LINE_LINE + 1);
    if (r)
        return r;
    int64_t number = (int64_t)v[LINE_LINE];
    if (number < INT32_MIN || number > INT32_MAX)
        return fail_at(d, w.p, ERR_LIMIT, "a line number beyond 32 bits");
    line->line = (int32_t)number;
    return find(d, &d->functions, w.p, v[LINE_FUNCTION], &line->function);
}

static int read_location(struct decoder *d, struct wire w)
{
    uint64_t v[LOCATION_IS_FOLDED + 1] = {0};
    struct wire_field f;
    struct wire line, rest = w;
    size_t n_lines = 0;
    uint32_t id, mapping = 0;
    int r;
    while ((r = next_field(d, &rest, &f)) > 0) {
        if (f.number != LOCATION_LINE) {
            r = take_scalar(d, &f, rest.p, v, LOCATION_IS_FOLDED + 1);
        } else if (n_lines == PROFILE_LINES_MAX) {
            r = fail_at(d, rest.p, ERR_LIMIT, "a location of too many lines");
        } else {
            r = take_message(d, &f, rest.p, &line);
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
        return fail_add(d, w.p, r);
    d->locations.p[d->locations.n++] = (struct id_pair){v[LOCATION_ID], id};
    return 0;
}

/* Order of a sample's labels: text before numbers, then by key, as pprof
 * compares them; older Go wrote them in any order. */
static bool label_before(const struct profile *p, const struct label *a, const struct label *b)
{
    if ((a->str == 0) != (b->str == 0))
        return a->str != 0;
    struct str x = profile_text(p, a->key), y = profile_text(p, b->key);
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order ? order < 0 : x.n < y.n;
}

/* A label of no text, number and unit does not exist for pprof: an empty text
 * has the index 0, and so is written by Go. */
static int read_label(struct decoder *d, struct wire w, size_t *n)
{
    uint64_t v[LABEL_UNIT + 1] = {0};
    struct label label = {0};
    int r = take_scalars(d, w, v, LABEL_UNIT + 1);
    if (r == 0)
        r = intern(d, w.p, v[LABEL_KEY], &label.key);
    if (r == 0)
        r = intern(d, w.p, v[LABEL_STR], &label.str);
    if (r == 0 && label.str == 0) {
        label.num = (int64_t)v[LABEL_NUM];
        r = intern(d, w.p, v[LABEL_UNIT], &label.unit);
    }
    if (r || (label.str == 0 && label.num == 0 && label.unit == 0))
        return r;
    if (*n == LABELS_MAX)
        return fail_at(d, w.p, ERR_LIMIT, "a sample of more than 256 labels");
    size_t at = *n;
    for (; at > 0 && label_before(d->p, &label, &d->labels[at - 1]); at--)
        d->labels[at] = d->labels[at - 1];
    d->labels[at] = label;
    ++*n;
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
        while ((r = take_repeated(d, f, at, &value)) > 0) {
            if (s->n_refs == PROFILE_STACK_MAX)
                return fail_at(d, at, ERR_LIMIT, "a stack of more than 1024 locations");
            r = find(d, &d->locations, at, value, &d->refs[s->n_refs++]);
            if (r)
                return r;
        }
        return r;
    case SAMPLE_VALUE:
        while ((r = take_repeated(d, f, at, &value)) > 0) {
            if (s->n_values == (size_t)d->p->n_sample_types)
                return fail_at(d, at, ERR_SYNTAX, "more values than sample types");
            s->values[s->n_values++] = (int64_t)value;
        }
        return r;
    case SAMPLE_LABEL:
        r = take_message(d, f, at, &message);
        return r ? r : read_label(d, message, &s->n_labels);
    default: return 0;
    }
}

static int read_sample(struct decoder *d, struct wire w)
{
    struct sample_parts s = {0};
    struct wire_field f;
    struct wire rest = w;
    int r;
    while ((r = next_field(d, &rest, &f)) > 0) {
        r = read_sample_field(d, &f, rest.p, &s);
        if (r)
            return r;
    }
    if (r)
        return r;
    if (d->p->n_sample_types == 0)
        return fail_at(d, w.p, ERR_SYNTAX, "a sample, but no sample types");
    if (s.n_values != (size_t)d->p->n_sample_types)
        return fail_at(d, w.p, ERR_SYNTAX, "fewer values than sample types");
    return fail_add(d, w.p,
                    profile_sample(d->p, d->refs, s.n_refs, d->labels, s.n_labels, s.values));
}

/* A profile that proto_encode made from text says so in a comment. */
static int read_comments(struct decoder *d)
{
    struct wire w = d->all;
    struct wire_field f;
    uint64_t index;
    int r;
    while ((r = next_field(d, &w, &f)) > 0) {
        if (f.number != PROFILE_COMMENT)
            continue;
        while ((r = take_repeated(d, &f, w.p, &index)) > 0) {
            if (index >= d->n_strings)
                return fail_at(d, w.p, ERR_SYNTAX, "a comment beyond the string table");
            struct str text = {(const char *)d->start + d->strings[index].offset,
                               d->strings[index].n};
            d->p->from_text |= str_is(text, PROTO_COMMENT_TEXT);
        }
        if (r)
            return r;
    }
    return r;
}

/* Walks */

/* The first walk: are the top-level fields well formed, how many are there? */
static int survey(struct decoder *d)
{
    struct wire w = d->all, message;
    struct wire_field f;
    int r;
    while ((r = next_field(d, &w, &f)) > 0) {
        switch (f.number) {
        case PROFILE_SAMPLE_TYPE:
        case PROFILE_SAMPLE:
        case PROFILE_MAPPING:
        case PROFILE_LOCATION:
        case PROFILE_FUNCTION:
        case PROFILE_STRING: d->counts[f.number]++; /* fall through */
        case PROFILE_PERIOD_TYPE: r = take_message(d, &f, w.p, &message); break;
        case PROFILE_COMMENT: r = 0; break;
        default: r = take_scalar(d, &f, w.p, d->head, PROFILE_HEAD_FIELDS);
        }
        if (r)
            return r;
    }
    return r;
}

static int walk(struct decoder *d, uint32_t number,
                int (*each)(struct decoder *d, struct wire message))
{
    struct wire w = d->all;
    struct wire_field f;
    int r;
    while ((r = next_field(d, &w, &f)) > 0) {
        if (f.number != number)
            continue;
        r = each(d, f.bytes);
        if (r)
            return r;
    }
    return r;
}

/* One block for the four tables, freed by the caller through `pairs`. */
static int tables_make(struct decoder *d, struct id_pair **block)
{
    size_t n_mappings = d->counts[PROFILE_MAPPING], n_functions = d->counts[PROFILE_FUNCTION];
    if (n_mappings > PROFILE_MAPPINGS_MAX)
        n_mappings = PROFILE_MAPPINGS_MAX;
    size_t n_pairs = n_mappings + n_functions + d->counts[PROFILE_LOCATION];
    size_t n_bytes =
        n_pairs * sizeof(struct id_pair) + d->counts[PROFILE_STRING] * sizeof(struct entry);
    if (n_bytes > d->p->ceiling)
        return err_set(d->e, ERR_LIMIT, "protobuf: its tables pass the ceiling of %zu bytes",
                       d->p->ceiling);
    *block = malloc(n_bytes + 1);
    if (*block == NULL)
        return err_set(d->e, -ENOMEM, "protobuf: no memory for its tables");
    d->mappings = (struct id_map){"mapping", *block, 0};
    d->functions = (struct id_map){"function", *block + n_mappings, 0};
    d->locations = (struct id_map){"location", *block + n_mappings + n_functions, 0};
    d->strings = (struct entry *)(*block + n_pairs);
    return 0;
}

static int read_all(struct decoder *d)
{
    struct profile *p = d->p;
    int r = walk(d, PROFILE_STRING, read_string);
    if (r == 0)
        r = walk(d, PROFILE_SAMPLE_TYPE, read_sample_type);
    if (r == 0)
        r = walk(d, PROFILE_PERIOD_TYPE, read_period_type);
    if (r == 0)
        r = walk(d, PROFILE_MAPPING, read_mapping);
    if (r == 0)
        r = id_map_close(d, &d->mappings);
    if (r == 0)
        r = walk(d, PROFILE_FUNCTION, read_function);
    if (r == 0)
        r = id_map_close(d, &d->functions);
    if (r == 0)
        r = walk(d, PROFILE_LOCATION, read_location);
    if (r == 0)
        r = id_map_close(d, &d->locations);
    if (r == 0)
        r = walk(d, PROFILE_SAMPLE, read_sample);
    if (r == 0)
        r = read_comments(d);
    if (r == 0)
        r = intern(d, d->start, d->head[PROFILE_DEFAULT_SAMPLE_TYPE], &p->default_sample_type);
    p->time_nanos = (int64_t)d->head[PROFILE_TIME_NANOS];
    p->duration_nanos = (int64_t)d->head[PROFILE_DURATION_NANOS];
    p->period = (int64_t)d->head[PROFILE_PERIOD];
    return r;
}

static int decode_plain(struct profile *p, const uint8_t *bytes, size_t n, struct errmsg *e)
{
    if (n == 0)
        return err_set(e, ERR_SYNTAX, "protobuf: empty");
    if (n > UINT32_MAX)
        return err_set(e, ERR_LIMIT, "protobuf: %zu bytes", n);
    struct decoder d = {.p = p, .e = e, .start = bytes, .all = {bytes, bytes + n}};
    struct id_pair *block = NULL;
    int r = survey(&d);
    if (r == 0)
        r = tables_make(&d, &block);
    if (r == 0)
        r = read_all(&d);
    free(block);
    if (r)
        profile_reset(p);
    return r;
}

int proto_decode(struct profile *p, const void *bytes, size_t n, struct errmsg *e)
{
    profile_reset(p);
    if (!gzip_sniff(bytes, n))
        return decode_plain(p, bytes, n, e);
    struct buf inflated;
    buf_init(&inflated, p->ceiling);
    int r = gzip_inflate(&inflated, bytes, n);
    if (r)
        err_set(e, r, "gzip of %zu bytes, after %zu inflated: %s", n, inflated.len,
                err_text(r));
    else
        r = decode_plain(p, (const uint8_t *)inflated.p, inflated.len, e);
    buf_free(&inflated);
    return r;
}
