/* Inside lib/dump: what grew, found in the profiles themselves.
 * Ownership: everything is borrowed for the call. */
#ifndef LW_DUMP_CULPRITS_H
#define LW_DUMP_CULPRITS_H

#include "lib/dump/manifest.h"
#include "lib/profile/profile.h"

/* The two sides of a kind; now NULL: not seen, base NULL: none. */
struct culprit_sides {
    const struct profile *now, *base;
};

/* Fills m->culprits with the stacks that grew most, those first that explain
 * the memory: see culprits.c. */
void culprits_find(struct manifest *m, struct culprit_sides goroutines,
                   struct culprit_sides heap);

#endif
