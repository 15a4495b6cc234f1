/* A profile: samples over stacks of locations, as profile.proto has them.
 *
 * Glossary (pprof's terms): a *location* is one address in the program; its
 * *lines* are the functions there, leaf first, more than one where calls were
 * inlined. A *sample* is a stack of locations, leaf first, with values and
 * labels. A *hidden* location has an address and no line: debug=1 text gives
 * the PC of leading runtime frames and no name.
 *
 * Everything lives in a few vectors that grow up to one ceiling in bytes;
 * profile_reset keeps them, so that the hundredth scrape allocates nothing.
 * Strings, functions, locations and stacks are interned: equal ones have one id.
 * Id 0 of strings is "". Ids of functions and locations start at 0.
 * Ownership: the profile owns all it holds; spans it hands out live until the
 * next call that adds to it, resets or frees it. */
#ifndef LW_PROFILE_PROFILE_H
#define LW_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define PROFILE_VALUES_MAX 4
#define PROFILE_MAPPINGS_MAX 64
/* Go writes at most 128 PCs; other encoders more. */
#define PROFILE_STACK_MAX 1024
#define PROFILE_LINES_MAX 256 /* of one location */

struct value_type {
    uint32_t type, unit; /* string ids */
};

struct mapping {
    uint64_t start, limit, offset;
    uint32_t file, build_id; /* string ids */
    bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

struct function {
    uint32_t name, system_name, file; /* string ids */
    int64_t start_line;
};

struct line {
    uint32_t function; /* function id */
    int32_t line;
};

struct location {
    uint64_t address;
    uint32_t first_line;
    uint16_t n_lines; /* 0: hidden */
    uint16_t mapping; /* 1-based; 0: none */
    bool folded;
};

struct label {
    uint32_t key, str, unit; /* string ids; str 0: numeric */
    int64_t num;
};

struct sample {
    int64_t values[PROFILE_VALUES_MAX];
    uint32_t first_ref; /* into refs: location ids, leaf first */
    uint32_t n_refs;
    uint32_t first_label;
    uint32_t n_labels;
};

#define VEC(type)      \
    struct {           \
        type *p;       \
        size_t n, cap; \
    }

struct profile {
    struct value_type sample_types[PROFILE_VALUES_MAX];
    int n_sample_types;
    struct value_type period_type;
    int64_t period;
    int64_t time_nanos;
    int64_t duration_nanos;
    uint32_t default_sample_type; /* string id */
    struct mapping mappings[PROFILE_MAPPINGS_MAX];
    int n_mappings;
    VEC(char) text;        /* all strings, each followed by a zero */
    VEC(uint32_t) strings; /* string id -> offset in text */
    VEC(struct function) functions;
    VEC(struct line) lines;
    VEC(struct location) locations;
    VEC(uint32_t) refs;
    VEC(struct label) labels;
    VEC(struct sample) samples;
    struct profile_index *index; /* hash tables of the interned */
    size_t ceiling;              /* bytes, all vectors together */
    size_t bytes;                /* bytes allocated now */
    bool partial;                /* the source was cut: biggest groups only */
    bool from_text;              /* built from debug=1, not from Go's protobuf */
};

/* Makes an empty profile of at most ceiling_bytes. 0 or -ENOMEM. */
int profile_init(struct profile *p, size_t ceiling_bytes);
/* Empties it and keeps its storage. */
void profile_reset(struct profile *p);
/* Empties it and gives back nearly all of its storage. */
void profile_release(struct profile *p);
void profile_free(struct profile *p);

/* Interning. All return 0, or ERR_LIMIT / -ENOMEM and leave p as it was. Ids
 * handed in must be p's own; spans handed in must not be. */
int profile_string(struct profile *p, struct str s, uint32_t *id);
int profile_function(struct profile *p, struct function f, uint32_t *id);
/* A location of n_lines lines (0 = hidden) at address. */
int profile_location(struct profile *p, uint64_t address, uint16_t mapping,
                     const struct line *lines, size_t n_lines, bool folded, uint32_t *id);
/* Adds a sample; equal samples are not merged here (see profile_merge). */
int profile_sample(struct profile *p, const uint32_t *locations, size_t n,
                   const struct label *labels, size_t n_labels,
                   const int64_t values[PROFILE_VALUES_MAX]);

struct str profile_text(const struct profile *p, uint32_t string_id);
/* Spans of one sample. */
const uint32_t *sample_refs(const struct profile *p, const struct sample *s);
const struct label *sample_labels(const struct profile *p, const struct sample *s);

/* Copies one sample's stack and labels of src into dst (interning), with the
 * values given. extra (may be NULL) is one more label, its ids dst's. */
int profile_copy_sample(struct profile *dst, const struct profile *src, const struct sample *s,
                        const int64_t values[PROFILE_VALUES_MAX], const struct label *extra);

/* Copies sample types, period, mappings and times; dst must be empty. */
int profile_copy_head(struct profile *dst, const struct profile *src);

/* Index of the sample type of that name ("goroutine", "inuse_space"), or -1.
 * NULL: the one that matters for leaks (inuse_space of heaps, else the last). */
int profile_value_index(const struct profile *p, const char *type);
int64_t profile_total(const struct profile *p, int value_index);
bool profile_is_heap(const struct profile *p);

/* One visible frame of a stack. */
struct frame {
    struct str function; /* as printed; generics as [...] */
    struct str file;
    int32_t line;
    uint64_t address;
};

/* The visible frames of a sample, leaf first: every line of every location,
 * without the leading runtime and internal/runtime ones and without
 * runtime.goexit, as debug=1 shows them (all are shown when nothing else is
 * there). Returns how many, at most max. */
size_t sample_frames(const struct profile *p, const struct sample *s, struct frame *out,
                     size_t max);

/* A key of the stack by its visible frames (function, file, line; no PCs, no
 * labels): equal across scrapes and between text and protobuf of plain names.
 * Never 0. */
uint64_t sample_key(const struct profile *p, const struct sample *s);

#define FINGERPRINT_MAX 11
/* The stack's id everywhere: the first 10 hex digits of SHA-256 over the
 * function names, leaf to root, each followed by \n, type arguments as [...]. */
char *fingerprint_frames(const struct frame *frames, size_t n, char out[FINGERPRINT_MAX]);
/* Writes name with [...] for all from the first [ to the last ], as Go's runtime
 * prints names of generic functions; returns out. */
char *generic_name(struct str name, char *out, size_t cap);

#endif
