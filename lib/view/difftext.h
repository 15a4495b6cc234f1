/* A difference of two profiles as people and programs read it: the functions
 * as `pprof -top` lists them, and the stacks that changed most with their
 * frames. Ownership: borrows both profiles; appends to the caller's buffer. */
#ifndef LW_VIEW_DIFFTEXT_H
#define LW_VIEW_DIFFTEXT_H

#include "lib/base/buf.h"
#include "lib/history/history.h"
#include "lib/profile/profile.h"

struct diff_view {
    const struct profile *now;
    const struct profile *base;       /* NULL: nothing to subtract */
    const char *now_name, *base_name; /* what the user called them */
    int value;                        /* index in now's sample types */
    size_t functions_max, stacks_max; /* how many to list; 0: 10 each */
};

/* Both append to out. 0; ERR_MISMATCH when base lacks that value; -ENOMEM; or
 * what out answers. */
int diff_text(const struct diff_view *v, struct buf *out);
int diff_json(const struct diff_view *v, struct buf *out);

/* By how much the stack that grew most grew; 0 when none did. 0 or an error. */
int diff_growth(const struct diff_view *v, int64_t *rise);

/* ---- moments of the history, as profiles (moment_profile.c) ---- */

/* The stacks of a class at a moment as a profile (out is reset first), so that
 * moments can be diffed as files are. *at_ms: ring time of the sample found.
 * 0; -ENOENT: the history does not reach there; ERR_LIMIT or -ENOMEM. */
int profile_from_history(struct profile *out, const struct history *h, int target,
                         enum history_class class, int64_t t_ms, int64_t *at_ms);

/* Ring time of what a user calls a moment: "now", "-6h" (that long before now),
 * RFC 3339. 0 or ERR_USAGE with what is accepted. */
int history_moment(const struct history *h, struct moment now, struct str text, int64_t *t_ms,
                   struct errmsg *e);
/* Whether text is one, by its form. */
bool history_moment_sniff(struct str text);

#endif
