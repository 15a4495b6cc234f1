/* manifest.json of a dump: written by hand, read back by cJSON.
 * Ownership: plain values, fixed sizes. */
#ifndef LW_DUMP_MANIFEST_H
#define LW_DUMP_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/detect/classify.h"
#include "lib/detect/detect.h"

#define MANIFEST_SCHEMA 1
#define MANIFEST_FILES_MAX 24
#define MANIFEST_CULPRITS_MAX 8
#define MANIFEST_BYTES_MAX (64 * 1024)
#define DUMP_ID_MAX 128

enum outcome_cause {
    OUTCOME_NONE, /* alive, or not known yet */
    OUTCOME_OOM,
    OUTCOME_PROBABLE_OOM,
    OUTCOME_POD_SHUTDOWN,
    OUTCOME_KILLED_OR_EXITED
};
const char *outcome_cause_text(enum outcome_cause c); /* "oom", "probable-oom" … */

struct manifest_file {
    char name[64]; /* relative: "goroutine.diff.pb.gz", "native/heap.pb.gz" */
    int64_t bytes;
    char sha256[SHA256_HEX_MAX];
};

struct manifest_culprit {
    char fingerprint[11];
    char function[256]; /* the user's own function where there is one */
    char file[256];
    int32_t line;
    int64_t before, now;
    double per_hour, share;
    double bytes_each; /* memory that one more goroutine costs; 0 unknown */
    double explains;   /* share of memory's growth, 0…1; 0 unknown */
    char unit[12];     /* "goroutines" or "bytes" */
    /* What it is, by lib/dump/naming: all "" until then. */
    char pattern[16];        /* pattern_text */
    char blocking[16];       /* blocking_text; "" of heap sites */
    char helper[128];        /* the stack is a library's goroutine, this its function;
                                `function` then is the user's that made it, if known */
    char part_of[11];        /* fingerprint of an earlier culprit whose leak this is */
    char advice[ADVICE_MAX]; /* one sentence */
};

struct manifest {
    int schema;
    char id[DUMP_ID_MAX]; /* folder name */
    char leakwatch_version[32];
    char namespace_[128], pod[256], node[256], container[128], version_label[128];
    char target[64], url[512];
    char build_id[128]; /* of the target's binary, when known */
    uint64_t life;      /* number of the life */
    int64_t life_start_wall_ms;
    int64_t time_wall_ms; /* of the trigger */
    uint64_t seq;
    char trigger[16]; /* verdict confirmed doubling eta emergency rule manual signal */
    char reason[256]; /* one sentence; the user's text for manual */
    int phase;        /* 1 or 2 done */
    bool partial;     /* built from a cut page */
    struct {
        char kind[16]; /* none provisional healthy previous-life */
        int64_t time_wall_ms, age_ms;
        int64_t goroutines;
    } baseline;
    struct {
        char kind[12], grade[12], detector[32], evidence[DETECT_EVIDENCE_MAX];
        double eta_s, eta_low_s, eta_high_s; /* 0 unknown */
        int64_t since_wall_ms;
    } verdict; /* kind "": none */
    struct manifest_culprit culprits[MANIFEST_CULPRITS_MAX];
    int n_culprits;
    struct {
        char source[16];
        int64_t usage_bytes, limit_bytes; /* -1 / 0 unknown */
        double eta_s;                     /* of an emergency, by its rise right now; 0 none */
    } memory;
    int64_t goroutines, goroutines_age_ms;
    struct {
        bool present;
        int64_t age_ms, inuse_bytes, num_gc, not_in_profile_bytes; /* -1 unknown */
    } heap;
    char open_set[16]; /* "." or "native": the set to open */
    struct manifest_file files[MANIFEST_FILES_MAX];
    int n_files;
    char note[256]; /* what could not be done, e.g. disk full */
    struct {
        enum outcome_cause cause;
        int exit_code;   /* -1 unknown */
        char source[16]; /* cgroup kubernetes inferred */
        int64_t death_wall_ms;
        int64_t lead_ms; /* from phase 1 durable to death */
    } outcome;
    int64_t durable_wall_ms; /* phase 1 was on disk */
    int64_t durable_boot_ms;
};

/* Sets m->id from time, trigger, target and seq:
 * <YYYYMMDDTHHMMSSZ>-<trigger>-<target>-<seq>, of [A-Za-z0-9_.-] alone. */
void manifest_name(struct manifest *m);
/* Appends the JSON; "verdict" and "outcome" are there when there is one. */
void manifest_write(const struct manifest *m, struct buf *out);
/* 0; ERR_SYNTAX, ERR_VERSION, ERR_LIMIT. Unknown members are ignored, missing
 * ones stay 0 (unknown where the struct says so), long texts are cut. */
int manifest_read(struct manifest *m, const char *bytes, size_t n, struct errmsg *e);

#endif
