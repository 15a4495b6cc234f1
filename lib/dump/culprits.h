/* Inside lib/dump: what grew, found in the profiles themselves.
 * Ownership: everything is borrowed for the call. */
#ifndef LW_DUMP_CULPRITS_H
#define LW_DUMP_CULPRITS_H

#include "lib/dump/manifest.h"
#include "lib/dump/naming.h"
#include "lib/profile/profile.h"

/* The two sides of a kind; now NULL: not seen, base NULL: none. */
struct culprit_sides {
    const struct profile *now, *base;
};

/* Fills m->culprits with the stacks that grew most, those first that explain
 * the memory: see culprits.c; where[i] says which sample culprits[i] is. */
void culprits_find(struct manifest *m, struct culprit_sides goroutines,
                   struct culprit_sides heap, struct naming_stack where[MANIFEST_CULPRITS_MAX]);

#endif
