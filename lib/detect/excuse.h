/* The stacks that grew in one window, and what excuses one that climbs: then it
 * is no more than suspect. Internal to detect; nothing is owned. */
#ifndef LW_DETECT_EXCUSE_H
#define LW_DETECT_EXCUSE_H

#include "lib/detect/ratchet.h"

#define GROWN_BLOCKS_MAX 48

/* The stacks that grew in one window, as block minima. */
struct grown {
    const struct rung *rung;
    int64_t since_ms, end_ms, block_ms;
    double rise; /* of all of them */
    size_t n;
    uint32_t stack[DETECT_CANDIDATES_MAX];
    float minima[DETECT_CANDIDATES_MAX * GROWN_BLOCKS_MAX];
    struct climb_shape shape[DETECT_CANDIDATES_MAX];
    bool climbs[DETECT_CANDIDATES_MAX];
};

/* Block minima of one of them, rung->n of them. */
const float *grown_minima(const struct grown *g, size_t i);

/* Why a climb may be none of a leak: then it is no more than suspect. */
enum excuse {
    EXCUSE_NONE,
    EXCUSE_SWINGS,  /* a stack that goes up and down grew alike */
    EXCUSE_FOLLOWS, /* so did connections whose clients are there */
    EXCUSE_TIDE,    /* yesterday at this hour there were as many */
    EXCUSE_TURNOVER /* its goroutines were seen to come and go */
};

/* The excuse of the i-th, which climbs; *witness is the stack that speaks for it,
 * or HISTORY_OTHER. */
enum excuse excuse_find(const struct detect_view *v, const struct grown *g, size_t i,
                        uint32_t *witness);
/* As a clause of the evidence; "" without one. */
void excuse_text(const struct detect_view *v, enum excuse excuse, uint32_t witness, char *out,
                 size_t cap);

/* detect_exempt of a stack of the history. */
bool stack_exempt(const struct detect_view *v, uint32_t stack);

#endif
