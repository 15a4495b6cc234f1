/* What the files of this folder share: the shape of the block.
 *
 *   header page   magic, version, size; two alternating anchors (anchor.c)
 *   target pages  name, lives, notes: one page each (target.c)
 *   symbols       log of bundles that define names and stacks (symbols.c)
 *   pages         the pool that all tiers of all targets draw from (ring.c)
 *   scratch       struct history and every index; rebuilt by a load, never
 *                 dirty, a hole in the file
 *
 * Offsets follow from the block's size alone, so none is read from the file.
 * A *stream* is one tier of one target: a list of pages in order. A *segment*
 * is a page that starts with a keyframe and the pages up to the next such; a
 * segment is evicted as a whole. A *moment* is one sample in a stream: one
 * record, or several where it spans pages. Stack values are kept by *slot*:
 * slot 0 is "other", slot i + 1 the stack with id i. */
#ifndef LW_HISTORY_INSIDE_H
#define LW_HISTORY_INSIDE_H

#include <string.h>

#include "lib/base/digest.h"
#include "lib/history/history.h"

#define HEADER_BYTES 4096
#define TARGET_BYTES 4096
#define DIRTY_GRAIN 256
#define SIGNAL_TIERS 6
#define STACK_TIERS 4
#define STREAMS_PER_TARGET (SIGNAL_TIERS + HISTORY_CLASSES * STACK_TIERS)
#define STREAMS (HISTORY_TARGETS_MAX * STREAMS_PER_TARGET)
#define NONE UINT32_MAX
#define TIME_MAX (INT64_C(1) << 50)
#define VALUE_MAX (INT64_C(1) << 53)

struct tier {
    int64_t step_ms, span_ms;
};
extern const struct tier signal_tiers[SIGNAL_TIERS];
extern const struct tier stack_tiers[STACK_TIERS];

/* Where everything is, in bytes from the block's start. */
struct layout {
    size_t bytes, symbols_at, symbols_bytes, pages_at, scratch_at;
    uint32_t page_bytes, n_pages;
    uint32_t stacks_max, names_max;
    size_t streams_at, pages_info_at, dirty_at, gauges_at;
    size_t names_at, name_hash_at, stacks_at, stack_hash_at, stack_keys_at, stack_series_at,
        mark_at;
    size_t series_at, candidates_at, values_at[3], watched_at;
};

/* The newest agreement of the three clocks; generation seeds the symbols. */
struct anchor {
    uint64_t seq;
    uint8_t boot_id[16];
    int64_t boot_ms, ring_ms, wall_ms;
    uint32_t generation;
    uint32_t crc;
};

/* A page of the pool, in scratch; its head of 40 bytes is in the block. */
struct page {
    int64_t first_ms, last_ms;
    uint32_t used, next;
    uint16_t stream;
    bool key;
};

struct stream {
    uint32_t head, tail, pages, segments;
    int64_t last_ms;       /* of the newest moment; 0 when empty */
    uint32_t key_bytes;    /* of the newest keyframe */
    uint32_t since_key;    /* bytes of the records after it */
    uint32_t moment_bytes; /* of the newest moment */
    bool pressed;          /* lost a segment that was still wanted */
};

/* A running slot of a signal tier. */
struct gauge {
    int64_t t_ms;                /* start of the slot; 0: nothing yet */
    float told[HISTORY_SIGNALS]; /* single value of the newest record, or NAN */
    struct {
        uint32_t n;
        float min, max;
        double sum;
    } of[HISTORY_SIGNALS];
};

/* A stack that counts in a target and class now. */
struct series {
    uint32_t stack;
    uint16_t channel;
    uint32_t next; /* in the channel, by stack */
    uint32_t peer; /* same stack, another channel */
    uint32_t stamp;
    int64_t last, value;
};

/* A stack too small for a series, watched for growth. */
struct candidate {
    uint64_t key;
    uint32_t stamp;
    uint16_t channel;
    uint8_t last, rises;
};

struct channel {
    uint32_t first, final; /* series, by stack */
    uint32_t stamp;        /* counts pushes */
    int64_t other;
    uint64_t folded;
};

#define CHANNELS (HISTORY_TARGETS_MAX * HISTORY_CLASSES)

struct history {
    uint8_t *block;
    struct layout at;
    bool read_only, rewrite;
    int n_targets;
    uint8_t slot[HISTORY_TARGETS_MAX];    /* of each target, in the block */
    uint32_t tenant[HISTORY_TARGETS_MAX]; /* by slot; 0 free */
    bool active[HISTORY_TARGETS_MAX];     /* by slot */
    uint32_t tenants;
    struct anchor anchor;
    int64_t newest_ms;
    uint64_t torn;

    struct stream *streams;
    struct page *pages;
    uint8_t *dirty;
    uint64_t seq;
    uint32_t free_page, free_pages;

    struct gauge *gauges; /* HISTORY_TARGETS_MAX * SIGNAL_TIERS */

    uint32_t *names, *name_hash; /* id -> offset in symbols, 0 free; hash -> id + 1 */
    uint32_t *stacks, *stack_hash;
    uint64_t *stack_keys;
    uint8_t *mark;
    uint32_t symbols_used, n_names, n_stacks;
    uint32_t name_hint, stack_hint; /* no free id below */
    uint32_t stack_top;             /* above every id in use */

    struct series *series;
    uint32_t *stack_series; /* first series of a stack */
    uint32_t free_series, n_series;
    struct channel channels[CHANNELS];
    struct candidate *candidates;
    uint32_t pushes, full_until; /* until that push no room can be made */

    int64_t *values[3];
    uint32_t *watched;
};

/* ---- block.c ---- */
int layout_make(struct layout *l, size_t bytes);
/* The handle in the scratch of a block, all else of the scratch zeroed. */
struct history *block_map(void *block, const struct layout *l);
void block_touch(struct history *h, const void *p, size_t n);
void block_touch_all(struct history *h);

/* ---- anchor.c ---- */
void anchor_format(struct history *h, struct moment now, const uint8_t boot_id[16]);
/* Whether a block of this size begins as a history does. 0 or an error. */
int anchor_sniff(const void *block, size_t bytes, struct errmsg *e);
int anchor_load(struct history *h, struct errmsg *e);
void anchor_resume(struct history *h, struct moment now, const uint8_t boot_id[16]);
void anchor_write(struct history *h);

/* ---- target.c ---- */
int target_admit(struct history *h, const char *const *names, int n);
void target_load(struct history *h);

/* ---- symbols.c ---- */
void symbols_load(struct history *h);
/* The id of the stack with this key; interned from its frames. NONE: full. */
uint32_t symbols_intern(struct history *h, uint64_t key, const struct frame *frames, size_t n);
uint32_t symbols_find(const struct history *h, uint64_t key);
/* Drops the stacks that are not marked and the names only they used. */
void symbols_compact(struct history *h);

/* ---- ring.c ---- */
#define RECORD_KEY 1  /* values stand for themselves, all others are 0 */
#define RECORD_MORE 2 /* the moment goes on in the next record */
#define RECORD_CONT 4 /* the moment began in the record before */

struct writer {
    struct history *h;
    uint32_t stream, offset;
    int64_t t_ms;
    uint8_t *payload, *p, *end;
};
struct reader {
    const struct history *h;
    uint32_t page, offset;
    int64_t t_ms;
    uint8_t flags;
    const uint8_t *p, *end; /* body of the record */
};

uint32_t ring_stream(int slot, int index);
/* Whether the newest page has room for a record with a body of n bytes. */
bool ring_room(const struct history *h, uint32_t stream, size_t n);
/* A new newest page; evicts when the pool is empty. 0 or -ENOSPC. */
int ring_open(struct history *h, uint32_t stream, bool key, int64_t t_ms);
void ring_begin(struct writer *w, struct history *h, uint32_t stream, int64_t t_ms,
                uint8_t flags);
void ring_end(struct writer *w);
/* Drops everything from this record on. */
void ring_cut(struct history *h, uint32_t stream, uint32_t page, uint32_t offset);
void ring_drop_segment(struct history *h, uint32_t stream);
void ring_drop_stream(struct history *h, uint32_t stream);
void ring_format(struct history *h);
void ring_load(struct history *h);
/* From the keyframe at or before t_ms, or the oldest. */
void reader_seek(struct reader *r, const struct history *h, uint32_t stream, int64_t t_ms);
bool reader_next(struct reader *r);
/* Time of the oldest moment, or INT64_MAX. */
int64_t ring_oldest(const struct history *h, uint32_t stream);

/* ---- points.c ---- */
struct points {
    struct history_point *out;
    size_t n, max; /* n: put in all */
};
void points_put(struct points *p, struct history_point point);
/* Brings them into order; how many there are. */
size_t points_finish(struct points *p);

/* ---- gauge.c ---- */
void gauge_load(struct history *h);
bool gauge_check(const struct reader *r);

/* ---- series.c ---- */
void series_format(struct history *h);
void series_load(struct history *h);
struct series *series_find(const struct history *h, uint32_t channel, uint32_t stack);

/* ---- track.c: moments of stack values ---- */
struct entry {
    uint32_t slot;
    int64_t change, below; /* last - last before (0 in a key); last - min */
};
/* The next entry of a body; *slot starts at 0 and is the decoder's. */
bool entry_parse(const uint8_t **p, const uint8_t *end, uint32_t *slot, struct entry *e);
bool track_check(const struct reader *r, int64_t *values);

struct track {
    struct writer w;
    bool key;
    int error;
    uint32_t slot;
    uint32_t start_page, start_offset; /* where the moment begins */
};
void track_begin(struct track *k, struct history *h, uint32_t stream, int64_t t_ms);
/* Slots in rising order; writes only what has to be told. */
void track_put(struct track *k, uint32_t slot, int64_t before, int64_t last, int64_t min);
int track_end(struct track *k);
/* Applies one record to the values by slot. */
void track_apply(struct reader *r, int64_t *values);
/* Applies all moments up to and with t_ms; the moment found, or 0. */
int64_t track_state(const struct history *h, uint32_t stream, int64_t t_ms, int64_t *values);
/* Feeds the coarser tiers with every slot that is over at t_ms. */
void track_fold(struct history *h, uint32_t channel, int64_t t_ms);

static inline uint32_t channel_of(const struct history *h, int target, enum history_class class)
{
    return (uint32_t)h->slot[target] * HISTORY_CLASSES + (uint32_t) class;
}

static inline uint32_t channel_stream(uint32_t channel, int tier)
{
    return ring_stream((int)(channel / HISTORY_CLASSES),
                       SIGNAL_TIERS + (int)(channel % HISTORY_CLASSES) * STACK_TIERS + tier);
}

static inline bool target_ok(const struct history *h, int target)
{
    return target >= 0 && target < h->n_targets;
}

static inline uint32_t slots_of(const struct history *h)
{
    return h->stack_top + 1;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#define VARINT_MAX 10

static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    uint64_t sum = 0;

    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *v = sum;
            return true;
        }
    }
    return false;
}

static inline bool entry_next(const uint8_t **p, const uint8_t *end, uint32_t *slot,
                              struct entry *e)
{
    /* Most are two bytes, and questions read hundreds of thousands of them. */
    if (end - *p >= 2 && ((*p)[0] & 0x81) == 0 && (*p)[1] < 0x80) {
        *slot += (uint32_t)(*p)[0] >> 1;
        *e = (struct entry){*slot - 1, unzigzag((*p)[1]), 0};
        *p += 2;
        return true;
    }
    return entry_parse(p, end, slot, e);
}

#endif
