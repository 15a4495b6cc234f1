/* The streaming parser of net/http/pprof's debug=1 text: goroutine,
 * goroutineleak, threadcreate, heap, allocs. Grammar: runtime/pprof's
 * printCountProfile, printStackRecord and writeHeapInternal, Go 1.17 to 1.27.
 *
 * Happy path: text_new, text_feed with chunks of any size, text_end == 0.
 * Failure: the first error sticks and is what text_end returns; a body that
 * stops early is ERR_CUT, out->partial is set and out holds the whole records
 * before the cut. Memory: one line buffer and the profile's ceiling.
 * Ownership: borrows out until text_free. */
#ifndef LW_PROFILE_TEXT_H
#define LW_PROFILE_TEXT_H

#include "lib/profile/memstats.h"
#include "lib/profile/profile.h"

enum text_kind { TEXT_UNKNOWN, TEXT_COUNT /* goroutine and its like */, TEXT_HEAP };

struct text_options {
    bool drop_labels;
    bool fold;       /* what exceeds the ceiling becomes one sample "[other]",
                        so that totals add up; else it is ERR_LIMIT */
    bool stats_only; /* skip the records, read the MemStats tail alone */
    size_t line_max; /* longest line, bytes; 0 = 1 MiB */
    uint64_t seed;   /* of text_new: random bits that no program watched can learn.
                        Records seen before are told by a hash under this secret;
                        0: only as secret as where the kernel put heap and stack */
};

struct text_result {
    enum text_kind kind;
    char name[32];         /* "goroutine", "heap", … */
    int64_t total;         /* of the header: count, or in-use bytes */
    int64_t sum;           /* of the records seen */
    uint64_t records;      /* whole ones */
    uint64_t labelled;     /* of them, with labels */
    uint64_t frameless;    /* of them, without a frame line */
    uint64_t folded;       /* of them, in [other] */
    uint64_t line;         /* last line read, 1-based */
    uint64_t bytes;        /* fed */
    struct memstats stats; /* of heap and allocs */
    struct errmsg error;   /* where and why, when text_end is not 0 */
};

struct text_parser;

/* out is emptied first. 0 or -ENOMEM. The parser can be reused: text_restart.
 * An out that held a page before keeps its interned strings, functions and
 * locations while they are few against its ceiling, also those that no sample
 * refers to any more, and the hashes of its records: the next page of the same
 * program is parsed faster. */
int text_new(struct text_parser **t, struct profile *out, struct text_options o);
void text_restart(struct text_parser *t, struct profile *out, struct text_options o);
int text_feed(struct text_parser *t, const void *bytes, size_t n);
/* 0: whole (the header's total equals the sum of the records; for heaps the
 * MemStats tail is there); ERR_CUT; ERR_SYNTAX; ERR_LIMIT; -ENOMEM. */
int text_end(struct text_parser *t, struct text_result *r);
void text_free(struct text_parser **t);

/* Whether these first bytes look like debug=1 text. */
bool text_sniff(const void *bytes, size_t n);

#endif
