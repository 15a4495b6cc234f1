/* Detection: history and the moment in, verdicts out. No clock, no I/O.
 *
 * A detector is one file and one row of the table below. It looks at the
 * history and returns a *finding* (what rose, by how much, since when); the
 * findings of all detectors make the target's *verdict* with hysteresis: it
 * clears after DETECT_CLEAR_MS in which nobody found it and its first culprit did
 * not go on. The emergency trigger (F) is not in the table: it runs on every
 * memory sample and only asks for a dump.
 *
 * Ownership: all plain values; the caller keeps struct detect_state, one per
 * target; it may be saved and restored by value. */
#ifndef LW_DETECT_DETECT_H
#define LW_DETECT_DETECT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/history/history.h"

#define DETECT_CULPRITS_MAX 8
#define DETECT_CANDIDATES_MAX 64
#define DETECT_EVIDENCE_MAX 320

enum verdict_kind {
    VERDICT_NONE,
    VERDICT_DRIFT,  /* a stack climbs without giving back */
    VERDICT_STEP,   /* the same in steps */
    VERDICT_HEAP,   /* live heap climbs */
    VERDICT_MEMORY, /* memory climbs, nobody knows whose */
    VERDICT_BLOWUP, /* minutes or seconds to the limit */
    VERDICT_GC_BOUND
};
enum verdict_grade { GRADE_NONE, GRADE_SUSPECT, GRADE_LIKELY, GRADE_CONFIRMED };

const char *verdict_kind_text(enum verdict_kind k);   /* "drift" … */
const char *verdict_grade_text(enum verdict_grade g); /* "likely" … */

struct culprit {
    enum history_class class; /* goroutines of a stack, or bytes of a heap site */
    uint32_t stack;           /* id in the history */
    int64_t before, now;      /* counts at the window's ends */
    double per_hour;          /* growth */
    double share;             /* of the target's growth in the window, 0…1 */
    double bytes_each;        /* memory that one more of them costs; 0 unknown */
    double explains;          /* share of memory's growth in the window, 0…1; 0 unknown */
};

/* What a detector found; kind VERDICT_NONE when nothing. */
struct finding {
    enum verdict_kind kind;
    enum verdict_grade grade;
    int64_t window_ms;                            /* over which the rise was seen */
    int64_t since_ms;                             /* ring time where the window began */
    struct culprit culprits[DETECT_CULPRITS_MAX]; /* ranked */
    int n_culprits;
    bool refuted;                       /* seen to be none: a verdict that stands is lowered */
    char evidence[DETECT_EVIDENCE_MAX]; /* the numbers, and why it is no more than suspect */
};

#define DETECTOR_NAME_MAX 24

/* D: seconds until memory is at the limit, at least 1; low to high holds the
 * truth in four cases of five, and high is 0 where it may never be reached. All
 * 0 when nothing grows or the limit is unknown. */
struct forecast {
    double eta_s, low_s, high_s;
};

struct verdict {
    struct finding finding;           /* kind VERDICT_NONE: no verdict stands */
    struct forecast forecast;         /* made anew every ten minutes */
    int64_t forecast_ms;              /* ring time of it */
    char detector[DETECTOR_NAME_MAX]; /* its name in the table; a copy, to be saved by value */
    int64_t first_ms;                 /* ring time it was first given */
    int64_t last_growth_ms;           /* last time it was found, or went on */
};

/* One comparison that a detector made: a value and the bound that it is held
 * against. Written down for people who ask why (explain). */
struct measure {
    const char *detector;
    char subject[64]; /* "stack 3c0b1ecb20", "live heap" */
    const char *what; /* "rise", "given back" */
    int64_t window_ms;
    double value, bound;
    const char *unit; /* "goroutines", "bytes", "%", "h" */
    bool at_most;     /* the bound is the greatest allowed, not the least */
    bool holds;
};
#define MEASURES_MAX 192
struct measures {
    struct measure p[MEASURES_MAX]; /* what does not fit is left out */
    int n;
};

/* What MemStats said of the garbage collector, some minutes apart; oldest first.
 * All zero at the start of a life. */
#define GC_READINGS_MAX 16
struct gc_readings {
    struct {
        int64_t t_ms; /* ring time */
        double cpu_s; /* GC's share of the available CPU, summed since the start */
        double next_gc_bytes;
    } p[GC_READINGS_MAX];
    int n;
};
/* cpu_fraction: GCCPUFraction, of the CPU since the program's start uptime_ms
 * ago. Readings that come too close are left out. */
void gc_push(struct gc_readings *g, int64_t t_ms, int64_t uptime_ms, double cpu_fraction,
             uint64_t next_gc_bytes, int64_t time_scale);

/* What a detector sees. It reads nothing newer than t_ms, so that it can be
 * asked what it would have said at a moment of the past. */
struct detect_view {
    const struct history *history;
    int target;
    int64_t t_ms;             /* now, ring time */
    int64_t life_start_ms;    /* ring time */
    int64_t limit_bytes;      /* 0 unknown */
    int64_t time_scale;       /* divides every window and grace */
    const char (*allow)[512]; /* the user's allow-list patterns */
    int n_allow;
    const struct gc_readings *gc; /* or NULL: not known */
    const char *refuted;          /* fingerprint of a stack seen to come and go, or NULL */
    struct measures *measures;    /* where comparisons are written down, or NULL */
};

struct detector {
    const char *name;     /* "stack-ratchet"; below DETECTOR_NAME_MAX */
    const char *sentence; /* what it looks for */
    int64_t every_ms;     /* worth running once in each multiple of this ring time */
    void (*run)(const struct detect_view *v, struct finding *out);
};
extern const struct detector detect_table[];
extern const int detect_count;
#define DETECT_TABLE_MAX 16

/* A span of real time at a time scale; at least 1 ms. */
int64_t detect_scale(int64_t ms, int64_t time_scale);

struct detect_state {
    struct verdict verdict;
    int64_t last_run_ms[DETECT_TABLE_MAX];
};

#define DETECT_GRACE_MS (30 * 60 * 1000LL)
#define DETECT_CLEAR_MS (6 * 3600 * 1000LL)

/* Runs what is due. What changed: a new verdict or a higher grade, a clear, or
 * nothing. A verdict older than life_start_ms is another life's: it clears by
 * itself. While a verdict stands its detector keeps the numbers fresh and its
 * kind stays; another detector takes over only with a higher grade. The caller
 * may raise the grade itself (confirmation): it stands while the first culprit
 * of then is still among those found. */
enum detect_change { DETECT_SAME, DETECT_RAISED, DETECT_CLEARED };
enum detect_change detect_step(struct detect_state *s, const struct detect_view *v);

/* When the limit is reached, if the growth of the last hours goes on: by the
 * upper envelope, since the kernel kills on a peak. The earlier of memory's own
 * and of live heap's, which climbs on where GOMEMLIMIT holds memory level. */
struct forecast detect_forecast(const struct detect_view *v);

/* Whether a stack (leaf first) is a known background goroutine, waits for input
 * or in a system call, writes a profile, or matches the user's allow-list (part
 * of a function's name), and so may grow without being a leak of its own (A).
 * What waits for a timer or to write is not: both are leaks the pattern of a
 * forgotten client. */
bool detect_exempt(const struct frame *frames, size_t n, const char (*allow)[512], int n_allow);

/* ---- F: the emergency trigger, on every memory sample ---- */

enum emergency_level { EMERGENCY_NONE, EMERGENCY_ETA, EMERGENCY_80, EMERGENCY_92 };

#define EMERGENCY_LEVELS 4
#define EMERGENCY_SAMPLES 24

/* All zero at the start of a life. */
struct emergency {
    struct {
        int64_t t_ms;
        int64_t bytes;
    } recent[EMERGENCY_SAMPLES]; /* the last 5 s and more, oldest first */
    int n;
    int hits;                     /* samples in a row that call for it */
    bool fired[EMERGENCY_LEVELS]; /* by level, until re-armed */
    int64_t calm_since_ms;        /* below 70 % since, after the last call; 0 no */
    double eta_s;                 /* of the last sample; 0 unknown or not rising */
    /* The same where it is an emergency's, else 0: a heap on its way to the next
     * collection climbs as steeply, and a forecast it is not. */
    double near_s;
};
/* Feed usage and limit (bytes, limit > 0, else nothing happens) at ring time
 * t_ms; samples may be missing. dump_ms: how long dumps took so far, unscaled.
 * settled_percent: see below; the levels of 80 and 92 are deaf up to it.
 * Returns the highest level that calls for a dump now, each once until re-armed
 * (below 70 % for 5 minutes); EMERGENCY_NONE otherwise. */
enum emergency_level emergency_push(struct emergency *e, int64_t t_ms, int64_t usage_bytes,
                                    int64_t limit_bytes, int settled_percent, int64_t dump_ms,
                                    int64_t time_scale);

/* The highest percentage of the limit at or over which memory stayed for an
 * hour, in this life or an earlier one that no OOM ended; 0 none. Reads all of
 * the history: for the start and every ten minutes, not for every sample. */
int detect_settled_percent(const struct detect_view *v);

/* ---- the plain rules, off unless asked for ---- */

struct rule_config {
    int64_t goroutines;     /* 0 off */
    int64_t memory_percent; /* 0 off */
    bool ratio;
};
/* Ring times at which the rules fired, 0 never; those of an earlier life do not
 * count, so that nothing needs a reset. */
struct rule_state {
    int64_t goroutines_ms, percent_ms, ratio_ms;
    int64_t ratio_since_ms; /* the ratio holds since; 0 it does not */
};
/* Returns the name of the rule that fires now (at most once per life each), or
 * NULL; why is one sentence with its numbers. goroutines and usage_bytes: -1
 * when not read. settled_percent as above: the percent rule is deaf up to it. */
const char *rules_step(struct rule_state *s, const struct rule_config *c,
                       const struct detect_view *v, int64_t goroutines, int64_t usage_bytes,
                       int settled_percent, char why[160]);

#endif
