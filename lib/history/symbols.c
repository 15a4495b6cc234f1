/* Names and stacks, interned in an append-only log inside the block.
 *
 * The log is bundles {uint32 bytes, uint32 crc, items}; one bundle defines a
 * stack and the names it is the first to use, so a torn write loses whole
 * stacks. Items:
 *   name   varint(length << 1), varint id, varint(parent + 1), bytes
 *   stack  varint(frames << 1 | 1), varint id, key (8), fingerprint (11),
 *          per frame varint name, zigzag varint line
 * A function's parent is its file's name; a file has none (0). Ids are stable:
 * a compaction slides what is left to the front under a new generation, which
 * seeds the CRCs, and reuses the ids of what it dropped. */
#include "lib/history/inside.h"

#define BUNDLE_HEAD 8
#define BUNDLE_FULL 2048 /* after a compaction bundles are about this large */
#define NAME_MAX_BYTES 512
#define ITEM_HEAD_MAX 15

struct item {
    bool stack;
    uint32_t id;
    struct str text;
    uint32_t parent; /* id + 1, 0 none */
    uint64_t key;
    const char *fingerprint;
    uint32_t n_frames;
    const uint8_t *frames;
    const uint8_t *end;
};

static uint8_t *base_of(const struct history *h)
{
    return h->block + h->at.symbols_at;
}

static const uint8_t *log_end(const struct history *h)
{
    return base_of(h) + h->symbols_used;
}

/* ---- parsing ---- */

static bool frame_next(const uint8_t **p, const uint8_t *end, uint32_t *name, int32_t *line)
{
    uint64_t id, zz;

    if (!varint_get(p, end, &id) || !varint_get(p, end, &zz) || id >= NONE)
        return false;
    *name = (uint32_t)id;
    *line = (int32_t)unzigzag(zz);
    return true;
}

static bool stack_parse(const uint8_t *p, const uint8_t *end, struct item *item)
{
    uint32_t name;
    int32_t line;

    if ((size_t)(end - p) < sizeof(item->key) + FINGERPRINT_MAX)
        return false;
    memcpy(&item->key, p, sizeof(item->key));
    item->fingerprint = (const char *)p + sizeof(item->key);
    p += sizeof(item->key) + FINGERPRINT_MAX;
    item->frames = p;
    for (uint32_t i = 0; i < item->n_frames; i++)
        if (!frame_next(&p, end, &name, &line))
            return false;
    item->end = p;
    return item->fingerprint[FINGERPRINT_MAX - 1] == 0;
}

static bool item_parse(const uint8_t *p, const uint8_t *end, struct item *item)
{
    uint64_t head, id, parent;

    if (!varint_get(&p, end, &head) || !varint_get(&p, end, &id) || id >= NONE)
        return false;
    *item = (struct item){.stack = head & 1, .id = (uint32_t)id};
    head >>= 1;
    if (item->stack) {
        item->n_frames = (uint32_t)head;
        return head <= HISTORY_FRAMES_MAX && stack_parse(p, end, item);
    }
    if (!varint_get(&p, end, &parent) || parent >= NONE || head > (size_t)(end - p))
        return false;
    item->parent = (uint32_t)parent;
    item->text = (struct str){(const char *)p, head};
    item->end = p + head;
    return true;
}

/* The item at an offset a table holds: it was parsed before. */
static struct item item_at(const struct history *h, uint32_t offset)
{
    struct item item = {0};

    item_parse(base_of(h) + offset, log_end(h), &item);
    return item;
}

/* ---- hash tables: open addressing, values id + 1 ---- */

static uint32_t bucket(uint64_t hash, uint32_t n_slots)
{
    return (uint32_t)(((hash * 0x9E3779B97F4A7C15U >> 32) * n_slots) >> 32);
}

static void hash_add(uint32_t *table, uint32_t n_slots, uint64_t hash, uint32_t id)
{
    uint32_t i = bucket(hash, n_slots);

    while (table[i] != 0)
        i = i + 1 == n_slots ? 0 : i + 1;
    table[i] = id + 1;
}

static uint32_t name_find(const struct history *h, struct str text, uint32_t parent)
{
    uint32_t n_slots = 2 * h->at.names_max;
    uint32_t i = bucket(str_hash(text, parent), n_slots);

    for (; h->name_hash[i] != 0; i = i + 1 == n_slots ? 0 : i + 1) {
        struct item item = item_at(h, h->names[h->name_hash[i] - 1]);
        if (item.parent == parent && str_eq(item.text, text))
            return item.id;
    }
    return NONE;
}

uint32_t symbols_find(const struct history *h, uint64_t key)
{
    uint32_t n_slots = 2 * h->at.stacks_max;
    uint32_t i = bucket(key, n_slots);

    for (; h->stack_hash[i] != 0; i = i + 1 == n_slots ? 0 : i + 1) {
        uint32_t id = h->stack_hash[i] - 1;
        if (h->stack_keys[id] == key)
            return id;
    }
    return NONE;
}

/* Enters an item at an offset into the tables. */
static void item_enter(struct history *h, const struct item *item, uint32_t offset)
{
    if (item->stack) {
        h->stacks[item->id] = offset;
        h->stack_keys[item->id] = item->key;
        hash_add(h->stack_hash, 2 * h->at.stacks_max, item->key, item->id);
        h->n_stacks++;
        if (item->id >= h->stack_top)
            h->stack_top = item->id + 1;
    } else {
        h->names[item->id] = offset;
        hash_add(h->name_hash, 2 * h->at.names_max, str_hash(item->text, item->parent),
                 item->id);
        h->n_names++;
    }
}

/* ---- loading ---- */

static bool item_valid(const struct history *h, const struct item *item)
{
    const uint8_t *p = item->frames;
    uint32_t name;
    int32_t line;

    if (!item->stack)
        return item->id < h->at.names_max && h->names[item->id] == 0 &&
               (item->parent == 0 ||
                (item->parent <= h->at.names_max && h->names[item->parent - 1] != 0));
    if (item->id >= h->at.stacks_max || h->stacks[item->id] != 0 || item->key == 0 ||
        symbols_find(h, item->key) != NONE)
        return false;
    for (uint32_t i = 0; i < item->n_frames; i++)
        if (!frame_next(&p, item->end, &name, &line) || name >= h->at.names_max ||
            h->names[name] == 0)
            return false;
    return true;
}

static uint32_t bundle_crc(const struct history *h, const uint8_t *items, uint32_t n)
{
    return crc32_of(h->anchor.generation + 1, items, n);
}

/* Takes over the items of a bundle; false at the first bad one. */
static bool bundle_load(struct history *h, const uint8_t *p, const uint8_t *end)
{
    struct item item;

    h->symbols_used = (uint32_t)(end - base_of(h));
    while (p < end) {
        if (!item_parse(p, end, &item) || !item_valid(h, &item))
            return false;
        item_enter(h, &item, (uint32_t)(p - base_of(h)));
        p = item.end;
    }
    return true;
}

void symbols_load(struct history *h)
{
    uint8_t *base = base_of(h);
    uint32_t at = 0;
    bool torn = false;

    while (at + BUNDLE_HEAD <= h->at.symbols_bytes) {
        uint32_t head[2];
        memcpy(head, base + at, sizeof(head));
        if (head[0] == 0 || head[0] > h->at.symbols_bytes - at - BUNDLE_HEAD ||
            head[1] != bundle_crc(h, base + at + BUNDLE_HEAD, head[0]))
            break;
        if (!bundle_load(h, base + at + BUNDLE_HEAD, base + at + BUNDLE_HEAD + head[0])) {
            /* Whole by its CRC and yet wrong: keep what was entered. */
            at += BUNDLE_HEAD + head[0];
            break;
        }
        at += BUNDLE_HEAD + head[0];
    }
    h->symbols_used = at;
    for (size_t i = at; i < h->at.symbols_bytes && !torn; i++)
        torn = base[i] != 0;
    if (torn) {
        memset(base + at, 0, h->at.symbols_bytes - at);
        block_touch(h, base + at, h->at.symbols_bytes - at);
        h->torn++;
    }
}

/* ---- interning ---- */

static uint32_t free_id(const uint32_t *table, uint32_t *hint)
{
    while (table[*hint] != 0)
        (*hint)++;
    return (*hint)++;
}

static uint8_t *name_intern(struct history *h, uint8_t *p, struct str text, uint32_t parent,
                            uint32_t *id)
{
    struct item item;
    uint8_t *start = p;

    if (text.n > NAME_MAX_BYTES)
        text.n = NAME_MAX_BYTES;
    *id = name_find(h, text, parent);
    if (*id != NONE)
        return p;
    *id = free_id(h->names, &h->name_hint);
    p = varint_put(p, (uint64_t)text.n << 1);
    p = varint_put(p, *id);
    p = varint_put(p, parent);
    if (text.n > 0)
        memcpy(p, text.p, text.n);
    p += text.n;
    h->symbols_used = (uint32_t)(p - base_of(h));
    item_parse(start, p, &item);
    item_enter(h, &item, (uint32_t)(start - base_of(h)));
    return p;
}

static size_t bytes_at_most(const struct frame *frames, size_t n)
{
    size_t sum = BUNDLE_HEAD + ITEM_HEAD_MAX + sizeof(uint64_t) + FINGERPRINT_MAX;

    for (size_t i = 0; i < n; i++)
        sum += (frames[i].function.n < NAME_MAX_BYTES ? frames[i].function.n : NAME_MAX_BYTES) +
               (frames[i].file.n < NAME_MAX_BYTES ? frames[i].file.n : NAME_MAX_BYTES) +
               3 * ITEM_HEAD_MAX;
    return sum;
}

/* Writes the stack item; returns its end. */
static uint8_t *stack_put(uint8_t *p, uint32_t id, uint64_t key, const struct frame *frames,
                          size_t n, const uint32_t *names)
{
    char fingerprint[FINGERPRINT_MAX] = {0};

    p = varint_put(p, (uint64_t)n << 1 | 1);
    p = varint_put(p, id);
    memcpy(p, &key, sizeof(key));
    p += sizeof(key);
    fingerprint_frames(frames, n, fingerprint);
    memcpy(p, fingerprint, sizeof(fingerprint));
    p += sizeof(fingerprint);
    for (size_t i = 0; i < n; i++) {
        p = varint_put(p, names[i]);
        p = varint_put(p, zigzag(frames[i].line));
    }
    return p;
}

uint32_t symbols_intern(struct history *h, uint64_t key, const struct frame *frames, size_t n)
{
    uint32_t names[HISTORY_FRAMES_MAX];
    uint8_t *bundle = base_of(h) + h->symbols_used;
    uint8_t *p = bundle + BUNDLE_HEAD, *start;
    struct item item;
    uint32_t head[2], id;

    if (n > HISTORY_FRAMES_MAX)
        n = HISTORY_FRAMES_MAX;
    if (h->n_stacks >= h->at.stacks_max || h->at.names_max - h->n_names < 2 * n ||
        h->at.symbols_bytes - h->symbols_used < bytes_at_most(frames, n))
        return NONE;
    for (size_t i = 0; i < n; i++) {
        uint32_t file;
        p = name_intern(h, p, frames[i].file, 0, &file);
        p = name_intern(h, p, frames[i].function, file + 1, &names[i]);
    }
    id = free_id(h->stacks, &h->stack_hint);
    start = p;
    p = stack_put(p, id, key, frames, n, names);
    h->symbols_used = (uint32_t)(p - base_of(h));
    item_parse(start, p, &item);
    item_enter(h, &item, (uint32_t)(start - base_of(h)));
    head[0] = (uint32_t)(p - bundle - BUNDLE_HEAD);
    head[1] = bundle_crc(h, bundle + BUNDLE_HEAD, head[0]);
    memcpy(bundle, head, sizeof(head));
    block_touch(h, bundle, (size_t)(p - bundle));
    return id;
}

/* ---- compaction ---- */

static void mark_names(struct history *h)
{
    memset(h->mark, 0, h->at.names_max);
    for (uint32_t id = 0; id < h->stack_top; id++) {
        struct item item;
        uint32_t name;
        int32_t line;
        if (h->stacks[id] == 0 || h->watched[id] == 0)
            continue;
        item = item_at(h, h->stacks[id]);
        for (uint32_t i = 0; i < item.n_frames; i++) {
            uint32_t parent;
            frame_next(&item.frames, item.end, &name, &line);
            parent = item_at(h, h->names[name]).parent;
            h->mark[name] = 1;
            if (parent > 0)
                h->mark[parent - 1] = 1;
        }
    }
}

static void bundle_close(struct history *h, uint32_t at, uint32_t end)
{
    uint8_t *p = base_of(h) + at;
    uint32_t head[2] = {end - at - BUNDLE_HEAD, 0};

    head[1] = bundle_crc(h, p + BUNDLE_HEAD, head[0]);
    memcpy(p, head, sizeof(head));
}

/* Slides the items that are marked to the front; the tables are empty before
 * and full after. What is written never overtakes what is read: each new head
 * stands where one was read. */
static void slide(struct history *h, uint32_t used)
{
    uint8_t *base = base_of(h);
    uint32_t out = 0, open = NONE;

    for (uint32_t in = 0; in < used;) {
        uint32_t n;
        const uint8_t *p = base + in + BUNDLE_HEAD;
        memcpy(&n, base + in, sizeof(n));
        in += BUNDLE_HEAD + n;
        if (open != NONE && out - open >= BUNDLE_FULL) {
            bundle_close(h, open, out);
            open = NONE;
        }
        if (open == NONE) {
            open = out;
            out += BUNDLE_HEAD;
        }
        while (p < base + in) {
            struct item item;
            const uint8_t *start = p;
            if (!item_parse(p, base + in, &item))
                break;
            p = item.end;
            if (item.stack ? h->watched[item.id] == 0 : h->mark[item.id] == 0)
                continue;
            memmove(base + out, start, (size_t)(p - start));
            h->symbols_used = out + (uint32_t)(p - start);
            item_parse(base + out, log_end(h), &item);
            item_enter(h, &item, out);
            out = h->symbols_used;
        }
    }
    if (open != NONE && out > open + BUNDLE_HEAD)
        bundle_close(h, open, out);
    else if (open != NONE)
        out = open;
    h->symbols_used = out;
}

void symbols_compact(struct history *h)
{
    uint32_t used = h->symbols_used;

    mark_names(h);
    memset(h->names, 0, h->at.names_max * sizeof(*h->names));
    memset(h->name_hash, 0, 2 * (size_t)h->at.names_max * sizeof(*h->name_hash));
    memset(h->stacks, 0, h->at.stacks_max * sizeof(*h->stacks));
    memset(h->stack_hash, 0, 2 * (size_t)h->at.stacks_max * sizeof(*h->stack_hash));
    h->n_names = h->n_stacks = h->name_hint = h->stack_hint = h->stack_top = 0;
    h->anchor.generation++;
    slide(h, used);
    memset(base_of(h) + h->symbols_used, 0, h->at.symbols_bytes - h->symbols_used);
    anchor_write(h);
    block_touch_all(h);
    h->rewrite = true;
}

/* ---- what others ask ---- */

static bool stack_known(const struct history *h, uint32_t stack)
{
    return stack < h->at.stacks_max && h->stacks[stack] != 0;
}

size_t history_frames(const struct history *h, uint32_t stack, struct frame *out, size_t max)
{
    struct item item;
    size_t n = 0;

    if (!stack_known(h, stack))
        return 0;
    item = item_at(h, h->stacks[stack]);
    for (uint32_t i = 0; i < item.n_frames && n < max; i++) {
        struct item name;
        uint32_t id;
        int32_t line;
        frame_next(&item.frames, item.end, &id, &line);
        name = item_at(h, h->names[id]);
        out[n] = (struct frame){.function = name.text, .line = line};
        if (name.parent > 0)
            out[n].file = item_at(h, h->names[name.parent - 1]).text;
        n++;
    }
    return n;
}

const char *history_fingerprint(const struct history *h, uint32_t stack)
{
    return stack_known(h, stack) ? item_at(h, h->stacks[stack]).fingerprint : "";
}

uint32_t history_find_key(const struct history *h, uint64_t key)
{
    return symbols_find(h, key);
}

uint32_t history_find_fingerprint(const struct history *h, const char *fingerprint)
{
    for (uint32_t id = 0; id < h->stack_top; id++)
        if (h->stacks[id] != 0 && strcmp(history_fingerprint(h, id), fingerprint) == 0)
            return id;
    return HISTORY_OTHER;
}
