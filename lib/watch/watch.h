/* The agent as a step function: state, an event and the moment in; actions out.
 *
 * Happy path of one target: waiting -> (index answers) a life begins -> memory
 * every 500 ms, pages every 10 s, heap every 60 s -> a verdict or an emergency
 * asks for a dump -> phase 1 is durable -> phase 2 asks the target -> the target
 * dies -> its dumps are stamped with the outcome -> waiting again.
 * Failure modes: a page that is cut or late is a failed scrape and backs off; a
 * silent target keeps being judged by its memory; what cannot be written is
 * retried by the store and said in status.
 *
 * Nothing here reads a clock, a file or a socket, or allocates after
 * watch_init. The shell performs the actions in order and feeds what comes of
 * them back. Ownership: watch owns its profiles and buffers; the history, the
 * settings and the log are borrowed. */
#ifndef LW_WATCH_WATCH_H
#define LW_WATCH_WATCH_H

#include "lib/base/log.h"
#include "lib/base/settings.h"
#include "lib/detect/blocking.h"
#include "lib/detect/confirm.h"
#include "lib/detect/detect.h"
#include "lib/dump/dump.h"
#include "lib/history/history.h"
#include "lib/profile/goroutines.h"
#include "lib/profile/text.h"
#include "lib/target/memory.h"
#include "lib/target/target.h"
#include "lib/watch/budget.h"
#include "lib/watch/io.h"
#include "lib/watch/judge.h"
#include "lib/watch/trigger.h"

#define WATCH_CANDIDATES_MAX 32
#define WATCH_ACTIONS_MAX 64
#define WATCH_PROFILE_BYTES (768 * 1024) /* ceiling of one page in memory */
#define WATCH_BODY_BYTES (1024 * 1024)   /* ceiling of one native profile */
#define WATCH_STACKS_BYTES (512 * 1024)  /* of a dump's goroutines.txt; whole goroutines */
#define WATCH_STACKS_GOROUTINES 2000     /* debug=2 stops the world: below this many alone */

/* ---- what the shell is to do ---- */

enum action_kind {
    ACTION_SAMPLE,   /* read the target's memory now: watch_memory */
    ACTION_LOCATE,   /* find its process and cgroup anew */
    ACTION_DISCOVER, /* list candidates: watch_candidates */
    ACTION_RETARGET, /* point it at `origin` */
    ACTION_FETCH,    /* start target's request `fetch`: watch_fetched */
    ACTION_DUMP,     /* render and write phase 1 of target's `dump`: watch_durable */
    ACTION_NATIVE,   /* render and write phase 2: watch_native_done */
    ACTION_OUTCOME,  /* stamp the dumps of a life that ended */
    ACTION_KEEP      /* put a baseline on disk: kept across our own restarts */
};

struct action {
    enum action_kind kind;
    int target;
    enum fetch_kind fetch; /* FETCH */
    int64_t deadline_ms;   /* FETCH */
    char origin[80];       /* RETARGET */
    uint64_t life;         /* OUTCOME */
    enum outcome_cause cause;
    int exit_code;
    const char *source;
    struct moment death;
};

struct actions {
    struct action list[WATCH_ACTIONS_MAX];
    int n;
    int64_t wake_ms; /* boot_ms at which the next watch_wake is due */
};

/* ---- the state of one target ---- */

enum target_state {
    TARGET_WAITING, /* has not answered in this life */
    TARGET_ALIVE,
    TARGET_SILENT /* alive by its memory, but pprof does not answer */
};
const char *target_state_text(enum target_state s);

struct life {
    struct history_life record;
    int64_t pid, start_ticks;
    int64_t oom_kills;   /* last value seen while it lived; -1 unknown */
    int64_t oom_rose_ms; /* boot_ms at which it was seen to have risen; 0 no */
    int64_t ready_ms;    /* boot_ms of the first answer */
    uint64_t num_gc;     /* of the last MemStats */
    int64_t last_usage_bytes, last_limit_bytes;
};

struct baseline {
    char kind[16]; /* "none", "provisional", "healthy", "previous-life" */
    int64_t wall_ms;
    int64_t goroutines;
    struct buf text_gz;   /* from debug=1 */
    struct buf native_gz; /* Go's own goroutine protobuf */
    struct buf heap_gz;   /* Go's own heap protobuf */
    bool want_native;     /* to be fetched for this baseline */
};

enum dump_phase { DUMP_IDLE, DUMP_WRITING, DUMP_ASKING, DUMP_NATIVE };
struct dump_job {
    enum dump_phase phase;
    enum trigger trigger;
    struct manifest manifest;
    struct moment asked; /* when the trigger fired */
    int64_t t_ms;
    int64_t native_until_ms;                    /* boot_ms at which phase 2 gives up */
    enum fetch_kind asking;                     /* phase 2: what is next */
    struct buf native_gz, leak_gz, stacks_text; /* phase 2: what came */
    int64_t took_ms;                            /* of the last phase 1, trigger to durable */
};

/* What detector E asked for and learnt (confirm.c), of one life. */
struct confirm {
    bool no_symbols, no_leaks, no_stacks; /* not served: not asked again */
    bool turn;                            /* a page came: one question more */
    uint64_t pcs[SYMBOL_PCS_MAX];         /* the addresses asked for */
    size_t n_pcs;
    char stack[FINGERPRINT_MAX];     /* the culprit that what follows is about; "" none */
    bool gc_answered;                /* then ages prove nothing more */
    bool proven, said;               /* said: its line and its dump were asked for */
    int answers[FETCH_KINDS];        /* and failures, of each witness: asked ever less often */
    struct confirm_ids ids;          /* of a debug=2 before, */
    char ids_stack[FINGERPRINT_MAX]; /* and whose they are */
    char text[CONFIRM_TEXT_MAX];     /* a clause of the evidence; "" none */
};

/* A page of debug=2 under way; made once, touched on suspicion alone. */
struct stacks_page {
    struct goroutines_parser parser;
    struct confirm_page page;
    struct finding about; /* what was suspected when it was asked for */
};

/* What outlives the watcher's own restart, kept as the history's note. */
struct watch_note {
    uint32_t version;
    uint32_t seq;       /* of dumps */
    int64_t time_scale; /* at which it was last written */
    uint64_t life;
    int64_t pid, start_ticks;
    int64_t stopped_wall_ms; /* when we were told to stop; 0 otherwise */
    char build_id[64];
    int64_t baseline_wall_ms, baseline_goroutines;
    char baseline_kind[16];
    int64_t last_usage_bytes, last_limit_bytes;
    struct judge_kept kept;
};
/* Reads it, of a history of an agent of this version; else false and all zero. */
bool watch_note_read(const struct history *h, int target, struct watch_note *out);

struct watched {
    struct target_spec spec;
    char url[TARGET_URL_MAX]; /* in use (auto: found) */
    enum target_state state;
    bool ever_answered;
    char problem[200];            /* why it does not answer; "" none */
    enum fetch_kind problem_kind; /* what was asked */
    struct life life;
    struct memory_sample memory;
    int64_t memory_at_ms;             /* boot_ms of it */
    int64_t usage_bytes, limit_bytes; /* -1 unknown, 0 unknown */
    enum memory_tier tier;
    uint64_t max_rss_bytes; /* of the MemStats tier */
    int memstats_failures;
    int64_t goroutines;    /* last known; -1 never */
    int64_t goroutines_ms; /* boot_ms */
    int64_t pcs_each;      /* mean depth of the last page */

    struct budget budget;
    enum fetch_kind in_flight;
    bool no_index;     /* only the profiles are served */
    bool said_problem; /* that it does not serve pprof: once a life */
    int64_t sent_ms;
    bool probe;                           /* does it live? the index is asked next */
    bool probing;                         /* the request under way is such a one */
    bool want_stats;                      /* MemStats, once for each heap profile */
    int64_t due_ms[FETCH_KINDS];          /* boot_ms */
    int64_t usage_at_page, usage_at_heap; /* for bringing scrapes forward */
    int64_t memory_due_ms;

    struct profile now, next; /* the last whole page; the one being read */
    bool have_now;
    int64_t page_ms; /* boot_ms of `now` */
    struct text_parser *parser;
    struct buf body;         /* native bodies, the index page */
    struct buf heap_gz;      /* the last heap profile, as it came */
    int64_t heap_ms;         /* boot_ms of it; 0 none */
    int64_t heap_bytes;      /* in use, of it; -1 unknown */
    struct memstats stats;   /* of the MemStats tier */
    struct blocking_pcs pcs; /* what stands at hidden addresses, of this life */

    struct candidate candidates[WATCH_CANDIDATES_MAX];
    size_t n_candidates, candidate;
    uint16_t said_ports[WATCH_CANDIDATES_MAX]; /* that are not pprof */
    size_t n_said_ports;

    struct baseline baseline;
    struct judge judge;
    struct confirm confirm;
    /* Of the newest verdict's culprits; what debug=2 did not show has no entry. */
    struct confirm_origin origins[DETECT_CULPRITS_MAX];
    /* Ring time at which a culprit's goroutines were seen to come and go, 0 never,
     * and its fingerprint: its growth is no leak, whatever the grade. It outlives
     * the verdict, or the same stack would page again with the next rise. */
    int64_t refuted_ms;
    char refuted[FINGERPRINT_MAX];
    struct stacks_page *stacks;
    struct dump_job dump;
    struct watch_note note;
    int64_t saved_ms; /* boot_ms of the last note */

    struct {
        uint64_t scrapes, failures, cut, skipped_budget, skipped_headroom;
        int64_t latency_us[FETCH_KINDS]; /* of the last answer of each kind */
        uint64_t dumps[TRIGGERS], dump_failures;
        char last_dump[DUMP_ID_MAX];
        char last_error[200]; /* of the store */
    } counters;
};

struct watch {
    const struct settings *settings;
    struct history *history;
    struct log *log;
    struct moment now;
    int64_t t_ms; /* ring time of now */
    int64_t last_wake_ms;
    uint64_t random;      /* state of the jitter */
    int64_t stop_wall_ms; /* told to stop; 0 no */
    int n_targets;
    struct watched *targets;
    struct profile scratch[3]; /* for diffs, heaps and dumps */
    struct counts *counts;     /* of one page (counts.c) */
    struct actions *actions;   /* of the step under way */
};

/* ---- what stands, for people ---- */

/* The culprits of a finding of a target of w, not yet named (naming.h); returns
 * their number. Then, of the first n of them, pattern, advice and the user's line,
 * from what is at hand: cheap enough for the loop. */
int watch_culprits(const struct watch *w, const struct finding *f,
                   struct manifest_culprit out[MANIFEST_CULPRITS_MAX]);
void watch_name_culprits(const struct watch *w, int target, const struct finding *f,
                         struct manifest_culprit *culprits, int n);
/* A named one as fields of the log line under way. */
void watch_log_culprit(struct log *l, const struct manifest_culprit *c);

/* ---- events ---- */

/* Allocates everything it will ever need. specs: the targets, as many as the
 * history has. 0 or -ENOMEM. */
int watch_init(struct watch *w, const struct settings *s, const struct target_spec *specs,
               int n_targets, struct history *h, struct log *log, struct moment now,
               uint64_t seed);
void watch_free(struct watch *w);
/* The fingerprint of the stack that was refuted within the day before ring time
 * t_ms, or NULL. */
const char *watch_refuted(const struct watch *w, int target, int64_t t_ms);
/* Gives back what a dump made the scratch profiles grow to. */
void watch_rest(struct watch *w);

/* A baseline the store kept from before our restart (borrowed for the call). */
void watch_restore_baseline(struct watch *w, int target, struct str text_gz,
                            struct str native_gz, struct str heap_gz);

/* Each event fills *a (emptied first) with what is to be done now. */
void watch_wake(struct watch *w, struct moment now, struct actions *a);
void watch_memory(struct watch *w, int target, const struct memory_sample *m,
                  int64_t limit_bytes, struct moment now, struct actions *a);
void watch_candidates(struct watch *w, int target, const struct candidate *c, size_t n,
                      struct moment now, struct actions *a);
/* Writes the path of a request of ACTION_FETCH; returns out. */
char *watch_path(const struct watch *w, int target, enum fetch_kind kind,
                 char out[SYMBOL_PATH_MAX]);
/* A chunk of the body under way; non-zero stops the transfer. */
int watch_body(struct watch *w, int target, const void *bytes, size_t n);
void watch_fetched(struct watch *w, int target, const struct fetch_result *r, struct moment now,
                   struct actions *a);
void watch_hangup(struct watch *w, int target, struct moment now, struct actions *a);
/* Phase 1 was written, or was not. */
void watch_durable(struct watch *w, int target, int error, const char *why, struct moment now,
                   struct actions *a);
void watch_native_done(struct watch *w, int target, int error, const char *why,
                       struct moment now, struct actions *a);
/* Somebody wants a dump: TRIGGER_MANUAL or TRIGGER_SIGNAL. 0 and the dump's id
 * in id; -EBUSY (one is under way), -EAGAIN (six this hour), -ENODATA (nothing
 * has been seen yet). */
int watch_ask_dump(struct watch *w, int target, enum trigger trigger, const char *reason,
                   struct moment now, struct actions *a, char id[DUMP_ID_MAX]);
/* We are to stop: deaths that follow or just were count as the pod's. */
void watch_stop(struct watch *w, struct moment now, struct actions *a);

/* The inputs of dump_render and dump_render_native for a job under way. */
void watch_dump_input(struct watch *w, int target, struct dump_input *in);
void watch_native_input(struct watch *w, int target, struct native_input *in);

#endif
