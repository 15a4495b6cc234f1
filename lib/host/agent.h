/* The agent: performs what the step function of lib/watch decides, through the
 * two seams, and feeds back what comes of it. It knows no libuv and no file of
 * its own, so the tests run it whole on a virtual clock, network and disk.
 *
 * Blocking work goes to the io's pool, one job at a time: dumps first, then
 * outcomes, baselines and the history. What a job reads is never touched by the
 * loop while it is under way (one bundle, one copy of the dirty history).
 * Ownership: the agent owns its watch, history and buffers; io, disk, settings
 * and log are borrowed until agent_close. */
#ifndef LW_HOST_AGENT_H
#define LW_HOST_AGENT_H

#include "lib/host/job.h"
#include "lib/store/store.h"
#include "lib/watch/watch.h"

#define AGENT_BUNDLE_BYTES (2 * 1024 * 1024)
#define AGENT_STOP_MS 1500  /* what is under way at the end gets so long */
#define AGENT_SYNC_MS 60000 /* the history is synced this often */

struct agent {
    const struct settings *settings;
    struct io *io;
    struct log *log;
    struct watch watch;
    struct history *history;
    void *block; /* the history's bytes */
    size_t block_bytes;
    struct store store;
    bool store_open;   /* false: nothing can be written, said in status */
    struct disk *disk; /* NULL: there is none to try */
    char hostname[DISK_NAME_MAX];
    char store_problem[256];
    struct fetch fetches[SETTINGS_TARGETS_MAX];
    bool fetching[SETTINGS_TARGETS_MAX];

    struct job jobs[JOBS_MAX];
    int jobs_active;
    struct bundle bundle; /* the files of the dump under way */
    bool bundle_busy;
    struct manifest manifest; /* of the dump under way, as the pool writes it */
    uint32_t dump_waiting, native_waiting, keep_waiting; /* targets, by bit */
    struct buf keep;                                     /* copies of a baseline's files */
    bool keep_busy;
    struct buf dirty; /* copy of the history's changes */
    bool dirty_busy, flush_again;
    bool rewrite; /* the history file is to be replaced whole */
    int64_t flush_due_ms, sync_due_ms;

    bool stopping, stopped;
    void (*on_stopped)(struct agent *a); /* history is flushed, nothing is under way */
    void (*on_durable)(void *ctx, const char *id, int error, const char *why); /* may be NULL */
    void *ctx;
};

/* Opens the directory and the history (a damaged one is set aside), restores
 * baselines, and makes ready for agent_start. A directory that cannot be used
 * is not fatal: the agent runs on memory alone, says so, and tries again. disk
 * may be NULL: then e tells why, on entry. boot_id: 16 bytes of this boot. 0 or
 * -ENOMEM, -EINVAL. */
int agent_open(struct agent *a, const struct settings *s, const struct target_spec *targets,
               int n_targets, struct io *io, struct disk *disk, const char *hostname,
               const uint8_t boot_id[16], struct log *log, struct errmsg *e);
/* The first wake. */
void agent_start(struct agent *a);
/* A dump on someone's behalf; as watch_ask_dump. target -1: all, id of the first. */
int agent_dump(struct agent *a, int target, enum trigger trigger, const char *reason,
               char id[DUMP_ID_MAX]);
/* Ends what is under way, flushes the history; on_stopped follows. */
void agent_stop(struct agent *a);
void agent_close(struct agent *a);

#endif
