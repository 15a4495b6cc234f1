/* Detector E: whether what another one suspects is a leak. It runs on suspicion
 * alone, since both of its witnesses cost the target something.
 *
 * The *GC* (goroutineleak): a goroutine that it reports can never run again. What
 * it does not report is not sound for that: whatever a global variable still
 * reaches is missed. So it proves or says nothing.
 * The *ages* (debug=2): a stack most of whose goroutines have waited through half
 * of the window in which it grew does not come and go. They are whole minutes of
 * the target's own clock, not divided by any time scale; the first GC that sees a
 * goroutine wait stamps it with the time of the one before, so that they
 * overstate by up to one interval of GCs, which is at most two minutes once there
 * was a first one; before that GC, and while they run, goroutines have none.
 * Ages that are young refute nothing: a loop that has lost its client and wakes
 * at each tick waits anew. The *ids* do, which no goroutine takes over from
 * another: those seen on one page and gone on the next came and went.
 *
 * Ownership: plain values; everything else is borrowed for the call. */
#ifndef LW_DETECT_CONFIRM_H
#define LW_DETECT_CONFIRM_H

#include "lib/detect/detect.h"
#include "lib/profile/goroutines.h"

#define CONFIRM_TEXT_MAX 128
#define CONFIRM_STATE_MAX 32
#define CONFIRM_CREATOR_MAX 128
#define CONFIRM_FILE_MAX 160
#define CONFIRM_IDS_MAX 32
#define CONFIRM_WINDOW_LEAST_MS (2 * 60000LL)
#define CONFIRM_GC_INTERVAL_MINUTES 2
/* So many equal frames from the leaf make two stacks one that end differently:
 * both texts cut deep ones, each in its way. */
#define CONFIRM_DEEP_FRAMES 24

enum confirm_result { CONFIRM_NOTHING, CONFIRM_PROVEN, CONFIRM_REFUTED };

/* Whether a finding's culprits are stacks of goroutines, which alone can be
 * asked about. */
bool confirm_applies(const struct finding *f);

/* proven: how many goroutines of each culprit the GC reports. PROVEN when they
 * make up half of what a culprit grew by, at least one. text becomes a clause of
 * the evidence in numbers either way. */
enum confirm_result confirm_by_gc(const struct finding *f,
                                  const int64_t proven[DETECT_CULPRITS_MAX],
                                  char text[CONFIRM_TEXT_MAX]);

/* ---- a page of debug=2, read goroutine by goroutine ---- */

/* What a goroutine waits for, who made it and where. */
struct confirm_origin {
    char stack[FINGERPRINT_MAX];          /* whose; "" unused */
    char state[CONFIRM_STATE_MAX];        /* as the runtime words it: "chan send" */
    char created_by[CONFIRM_CREATOR_MAX]; /* the function that made it; "" unknown */
    char created_file[CONFIRM_FILE_MAX];  /* and where */
    int32_t created_line;
};

/* One culprit's goroutines on it. */
struct confirm_bucket {
    uint64_t frames[HISTORY_FRAMES_MAX]; /* hashes of function and line, leaf first */
    size_t n_frames;
    int64_t seen, waited, leaked; /* waited: at least as long as asked for */
    struct confirm_origin origin; /* of the first one seen */
};

/* Goroutines of the first culprit, one in so many, to be looked for again. */
struct confirm_ids {
    uint64_t id[CONFIRM_IDS_MAX];
    int n;
    int64_t t_ms; /* ring time of the page; 0 none */
};

struct confirm_page {
    struct confirm_bucket buckets[DETECT_CULPRITS_MAX];
    int n;
    int64_t need_minutes; /* that count as half the window */
    int64_t stride;       /* of the goroutines whose ids are kept */
    bool aged;            /* some goroutine says minutes: there was a GC */
    struct confirm_ids ids, before;
    int survivors; /* of before */
};

/* before: of an earlier page, n 0 where there is none. */
void confirm_page_begin(struct confirm_page *p, const struct history *h,
                        const struct finding *f, const struct confirm_ids *before);
void confirm_page_add(struct confirm_page *p, const struct goroutine *g);
/* What a whole page says of the first culprit; text as above. It was read at ring
 * time t_ms, for the finding it was begun with. */
enum confirm_result confirm_by_age(struct confirm_page *p, const struct finding *f,
                                   int64_t t_ms, char text[CONFIRM_TEXT_MAX]);

#endif
