/* What stands now, of the agent and of every target: made from the running
 * agent or from its files, sent as JSON, read back by the CLI, shown in 24 lines.
 * Ownership: plain values of fixed size (some 200 KB: not for a small stack). */
#ifndef LW_VIEW_STATUS_H
#define LW_VIEW_STATUS_H

#include "lib/base/settings.h"
#include "lib/dump/manifest.h"
#include "lib/history/history.h"
#include "lib/store/store.h"
#include "lib/view/format.h"
#include "lib/watch/watch.h"

#define STATUS_STACKS_MAX MANIFEST_CULPRITS_MAX
#define STATUS_SERIES_MAX 40
#define STATUS_PROBLEMS_MAX 8
#define STATUS_BYTES_MAX (256 * 1024) /* of its JSON */

struct status_series {
    float values[STATUS_SERIES_MAX]; /* oldest first, evenly over span_ms */
    int n;
};

/* Numbers are -1 where unknown, times and limits 0, texts "". Ages and spans
 * are in ms, measured at status.now_wall_ms. */
struct status_target {
    char name[HISTORY_TARGET_NAME_MAX];
    char url[TARGET_URL_MAX];
    char state[16]; /* "waiting", "alive", "silent"; "unknown" without an agent */
    char problem[200];
    int64_t life, life_start_wall_ms, uptime_ms;
    int64_t goroutines, goroutines_age_ms;
    char memory_source[16], memory_blowup[80]; /* the tier, the fastest it catches */
    int64_t usage_bytes, limit_bytes, memory_age_ms;
    double memory_eta_s; /* of an emergency, by its rise right now; else 0 */
    int64_t heap_bytes, heap_age_ms;
    char baseline_kind[16];
    int64_t baseline_age_ms, baseline_goroutines;
    struct {
        char kind[12], grade[12], detector[DETECTOR_NAME_MAX], evidence[DETECT_EVIDENCE_MAX];
        int64_t since_wall_ms;
        double eta_s, eta_low_s, eta_high_s;
    } verdict; /* kind "": none stands */
    /* The verdict's culprits; without one what grew in stacks_span_ms. */
    struct manifest_culprit stacks[STATUS_STACKS_MAX];
    int n_stacks;
    int64_t stacks_span_ms;
    int64_t series_span_ms;
    struct status_series goroutine_series, memory_series;
    int64_t scrapes, failures, cut, skipped_budget, skipped_headroom, dumps, dump_failures;
    char last_dump[DUMP_ID_MAX];
    char store_problem[200];
};

struct status {
    char version[32];
    char source[8]; /* "agent" or "files" */
    int64_t now_wall_ms, started_wall_ms;
    struct {
        int64_t bytes, used_bytes, stacks, reach_ms, finest_span_ms, torn_records;
        bool shortened; /* the finest stack tier holds less than it aims for */
    } history;
    char store_problem[200];
    char settings_problems[STATUS_PROBLEMS_MAX][256];
    int n_settings_problems;
    struct status_target targets[SETTINGS_TARGETS_MAX];
    int n_targets;
};

/* All but started_wall_ms, store_problem and settings_problems, which the
 * caller knows. */
void status_from_watch(const struct watch *w, struct status *out);
/* Without an agent: what the history file tells at now. Then status_add_dump
 * for each dump, newest first, adds what the manifests do: the verdict of the
 * life that stood last, the memory's source, counts. */
void status_from_history(const struct history *h, struct moment now, struct status *out);
void status_add_dump(struct status *s, const struct store_dump *d);

/* The worst target: the highest grade, then the nearest end; -1 without any. */
int status_worst(const struct status *s);
/* Whether a leak is there: a verdict of grade likely or confirmed. */
bool status_leaks(const struct status *s);
int status_find(const struct status *s, const char *target); /* or -1 */

/* Appends the JSON, one line. */
void status_json(const struct status *s, struct buf *out);
/* Reads it back; unknown members are ignored. 0, ERR_SYNTAX, ERR_LIMIT. */
int status_parse(struct status *out, const char *bytes, size_t n, struct errmsg *e);

/* 24 lines of 80 columns for one target (target -1: the worst, beside a line
 * for each of the others). */
void status_text(const struct status *s, int target, struct look look, struct buf *out);

#endif
