/* The pool of pages that all streams share, and the records in them.
 *
 * Happy path: ring_begin … ring_end append a record to a stream's newest page;
 * ring_open takes a new page when it is full; when none is free, the oldest
 * segment that is missed least goes (ring_victim).
 *
 * Failure: each page's head and each record has a CRC; a record's is seeded by
 * its page's sequence and its place, so bytes left over from an earlier use are
 * never taken for records. ring_load keeps, of each segment, the whole moments
 * before the first damage. Nothing that is read later was not checked then. */
#include <errno.h>

#include "lib/history/inside.h"

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

struct page_head {
    uint32_t crc; /* of what follows */
    uint16_t stream;
    uint16_t key;
    uint32_t tenant;
    uint32_t prev_used; /* bytes of that page: none of its records is missing */
    uint64_t seq;       /* counts all pages ever opened, from 1 */
    uint64_t prev;      /* of the page this one continues; 0 for a key */
    int64_t t0_ms;      /* times of records count from here */
};

#define PAGE_HEAD ((uint32_t)sizeof(struct page_head))
/* A record: its payload's length and CRC; the payload is flags, the time since
 * the record before (varint) and the body. */
#define RECORD_HEAD 6
#define PAYLOAD_HEAD (1 + VARINT_MAX)

static uint8_t *page_bytes(const struct history *h, uint32_t page)
{
    return h->block + h->at.pages_at + (size_t)page * h->at.page_bytes;
}

static struct page_head page_head(const struct history *h, uint32_t page)
{
    struct page_head head;

    memcpy(&head, page_bytes(h, page), sizeof(head));
    return head;
}

static uint32_t head_crc(const struct page_head *head, uint32_t page)
{
    return crc32_of(page, &head->stream, sizeof(*head) - offsetof(struct page_head, stream));
}

static uint32_t record_crc(uint64_t seq, uint32_t offset, const uint8_t *payload, uint16_t n)
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

static bool is_signal(uint32_t stream)
{
    return stream % STREAMS_PER_TARGET < SIGNAL_TIERS;
}

/* ---- taking and giving back pages ---- */

static void page_free(struct history *h, uint32_t page)
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
    return (reach + 0.05) * share * (is_signal(stream) ? 0.25 : 1);
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

static void link_page(struct history *h, uint32_t stream, uint32_t page)
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
    head.crc = head_crc(&head, page);
    memset(page_bytes(h, page), 0, h->at.page_bytes);
    memcpy(page_bytes(h, page), &head, sizeof(head));
    block_touch(h, page_bytes(h, page), h->at.page_bytes);
    h->pages[page] =
        (struct page){.first_ms = t_ms, .last_ms = t_ms, .used = PAGE_HEAD, .key = key};
    link_page(h, stream, page);
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

/* The record at an offset of a page; false at the end of its records. */
static bool record_at(const struct history *h, uint32_t page, uint32_t offset, uint16_t *n,
                      const uint8_t **payload)
{
    if (offset + RECORD_HEAD > h->at.page_bytes)
        return false;
    memcpy(n, page_bytes(h, page) + offset, sizeof(*n));
    *payload = page_bytes(h, page) + offset + RECORD_HEAD;
    return *n > 0 && offset + RECORD_HEAD + *n <= h->at.page_bytes;
}

static bool payload_parse(struct reader *r, const uint8_t *payload, uint16_t n)
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

static void reader_page(struct reader *r, uint32_t page)
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

/* ---- loading ---- */

static void pages_clear(struct history *h)
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

/* Zeroes a page from an offset on, so that nothing there is ever read. */
static bool page_truncate(struct history *h, uint32_t page, uint32_t offset)
{
    uint8_t *bytes = page_bytes(h, page);
    bool any = false;

    h->pages[page].used = offset;
    for (uint32_t i = offset; i < h->at.page_bytes && !any; i++)
        any = bytes[i] != 0;
    if (any) {
        memset(bytes + offset, 0, h->at.page_bytes - offset);
        block_touch(h, bytes + offset, h->at.page_bytes - offset);
    }
    return any;
}

/* Sets last times after a cut from what is left in a page. */
static void page_recount(struct history *h, uint32_t page)
{
    struct reader r = {.h = h};
    struct page *p = &h->pages[page];
    const uint8_t *payload;
    uint16_t n;

    reader_page(&r, page);
    p->last_ms = r.t_ms;
    while (r.offset < p->used && record_at(h, page, r.offset, &n, &payload)) {
        r.offset += RECORD_HEAD + n;
        if (payload_parse(&r, payload, n))
            p->last_ms = r.t_ms;
    }
}

void ring_cut(struct history *h, uint32_t stream, uint32_t page, uint32_t offset)
{
    struct stream *s = &h->streams[stream];
    uint32_t before = NONE;

    for (uint32_t p = s->head; p != NONE && p != page; p = h->pages[p].next)
        before = p;
    if (offset <= PAGE_HEAD && before == NONE) {
        ring_drop_stream(h, stream);
        return;
    }
    for (uint32_t p = h->pages[page].next, next; p != NONE; p = next) {
        next = h->pages[p].next;
        s->pages--;
        s->segments -= h->pages[p].key;
        page_free(h, p);
    }
    page_truncate(h, page, offset);
    page_recount(h, page);
    s->tail = page;
    h->pages[page].next = NONE;
    if (offset <= PAGE_HEAD) {
        s->pages--;
        s->segments -= h->pages[page].key;
        page_free(h, page);
        s->tail = before;
        h->pages[before].next = NONE;
    }
    s->last_ms = h->pages[s->tail].last_ms;
    s->since_key = UINT32_MAX / 2; /* the next page starts with a keyframe */
}

struct load {
    uint32_t page, offset; /* where the open moment began; NONE: none is open */
    bool broken;           /* nothing more until the next keyframe */
    uint64_t seq;          /* of the page before */
};

/* Takes over a page's whole and sensible records; false where they end early. */
static bool load_records(struct history *h, struct load *l, uint32_t stream, uint32_t page)
{
    struct page *p = &h->pages[page];
    struct reader r = {.h = h};
    uint64_t seq = page_head(h, page).seq;
    const uint8_t *payload;
    uint16_t n;

    reader_page(&r, page);
    while (record_at(h, page, r.offset, &n, &payload)) {
        bool first = r.offset == PAGE_HEAD;
        uint32_t crc;
        memcpy(&crc, payload - sizeof(crc), sizeof(crc));
        if (crc != record_crc(seq, r.offset, payload, n) || !payload_parse(&r, payload, n) ||
            r.t_ms < h->streams[stream].last_ms ||
            ((r.flags & RECORD_CONT) != 0) != (l->page != NONE))
            break;
        if (is_signal(stream) ? !gauge_check(&r)
                              : (first && p->key && !(r.flags & RECORD_KEY)) ||
                                    !track_check(&r, h->values[0]))
            break;
        if (!(r.flags & RECORD_CONT) && (r.flags & RECORD_MORE)) {
            l->page = page;
            l->offset = r.offset;
        }
        if (!(r.flags & RECORD_MORE))
            l->page = NONE;
        if (first)
            p->first_ms = r.t_ms;
        p->last_ms = h->streams[stream].last_ms = r.t_ms;
        r.offset += RECORD_HEAD + n;
    }
    return !page_truncate(h, page, r.offset);
}

/* Drops the moment that was left open, and a newest page without a record. */
static void load_close(struct history *h, struct load *l, uint32_t stream)
{
    struct stream *s = &h->streams[stream];

    if (l->page != NONE) {
        ring_cut(h, stream, l->page, l->offset);
        h->torn++;
        l->page = NONE;
    } else if (s->pages > 0 && h->pages[s->tail].used <= PAGE_HEAD) {
        ring_cut(h, stream, s->tail, PAGE_HEAD);
    }
}

static void load_page(struct history *h, struct load *l, uint32_t page)
{
    struct page_head head = page_head(h, page);
    uint32_t stream = head.stream;
    struct stream *s = &h->streams[stream];

    if (head.key) {
        load_close(h, l, stream);
        l->broken = false;
    }
    if (l->broken ||
        (!head.key &&
         (s->pages == 0 || head.prev != l->seq || head.prev_used != h->pages[s->tail].used)) ||
        head.t0_ms < s->last_ms) {
        l->broken = true;
        h->torn++;
        page_free(h, page);
        return;
    }
    l->seq = head.seq;
    h->pages[page].key = head.key;
    h->pages[page].first_ms = head.t0_ms;
    link_page(h, stream, page);
    if (!load_records(h, l, stream, page)) {
        l->broken = true;
        h->torn++;
    }
    if (h->pages[page].used <= PAGE_HEAD)
        load_close(h, l, stream);
}

static bool page_valid(const struct history *h, uint32_t page)
{
    struct page_head head = page_head(h, page);

    return head.seq > 0 && head.seq < UINT64_MAX / 2 && head.crc == head_crc(&head, page) &&
           head.stream < STREAMS && head.t0_ms > 0 && head.t0_ms <= TIME_MAX && head.key <= 1 &&
           head.tenant == h->tenant[head.stream / STREAMS_PER_TARGET] && head.tenant != 0;
}

/* Orders pages by stream, then by sequence: Shell's sort, in place. */
static void sort_pages(const struct history *h, uint32_t *order, uint32_t n)
{
    for (uint32_t gap = n / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < n; i++) {
            uint32_t page = order[i];
            struct page_head a = page_head(h, page);
            uint32_t j = i;
            for (; j >= gap; j -= gap) {
                struct page_head b = page_head(h, order[j - gap]);
                if (b.stream < a.stream || (b.stream == a.stream && b.seq <= a.seq))
                    break;
                order[j] = order[j - gap];
            }
            order[j] = page;
        }
    }
}

void ring_load(struct history *h)
{
    struct load l = {.page = NONE};
    uint32_t *order = (uint32_t *)(void *)h->values[1];
    uint32_t n = 0, stream = NONE;

    pages_clear(h);
    for (uint32_t page = 0; page < h->at.n_pages; page++) {
        if (page_valid(h, page))
            order[n++] = page;
        else
            page_free(h, page);
    }
    sort_pages(h, order, n);
    for (uint32_t i = 0; i < n; i++) {
        struct page_head head = page_head(h, order[i]);
        if (head.stream != stream) {
            if (stream != NONE)
                load_close(h, &l, stream);
            stream = head.stream;
            l = (struct load){.page = NONE};
        }
        if (head.seq > h->seq)
            h->seq = head.seq;
        load_page(h, &l, order[i]);
    }
    if (stream != NONE)
        load_close(h, &l, stream);
    for (uint32_t i = 0; i < STREAMS; i++) {
        h->streams[i].since_key = UINT32_MAX / 2;
        if (h->streams[i].last_ms > h->newest_ms)
            h->newest_ms = h->streams[i].last_ms;
    }
}
