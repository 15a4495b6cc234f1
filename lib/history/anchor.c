/* The header page: what this file is, and how its time meets the clocks'.
 *
 * Ring time = the anchor's ring time + boottime elapsed since. The two anchors
 * alternate, newest whole one wins, so a torn write costs one minute's label
 * and never the file. */
#include <errno.h>

#include "lib/history/inside.h"

#define VERSION 1
#define ENDIAN_MARK 0x01020304U

static const char magic[8] = "LWRING\n";
static const size_t anchor_at[2] = {1024, 2048};

struct header {
    char magic[8];
    uint32_t endian, version;
    uint64_t bytes;
};

static uint32_t anchor_crc(const struct anchor *a)
{
    return crc32_of(VERSION, a, offsetof(struct anchor, crc));
}

void anchor_write(struct history *h)
{
    uint8_t *to;

    h->anchor.seq++;
    h->anchor.crc = anchor_crc(&h->anchor);
    to = h->block + anchor_at[h->anchor.seq & 1];
    memcpy(to, &h->anchor, sizeof(h->anchor));
    block_touch(h, to, sizeof(h->anchor));
}

static int64_t clamp_time(int64_t t_ms)
{
    return t_ms < 1 ? 1 : t_ms > TIME_MAX ? TIME_MAX : t_ms;
}

void anchor_format(struct history *h, struct moment now, const uint8_t boot_id[16])
{
    struct header head = {.endian = ENDIAN_MARK, .version = VERSION, .bytes = h->at.bytes};

    memcpy(head.magic, magic, sizeof(magic));
    memcpy(h->block, &head, sizeof(head));
    h->anchor = (struct anchor){.boot_ms = clamp_time(now.boot_ms),
                                .ring_ms = clamp_time(now.wall_ms),
                                .wall_ms = clamp_time(now.wall_ms)};
    memcpy(h->anchor.boot_id, boot_id, sizeof(h->anchor.boot_id));
    anchor_write(h);
    anchor_write(h);
}

static bool anchor_valid(const struct anchor *a)
{
    return a->crc == anchor_crc(a) && a->ring_ms == clamp_time(a->ring_ms) &&
           a->wall_ms == clamp_time(a->wall_ms) && a->boot_ms == clamp_time(a->boot_ms);
}

int anchor_load(struct history *h, struct errmsg *e)
{
    for (int i = 0; i < 2; i++) {
        struct anchor a;
        memcpy(&a, h->block + anchor_at[i], sizeof(a));
        if (anchor_valid(&a) && a.seq > h->anchor.seq)
            h->anchor = a;
    }
    if (h->anchor.seq == 0)
        return err_set(e, ERR_CORRUPT, "history: neither of the two anchors is whole");
    return 0;
}

void anchor_resume(struct history *h, struct moment now, const uint8_t boot_id[16])
{
    struct anchor *a = &h->anchor;
    int64_t ring_ms;

    now.boot_ms = clamp_time(now.boot_ms);
    now.wall_ms = clamp_time(now.wall_ms);
    if (memcmp(a->boot_id, boot_id, sizeof(a->boot_id)) == 0)
        ring_ms = a->ring_ms + (now.boot_ms - a->boot_ms);
    else
        ring_ms = a->ring_ms + (now.wall_ms - a->wall_ms);
    if (ring_ms <= h->newest_ms)
        ring_ms = h->newest_ms + 1;
    memcpy(a->boot_id, boot_id, sizeof(a->boot_id));
    a->ring_ms = clamp_time(ring_ms);
    a->boot_ms = now.boot_ms;
    a->wall_ms = now.wall_ms;
    anchor_write(h);
}

void history_anchor(struct history *h, struct moment now)
{
    if (h->read_only)
        return;
    h->anchor.ring_ms = clamp_time(history_time(h, now));
    h->anchor.boot_ms = clamp_time(now.boot_ms);
    h->anchor.wall_ms = clamp_time(now.wall_ms);
    anchor_write(h);
}

int64_t history_time(const struct history *h, struct moment now)
{
    return clamp_time(h->anchor.ring_ms + (clamp_time(now.boot_ms) - h->anchor.boot_ms));
}

int64_t history_wall_ms(const struct history *h, int64_t t_ms)
{
    return t_ms + (h->anchor.wall_ms - h->anchor.ring_ms);
}

int anchor_sniff(const void *block, size_t bytes, struct errmsg *e)
{
    struct header head;

    memcpy(&head, block, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0)
        return err_set(e, ERR_CORRUPT, "history: not a history file");
    if (head.endian != ENDIAN_MARK || head.version != VERSION)
        return err_set(e, ERR_VERSION,
                       "history: version %u, expected %d, or a foreign byte order",
                       head.version, VERSION);
    if (head.bytes != bytes)
        return err_set(e, -EINVAL, "history: made for %llu bytes, not %zu",
                       (unsigned long long)head.bytes, bytes);
    return 0;
}
