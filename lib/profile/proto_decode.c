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
#include <stdlib.h>

#include "lib/profile/decoder.h"
#include "lib/profile/proto.h"

/* A profile that proto_encode made from text says so in a comment. */
static int read_comments(struct decoder *d)
{
    struct wire w = d->all;
    struct wire_field f;
    uint64_t index;
    int r;
    while ((r = decoder_next(d, &w, &f)) > 0) {
        if (f.number != PROFILE_COMMENT)
            continue;
        while ((r = decoder_repeated(d, &f, w.p, &index)) > 0) {
            if (index >= d->n_strings)
                return decoder_fail(d, w.p, ERR_SYNTAX, "a comment beyond the string table");
            struct str text = {(const char *)d->start + d->strings[index].offset,
                               d->strings[index].n};
            d->p->from_text |= str_is(text, PROTO_COMMENT_TEXT);
        }
        if (r)
            return r;
    }
    return r;
}

/* The first walk: are the top-level fields well formed, how many are there? */
static int survey(struct decoder *d)
{
    struct wire w = d->all, message;
    struct wire_field f;
    int r;
    while ((r = decoder_next(d, &w, &f)) > 0) {
        switch (f.number) {
        case PROFILE_SAMPLE_TYPE:
        case PROFILE_SAMPLE:
        case PROFILE_MAPPING:
        case PROFILE_LOCATION:
        case PROFILE_FUNCTION:
        case PROFILE_STRING: d->counts[f.number]++; /* fall through */
        case PROFILE_PERIOD_TYPE: r = decoder_message(d, &f, w.p, &message); break;
        case PROFILE_COMMENT: r = 0; break;
        default: r = decoder_scalar(d, &f, w.p, d->head, PROFILE_HEAD_FIELDS);
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
    while ((r = decoder_next(d, &w, &f)) > 0) {
        if (f.number != number)
            continue;
        r = each(d, f.bytes);
        if (r)
            return r;
    }
    return r;
}

/* One block for the four tables, freed by the caller. */
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
    int r = walk(d, PROFILE_STRING, proto_read_string);
    if (r == 0)
        r = read_comments(d);
    if (r == 0)
        r = walk(d, PROFILE_SAMPLE_TYPE, proto_read_sample_type);
    if (r == 0)
        r = walk(d, PROFILE_PERIOD_TYPE, proto_read_period_type);
    if (r == 0 && !p->from_text) /* of text, the one mapping is proto_encode's own */
        r = walk(d, PROFILE_MAPPING, proto_read_mapping);
    if (r == 0)
        r = decoder_ids_close(d, &d->mappings);
    if (r == 0)
        r = walk(d, PROFILE_FUNCTION, proto_read_function);
    if (r == 0)
        r = decoder_ids_close(d, &d->functions);
    if (r == 0)
        r = walk(d, PROFILE_LOCATION, proto_read_location);
    if (r == 0)
        r = decoder_ids_close(d, &d->locations);
    if (r == 0)
        r = walk(d, PROFILE_SAMPLE, proto_read_sample);
    if (r == 0)
        r = decoder_string(d, d->start, d->head[PROFILE_DEFAULT_SAMPLE_TYPE],
                           &p->default_sample_type);
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
