/* Replay: a recorded series through the history and the judge of the agent, on
 * a virtual clock. What it says is what the agent would have said and dumped.
 * Pure but for its one allocation, the history's block.
 * Ownership: replay owns block and reader until replay_free; settings and out
 * are borrowed. */
#ifndef LW_WATCH_REPLAY_H
#define LW_WATCH_REPLAY_H

#include "lib/base/json.h"
#include "lib/base/settings.h"
#include "lib/watch/judge.h"
#include "lib/watch/series.h"

struct replay {
    const struct settings *settings;
    struct buf *out;
    struct series series;
    void *block;
    struct history *history;
    struct judge judge;
    struct judge_kept kept;
    struct history_life life;
    struct history_count *counts; /* of one row */
    int64_t *known;               /* last count of each stack */
    double t0_s, t_s;             /* of the first row, of this one */
    double uptime_s;              /* last seen; NAN never */
    int64_t t_ms;                 /* ring time of the row */
    int64_t goroutines, usage_bytes, heap_bytes, limit_bytes; /* last seen */
    int64_t told_ms; /* when the standing verdict was last told */
    bool killed;     /* memory was last at its limit */
};

/* Events go to out, a JSON object a line, in order of t. 0 or -ENOMEM, -EINVAL. */
int replay_init(struct replay *r, const struct settings *s, struct buf *out);
void replay_free(struct replay *r);
/* As series_feed and series_end. */
int replay_feed(struct replay *r, const char *bytes, size_t n, struct errmsg *e);
int replay_end(struct replay *r, struct errmsg *e);

#endif
