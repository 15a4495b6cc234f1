/* A target's page: its name, its lives, its note. What is rewritten has two
 * places or more, so that the version before survives a torn write. */
#include <errno.h>

#include "lib/history/inside.h"

struct name_record {
    uint32_t crc;
    uint32_t tenant; /* counts admissions; pages carry it too */
    char name[HISTORY_TARGET_NAME_MAX];
};
struct life_record {
    uint32_t crc;
    uint32_t seq; /* the newest of the same life counts; 0: empty */
    struct history_life life;
};
struct note_record {
    uint32_t crc;
    uint32_t seq;
    uint32_t n;
    uint8_t bytes[HISTORY_NOTE_BYTES];
};

/* One more than lives: what a change of the newest replaces stays whole. */
#define LIFE_RECORDS (HISTORY_LIVES_MAX + 1)

struct target_page {
    struct name_record name;
    struct note_record notes[2];
    struct life_record lives[LIFE_RECORDS];
};
_Static_assert(sizeof(struct target_page) <= TARGET_BYTES, "a target has one page");

static struct target_page *page_of(const struct history *h, int slot)
{
    return (struct target_page *)(void *)(h->block + HEADER_BYTES +
                                          (size_t)slot * TARGET_BYTES);
}

/* CRC of a record of which all but the leading CRC counts. */
static uint32_t crc_of(const void *record, size_t n)
{
    return crc32_of(0, (const uint8_t *)record + sizeof(uint32_t), n - sizeof(uint32_t));
}

static void seal(struct history *h, void *record, size_t n)
{
    uint32_t crc = crc_of(record, n);

    memcpy(record, &crc, sizeof(crc));
    block_touch(h, record, n);
}

static void clear_bad(struct history *h, void *record, size_t n)
{
    uint32_t crc;
    bool any = false;

    memcpy(&crc, record, sizeof(crc));
    for (size_t i = 0; i < n && !any; i++)
        any = ((uint8_t *)record)[i] != 0;
    if (!any || crc == crc_of(record, n))
        return;
    memset(record, 0, n);
    block_touch(h, record, n);
    h->torn++;
}

static void target_clear(struct history *h, int slot)
{
    memset(page_of(h, slot), 0, TARGET_BYTES);
    block_touch(h, page_of(h, slot), TARGET_BYTES);
    h->tenant[slot] = 0;
}

void target_load(struct history *h)
{
    for (int slot = 0; slot < HISTORY_TARGETS_MAX; slot++) {
        struct target_page *t = page_of(h, slot);
        clear_bad(h, &t->name, sizeof(t->name));
        for (int i = 0; i < 2; i++) {
            clear_bad(h, &t->notes[i], sizeof(t->notes[i]));
            if (t->notes[i].n > HISTORY_NOTE_BYTES)
                t->notes[i].n = 0;
        }
        for (int i = 0; i < LIFE_RECORDS; i++) {
            uint8_t *oom = (uint8_t *)&t->lives[i].life.oom;
            clear_bad(h, &t->lives[i], sizeof(t->lives[i]));
            *oom = *oom != 0;
        }
        h->tenant[slot] = t->name.tenant;
        if (t->name.name[HISTORY_TARGET_NAME_MAX - 1] != 0 || t->name.name[0] == 0)
            h->tenant[slot] = 0;
        if (h->tenant[slot] > h->tenants)
            h->tenants = h->tenant[slot];
    }
}

static int slot_find(const struct history *h, const char *name)
{
    for (int slot = 0; slot < HISTORY_TARGETS_MAX; slot++)
        if (h->tenant[slot] != 0 && strcmp(page_of(h, slot)->name.name, name) == 0)
            return slot;
    return -1;
}

/* A free slot, else the one of a vanished target that was silent longest. */
static int slot_take(struct history *h)
{
    int best = -1;
    int64_t best_ms = INT64_MAX;

    for (int slot = 0; slot < HISTORY_TARGETS_MAX; slot++) {
        int64_t newest_ms = 0;
        if (h->tenant[slot] == 0)
            return slot;
        if (h->active[slot])
            continue;
        for (int i = 0; i < STREAMS_PER_TARGET; i++)
            if (h->streams[ring_stream(slot, i)].last_ms > newest_ms)
                newest_ms = h->streams[ring_stream(slot, i)].last_ms;
        if (best < 0 || newest_ms < best_ms) {
            best = slot;
            best_ms = newest_ms;
        }
    }
    return best;
}

static void slot_admit(struct history *h, int slot, const char *name)
{
    struct name_record *r = &page_of(h, slot)->name;

    for (int i = 0; i < STREAMS_PER_TARGET; i++)
        ring_drop_stream(h, ring_stream(slot, i));
    target_clear(h, slot);
    *r = (struct name_record){.tenant = ++h->tenants};
    memcpy(r->name, name, strlen(name));
    seal(h, r, sizeof(*r));
    h->tenant[slot] = r->tenant;
}

int target_admit(struct history *h, const char *const *names, int n)
{
    h->n_targets = 0;
    if (n < 0 || n > HISTORY_TARGETS_MAX)
        return -EINVAL;
    for (int slot = 0; names == NULL && slot < HISTORY_TARGETS_MAX; slot++) {
        h->active[slot] = h->tenant[slot] != 0;
        if (h->active[slot])
            h->slot[h->n_targets++] = (uint8_t)slot;
    }
    if (names == NULL)
        return 0;
    for (int i = 0; i < n; i++) {
        int slot = slot_find(h, names[i]);
        if (names[i][0] == 0 || strlen(names[i]) >= HISTORY_TARGET_NAME_MAX)
            return -EINVAL;
        if (slot >= 0)
            h->active[slot] = true;
    }
    for (int i = 0; i < n; i++) {
        int slot = slot_find(h, names[i]);
        if (slot < 0) {
            slot = slot_take(h);
            slot_admit(h, slot, names[i]);
            h->active[slot] = true;
        }
        h->slot[h->n_targets++] = (uint8_t)slot;
    }
    return 0;
}

int history_targets(const struct history *h)
{
    return h->n_targets;
}

const char *history_target_name(const struct history *h, int target)
{
    return target_ok(h, target) ? page_of(h, h->slot[target])->name.name : "";
}

int history_target_find(const struct history *h, const char *name)
{
    for (int i = 0; i < h->n_targets; i++)
        if (strcmp(history_target_name(h, i), name) == 0)
            return i;
    return -1;
}

/* ---- lives ---- */

/* The record that holds the newest word on a life, or NULL. */
static struct life_record *life_find(struct target_page *t, uint64_t id)
{
    struct life_record *best = NULL;

    for (int i = 0; i < LIFE_RECORDS; i++) {
        struct life_record *r = &t->lives[i];
        if (r->seq != 0 && r->life.id == id && (best == NULL || r->seq > best->seq))
            best = r;
    }
    return best;
}

/* Where the next word goes: empty, or superseded, or the oldest life's. */
static struct life_record *life_room(struct target_page *t)
{
    struct life_record *oldest = &t->lives[0];

    for (int i = 0; i < LIFE_RECORDS; i++) {
        struct life_record *r = &t->lives[i];
        if (r->seq == 0 || life_find(t, r->life.id) != r)
            return r;
        if (r->life.id < oldest->life.id)
            oldest = r;
    }
    return oldest;
}

void history_push_life(struct history *h, int target, const struct history_life *life)
{
    struct target_page *t;
    struct life_record *r;
    uint32_t seq = 0;

    if (h->read_only || !target_ok(h, target))
        return;
    t = page_of(h, h->slot[target]);
    for (int i = 0; i < LIFE_RECORDS; i++)
        if (t->lives[i].seq > seq)
            seq = t->lives[i].seq;
    r = life_room(t);
    memset(r, 0, sizeof(*r));
    r->seq = seq + 1;
    r->life.id = life->id;
    r->life.start_ms = life->start_ms;
    r->life.seen_ms = life->seen_ms;
    r->life.end_ms = life->end_ms;
    r->life.cause = life->cause;
    r->life.oom = life->oom;
    seal(h, r, sizeof(*r));
}

size_t history_lives(const struct history *h, int target, struct history_life *out, size_t max)
{
    struct target_page *t;
    uint64_t after = 0;
    size_t n = 0, total = 0;

    if (!target_ok(h, target))
        return 0;
    t = page_of(h, h->slot[target]);
    for (int i = 0; i < LIFE_RECORDS; i++)
        total += t->lives[i].seq != 0 && life_find(t, t->lives[i].life.id) == &t->lives[i];
    /* Oldest first; where there is no room for all, the newest. */
    for (size_t k = 0; k < total; k++) {
        const struct life_record *next = NULL;
        for (int i = 0; i < LIFE_RECORDS; i++) {
            const struct life_record *r = &t->lives[i];
            if (r->seq != 0 && r->life.id >= after && life_find(t, r->life.id) == r &&
                (next == NULL || r->life.id < next->life.id))
                next = r;
        }
        if (next == NULL)
            break;
        after = next->life.id + 1;
        if (total - k <= max && n < max)
            out[n++] = next->life;
    }
    return n;
}

/* ---- the agent's note ---- */

static struct note_record *note_newest(const struct history *h, int slot)
{
    struct note_record *notes = page_of(h, slot)->notes;

    return &notes[notes[1].seq > notes[0].seq];
}

void history_note_set(struct history *h, int target, const void *bytes, size_t n)
{
    struct note_record *newest, *r;

    if (h->read_only || !target_ok(h, target) || n > HISTORY_NOTE_BYTES)
        return;
    newest = note_newest(h, h->slot[target]);
    r = newest == &page_of(h, h->slot[target])->notes[0] ? newest + 1 : newest - 1;
    memset(r, 0, sizeof(*r));
    r->seq = newest->seq + 1;
    r->n = (uint32_t)n;
    if (n > 0)
        memcpy(r->bytes, bytes, n);
    seal(h, r, sizeof(*r));
}

size_t history_note_get(const struct history *h, int target, void *out, size_t n)
{
    const struct note_record *r;

    if (!target_ok(h, target))
        return 0;
    r = note_newest(h, h->slot[target]);
    if (r->n < n)
        n = r->n;
    if (n > 0)
        memcpy(out, r->bytes, n);
    return n;
}
