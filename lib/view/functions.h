/* Flat and cumulative values by function, as `pprof -top` has them, over the
 * visible frames. Ownership: the list owns its rows and borrows the names from
 * the profiles that were added. */
#ifndef LW_VIEW_FUNCTIONS_H
#define LW_VIEW_FUNCTIONS_H

#include "lib/profile/profile.h"

struct function_row {
    struct str name;
    int64_t flat, cum; /* value where it is the leaf; where it is in the stack */
    uint64_t seen;     /* the last stack that counted it: once in a recursion */
};

struct function_list {
    struct function_row *rows; /* after functions_rank: ranked, n of them */
    size_t n;
    size_t mask; /* of the hash table that rows is before that */
    uint64_t serial;
    struct frame *frames;
};

/* Room for the functions of both (base may be NULL). 0 or -ENOMEM. */
int functions_init(struct function_list *l, const struct profile *now,
                   const struct profile *base);
/* Adds sign times every sample's value. */
void functions_add(struct function_list *l, const struct profile *p, int value, int sign);
/* Drops rows of zeros and ranks by |cum|, then |flat|, then name. */
void functions_rank(struct function_list *l);
void functions_free(struct function_list *l);

#endif
