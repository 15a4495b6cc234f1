/* Making, loading and describing a history; the parts do the work. */
#include <errno.h>

#include "lib/history/inside.h"

int history_format(struct history **h, void *block, size_t bytes, const char *const *names,
                   int n_targets, struct moment now, const uint8_t boot_id[16])
{
    struct layout l;
    int err = layout_make(&l, bytes);

    *h = NULL;
    if (err != 0 || (uintptr_t)block % 8 != 0)
        return -EINVAL;
    memset(block, 0, l.scratch_at);
    *h = block_map(block, &l);
    ring_format(*h);
    anchor_format(*h, now, boot_id);
    series_format(*h);
    gauge_load(*h);
    err = target_admit(*h, names, n_targets);
    block_touch_all(*h);
    if (err != 0)
        *h = NULL;
    return err;
}

int history_load(struct history **h, void *block, size_t bytes, const char *const *names,
                 int n_targets, struct moment now, const uint8_t boot_id[16], bool read_only,
                 struct errmsg *e)
{
    struct layout l;
    int err = layout_make(&l, bytes);

    *h = NULL;
    if (err != 0 || (uintptr_t)block % 8 != 0)
        return err_set(e, -EINVAL, "history: %zu bytes are too few, too many or not aligned",
                       bytes);
    err = anchor_sniff(block, bytes, e);
    if (err != 0)
        return err;
    *h = block_map(block, &l);
    err = anchor_load(*h, e);
    if (err == 0) {
        target_load(*h);
        symbols_load(*h);
        ring_load(*h);
        err = target_admit(*h, names, n_targets);
        if (err != 0)
            err_set(e, err, "history: bad target names");
    }
    if (err == 0) {
        series_load(*h);
        gauge_load(*h);
        anchor_resume(*h, now, boot_id);
        (*h)->read_only = read_only;
    } else {
        *h = NULL;
    }
    return err;
}

void history_close(struct history **h)
{
    *h = NULL;
}

size_t history_image_bytes(const struct history *h)
{
    return h->at.scratch_at;
}

int64_t history_newest(const struct history *h, int target)
{
    int64_t newest_ms = 0;

    if (!target_ok(h, target))
        return 0;
    for (int i = 0; i < STREAMS_PER_TARGET; i++) {
        const struct stream *s = &h->streams[ring_stream(h->slot[target], i)];
        if (s->last_ms > newest_ms)
            newest_ms = s->last_ms;
    }
    return newest_ms;
}

int64_t history_oldest(const struct history *h, int target)
{
    int64_t oldest_ms = INT64_MAX;

    if (!target_ok(h, target))
        return 0;
    for (int i = 0; i < STREAMS_PER_TARGET; i++) {
        int64_t t_ms = ring_oldest(h, ring_stream(h->slot[target], i));
        if (t_ms < oldest_ms)
            oldest_ms = t_ms;
    }
    return oldest_ms == INT64_MAX ? 0 : oldest_ms;
}

void history_usage(const struct history *h, int target, struct history_usage *out)
{
    uint32_t finest;
    int64_t reach_ms;

    *out = (struct history_usage){.bytes = h->at.bytes,
                                  .symbol_bytes = h->symbols_used,
                                  .stacks = h->n_stacks,
                                  .torn_records = h->torn,
                                  .finest_span_ms = stack_tiers[0].span_ms};
    out->used_bytes = h->at.bytes - (h->at.symbols_bytes - h->symbols_used) -
                      (size_t)h->free_pages * h->at.page_bytes;
    if (!target_ok(h, target))
        return;
    for (int class = 0; class < HISTORY_CLASSES; class ++)
        out->folded_stacks +=
            h->channels[channel_of(h, target, (enum history_class) class)].folded;
    finest = channel_stream(channel_of(h, target, HISTORY_STACKS), 0);
    reach_ms =
        h->streams[finest].pages > 0 ? h->streams[finest].last_ms - ring_oldest(h, finest) : 0;
    if (h->streams[finest].pressed || reach_ms > out->finest_span_ms)
        out->finest_span_ms = reach_ms;
    out->shortened = out->finest_span_ms < stack_tiers[0].span_ms;
}
