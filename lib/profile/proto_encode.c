/* profile.proto, written.
 *
 * Message by message into the caller's buffer, or through a small stage into
 * deflate. Strings keep the profile's own ids; only the locations and functions
 * that samples refer to are written, under their ids plus one: the format
 * allows gaps, so nothing is renumbered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/gzip.h"
#include "lib/profile/proto.h"
#include "lib/profile/proto_fields.h"
#include "lib/profile/wire.h"

#define GZIP_LEVEL 6
#define STAGE_BYTES 16384

struct encoder {
    const struct profile *p;
    struct buf *out;
    struct gzip_writer *gzip; /* NULL: out is the result, not a stage */
    bool *used_locations, *used_functions, *used_strings;
    bool one_mapping; /* all locations refer to mapping 1 */
};

/* Passes the stage on. Called between the messages of the top level. */
static void stage_flush(struct encoder *e, size_t threshold_bytes)
{
    if (!e->gzip || e->out->len < threshold_bytes)
        return;
    gzip_write(e->gzip, e->out->p, e->out->len);
    buf_reset(e->out);
}

static void put_string(struct encoder *e, const void *text, size_t n)
{
    wire_put_bytes(e->out, PROFILE_STRING, text, n);
    stage_flush(e, STAGE_BYTES);
}

static void message_end(struct encoder *e, size_t start)
{
    wire_close(e->out, start);
    stage_flush(e, STAGE_BYTES);
}

/* A field that refers to a string. */
static void put_string_id(struct encoder *e, uint32_t number, uint32_t id)
{
    e->used_strings[id] = true;
    wire_put_int(e->out, number, id);
}

static void put_value_type(struct encoder *e, uint32_t number, struct value_type t)
{
    size_t start = wire_open(e->out, number);
    put_string_id(e, VALUE_TYPE_TYPE, t.type);
    put_string_id(e, VALUE_TYPE_UNIT, t.unit);
    message_end(e, start);
}

static void put_label(struct encoder *e, const struct label *l)
{
    size_t start = wire_open(e->out, SAMPLE_LABEL);
    put_string_id(e, LABEL_KEY, l->key);
    put_string_id(e, LABEL_STR, l->str);
    wire_put_int(e->out, LABEL_NUM, (uint64_t)l->num);
    put_string_id(e, LABEL_UNIT, l->unit);
    wire_close(e->out, start);
}

/* The stack without its hidden locations; with them when it has no others. */
static void put_stack(struct encoder *e, const struct sample *s)
{
    const struct profile *p = e->p;
    const uint32_t *refs = sample_refs(p, s);
    bool visible = false;
    if (s->n_refs == 0)
        return;
    for (uint32_t i = 0; i < s->n_refs; i++)
        visible |= p->locations.p[refs[i]].n_lines > 0;
    size_t start = wire_open(e->out, SAMPLE_LOCATION);
    for (uint32_t i = 0; i < s->n_refs; i++) {
        if (visible && p->locations.p[refs[i]].n_lines == 0)
            continue;
        e->used_locations[refs[i]] = true;
        wire_put_varint(e->out, (uint64_t)refs[i] + 1);
    }
    wire_close(e->out, start);
}

static void put_sample(struct encoder *e, const struct sample *s)
{
    const struct label *labels = sample_labels(e->p, s);
    size_t start = wire_open(e->out, PROFILE_SAMPLE);
    put_stack(e, s);
    size_t values = wire_open(e->out, SAMPLE_VALUE);
    for (int i = 0; i < e->p->n_sample_types; i++)
        wire_put_varint(e->out, (uint64_t)s->values[i]);
    wire_close(e->out, values);
    for (uint32_t i = 0; i < s->n_labels; i++)
        put_label(e, &labels[i]);
    message_end(e, start);
}

static void put_mapping(struct encoder *e, uint64_t id, const struct mapping *m)
{
    size_t start = wire_open(e->out, PROFILE_MAPPING);
    wire_put_int(e->out, MAPPING_ID, id);
    wire_put_int(e->out, MAPPING_START, m->start);
    wire_put_int(e->out, MAPPING_LIMIT, m->limit);
    wire_put_int(e->out, MAPPING_OFFSET, m->offset);
    put_string_id(e, MAPPING_FILE, m->file);
    put_string_id(e, MAPPING_BUILD_ID, m->build_id);
    wire_put_int(e->out, MAPPING_HAS_FUNCTIONS, m->has_functions);
    wire_put_int(e->out, MAPPING_HAS_FILENAMES, m->has_filenames);
    wire_put_int(e->out, MAPPING_HAS_LINE_NUMBERS, m->has_line_numbers);
    wire_put_int(e->out, MAPPING_HAS_INLINE_FRAMES, m->has_inline_frames);
    message_end(e, start);
}

/* Whether a mapping's locations all have names already. Go says so only when
 * it is sure of every frame; pprof else looks for a binary to name them. */
static bool mapping_named(const struct encoder *e, int mapping)
{
    bool any = false;
    for (size_t i = 0; i < e->p->locations.n; i++) {
        const struct location *l = &e->p->locations.p[i];
        if (!e->used_locations[i] || l->mapping != mapping)
            continue;
        if (l->n_lines == 0)
            return false;
        any = true;
    }
    return any;
}

static void put_mappings(struct encoder *e)
{
    if (e->one_mapping) {
        put_mapping(e, 1,
                    &(struct mapping){.has_functions = true,
                                      .has_filenames = true,
                                      .has_line_numbers = true,
                                      .has_inline_frames = true});
        return;
    }
    for (int i = 0; i < e->p->n_mappings; i++) {
        struct mapping m = e->p->mappings[i];
        m.has_functions = m.has_functions || mapping_named(e, i + 1);
        put_mapping(e, (uint64_t)i + 1, &m);
    }
}

static void put_location(struct encoder *e, uint32_t id)
{
    const struct location *l = &e->p->locations.p[id];
    size_t start = wire_open(e->out, PROFILE_LOCATION);
    wire_put_int(e->out, LOCATION_ID, (uint64_t)id + 1);
    wire_put_int(e->out, LOCATION_MAPPING, e->one_mapping ? 1 : l->mapping);
    wire_put_int(e->out, LOCATION_ADDRESS, l->address);
    for (uint32_t i = 0; i < l->n_lines; i++) {
        const struct line *line = &e->p->lines.p[l->first_line + i];
        size_t nested = wire_open(e->out, LOCATION_LINE);
        wire_put_int(e->out, LINE_FUNCTION, (uint64_t)line->function + 1);
        wire_put_int(e->out, LINE_LINE, (uint64_t)(int64_t)line->line);
        wire_close(e->out, nested);
        e->used_functions[line->function] = true;
    }
    wire_put_int(e->out, LOCATION_IS_FOLDED, l->folded);
    message_end(e, start);
}

static void put_function(struct encoder *e, uint32_t id)
{
    const struct function *f = &e->p->functions.p[id];
    size_t start = wire_open(e->out, PROFILE_FUNCTION);
    wire_put_int(e->out, FUNCTION_ID, (uint64_t)id + 1);
    put_string_id(e, FUNCTION_NAME, f->name);
    put_string_id(e, FUNCTION_SYSTEM_NAME, f->system_name);
    put_string_id(e, FUNCTION_FILENAME, f->file);
    wire_put_int(e->out, FUNCTION_START_LINE, (uint64_t)f->start_line);
    message_end(e, start);
}

/* Strings under their own ids, empty where nothing refers to one: a profile may
 * still hold those of an earlier page; the comment, if any, is the one after them. */
static void put_strings(struct encoder *e)
{
    const struct profile *p = e->p;
    for (uint32_t i = 0; i < p->strings.n; i++) {
        struct str s = e->used_strings[i] ? profile_text(p, i) : STR("");
        put_string(e, s.p, s.n);
    }
    if (!p->from_text)
        return;
    put_string(e, PROTO_COMMENT_TEXT, sizeof PROTO_COMMENT_TEXT - 1);
    wire_put_int(e->out, PROFILE_COMMENT, p->strings.n);
}

static void encode(struct encoder *e)
{
    const struct profile *p = e->p;
    for (int i = 0; i < p->n_sample_types; i++)
        put_value_type(e, PROFILE_SAMPLE_TYPE, p->sample_types[i]);
    for (size_t i = 0; i < p->samples.n && !e->out->overflow; i++)
        put_sample(e, &p->samples.p[i]);
    put_mappings(e);
    for (uint32_t i = 0; i < p->locations.n && !e->out->overflow; i++)
        if (e->used_locations[i])
            put_location(e, i);
    for (uint32_t i = 0; i < p->functions.n && !e->out->overflow; i++)
        if (e->used_functions[i])
            put_function(e, i);
    wire_put_int(e->out, PROFILE_TIME_NANOS, (uint64_t)p->time_nanos);
    wire_put_int(e->out, PROFILE_DURATION_NANOS, (uint64_t)p->duration_nanos);
    put_value_type(e, PROFILE_PERIOD_TYPE, p->period_type);
    wire_put_int(e->out, PROFILE_PERIOD, (uint64_t)p->period);
    put_string_id(e, PROFILE_DEFAULT_SAMPLE_TYPE, p->default_sample_type);
    put_strings(e);
    stage_flush(e, 1);
}

/* One allocation a call: a mark for each location, function and string. */
static int encode_to(const struct profile *p, struct buf *out, struct gzip_writer *gzip)
{
    bool *marks = calloc(p->locations.n + p->functions.n + p->strings.n, sizeof *marks);
    if (!marks)
        return -ENOMEM;
    struct encoder e = {.p = p,
                        .out = out,
                        .gzip = gzip,
                        .used_locations = marks,
                        .used_functions = marks + p->locations.n,
                        .used_strings = marks + p->locations.n + p->functions.n,
                        .one_mapping = p->from_text || p->n_mappings == 0};
    encode(&e);
    free(marks);
    return buf_status(out);
}

int proto_encode(const struct profile *p, struct buf *out)
{
    return encode_to(p, out, NULL);
}

int proto_encode_gzip(const struct profile *p, struct buf *out)
{
    struct gzip_writer gzip;
    struct buf stage;
    int r = gzip_open(&gzip, out, GZIP_LEVEL);
    if (r)
        return r;
    /* One message passes the threshold at most: a string, or a whole stack. */
    buf_init(&stage, STAGE_BYTES + p->ceiling);
    r = encode_to(p, &stage, &gzip);
    int closed = gzip_close(&gzip);
    buf_free(&stage);
    return r ? r : closed;
}
