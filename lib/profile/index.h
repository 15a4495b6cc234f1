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

/* What the parser of text keeps from one page to the next of the same program:
 * a line or a record of equal bytes, by its 64-bit hash, is not decoded again. */
struct known_line {
    uint64_t hash;
    uint64_t address, entry; /* of the call and of its machine function */
    uint32_t function;       /* NO_ID: an address without a name */
    uint32_t location;       /* of this frame alone, once it was needed; or NO_ID */
    int32_t line;
};

struct known_stack {
    uint64_t hash;
    uint32_t stack;
};

#define NO_ID UINT32_MAX

struct profile_index {
    /* Secret of the tables, so that hostile input cannot aim at one slot. Ids
     * follow the order of insertion: no result depends on it. */
    uint64_t seed;
    struct table strings, functions, locations, stacks;
    VEC(struct function_facts) facts; /* by function id */
    VEC(struct stack) stack_list;     /* by stack id */
    struct table line_memo, stack_memo;
    VEC(struct known_line) known_lines;
    VEC(struct known_stack) known_stacks;
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

/* The id of the stack of these locations. */
int profile_stack(struct profile *p, const uint32_t *locations, size_t n, uint32_t *stack);
/* As profile_sample, of a stack that is there; the labels lie in p->labels
 * already, behind those that count. */
int profile_sample_of(struct profile *p, uint32_t stack, size_t n_labels,
                      const int64_t values[PROFILE_VALUES_MAX]);

/* Empties the profile, but keeps what is interned and the memo while that is
 * small against the ceiling and mostly in use: else as profile_reset. */
void profile_recycle(struct profile *p);

/* The memo never fails: what it has no room for is decoded again. */
struct known_line *memo_line(struct profile *p, uint64_t hash); /* or NULL */
void memo_add_line(struct profile *p, const struct known_line *l);
bool memo_stack(const struct profile *p, uint64_t hash, uint32_t *stack);
void memo_add_stack(struct profile *p, uint64_t hash, uint32_t stack);

void index_reset(struct profile_index *x);
void index_release(struct profile *p); /* all but a little for strings */
void index_free(struct profile_index *x);

#endif
