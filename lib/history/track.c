/* Moments of stack values in the stack tiers' streams.
 *
 * A record's body is a list of entries in rising order of slots, each
 * varint(slots since the last << 1 | has_min), zigzag varint of the change and,
 * with has_min, varint of how far below the last value the least one was.
 * A stack without an entry kept its value. A keyframe names all that are not 0
 * and those that just became 0.
 *
 * The finest tier has one moment a sample. A slot of a coarser tier is folded
 * from the tier below when it is over, by reading that back: no running minima
 * are kept, and a restart goes on as if nothing had been. */
#include "lib/history/inside.h"

#define ENTRY_MAX (3 * VARINT_MAX)

bool entry_parse(const uint8_t **p, const uint8_t *end, uint32_t *slot, struct entry *e)
{
    uint64_t head, change, below = 0;

    if (*p >= end || !varint_get(p, end, &head) || !varint_get(p, end, &change))
        return false;
    if ((head & 1) && !varint_get(p, end, &below))
        return false;
    *slot += (uint32_t)(head >> 1);
    *e = (struct entry){*slot - 1, unzigzag(change), (int64_t)below};
    return true;
}

/* ---- writing ---- */

static void part_begin(struct track *k, struct history *h, uint32_t stream, int64_t t_ms,
                       uint8_t flags)
{
    ring_begin(&k->w, h, stream, t_ms, flags);
    k->slot = 0;
}

void track_begin(struct track *k, struct history *h, uint32_t stream, int64_t t_ms)
{
    struct stream *s = &h->streams[stream];

    *k = (struct track){.start_page = NONE};
    /* A keyframe once the changes outweigh four of the last one, where another
     * moment like the last would not fit into the page anyway. */
    k->key = s->pages == 0 || s->since_key / 4 >= s->key_bytes;
    if (!ring_room(h, stream, 2 * ENTRY_MAX + (k->key ? s->moment_bytes : 0))) {
        k->error = ring_open(h, stream, k->key, t_ms);
        if (k->error != 0)
            return;
    } else {
        k->key = false;
    }
    s->moment_bytes = 0;
    k->start_page = s->tail;
    k->start_offset = h->pages[s->tail].used;
    part_begin(k, h, stream, t_ms, k->key ? RECORD_KEY : 0);
}

static void part_next(struct track *k)
{
    struct history *h = k->w.h;
    uint32_t stream = k->w.stream;

    k->w.payload[0] |= RECORD_MORE;
    ring_end(&k->w);
    k->error = ring_open(h, stream, false, k->w.t_ms);
    if (k->error == 0)
        part_begin(k, h, stream, k->w.t_ms, (uint8_t)(RECORD_CONT | (k->key ? RECORD_KEY : 0)));
}

void track_put(struct track *k, uint32_t slot, int64_t before, int64_t last, int64_t min)
{
    uint64_t below = (uint64_t)(last - min);

    if (k->error != 0 ||
        (k->key ? last == 0 && before == 0 && min == 0 : last == before && below == 0))
        return;
    if (k->w.end - k->w.p < ENTRY_MAX) {
        part_next(k);
        if (k->error != 0)
            return;
    }
    k->w.p = varint_put(k->w.p, (uint64_t)(slot + 1 - k->slot) << 1 | (below > 0));
    k->w.p = varint_put(k->w.p, zigzag(k->key ? last : last - before));
    if (below > 0)
        k->w.p = varint_put(k->w.p, below);
    k->slot = slot + 1;
}

int track_end(struct track *k)
{
    if (k->error == 0)
        ring_end(&k->w);
    else if (k->start_page != NONE)
        ring_cut(k->w.h, k->w.stream, k->start_page, k->start_offset);
    return k->error;
}

/* ---- reading ---- */

bool track_check(const struct reader *r, int64_t *values)
{
    const struct history *h = r->h;
    const uint8_t *p = r->p;
    struct entry e;
    uint32_t slot = 0;

    if (r->flags & ~(RECORD_KEY | RECORD_MORE | RECORD_CONT))
        return false;
    if ((r->flags & (RECORD_KEY | RECORD_CONT)) == RECORD_KEY)
        memset(values, 0, slots_of(h) * sizeof(*values));
    while (p < r->end) {
        uint32_t before = slot;
        int64_t value;
        if (!entry_next(&p, r->end, &slot, &e) || slot <= before || e.slot >= slots_of(h) ||
            (e.slot > 0 && h->stacks[e.slot - 1] == 0))
            return false;
        if (__builtin_add_overflow(values[e.slot], e.change, &value) || value < 0 ||
            value > VALUE_MAX || e.below < 0 || e.below > value)
            return false;
        values[e.slot] = value;
    }
    return true;
}

void track_apply(struct reader *r, int64_t *values)
{
    struct entry e;
    uint32_t slot = 0;

    if ((r->flags & (RECORD_KEY | RECORD_CONT)) == RECORD_KEY)
        memset(values, 0, slots_of(r->h) * sizeof(*values));
    while (entry_next(&r->p, r->end, &slot, &e))
        values[e.slot] += e.change;
}

int64_t track_state(const struct history *h, uint32_t stream, int64_t t_ms, int64_t *values)
{
    struct reader r;
    int64_t found_ms = 0;

    memset(values, 0, slots_of(h) * sizeof(*values));
    reader_seek(&r, h, stream, t_ms);
    while (reader_next(&r) && r.t_ms <= t_ms) {
        track_apply(&r, values);
        found_ms = r.t_ms;
    }
    return found_ms;
}

/* ---- folding ---- */

static int64_t slot_start(int64_t t_ms, int64_t step_ms)
{
    return t_ms - t_ms % step_ms;
}

/* Last values and minima of the finer stream over (after_ms, to_ms); returns
 * the time of the last moment there, or 0. */
static int64_t slot_fold(const struct history *h, uint32_t finer, int64_t after_ms,
                         int64_t to_ms, int64_t *last, int64_t *min)
{
    struct reader r;
    int64_t found_ms = 0, first_ms = 0;

    memset(last, 0, slots_of(h) * sizeof(*last));
    reader_seek(&r, h, finer, after_ms);
    while (reader_next(&r) && r.t_ms < to_ms) {
        struct entry e;
        uint32_t slot = 0;
        if (r.t_ms <= after_ms) {
            track_apply(&r, last);
            continue;
        }
        if (first_ms == 0) {
            /* The values before the slot are no part of it. */
            first_ms = r.t_ms;
            for (uint32_t i = 0; i < slots_of(h); i++)
                min[i] = INT64_MAX;
        }
        if ((r.flags & (RECORD_KEY | RECORD_CONT)) == RECORD_KEY)
            memset(last, 0, slots_of(h) * sizeof(*last));
        while (entry_next(&r.p, r.end, &slot, &e)) {
            last[e.slot] += e.change;
            if (last[e.slot] - e.below < min[e.slot])
                min[e.slot] = last[e.slot] - e.below;
        }
        if (r.t_ms == first_ms && !(r.flags & RECORD_MORE))
            for (uint32_t i = 0; i < slots_of(h); i++)
                if (min[i] == INT64_MAX)
                    min[i] = last[i];
        found_ms = r.t_ms;
    }
    return found_ms;
}

/* Writes the next slot of a tier that is over at t_ms; false when none is. */
static bool fold_next(struct history *h, uint32_t channel, int tier, int64_t t_ms)
{
    uint32_t stream = channel_stream(channel, tier);
    uint32_t finer = channel_stream(channel, tier - 1);
    int64_t step_ms = stack_tiers[tier].step_ms;
    int64_t done_ms = h->streams[stream].last_ms;
    int64_t *before = h->values[0], *last = h->values[1], *min = h->values[2];
    struct track k;
    struct reader r;
    int64_t last_ms;

    reader_seek(&r, h, finer, done_ms);
    do {
        if (!reader_next(&r))
            return false;
    } while (r.t_ms <= done_ms);
    if (slot_start(r.t_ms, step_ms) == slot_start(t_ms, step_ms))
        return false;
    last_ms = slot_fold(h, finer, done_ms, slot_start(r.t_ms, step_ms) + step_ms, last, min);
    track_state(h, stream, INT64_MAX, before);
    track_begin(&k, h, stream, last_ms);
    for (uint32_t i = 0; i < slots_of(h); i++)
        track_put(&k, i, before[i], last[i], min[i]);
    return track_end(&k) == 0;
}

void track_fold(struct history *h, uint32_t channel, int64_t t_ms)
{
    for (int tier = 1; tier < STACK_TIERS; tier++) {
        int64_t newest_ms = h->streams[channel_stream(channel, tier - 1)].last_ms;
        if (slot_start(newest_ms, stack_tiers[tier].step_ms) ==
            slot_start(t_ms, stack_tiers[tier].step_ms))
            return;
        while (fold_next(h, channel, tier, t_ms))
            ;
    }
}
