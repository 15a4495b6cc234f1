/* A simulated Go service for the agent's tests: what its pprof port, its memory
 * and its end look like at any moment of the virtual clock. One handler stack
 * leaks, the others breathe. Ownership: the struct is the test's. */
#ifndef LW_SIM_SERVICE_H
#define LW_SIM_SERVICE_H

#include "lib/history/history.h"
#include "lib/host/agent.h"
#include "tests/fake/disk_fake.h"
#include "tests/fake/io_fake.h"

#define SERVICE_STACKS 12
#define SERVICE_WALL_MS 1772323200000 /* 2026-03-01T00:00:00Z */

struct service {
    int64_t born_ms; /* boot_ms of its start */
    double leak_per_hour;
    int64_t base_goroutines;
    int64_t base_bytes, bytes_per_leak, limit_bytes;
    bool dead, silent, mute_memory;
    int64_t oom_kills;
    int64_t pid;
    uint64_t noise;
    int64_t died_ms;
    int64_t restart_after_ms; /* 0: stays dead */

    /* What it serves besides: goroutineleak, debug=2, symbols; not at first. */
    bool serves_leaks, serves_stacks, serves_symbols;
    int percent_proven; /* of the leaked, by the GC */
    int64_t latency_ms; /* of every answer; 0: the fake's 1 ms */
    int padding;        /* frames more on each stack of debug=2 */
    bool garbled_leaks; /* goroutineleak is served, and is nothing of that kind */
    bool labelled;      /* each leaked one has a label of its own */
    bool passing;       /* what looks like a leak comes and goes, ever more of it */
    struct {
        int leaks, stacks, symbols; /* requests, by what was asked */
        int native_leaks;
        char symbols_path[SYMBOL_PATH_MAX]; /* the last */
    } asked;
};

/* A world of one service and one agent on a fake disk. */
struct world {
    struct service service;
    struct io_fake io;
    struct disk_fake *disk;
    struct settings settings;
    struct target_spec target;
    struct agent agent;
    struct log log;
    char log_line[LOG_LINE_MAX];
    struct buf log_text;
};

/* limit reached after `hours` of a leak of per_hour goroutines. */
void world_init(struct world *w, double per_hour, double hours);
void world_open(struct world *w); /* starts the agent (again) */
void world_kill(struct world *w); /* kill -9 of the agent: nothing is flushed */
void world_fini(struct world *w);

int64_t service_leaked(const struct service *s, int64_t boot_ms);
int64_t service_memory(const struct service *s, int64_t boot_ms);
int64_t world_hours(const struct world *w); /* since the service's start */

/* How many log lines hold that text. */
int world_logged(const struct world *w, const char *text);

/* The dumps on the disk, oldest first; returns how many. */
size_t world_dumps(struct world *w, struct manifest *out, size_t max);

#endif
