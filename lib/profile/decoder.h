/* Inside lib/profile: the state of one proto_decode, and how it reads fields,
 * strings and ids. Errors leave their place in the protobuf in d->e.
 * Ownership: the decoder borrows the bytes and the profile; its tables are one
 * block, which proto_decode frees. */
#ifndef LW_PROFILE_DECODER_H
#define LW_PROFILE_DECODER_H

#include "lib/profile/profile.h"
#include "lib/profile/proto_fields.h"
#include "lib/profile/wire.h"

#define DECODER_LABELS_MAX 256 /* of one sample */
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
    struct label labels[DECODER_LABELS_MAX];
    struct line lines[PROFILE_LINES_MAX];
};

/* Says what is wrong at a byte; returns code. */
int decoder_fail(struct decoder *d, const uint8_t *at, int code, const char *what);
/* Passes a code of the profile's own functions on, with a word of where. */
int decoder_added(struct decoder *d, const uint8_t *at, int code);

/* As wire_next: 1, 0 at the end, or an error. */
int decoder_next(struct decoder *d, struct wire *w, struct wire_field *f);
/* Stores a varint field below n under its number; skips the unknown. */
int decoder_scalar(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                   uint64_t *values, size_t n);
/* Reads a message that has only numbers. values is zeroed by the caller. */
int decoder_scalars(struct decoder *d, struct wire w, uint64_t *values, size_t n);
int decoder_message(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                    struct wire *message);
/* A repeated number, packed or not: hands out the numbers one by one.
 * 1: there is one, 0: the field is done. */
int decoder_repeated(struct decoder *d, struct wire_field *f, const uint8_t *at,
                     uint64_t *value);

/* The profile's id of a string of the table. */
int decoder_string(struct decoder *d, const uint8_t *at, uint64_t index, uint32_t *id);
/* Sorts where the encoder did not count upwards; refuses zero and doubles. */
int decoder_ids_close(struct decoder *d, struct id_map *m);
/* What an id became; unknown ones are an error. */
int decoder_find(struct decoder *d, const struct id_map *m, const uint8_t *at, uint64_t id,
                 uint32_t *to);
bool id_map_find(const struct id_map *m, uint64_t id, uint32_t *to);

/* The messages of the top level, one function a kind, to be called in this order. */
int proto_read_string(struct decoder *d, struct wire w);
int proto_read_sample_type(struct decoder *d, struct wire w);
int proto_read_period_type(struct decoder *d, struct wire w);
int proto_read_mapping(struct decoder *d, struct wire w);
int proto_read_function(struct decoder *d, struct wire w);
int proto_read_location(struct decoder *d, struct wire w);
int proto_read_sample(struct decoder *d, struct wire w);

#endif
