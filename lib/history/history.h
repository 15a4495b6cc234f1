/* The history: what a target's goroutines, memory and stacks looked like, for
 * thirty days, in one block of memory of fixed size. The same bytes stand at
 * the same offsets in one file (lib/store writes it; nothing here does I/O).
 *
 * Glossary. *Ring time* (t_ms) is the one axis of all records: the wall clock
 * at the first start plus elapsed CLOCK_BOOTTIME; it never runs backwards, and
 * another boot is aligned by wall time. A *signal* is a scalar series of a
 * target. A *stack* is an interned list of frames with a series of counts
 * (goroutines) or of bytes (heap *sites*). A *tier* is one resolution; it is a
 * ring of *segments*, each a keyframe and deltas, every record with a CRC and a
 * sequence, so that a torn tail is recognised and dropped.
 *
 * Tiers. Signals (min, mean, max): 500 ms x 2 min, 1 s x 10 min, 10 s x 1 h,
 * 1 min x 12 h, 10 min x 3 d, 1 h x 30 d. Stacks (min and last): 10 s x 90 min,
 * 5 min x 12 h, 15 min x 3 d, 1 h x 30 d. Only stacks that ever mattered (at
 * least HISTORY_STACK_MATTERS, or growing) get a series; what does not fit is
 * summed in "other". When full, the finest stack tier shortens first.
 *
 * Ownership: the caller owns the block; struct history and every index live in
 * its last part, nothing is allocated; spans handed out point into the block
 * and live until the next push. */
#ifndef LW_HISTORY_HISTORY_H
#define LW_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/moment.h"
#include "lib/profile/profile.h"

#define HISTORY_TARGETS_MAX 16
#define HISTORY_TARGET_NAME_MAX 64
#define HISTORY_STACK_MATTERS 16
#define HISTORY_FRAMES_MAX 128
#define HISTORY_LIVES_MAX 32
#define HISTORY_NOTE_BYTES 1024
#define HISTORY_BLOCK_MIN (512 * 1024)

enum history_signal {
    HISTORY_GOROUTINES,
    HISTORY_MEMORY_BYTES, /* what the kernel would kill for */
    HISTORY_HEAP_BYTES,   /* live heap after GC */
    HISTORY_LIMIT_BYTES,
    HISTORY_SIGNALS
};

enum history_class {
    HISTORY_STACKS /* goroutines */,
    HISTORY_SITES /* live heap bytes */,
    HISTORY_CLASSES
};

/* A life of a target: from its first answer to its death. */
struct history_life {
    uint64_t id;      /* counts up over all lives of the target, from 1 */
    int64_t start_ms; /* ring time of the process's start, as well as known */
    int64_t seen_ms;  /* ring time of the first answer */
    int64_t end_ms;   /* 0 while alive */
    uint8_t cause;    /* enum of the dump's outcome; 0 unknown or alive */
    bool oom;
};

struct history_point {
    int64_t t_ms; /* start of the slot */
    float min, mean, max;
};

struct history_count {
    uint64_t key;    /* sample_key: the stack by its visible frames */
    int64_t value;   /* goroutines or bytes */
    uint32_t sample; /* the caller's handle for frames_of */
};

/* Hands the frames of a sample over, leaf first; returns how many. */
typedef size_t (*history_frames_fn)(void *ctx, uint32_t sample, struct frame *out, size_t max);

struct history_value {
    uint32_t stack; /* id in this history; HISTORY_OTHER for the rest */
    int64_t value;
};
#define HISTORY_OTHER UINT32_MAX

struct history;

/* Formats the block (at least HISTORY_BLOCK_MIN bytes, 8-aligned) for n_targets
 * names. boot_id: 16 bytes of this boot. *h points into the block, which has to
 * outlive it; nothing else is allocated. 0 or -EINVAL. */
int history_format(struct history **h, void *block, size_t bytes, const char *const *names,
                   int n_targets, struct moment now, const uint8_t boot_id[16]);

/* Opens a block read from a file. Torn tails are dropped and counted; targets
 * are matched by name, new ones added, vanished ones' space reused. 0;
 * ERR_CORRUPT, ERR_VERSION (set the file aside), -EINVAL (another size, bad
 * names). read_only (the CLI): names may be NULL, the targets are the file's;
 * pushes are refused. */
int history_load(struct history **h, void *block, size_t bytes, const char *const *names,
                 int n_targets, struct moment now, const uint8_t boot_id[16], bool read_only,
                 struct errmsg *e);
void history_close(struct history **h);

int history_targets(const struct history *h);
const char *history_target_name(const struct history *h, int target);
int history_target_find(const struct history *h, const char *name); /* or -1 */

/* Ring time of a moment of this boot; and a wall label of a ring time. */
int64_t history_time(const struct history *h, struct moment now);
int64_t history_wall_ms(const struct history *h, int64_t t_ms);
/* Notes what the wall clock says now, for labels and for the next boot: to be
 * called about once a minute, before the file is synced. */
void history_anchor(struct history *h, struct moment now);
/* Ring time of the newest record of any tier, 0 when empty. */
int64_t history_newest(const struct history *h, int target);
int64_t history_oldest(const struct history *h, int target);

/* ---- writing ---- */

/* One reading of some signals (NAN: not read). Slots of every tier follow. */
void history_push_signals(struct history *h, int target, int64_t t_ms,
                          const float values[HISTORY_SIGNALS]);

/* One whole sample of a class: all its stacks; n may be large, only those that
 * matter are kept, the rest is "other". The previous call's stacks that are
 * missing now count 0. Returns 0 or -EINVAL (time before the last). */
int history_push_stacks(struct history *h, int target, enum history_class class, int64_t t_ms,
                        const struct history_count *counts, size_t n,
                        history_frames_fn frames_of, void *ctx);

/* A life begins (end_ms 0) or changes (same id). */
void history_push_life(struct history *h, int target, const struct history_life *life);

/* A blob of the agent's own per target (cooldowns, verdict state), kept with
 * the history and written by value. n <= HISTORY_NOTE_BYTES. */
void history_note_set(struct history *h, int target, const void *bytes, size_t n);
size_t history_note_get(const struct history *h, int target, void *out, size_t n);

/* Appends every byte range that changed since the last call as records of
 * {uint64 offset, uint64 length, bytes}, and marks them clean. When the buffer
 * cannot hold all, the rest stays dirty and true is returned. */
bool history_take_dirty(struct history *h, struct buf *out);

/* True after symbols were compacted, until history_take_dirty has handed all
 * over: ids have new meanings, so that the file is to be replaced as a whole
 * (the first history_image_bytes of the block), not written in place. */
bool history_wants_rewrite(const struct history *h);
/* How much of the block is in the file; what follows is scratch, a hole. */
size_t history_image_bytes(const struct history *h);

/* ---- reading ---- */

/* Points of a signal in [from_ms, to_ms), from the finest tier that covers each
 * part and is not finer than step_ms (0: finest), oldest first. Empty slots are
 * left out. Returns how many, at most max (then the newest). */
size_t history_signal(const struct history *h, int target, enum history_signal s,
                      int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      struct history_point *out, size_t max);

/* Values of the stacks at a moment (the last sample at or before t_ms in the
 * finest tier that reaches there), those above 0, "other" last (and in it what
 * exceeds max). Returns how many; 0 when the moment is older than anything. *at_ms (may be
 * NULL) is the moment found. */
size_t history_at(const struct history *h, int target, enum history_class class, int64_t t_ms,
                  struct history_value *out, size_t max, int64_t *at_ms);

/* Stacks whose value rose most from from_ms (or the oldest moment, if that is
 * younger) to to_ms, by rise. */
struct history_growth {
    uint32_t stack;
    int64_t before, now;
};
size_t history_grown(const struct history *h, int target, enum history_class class,
                     int64_t from_ms, int64_t to_ms, int64_t least_rise,
                     struct history_growth *out, size_t max);

/* Minima of blocks of block_ms that end at end_ms (the last block is
 * [end_ms - block_ms, end_ms)), oldest first, from the tier that suits, for
 * n_stacks stacks: out[i * n_blocks + j]. A block without a sample is NAN; one
 * in which the stack was not there is 0. Cheapest when end_ms is a multiple of
 * block_ms and that one of a tier's step: one record a block. */
void history_minima(const struct history *h, int target, enum history_class class,
                    const uint32_t *stacks, size_t n_stacks, int64_t end_ms, int64_t block_ms,
                    size_t n_blocks, float *out);

/* One stack's series in [from_ms, to_ms), of the finest tier that is not finer
 * than step_ms: min as min, last as mean and max. As history_signal. */
size_t history_series(const struct history *h, int target, enum history_class class,
                      uint32_t stack, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                      struct history_point *out, size_t max);

int64_t history_last(const struct history *h, int target, enum history_class class,
                     uint32_t stack);
/* Frames, leaf first; spans point into the block. */
size_t history_frames(const struct history *h, uint32_t stack, struct frame *out, size_t max);
const char *history_fingerprint(const struct history *h, uint32_t stack);
/* The stack of a key or of a fingerprint, or HISTORY_OTHER. */
uint32_t history_find_key(const struct history *h, uint64_t key);
uint32_t history_find_fingerprint(const struct history *h, const char *fingerprint);

size_t history_lives(const struct history *h, int target, struct history_life *out, size_t max);

/* For status: how full, how far back, what was dropped. */
struct history_usage {
    size_t bytes, used_bytes, symbol_bytes;
    size_t stacks;          /* interned */
    uint64_t torn_records;  /* dropped at load */
    uint64_t folded_stacks; /* samples' stacks that went to other, last push */
    int64_t finest_span_ms; /* how far back the finest stack tier reaches by capacity */
    bool shortened;         /* less than the 90 minutes it aims for */
};
void history_usage(const struct history *h, int target, struct history_usage *out);

#endif
