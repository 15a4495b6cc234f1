/* Why there is or is not a dump: every rule with what it looks at, its bound and
 * how far it is, now or at a moment of the past. The detectors themselves are
 * asked, with the history as it was known then; nothing is worked out twice.
 * Ownership: plain values of fixed size (some 60 KB: not for a small stack). */
#ifndef LW_VIEW_EXPLAIN_H
#define LW_VIEW_EXPLAIN_H

#include "lib/base/settings.h"
#include "lib/history/history.h"
#include "lib/store/store.h"
#include "lib/view/format.h"
#include "lib/watch/judge.h"

#define EXPLAIN_RULES_MAX (DETECT_TABLE_MAX + 4)
#define EXPLAIN_BYTES_MAX (256 * 1024) /* of its JSON */

enum rule_standing {
    RULE_OFF,     /* not asked for */
    RULE_BLIND,   /* what it needs is not known */
    RULE_WAITING, /* the life is too young */
    RULE_QUIET,
    RULE_SUSPECTS, /* fires, and says itself that it may be wrong: no dump */
    RULE_FIRES
};
const char *rule_standing_text(enum rule_standing s); /* "off" … */

struct explain_rule {
    const char *name, *sentence;
    enum rule_standing standing;
    char found[DETECT_EVIDENCE_MAX]; /* what it found, or why it cannot */
    int64_t since_ms;                /* fires since, ring time; 0: it does not */
    double nearness;                 /* 0…1: of all its comparisons, the best set */
    int first, n;                    /* its comparisons in measures */
    int near_first, near_n;          /* those of the set that comes nearest */
};

struct explain_dump {
    char id[DUMP_ID_MAX];
    char trigger[16], reason[256];
    int64_t time_wall_ms; /* 0: none */
};

struct explain {
    char target[HISTORY_TARGET_NAME_MAX];
    int64_t at_ms, wall_ms;                                   /* the moment explained */
    bool past;                                                /* it is not now */
    int64_t life, life_age_ms;                                /* 0, -1: none lived then */
    int64_t goroutines, usage_bytes, heap_bytes, limit_bytes; /* -1 unknown */
    struct forecast forecast;
    struct {
        enum verdict_kind kind; /* VERDICT_NONE: none stands, or nobody knows */
        enum verdict_grade grade;
        int64_t first_ms, clears_ms; /* ring time; clears_ms: unless it grows on */
    } verdict;
    struct measures measures;
    struct explain_rule rules[EXPLAIN_RULES_MAX];
    int n_rules;
    struct explain_dump at;     /* taken at the moment, give or take */
    struct explain_dump before; /* the last one before it in that life */
    int dumps_in_hour;          /* before it, of at most TRIGGER_HOURLY_MAX */
    char why[560];              /* the answer, one or two sentences */
};

struct explain_input {
    const struct history *history;
    int target;
    int64_t t_ms; /* ring time asked for */
    int64_t now_ms;
    const struct settings *settings;
    const struct judge *judge; /* the running agent's, or NULL */
    const char *refuted;       /* as detect_view's, of that moment */
    void *ctx;                 /* of each_dump: newest first, as store_list */
    int (*each_dump)(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx);
};
void explain_make(const struct explain_input *in, struct explain *out);

void explain_json(const struct explain *x, struct buf *out);
/* For people; all: every comparison, not only the nearest. */
void explain_text(const struct explain *x, bool all, struct look look, struct buf *out);

#endif
