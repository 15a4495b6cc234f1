/* The name of a leak: from a culprit's frames, what it waits for and what grows
 * beside it, to a pattern, the place in the user's code and one sentence of
 * advice. The rules are rows of patterns.def.
 *
 * Ownership: everything is borrowed for the call; the spans of the answer point
 * into the frames that were handed in. */
#ifndef LW_DETECT_CLASSIFY_H
#define LW_DETECT_CLASSIFY_H

#include "lib/detect/blocking.h"
#include "lib/history/history.h"
#include "lib/profile/profile.h"

enum pattern {
    PATTERN_UNKNOWN,
    PATTERN_CHANNEL_SEND,
    PATTERN_CONTEXT_IGNORED,
    PATTERN_GRPC,
    PATTERN_DATABASE,
    PATTERN_STREAM_WRITE,
    PATTERN_SYNC,
    PATTERN_TIMER,
    PATTERN_HTTP_BODY,
    PATTERN_IO_WAIT,
    PATTERNS
};
const char *pattern_text(enum pattern p);  /* "channel-send" */
const char *pattern_words(enum pattern p); /* "nobody receives what it sends" */

/* Stacks that are asked for one at a time: number i of n, leaf first. The spans
 * have to live until classify has returned and its answer was used. */
struct classify_stacks {
    history_frames_fn frames_of;
    void *ctx;
    uint32_t n;
};

struct classify_input {
    enum history_class class; /* of the culprit: goroutines, or a heap site */
    enum blocking blocking;   /* of goroutines; BLOCKING_UNKNOWN is fine */
    const struct frame *frames;
    size_t n;
    struct classify_stacks beside; /* goroutines that grow with it */
    struct classify_stacks sites;  /* heap sites in use, those that grew most first */
    struct classify_stacks allocs; /* sites that allocated, kept or not */
    struct frame created_by;       /* of debug=2; function empty: not known */
};

#define ADVICE_MAX 384

struct classification {
    enum pattern pattern;
    struct frame at;         /* where to look; function empty: no frame at all */
    bool own;                /* `at` is the user's own code */
    bool elsewhere;          /* it stands in another stack, that of who made the culprit */
    char advice[ADVICE_MAX]; /* one sentence */
};
/* Of the first rule that applies; PATTERN_UNKNOWN has advice too. */
void classify(const struct classify_input *in, struct classification *out);

#endif
