/* Inside lib/profile: the hash tables behind struct profile, and how its
 * vectors grow. Slots hold ids, never pointers, so vectors may move. */
#ifndef LW_PROFILE_INDEX_H
#define LW_PROFILE_INDEX_H

#include <stdlib.h>
#include <string.h>

#include "lib/profile/profile.h"

struct slot {
    uint32_t hash;
    uint32_t id1; /* id + 1; 0: empty */
};

struct table {
    struct slot *slots;
    size_t cap; /* power of two */
    size_t n;
};

/* How debug=1 treats a function at the leaf end of a stack. */
enum function_class { FUNCTION_PLAIN, FUNCTION_RUNTIME, FUNCTION_GOEXIT };

/* What is derived of a function when it is interned. */
struct function_facts {
    uint64_t hash;    /* of its printed name and its file, the same in every profile */
    uint32_t printed; /* string id: the name with type arguments as [...] */
    enum function_class class;
};

struct stack {
    uint32_t first_ref, n_refs;
};

/* A frame line of text, taken apart. */
struct frame_text {
    uint64_t address, entry; /* of the call and of its machine function */
    struct str name, file;   /* no name: an address alone */
    int32_t line;
};

#define NO_ID UINT32_MAX

/* A frame line, interned. */
struct call {
    uint64_t address, entry;
    uint32_t function; /* NO_ID: an address without a name */
    uint32_t location; /* of this frame alone, once it was needed; or NO_ID */
    int32_t line;
};

/* A line that was seen, and all that is needed to tell it by its bytes. */
struct known_line {
    uint64_t head[2];    /* 16 bytes from the address on */
    uint64_t offset;     /* the last 8 of FUNC+0xOFF */
    uint64_t tail;       /* the last 8 of the line */
    uint32_t name, file; /* where they are in text */
    uint16_t name_at, name_n, file_n;
    uint16_t call_n;  /* up to the end of FUNC+0xOFF */
    uint16_t place_n; /* of FILE:LINE */
    struct call call;
};

/* A record that was seen, told by the hash of its bytes behind the counts. */
struct known_record {
    uint64_t hash[2];
    uint32_t pcs_bytes, frames_bytes;
    uint32_t n_lines; /* of its frames, the empty one too */
    uint32_t n_named;
    uint32_t stack;
};

struct profile_index {
    /* Secret of the tables, so that hostile input cannot aim at one slot. Ids
     * follow the order of insertion: no result depends on it. */
    uint64_t seed;
    struct table strings, functions, locations, stacks;
    VEC(struct function_facts) facts; /* by function id */
    VEC(struct stack) stack_list;     /* by stack id */
    struct table line_memo;           /* by some bytes of a line: ids of known_lines */
    struct table function_memo;       /* by entry: ids of functions */
    struct table record_memo;         /* by a record's PCs: ids of known_records */
    VEC(struct known_line) known_lines;
    VEC(struct known_record) known_records;
    bool crowded;       /* the ceiling was met since the last reset */
    size_t fresh_bytes; /* interned by the first page since the last reset; 0: none yet */
};

/* Makes room for `more` elements within the ceiling. `slot` is the address of
 * the vector's pointer. 0, ERR_LIMIT or -ENOMEM; nothing is lost on error. */
int vec_grow(struct profile *p, void *slot, size_t *cap, size_t need, size_t element);
#define VEC_RESERVE(prof, v, more) \
    ((v).n + (more) <= (v).cap     \
         ? 0                       \
         : vec_grow((prof), &(v).p, &(v).cap, (v).n + (more), sizeof *(v).p))

/* Elements of the smallest vector, slots of the smallest table. */
#define VEC_LEAST 64

/* Takes an empty vector back to its smallest. */
void vec_shrink(struct profile *p, void *slot, size_t *cap, size_t element);
#define VEC_SHRINK(prof, v) vec_shrink((prof), &(v).p, &(v).cap, sizeof *(v).p)

/* Frees the storage of a vector. */
#define VEC_RELEASE(prof, v)                      \
    do {                                          \
        (prof)->bytes -= (v).cap * sizeof *(v).p; \
        free((v).p);                              \
        memset(&(v), 0, sizeof(v));               \
    } while (0)

/* Makes room for one more at a load of at most 3/4; as vec_grow. */
int table_grow(struct profile *p, struct table *t);

static inline int table_reserve(struct profile *p, struct table *t)
{
    return (t->n + 1) * 4 <= t->cap * 3 ? 0 : table_grow(p, t);
}

static inline void table_put(struct table *t, uint32_t hash, uint32_t id)
{
    size_t i = hash & (t->cap - 1);

    while (t->slots[i].id1)
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = (struct slot){hash, id + 1};
    t->n++;
}

/* Spreads a and b over 64 bits; with the seed in one of them nobody can tell how. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio: no structure */
    __extension__ unsigned __int128 m = (unsigned __int128)(a ^ odd) * (b ^ (odd << 1 | 1));
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t hash_fold(uint64_t h)
{
    return (uint32_t)(h ^ h >> 32);
}

/* The id of the stack of these locations. */
int profile_stack(struct profile *p, const uint32_t *locations, size_t n, uint32_t *stack);
/* As profile_sample, of a stack that is there; the labels lie in p->labels
 * already, behind those that count. */
int profile_sample_of(struct profile *p, uint32_t stack, size_t n_labels,
                      const int64_t values[PROFILE_VALUES_MAX]);

/* Empties the profile, but keeps what is interned and the memo while that is
 * small against the ceiling and mostly in use: else as profile_reset. */
void profile_recycle(struct profile *p);

/* What the parser of text need not decode again, in this page or the next of
 * the same program: the place of a line in known_lines, or NO_ID. */
uint32_t memo_line(const struct profile *p, struct str line);
/* Says what the next line begins with, so that the memory for it can be on its way. */
void memo_expect(const struct profile *p, struct str next);
/* Keeps a line of a name while there is room: its place, or NO_ID. */
uint32_t memo_add_line(struct profile *p, struct str line, const struct frame_text *x,
                       const struct call *c);
/* The function of a frame, interned; fails as that does. */
int memo_function(struct profile *p, const struct frame_text *x, uint32_t *id);

/* A record of these bytes, its frames the first of ahead, or NULL. The keys are
 * the parser's secret; see there. */
const struct known_record *memo_record(const struct profile *p, const uint64_t keys[2],
                                       struct str pcs, struct str ahead);
/* Keeps a record while there is room. r says what it is; the rest is filled in. */
void memo_add_record(struct profile *p, const uint64_t keys[2], struct str pcs,
                     struct str frames, struct known_record r);

void index_reset(struct profile_index *x);
void index_release(struct profile *p); /* all but a little for strings */
void index_free(struct profile_index *x);

#endif
