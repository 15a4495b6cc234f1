/* The block: where things are in it, and which bytes changed. */
#include <errno.h>

#include "lib/history/inside.h"

static size_t carve(size_t *at, size_t n_bytes)
{
    size_t here = *at;

    *at += (n_bytes + 7) & ~(size_t)7;
    return here;
}

/* Places the scratch for n_pages; returns where it ends. */
static size_t layout_scratch(struct layout *l)
{
    size_t at = l->pages_at + (size_t)l->n_pages * l->page_bytes;
    size_t slots = (size_t)l->stacks_max + 1;

    l->scratch_at = at;
    carve(&at, sizeof(struct history));
    l->streams_at = carve(&at, STREAMS * sizeof(struct stream));
    l->gauges_at = carve(&at, HISTORY_TARGETS_MAX * SIGNAL_TIERS * sizeof(struct gauge));
    l->pages_info_at = carve(&at, l->n_pages * sizeof(struct page));
    l->dirty_at = carve(&at, l->scratch_at / DIRTY_GRAIN / 8 + 1);
    l->names_at = carve(&at, l->names_max * sizeof(uint32_t));
    l->name_hash_at = carve(&at, 2 * (size_t)l->names_max * sizeof(uint32_t));
    l->stacks_at = carve(&at, l->stacks_max * sizeof(uint32_t));
    l->stack_keys_at = carve(&at, l->stacks_max * sizeof(uint64_t));
    l->stack_series_at = carve(&at, l->stacks_max * sizeof(uint32_t));
    l->stack_hash_at = carve(&at, 2 * (size_t)l->stacks_max * sizeof(uint32_t));
    l->mark_at = carve(&at, l->names_max);
    l->series_at = carve(&at, l->stacks_max * sizeof(struct series));
    l->candidates_at = carve(&at, l->stacks_max * sizeof(struct candidate));
    l->watched_at = carve(&at, slots * sizeof(uint32_t));
    for (int i = 0; i < 3; i++)
        l->values_at[i] = carve(&at, slots * sizeof(int64_t));
    return at;
}

int layout_make(struct layout *l, size_t bytes)
{
    size_t used, per_page;

    *l = (struct layout){.bytes = bytes};
    if (bytes < HISTORY_BLOCK_MIN || bytes > (size_t)1 << 30)
        return -EINVAL;
    l->page_bytes = bytes >= 2 << 20 ? 4096 : bytes >= 1 << 20 ? 2048 : 1024;
    l->stacks_max = (uint32_t)(bytes / 1024);
    l->names_max = 3 * l->stacks_max;
    l->symbols_at = HEADER_BYTES + HISTORY_TARGETS_MAX * TARGET_BYTES;
    l->symbols_bytes = bytes / 6 / DIRTY_GRAIN * DIRTY_GRAIN;
    l->pages_at = l->symbols_at + l->symbols_bytes;
    used = layout_scratch(l);
    per_page = l->page_bytes + sizeof(struct page) + l->page_bytes / DIRTY_GRAIN / 8 + 1;
    l->n_pages = (uint32_t)((bytes - used - 16) / per_page);
    return layout_scratch(l) <= bytes ? 0 : -EINVAL;
}

struct history *block_map(void *block, const struct layout *l)
{
    uint8_t *b = block;
    struct history *h = (struct history *)(void *)(b + l->scratch_at);

    memset(b + l->scratch_at, 0, l->bytes - l->scratch_at);
    h->block = b;
    h->at = *l;
#define AT(member) ((void *)(b + l->member))
    h->streams = AT(streams_at);
    h->pages = AT(pages_info_at);
    h->dirty = AT(dirty_at);
    h->gauges = AT(gauges_at);
    h->names = AT(names_at);
    h->name_hash = AT(name_hash_at);
    h->stacks = AT(stacks_at);
    h->stack_keys = AT(stack_keys_at);
    h->stack_series = AT(stack_series_at);
    h->stack_hash = AT(stack_hash_at);
    h->mark = AT(mark_at);
    h->series = AT(series_at);
    h->candidates = AT(candidates_at);
    h->watched = AT(watched_at);
    for (int i = 0; i < 3; i++)
        h->values[i] = AT(values_at[i]);
#undef AT
    return h;
}

void block_touch(struct history *h, const void *p, size_t n)
{
    size_t from = (size_t)((const uint8_t *)p - h->block) / DIRTY_GRAIN;
    size_t to = ((size_t)((const uint8_t *)p - h->block) + n + DIRTY_GRAIN - 1) / DIRTY_GRAIN;

    for (size_t i = from; i < to; i++)
        h->dirty[i / 8] |= (uint8_t)(1U << (i % 8));
}

void block_touch_all(struct history *h)
{
    block_touch(h, h->block, h->at.scratch_at);
}

static bool is_dirty(const struct history *h, size_t grain)
{
    return (h->dirty[grain / 8] >> (grain % 8)) & 1;
}

/* Appends as much of the run as there is room for; returns grains taken. */
static size_t take_run(struct history *h, size_t from, size_t to, struct buf *out)
{
    size_t room = out->ceiling - out->len;
    uint64_t head[2];

    if (room < sizeof(head) + DIRTY_GRAIN)
        return 0;
    if ((to - from) * DIRTY_GRAIN > room - sizeof(head))
        to = from + (room - sizeof(head)) / DIRTY_GRAIN;
    head[0] = from * DIRTY_GRAIN;
    head[1] = (to - from) * DIRTY_GRAIN;
    if (head[0] + head[1] > h->at.scratch_at)
        head[1] = h->at.scratch_at - head[0];
    if (buf_reserve(out, sizeof(head) + head[1]) != 0)
        return 0;
    buf_put(out, head, sizeof(head));
    buf_put(out, h->block + head[0], head[1]);
    for (size_t i = from; i < to; i++)
        h->dirty[i / 8] &= (uint8_t) ~(1U << (i % 8));
    return to - from;
}

bool history_take_dirty(struct history *h, struct buf *out)
{
    size_t n = (h->at.scratch_at + DIRTY_GRAIN - 1) / DIRTY_GRAIN;

    for (size_t from = 0; from < n; from++) {
        size_t to = from;
        size_t taken;

        if (from % 8 == 0 && h->dirty[from / 8] == 0) {
            from += 7;
            continue;
        }
        while (to < n && is_dirty(h, to))
            to++;
        if (to == from)
            continue;
        taken = take_run(h, from, to, out);
        if (taken < to - from)
            return true;
        from = to;
    }
    h->rewrite = false;
    return false;
}

bool history_wants_rewrite(const struct history *h)
{
    return h->rewrite;
}
