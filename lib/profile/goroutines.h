/* The streaming parser of goroutine?debug=2: one goroutine at a time, with what
 * it waits for, since when, and who made it. Grammar: the runtime's traceback
 * (goroutineheader, traceback2, printcreatedby), Go 1.17 to 1.27, also with
 * GODEBUG's tracebackancestors and tracebacklabels.
 *
 * Happy path: goroutines_begin, goroutines_feed with chunks of any size,
 * goroutines_end == 0; each whole goroutine is handed over as its block ends.
 * Failure: a body that does not begin with a goroutine is ERR_NOT_PPROF, and
 * sticks. The format has no total: only the transport tells a body that was cut
 * between two goroutines; one that was cut within its last line is ERR_CUT, and
 * that goroutine is dropped. Lines that no version of Go writes are passed over.
 *
 * Memory: the struct and nothing else. What does not fit is cut: a line behind
 * GOROUTINES_LINE_MAX bytes, a stack behind GOROUTINE_FRAMES_MAX frames or
 * GOROUTINE_TEXT_MAX bytes of names and paths; `elided` says so.
 * Ownership: plain storage of the caller's; spans handed over live for the call. */
#ifndef LW_PROFILE_GOROUTINES_H
#define LW_PROFILE_GOROUTINES_H

#include "lib/profile/profile.h"

#define GOROUTINE_FRAMES_MAX 128
#define GOROUTINE_TEXT_MAX 24576
#define GOROUTINES_LINE_MAX 4096

struct goroutine {
    uint64_t id;
    struct str state; /* as the runtime words it: "chan send", "select (no cases)" */
    int64_t minutes;  /* it has waited, by the target's clock; -1 is not said */
    bool leaked;      /* proven by the last leak-detecting GC; says no minutes */
    bool locked;      /* to its thread */
    bool elided;      /* only the leaf's part of the stack is here */
    /* Leaf first, as printed: without most of the runtime's. No addresses. */
    struct frame frames[GOROUTINE_FRAMES_MAX];
    size_t n_frames;
    struct frame created_by; /* function "" for the first goroutine and C's */
    uint64_t creator;        /* its goroutine; 0 unknown (before Go 1.21) */
};

typedef void (*goroutine_fn)(void *ctx, const struct goroutine *g);

struct goroutines_parser {
    goroutine_fn fn;
    void *ctx;
    int rc;       /* the first error; sticks */
    int state;    /* which lines may come */
    bool pending; /* the last frame has no file yet */
    uint64_t n;   /* goroutines handed over */
    struct goroutine g;
    char text[GOROUTINE_TEXT_MAX]; /* of g */
    size_t text_used;
    char line[GOROUTINES_LINE_MAX]; /* cut by the end of a chunk */
    size_t line_used;
};

void goroutines_begin(struct goroutines_parser *p, goroutine_fn fn, void *ctx);
/* 0 or what goroutines_end will return. */
int goroutines_feed(struct goroutines_parser *p, const void *bytes, size_t n);
int goroutines_end(struct goroutines_parser *p);

/* Brings a stack of debug=1 and one of debug=2 to what both show of it, in place.
 * Functions and lines of the rest agree. Dropped are the runtime's frames wherever
 * they are (debug=1 hides the leading ones, debug=2 all that are not exported) and
 * C's. Returns how many are left. Of a stack deeper than 50 debug=2 elides the
 * middle, and debug=1 ends after 128 PCs, after 32 before Go 1.23: then both only
 * begin alike. */
size_t frames_common(struct frame *frames, size_t n);

#endif
