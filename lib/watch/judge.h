/* The judge of one target: detectors, emergency trigger and plain rules on what
 * was just learnt, and which of that is to be dumped now. The agent and replay
 * use the same one, so that what a replay says is what the agent would have
 * done. Pure; plain values, owned by the caller. */
#ifndef LW_WATCH_JUDGE_H
#define LW_WATCH_JUDGE_H

#include "lib/detect/detect.h"
#include "lib/watch/trigger.h"

#define JUDGE_REASON_MAX DETECT_EVIDENCE_MAX

/* A wish for a dump. */
struct judge_ask {
    enum trigger trigger;
    char reason[JUDGE_REASON_MAX]; /* one sentence with the numbers */
};
#define JUDGE_ASKS_MAX 4
struct judge_asks {
    struct judge_ask p[JUDGE_ASKS_MAX]; /* in order of urgency */
    int n;
};

/* All zero at first, but for judge_new_life. */
struct judge {
    struct detect_state detect;
    struct emergency emergency;
    struct rule_state rules;
    struct gc_readings gc;
    enum emergency_level level; /* highest that this life called for */
    int settled_percent;        /* detect_settled_percent, read now and then */
    int64_t settled_due_ms;     /* ring time */
    bool eta_dumped;            /* the nearing limit has its dump, until it recedes */
    bool waits;                 /* a wish that may not be met yet: */
    struct judge_ask waiting;
    int64_t waiting_due_ms; /* ring time */
};

/* What outlives our own restart: kept with the history, by value. */
struct judge_kept {
    struct trigger_state triggers;
    int64_t culprit_at_dump, heap_at_dump; /* for `doubling`; 0 none */
};

/* What is known of the target at view.t_ms. */
struct judge_reading {
    struct detect_view view;
    uint64_t life;
    int64_t goroutines, usage_bytes, heap_bytes; /* -1 unknown */
    int64_t dump_ms;                             /* how long dumps took so far */
    struct rule_config rules;
};

void judge_new_life(struct judge *j);

/* Memory was read: emergency and rules. Fills *asks (emptied first). */
void judge_memory(struct judge *j, struct judge_kept *k, const struct judge_reading *r,
                  struct judge_asks *asks);
/* A page of stacks is in the history: detectors and rules. Returns what changed. */
enum detect_change judge_stacks(struct judge *j, const struct judge_kept *k,
                                const struct judge_reading *r, struct judge_asks *asks);

/* Whether this dump may be taken now, by its cooldown. What is said only once
 * and may not is remembered, and handed out by judge_waiting when it may. */
bool judge_admits(struct judge *j, const struct judge_kept *k, const struct judge_reading *r,
                  const struct judge_ask *ask);
/* The same for one that is in the way of another under way. */
void judge_put_off(struct judge *j, const struct judge_ask *ask, int64_t due_ms);
/* A wish whose time has come; it is no longer waiting. An emergency that passed
 * by itself is forgotten. */
bool judge_waiting(struct judge *j, const struct judge_reading *r, struct judge_ask *out);
/* The dump is taken: cooldowns start, doubling is counted from here. */
void judge_dumped(struct judge *j, struct judge_kept *k, const struct judge_reading *r,
                  enum trigger trigger);

#endif
