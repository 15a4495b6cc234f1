/* The pool of pages that all streams share, and the records in them.
 *
 * ring_begin … ring_end append a record to a stream's newest page; ring_open
 * takes a new page when that is full; when none is free, the oldest segment
 * that is missed least goes (victim_score). */
#include <errno.h>

#include "lib/history/page.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

const struct tier signal_tiers[SIGNAL_TIERS] = {
    {500, 2 * MINUTE_MS},      {1000, 10 * MINUTE_MS},       {10000, HOUR_MS},
    {MINUTE_MS, 12 * HOUR_MS}, {10 * MINUTE_MS, 3 * DAY_MS}, {HOUR_MS, 30 * DAY_MS}};
const struct tier stack_tiers[STACK_TIERS] = {{10000, 90 * MINUTE_MS},
                                              {5 * MINUTE_MS, 12 * HOUR_MS},
                                              {15 * MINUTE_MS, 3 * DAY_MS},
                                              {HOUR_MS, 30 * DAY_MS}};

uint8_t *page_bytes(const struct history *h, uint32_t page)
{
    return h->block + h->at.pages_at + (size_t)page * h->at.page_bytes;
}

struct page_head page_head(const struct history *h, uint32_t page)
{
    struct page_head head;

    memcpy(&head, page_bytes(h, page), sizeof(head));
    return head;
}

uint32_t page_head_crc(const struct page_head *head, uint32_t page)
{
    return crc32_of(page, &head->stream, sizeof(*head) - offsetof(struct page_head, stream));
}

uint32_t record_crc(uint64_t seq, uint32_t offset, const uint8_t *payload, uint16_t n)
{
    return crc32_of((uint32_t)(seq * 2654435761U) ^ (offset << 16) ^ n, payload, n);
}

uint32_t ring_stream(int slot, int index)
{
    return (uint32_t)(slot * STREAMS_PER_TARGET + index);
}

static const struct tier *stream_tier(uint32_t stream)
{
    uint32_t index = stream % STREAMS_PER_TARGET;

    if (index < SIGNAL_TIERS)
        return &signal_tiers[index];
    return &stack_tiers[(index - SIGNAL_TIERS) % STACK_TIERS];
}

bool stream_is_signal(uint32_t stream)
{
    return stream % STREAMS_PER_TARGET < SIGNAL_TIERS;
}

/* ---- taking and giving back pages ---- */

void page_free(struct history *h, uint32_t page)
{
    /* Without its head the page is nobody's in the file either. */
    if (page_head(h, page).seq != 0) {
        memset(page_bytes(h, page), 0, PAGE_HEAD);
        block_touch(h, page_bytes(h, page), PAGE_HEAD);
    }
    h->pages[page] = (struct page){.next = h->free_page};
    h->free_page = page;
    h->free_pages++;
}

static void drop_head(struct history *h, struct stream *s)
{
    uint32_t page = s->head;

    s->head = h->pages[page].next;
    s->pages--;
    if (h->pages[page].key)
        s->segments--;
    page_free(h, page);
    if (s->pages == 0)
        *s = (struct stream){.head = NONE, .tail = NONE, .pressed = s->pressed};
}

void ring_drop_segment(struct history *h, uint32_t stream)
{
    struct stream *s = &h->streams[stream];

    do
        drop_head(h, s);
    while (s->pages > 0 && !h->pages[s->head].key);
}

void ring_drop_stream(struct history *h, uint32_t stream)
{
    while (h->streams[stream].pages > 0)
        drop_head(h, &h->streams[stream]);
}

/* How far the stream would reach back without its oldest segment, in spans of
 * its tier. */
static double reach_without(const struct history *h, uint32_t stream)
{
    const struct stream *s = &h->streams[stream];
    uint32_t page = h->pages[s->head].next;

    while (page != NONE && !h->pages[page].key)
        page = h->pages[page].next;
    if (page == NONE)
        return 0;
    return (double)(h->newest_ms - h->pages[page].first_ms) /
           (double)stream_tier(stream)->span_ms;
}

/* How little the oldest segment of a stream is missed: first what is beyond
 * its tier's span; then the largest of the finest stack tiers, until they
 * reach back a sixth of theirs; then whoever is large and reaches far. A
 * target that is no longer watched gives up everything. */
static double victim_score(const struct history *h, uint32_t stream)
{
    const struct stream *s = &h->streams[stream];
    double share = (double)s->pages / h->at.n_pages;
    double reach;
    bool finest = stream % STREAMS_PER_TARGET >= SIGNAL_TIERS &&
                  (stream % STREAMS_PER_TARGET - SIGNAL_TIERS) % STACK_TIERS == 0;

    if (s->segments < 2 && h->active[stream / STREAMS_PER_TARGET])
        return 0;
    if (s->segments == 0)
        return 0;
    reach = reach_without(h, stream);
    if (reach >= 1)
        return 1000 + reach;
    if (!h->active[stream / STREAMS_PER_TARGET])
        return 500 + share;
    if (finest && reach > 1.0 / 6)
        return 100 + share;
    return (reach + 0.05) * share * (stream_is_signal(stream) ? 0.25 : 1);
}

static int evict(struct history *h)
{
    uint32_t victim = NONE;
    double best = 0;

    for (uint32_t i = 0; i < STREAMS; i++) {
        double score = h->streams[i].pages > 0 ? victim_score(h, i) : 0;
        if (score > best) {
            best = score;
            victim = i;
        }
    }
    if (victim == NONE)
        return -ENOSPC;
    if (best < 500)
        h->streams[victim].pressed = true;
    ring_drop_segment(h, victim);
    return 0;
}

void page_link(struct history *h, uint32_t stream, uint32_t page)
{
    struct stream *s = &h->streams[stream];

    h->pages[page].next = NONE;
    h->pages[page].stream = (uint16_t)stream;
    if (s->pages == 0)
        s->head = page;
    else
        h->pages[s->tail].next = page;
    s->tail = page;
    s->pages++;
    if (h->pages[page].key)
        s->segments++;
}

int ring_open(struct history *h, uint32_t stream, bool key, int64_t t_ms)
{
    struct stream *s = &h->streams[stream];
    struct page_head head = {.stream = (uint16_t)stream,
                             .key = key,
                             .tenant = h->tenant[stream / STREAMS_PER_TARGET],
                             .prev_used = key ? 0 : h->pages[s->tail].used,
                             .seq = ++h->seq,
                             .prev = key ? 0 : page_head(h, s->tail).seq,
                             .t0_ms = t_ms};
    uint32_t page;

    if (h->free_page == NONE && evict(h) != 0)
        return -ENOSPC;
    page = h->free_page;
    h->free_page = h->pages[page].next;
    h->free_pages--;
    head.crc = page_head_crc(&head, page);
    memset(page_bytes(h, page), 0, h->at.page_bytes);
    memcpy(page_bytes(h, page), &head, sizeof(head));
    block_touch(h, page_bytes(h, page), h->at.page_bytes);
    h->pages[page] =
        (struct page){.first_ms = t_ms, .last_ms = t_ms, .used = PAGE_HEAD, .key = key};
    page_link(h, stream, page);
    if (key)
        s->key_bytes = s->since_key = 0;
    return 0;
}

/* ---- writing ---- */

bool ring_room(const struct history *h, uint32_t stream, size_t n)
{
    const struct stream *s = &h->streams[stream];

    return s->pages > 0 &&
           h->pages[s->tail].used + RECORD_HEAD + PAYLOAD_HEAD + n <= h->at.page_bytes;
}

void ring_begin(struct writer *w, struct history *h, uint32_t stream, int64_t t_ms,
                uint8_t flags)
{
    struct page *page = &h->pages[h->streams[stream].tail];
    uint8_t *bytes = page_bytes(h, h->streams[stream].tail);

    *w = (struct writer){.h = h, .stream = stream, .offset = page->used, .t_ms = t_ms};
    w->payload = bytes + page->used + RECORD_HEAD;
    w->p = w->payload;
    w->end = bytes + h->at.page_bytes;
    *w->p++ = flags;
    w->p = varint_put(w->p, (uint64_t)(t_ms - page->last_ms));
}

void ring_end(struct writer *w)
{
    struct history *h = w->h;
    struct stream *s = &h->streams[w->stream];
    struct page *page = &h->pages[s->tail];
    uint16_t n = (uint16_t)(w->p - w->payload);
    uint32_t crc = record_crc(page_head(h, s->tail).seq, w->offset, w->payload, n);
    uint8_t *record = w->payload - RECORD_HEAD;

    memcpy(record, &n, sizeof(n));
    memcpy(record + sizeof(n), &crc, sizeof(crc));
    block_touch(h, record, RECORD_HEAD + n);
    page->used += RECORD_HEAD + n;
    page->last_ms = w->t_ms;
    s->last_ms = w->t_ms;
    s->moment_bytes += n;
    if (w->t_ms > h->newest_ms)
        h->newest_ms = w->t_ms;
    if (w->payload[0] & RECORD_KEY)
        s->key_bytes += n;
    else
        s->since_key += n;
}

/* ---- reading ---- */

bool record_at(const struct history *h, uint32_t page, uint32_t offset, uint16_t *n,
               const uint8_t **payload)
{
    if (offset + RECORD_HEAD > h->at.page_bytes)
        return false;
    memcpy(n, page_bytes(h, page) + offset, sizeof(*n));
    *payload = page_bytes(h, page) + offset + RECORD_HEAD;
    return *n > 0 && offset + RECORD_HEAD + *n <= h->at.page_bytes;
}

bool payload_parse(struct reader *r, const uint8_t *payload, uint16_t n)
{
    uint64_t elapsed_ms;

    r->end = payload + n;
    r->flags = *payload++;
    if (!varint_get(&payload, r->end, &elapsed_ms) || elapsed_ms > TIME_MAX)
        return false;
    r->t_ms += (int64_t)elapsed_ms;
    r->p = payload;
    return r->t_ms <= TIME_MAX;
}

void reader_page(struct reader *r, uint32_t page)
{
    r->page = page;
    r->offset = PAGE_HEAD;
    if (page != NONE)
        r->t_ms = page_head(r->h, page).t0_ms;
}

void reader_seek(struct reader *r, const struct history *h, uint32_t stream, int64_t t_ms)
{
    uint32_t at = h->streams[stream].pages > 0 ? h->streams[stream].head : NONE;

    for (uint32_t page = at; page != NONE && h->pages[page].first_ms <= t_ms;
         page = h->pages[page].next)
        if (h->pages[page].key)
            at = page;
    *r = (struct reader){.h = h};
    reader_page(r, at);
}

bool reader_next(struct reader *r)
{
    const uint8_t *payload;
    uint16_t n;

    while (r->page != NONE && r->offset >= r->h->pages[r->page].used)
        reader_page(r, r->h->pages[r->page].next);
    if (r->page == NONE || !record_at(r->h, r->page, r->offset, &n, &payload))
        return false;
    r->offset += RECORD_HEAD + n;
    return payload_parse(r, payload, n);
}

int64_t ring_oldest(const struct history *h, uint32_t stream)
{
    const struct stream *s = &h->streams[stream];

    return s->pages > 0 ? h->pages[s->head].first_ms : INT64_MAX;
}

void pages_clear(struct history *h)
{
    for (uint32_t i = 0; i < STREAMS; i++)
        h->streams[i] = (struct stream){.head = NONE, .tail = NONE};
    h->free_page = NONE;
    h->free_pages = 0;
}

void ring_format(struct history *h)
{
    pages_clear(h);
    for (uint32_t page = h->at.n_pages; page-- > 0;)
        page_free(h, page);
}
