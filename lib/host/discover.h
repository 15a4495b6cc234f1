/* Candidates of `auto`. Ownership: plain values. */
#ifndef LW_HOST_DISCOVER_H
#define LW_HOST_DISCOVER_H

#include "lib/base/settings.h"
#include "lib/target/target.h"

/* The listening TCP ports of our network namespace as origins to try, our own
 * left out; none under hostNetwork. Returns how many, at most max. */
size_t discover_candidates(const struct settings *s, bool all, struct candidate *out,
                           size_t max);

#endif
