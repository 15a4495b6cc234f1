/* Inside lib/profile: the parts of the debug=1 parser, one file each.
 *
 *   text.c       chunks to lines, lines to the part they belong to, the end
 *   record.c     "COUNT @ PCs" and what becomes of a whole record
 *   known.c      a record whose PCs and frames were read before
 *   frameline.c  "#\tPC\tFUNC+OFF\tFILE:LINE"
 *   labels.c     "# labels: {…}", in Go's %q
 *   memstats.c   the tail of heaps
 *
 * Each takes a whole line without its end. They return 0 or what text_fail
 * returned. Nothing allocates but the line buffer, the scratch of labels with
 * escapes and the profile, and these keep what they have. */
#ifndef LW_PROFILE_PARSE_H
#define LW_PROFILE_PARSE_H

#include "lib/base/buf.h"
#include "lib/profile/index.h"
#include "lib/profile/text.h"

struct record {
    int64_t values[PROFILE_VALUES_MAX]; /* as printed, unscaled */
    uint64_t line;                      /* of its head */
    size_t n_frames, n_named, n_labels;
    bool labelled;
    bool over;      /* beyond the ceiling: goes to [other] */
    uint32_t stack; /* once it is known, else NO_ID */
    size_t n_pcs;
    uint64_t pcs[PROFILE_STACK_MAX];
    struct call frames[PROFILE_STACK_MAX];
    uint32_t known[PROFILE_STACK_MAX]; /* the frames' places in known_lines, or NO_ID */
};

enum text_state {
    TEXT_HEADER,
    TEXT_RECORD, /* the head of a record, or what ends the records */
    TEXT_LABELS, /* directly after a head: labels, frames or the end of the record */
    TEXT_FRAMES,
    TEXT_TAIL_TITLE,
    TEXT_TAIL,
};

struct text_parser {
    struct profile *p;
    struct text_options o;
    struct text_result r;
    /* Of the hash of records: from the secret and what else decides how one is read. */
    uint64_t secret[2], keys[2];
    enum text_state state;
    int rc;          /* the first error; sticks */
    struct buf held; /* the begin of a line cut by the end of a chunk */
    struct buf scratch;
    bool tail_whole;
    int64_t heap_rate;
    uint32_t bytes_id; /* string "bytes" */
    uint32_t other;    /* stack of "[other]", when folding */
    int64_t other_values[PROFILE_VALUES_MAX];
    struct record record;
};

/* Keeps the first error, its message opened by the line's number. */
int text_fail(struct text_parser *t, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A failure of the profile: folds the record when that is wanted, else fails. */
int text_spill(struct text_parser *t, int rc);

int record_head(struct text_parser *t, struct str line);
/* The part of the head before the PCs, which is left in line. */
int record_counts(struct text_parser *t, struct str *line);
int record_finish(struct text_parser *t);
/* Makes room for "[other]" before anything can fill the profile. */
int record_reserve_other(struct text_parser *t);
int record_add_other(struct text_parser *t);

/* Reads a whole record off the front of ahead, when it is known: how many bytes
 * it was, or 0. Errors are in t->rc. */
size_t known_read(struct text_parser *t, struct str ahead);
/* Keeps the record that was just read, of these bytes. */
void known_keep(struct text_parser *t, struct str record);

int frameline_read(struct text_parser *t, struct str line);

int labels_read(struct text_parser *t, struct str line);

int memstats_title(struct text_parser *t, struct str line);
int memstats_read(struct text_parser *t, struct str line);

#endif
