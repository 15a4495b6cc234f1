/* What culprits are: their pattern, the user's line and the advice, from all
 * that is at hand. One source of it for dumps and for the status.
 * Ownership: everything is borrowed for the call. */
#ifndef LW_DUMP_NAMING_H
#define LW_DUMP_NAMING_H

#include "lib/detect/blocking.h"
#include "lib/detect/confirm.h"
#include "lib/dump/manifest.h"
#include "lib/history/history.h"
#include "lib/profile/profile.h"

#define NAMING_NONE UINT32_MAX

/* Where a culprit's stack stands: a sample of the profile of its unit, or a
 * stack of the history; NAMING_NONE: not there, or not known. */
struct naming_stack {
    uint32_t sample, stack;
};

/* Any may be NULL. What grows beside a culprit, and the heap sites, come of the
 * profiles where there are any, else of the history in [from_ms, to_ms]. */
struct naming_sources {
    const struct profile *goroutine, *goroutine_base;
    const struct profile *heap, *heap_base;
    const struct blocking_pcs *pcs;
    const struct confirm_origin *origins; /* DETECT_CULPRITS_MAX, of debug=2 */
    const struct history *history;
    int target;
    int64_t from_ms, to_ms; /* ring time */
    bool ranked;            /* compare profiles, which allocates; else the history alone */
};

/* Fills pattern, blocking, helper, part_of and advice of n culprits, whose other
 * members are there, and puts the user's function and line in place where they
 * stand in another stack. where[i] is of culprits[i]; what stands nowhere stays
 * as it is. */
void culprits_name(struct manifest_culprit *culprits, const struct naming_stack *where, int n,
                   const struct naming_sources *in);

#endif
