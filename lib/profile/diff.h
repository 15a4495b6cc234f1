/* Differences of two profiles, as `go tool pprof` makes them.
 * Source: github.com/google/pprof profile/merge.go and internal/driver. */
#ifndef LW_PROFILE_DIFF_H
#define LW_PROFILE_DIFF_H

#include "lib/profile/profile.h"

enum diff_mode {
    DIFF_BASE,      /* pprof -base: now minus base, equal stacks and labels
                       merged, zeros dropped */
    DIFF_DIFF_BASE, /* pprof -diff_base: both sides kept, the base negative and
                       labelled pprof::base=true */
};

/* out (reset first) = now - base. ERR_MISMATCH when one side is text and the
 * other Go's protobuf (their stacks would not cancel), or the sample types
 * differ; ERR_LIMIT, -ENOMEM. base may be NULL or empty: nothing to subtract.
 * An application's own pprof::base labels are dropped: they would spoil every
 * percentage; so are hidden locations, as proto_encode does. out must be neither
 * side. */
int profile_diff(struct profile *out, const struct profile *now, const struct profile *base,
                 enum diff_mode mode, struct errmsg *e);

/* One stack on both sides, labels summed away. */
struct stack_delta {
    uint64_t key;        /* sample_key */
    uint32_t now_sample; /* index of a sample with this stack, or UINT32_MAX */
    uint32_t base_sample;
    int64_t now, base; /* values */
};

/* Fills out with the stacks of both sides that differ most (by |now - base|,
 * then by now, then by key), at most max; returns how many, or a negative
 * code: ERR_MISMATCH when base lacks that value, -EINVAL, -ENOMEM. *total (may be
 * NULL) is how many distinct stacks there are. value_index as of
 * profile_value_index(now); base, which may be NULL, is asked for that type. */
int profile_rank(const struct profile *now, const struct profile *base, int value_index,
                 struct stack_delta *out, size_t max, size_t *total);

/* Keeps of src the max samples of largest |value| and copies them to out
 * (reset first); the rest becomes one sample "[other]". 0, ERR_LIMIT, -EINVAL or
 * -ENOMEM. */
int profile_cut(struct profile *out, const struct profile *src, int value_index, size_t max);

#endif
