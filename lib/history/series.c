/* Which stacks count: one push of a whole sample.
 *
 * A *channel* is a class of a target. Its *series* are the stacks that count
 * there now, in order of id, with their last values; all else is "other", so
 * that totals add up. A stack gets a series when it matters: once it has
 * HISTORY_STACK_MATTERS, or when it rose RISES_MATTER times and never fell
 * between. Small ones wait as *candidates*, in a table where a collision
 * forgets the older: a stack that grows comes back.
 *
 * When names, stacks or series are full, what no moment refers to and counts
 * nothing now is dropped (make_room). Then, if a good part is dead, the oldest
 * segments that still speak of it go. What does not fit even so stays in
 * other until something dies. */
#include <errno.h>

#include "lib/history/inside.h"

#define RISES_MATTER 3
/* Pushes between two attempts to make room: a scan of all pages is not free. */
#define ROOM_PAUSE 64
#define ROOM_ROUNDS 8

void series_format(struct history *h)
{
    h->free_series = NONE;
    for (uint32_t i = h->at.stacks_max; i-- > 0;) {
        h->series[i].next = h->free_series;
        h->free_series = i;
    }
    for (uint32_t i = 0; i < h->at.stacks_max; i++)
        h->stack_series[i] = NONE;
    for (uint32_t i = 0; i < CHANNELS; i++)
        h->channels[i] = (struct channel){.first = NONE, .final = NONE};
}

struct series *series_find(const struct history *h, uint32_t channel, uint32_t stack)
{
    uint32_t i = stack < h->at.stacks_max ? h->stack_series[stack] : NONE;

    while (i != NONE && h->series[i].channel != channel)
        i = h->series[i].peer;
    return i == NONE ? NULL : &h->series[i];
}

static struct series *series_add(struct history *h, uint32_t channel, uint32_t stack)
{
    struct channel *c = &h->channels[channel];
    uint32_t id = h->free_series, *link = &c->first;
    struct series *s;

    if (id == NONE)
        return NULL;
    s = &h->series[id];
    h->free_series = s->next;
    *s = (struct series){
        .stack = stack, .channel = (uint16_t)channel, .peer = h->stack_series[stack]};
    h->stack_series[stack] = id;
    if (c->final != NONE && h->series[c->final].stack < stack)
        link = &h->series[c->final].next;
    while (*link != NONE && h->series[*link].stack < stack)
        link = &h->series[*link].next;
    s->next = *link;
    *link = id;
    if (s->next == NONE)
        c->final = id;
    return s;
}

/* Takes the series at *link out of its channel and frees it. */
static void series_remove(struct history *h, uint32_t *link)
{
    uint32_t id = *link;
    struct series *s = &h->series[id];
    uint32_t *peer = &h->stack_series[s->stack];

    while (*peer != id)
        peer = &h->series[*peer].peer;
    *peer = s->peer;
    *link = s->next;
    s->next = h->free_series;
    h->free_series = id;
}

void series_load(struct history *h)
{
    series_format(h);
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        track_state(h, channel_stream(channel, 0), INT64_MAX, h->values[0]);
        h->channels[channel].other = h->values[0][0];
        for (uint32_t i = 1; i < slots_of(h); i++) {
            struct series *s = h->values[0][i] > 0 ? series_add(h, channel, i - 1) : NULL;
            if (s != NULL)
                s->last = h->values[0][i];
        }
    }
}

/* ---- making room ---- */

static void series_sweep(struct history *h)
{
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        struct channel *c = &h->channels[channel];
        uint32_t *link = &c->first;
        c->final = NONE;
        while (*link != NONE) {
            struct series *s = &h->series[*link];
            if (s->last == 0 && s->value == 0) {
                series_remove(h, link);
            } else {
                c->final = *link;
                link = &s->next;
            }
        }
    }
}

/* What moments and series refer to: watched[stack] is a bit per tier, or LIVE.
 * How much each tier's moments hold of stacks that are dead; returns their
 * number. */
#define LIVE (1U << STACK_TIERS)

static uint32_t mark_stacks(struct history *h, double dead_in[STACK_TIERS])
{
    uint32_t dead = 0;

    memset(h->watched, 0, slots_of(h) * sizeof(*h->watched));
    for (uint32_t i = 0; i < CHANNELS * STACK_TIERS; i++) {
        struct reader r;
        reader_seek(&r, h, channel_stream(i / STACK_TIERS, (int)(i % STACK_TIERS)), 0);
        while (reader_next(&r)) {
            struct entry e;
            uint32_t slot = 0;
            while (entry_next(&r.p, r.end, &slot, &e))
                if (e.slot > 0)
                    h->watched[e.slot - 1] |= 1U << (i % STACK_TIERS);
        }
    }
    for (int tier = 0; tier < STACK_TIERS; tier++)
        dead_in[tier] = 0;
    for (uint32_t id = 0; id < h->stack_top; id++) {
        uint32_t tiers = h->watched[id];
        if (h->stack_series[id] != NONE)
            h->watched[id] = LIVE;
        else if (tiers != 0)
            dead++;
        for (int tier = 0; tier < STACK_TIERS && h->watched[id] != LIVE; tier++)
            if (tiers & (1U << tier))
                dead_in[tier] += 1.0 / __builtin_popcount(tiers);
    }
    return dead;
}

/* Evicts a quarter of a tier's segments over all channels, oldest first. */
static bool forget_oldest(struct history *h, int tier)
{
    uint32_t segments = 0, dropped = 0;

    for (uint32_t channel = 0; channel < CHANNELS; channel++)
        segments += h->streams[channel_stream(channel, tier)].segments;
    while (dropped < segments / 4 + 1) {
        uint32_t oldest = NONE;
        for (uint32_t channel = 0; channel < CHANNELS; channel++) {
            uint32_t i = channel_stream(channel, tier);
            if (h->streams[i].segments >= 2 &&
                (oldest == NONE || ring_oldest(h, i) < ring_oldest(h, oldest)))
                oldest = i;
        }
        if (oldest == NONE)
            break;
        h->streams[oldest].pressed = true;
        ring_drop_segment(h, oldest);
        dropped++;
    }
    return dropped > 0;
}

/* True when something was freed. Else no more is tried for a while. */
static bool make_room(struct history *h)
{
    uint32_t before = h->n_stacks, kept;
    bool had_series = h->free_series != NONE;

    series_sweep(h);
    for (int round = 0;; round++) {
        double dead_in[STACK_TIERS];
        uint32_t dead = mark_stacks(h, dead_in);
        int worst = 0;
        kept = 0;
        for (uint32_t id = 0; id < h->stack_top; id++)
            kept += h->watched[id] != 0;
        for (int tier = 1; tier < STACK_TIERS; tier++)
            if (dead_in[tier] > dead_in[worst])
                worst = tier;
        if (before - kept >= before / 8 || round == ROOM_ROUNDS)
            break;
        if (dead < before / 8 || !forget_oldest(h, worst))
            break;
    }
    h->full_until = h->pushes + ROOM_PAUSE;
    /* A compaction costs a file: not for a few. */
    if (before - kept >= before / 16)
        symbols_compact(h);
    return h->n_stacks < before || (!had_series && h->free_series != NONE);
}

/* ---- a push ---- */

struct push {
    struct history *h;
    uint32_t channel;
    struct channel *c;
    history_frames_fn frames_of;
    void *ctx;
};

/* Whether a stack without a series has come to matter. */
static bool candidate_rises(struct push *p, uint64_t key, int64_t value)
{
    struct history *h = p->h;
    struct candidate *k = &h->candidates[(key ^ p->channel) % h->at.stacks_max];

    if (k->key != key || k->channel != p->channel || k->stamp + 1 != p->c->stamp ||
        value < k->last) {
        *k = (struct candidate){.key = key, .channel = (uint16_t)p->channel};
    } else if (value > k->last) {
        k->rises++;
    }
    k->stamp = p->c->stamp;
    k->last = (uint8_t)value;
    return k->rises >= RISES_MATTER;
}

static struct series *series_admit(struct push *p, const struct history_count *count)
{
    struct history *h = p->h;
    struct frame frames[HISTORY_FRAMES_MAX];
    uint32_t stack = symbols_find(h, count->key);
    size_t n;

    for (int attempt = 0; attempt < 2; attempt++) {
        if (stack == NONE && h->pushes >= h->full_until) {
            n = p->frames_of(p->ctx, count->sample, frames, HISTORY_FRAMES_MAX);
            stack = symbols_intern(h, count->key, frames, n);
        }
        if (stack != NONE && h->free_series != NONE)
            return series_add(h, p->channel, stack);
        if (h->pushes < h->full_until || !make_room(h))
            return NULL;
        /* What had no series may have been dropped. */
        h->full_until = 0;
        stack = symbols_find(h, count->key);
    }
    return NULL;
}

/* Puts a count to its series; what has none is returned, for other. */
static int64_t push_count(struct push *p, const struct history_count *count)
{
    struct history *h = p->h;
    int64_t value = count->value > VALUE_MAX ? VALUE_MAX : count->value;
    uint32_t stack = symbols_find(h, count->key);
    struct series *s = stack == NONE ? NULL : series_find(h, p->channel, stack);

    if (value <= 0 || count->key == 0)
        return value < 0 ? 0 : value;
    if (s == NULL && (stack != NONE || value >= HISTORY_STACK_MATTERS ||
                      candidate_rises(p, count->key, value)))
        s = series_admit(p, count);
    if (s == NULL) {
        p->c->folded++;
        return value;
    }
    if (s->stamp != p->c->stamp) {
        s->stamp = p->c->stamp;
        s->value = 0;
    }
    s->value = s->value > VALUE_MAX - value ? VALUE_MAX : s->value + value;
    return 0;
}

/* Writes the moment. The series' last values follow even where that fails:
 * the stream then begins anew with a keyframe. */
static void push_write(struct push *p, int64_t t_ms, int64_t other)
{
    struct history *h = p->h;
    uint32_t stream = channel_stream(p->channel, 0);
    struct track k;

    track_begin(&k, h, stream, t_ms);
    track_put(&k, 0, p->c->other, other, other);
    p->c->other = other;
    for (uint32_t i = p->c->first; i != NONE; i = h->series[i].next) {
        struct series *s = &h->series[i];
        if (s->stamp != p->c->stamp)
            s->value = 0;
        track_put(&k, s->stack + 1, s->last, s->value, s->value);
        s->last = s->value;
    }
    if (track_end(&k) != 0)
        ring_drop_stream(h, stream);
}

int history_push_stacks(struct history *h, int target, enum history_class class, int64_t t_ms,
                        const struct history_count *counts, size_t n,
                        history_frames_fn frames_of, void *ctx)
{
    struct push p = {.h = h, .frames_of = frames_of, .ctx = ctx};
    int64_t other = 0;

    if (h->read_only || !target_ok(h, target) || t_ms <= 0 || t_ms > TIME_MAX)
        return -EINVAL;
    p.channel = channel_of(h, target, class);
    p.c = &h->channels[p.channel];
    if (t_ms < h->streams[channel_stream(p.channel, 0)].last_ms)
        return -EINVAL;
    h->pushes++;
    p.c->stamp++;
    p.c->folded = 0;
    track_fold(h, p.channel, t_ms);
    for (size_t i = 0; i < n; i++) {
        int64_t rest = push_count(&p, &counts[i]);
        other = other > VALUE_MAX - rest ? VALUE_MAX : other + rest;
    }
    push_write(&p, t_ms, other);
    return 0;
}

int64_t history_last(const struct history *h, int target, enum history_class class,
                     uint32_t stack)
{
    const struct series *s;

    if (!target_ok(h, target))
        return 0;
    if (stack == HISTORY_OTHER)
        return h->channels[channel_of(h, target, class)].other;
    s = series_find(h, channel_of(h, target, class), stack);
    return s == NULL ? 0 : s->last;
}
