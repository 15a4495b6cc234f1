#include "lib/detect/traffic.h"

#include "lib/detect/classify.h"
#include "lib/detect/fit.h"
#include "lib/detect/owner.h"
#include "lib/history/history.h"

#define ALIKE_RATE 0.5    /* of the climber's rise, each against where it began */
#define ALIKE_RISE 0.25   /* of the climber's rise, in goroutines */
#define FOLLOWS_LEAST 0.5 /* goroutines of the other for one of the climber */
#define FOLLOWS_R2 0.9

static bool waits_for_somebody(enum blocking b)
{
    switch (b) {
    case BLOCKING_UNKNOWN:
    case BLOCKING_CHAN_RECEIVE:
    case BLOCKING_SELECT:
    case BLOCKING_COND:
    case BLOCKING_IO_READ:
    case BLOCKING_IO_WAIT: return true;
    case BLOCKING_RUNNING:
    case BLOCKING_CHAN_SEND:
    case BLOCKING_IO_WRITE:
    case BLOCKING_MUTEX:
    case BLOCKING_RWMUTEX:
    case BLOCKING_WAIT_GROUP:
    case BLOCKING_SEMAPHORE:
    case BLOCKING_SLEEP:
    case BLOCKING_SYSCALL:
    case BLOCKING_NEVER:
    case BLOCKING_RUNTIME:
    case BLOCKING_COUNT: break;
    }
    return false;
}

bool traffic_can_explain(const struct frame *frames, size_t n)
{
    struct classify_input in = {.class = HISTORY_STACKS, .frames = frames, .n = n};
    struct classification c;
    bool own;

    in.blocking = blocking_of_frames(frames, n);
    if (!waits_for_somebody(in.blocking))
        return false;
    (void)owner_frame(frames, n, &own);
    if (own)
        return true;
    classify(&in, &c);
    return c.pattern == PATTERN_UNKNOWN;
}

static double mean_of(const float *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)v[i];
    return sum / n;
}

/* From the first third to the last, since what swings says little at one moment;
 * of what rises evenly these lie two thirds of the window apart. */
bool traffic_swings_alike(const float *climber, const float *other, int n)
{
    double before = (double)climber[0], rise = (double)climber[n - 1] - before;
    int third = n >= 6 ? n / 3 : 1;
    double was = mean_of(other, third), is = mean_of(other + n - third, third);
    double grew = (is - was) * (n >= 6 ? 1.5 : 1);
    return before >= HISTORY_STACK_MATTERS && was >= HISTORY_STACK_MATTERS &&
           grew >= ALIKE_RISE * rise && grew / was >= ALIKE_RATE * rise / before;
}

bool traffic_follows(const float *climber, const float *other, int n)
{
    struct line_fit line = fit_line(climber, other, n);
    return line.slope >= FOLLOWS_LEAST && line.r2 >= FOLLOWS_R2;
}
