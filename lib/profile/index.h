/* Inside lib/profile: the hash tables behind struct profile, and how its
 * vectors grow. Slots hold ids, never pointers, so vectors may move. */
#ifndef LW_PROFILE_INDEX_H
#define LW_PROFILE_INDEX_H

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

struct profile_index {
    /* Secret of the tables, so that hostile input cannot aim at one slot. Ids
     * follow the order of insertion: no result depends on it. */
    uint64_t seed;
    struct table strings, functions, locations, stacks;
    VEC(struct function_facts) facts; /* by function id */
    VEC(struct stack) stack_list;     /* by stack id */
};

/* Makes room for `more` elements within the ceiling. `slot` is the address of
 * the vector's pointer. 0, ERR_LIMIT or -ENOMEM; nothing is lost on error. */
int vec_grow(struct profile *p, void *slot, size_t *cap, size_t need, size_t element);
#define VEC_RESERVE(prof, v, more) \
    ((v).n + (more) <= (v).cap     \
         ? 0                       \
         : vec_grow((prof), &(v).p, &(v).cap, (v).n + (more), sizeof *(v).p))

/* The stack of these location ids: where its refs begin. */
int profile_stack(struct profile *p, const uint32_t *locations, size_t n, uint32_t *first_ref);

void index_reset(struct profile_index *x);
void index_free(struct profile_index *x);

#endif
