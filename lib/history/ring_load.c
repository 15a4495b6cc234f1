/* Taking over the pages of a file.
 *
 * Of each segment the whole moments before the first damage are kept: a torn
 * tail, a page that is missing or that misses its end, a value that makes no
 * sense end it. What is dropped is zeroed, so that nothing is ever read that
 * was not checked here. */
#include "lib/history/page.h"

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
        if (stream_is_signal(stream) ? !gauge_check(&r)
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
    page_link(h, stream, page);
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

    return head.seq > 0 && head.seq < UINT64_MAX / 2 &&
           head.crc == page_head_crc(&head, page) && head.stream < STREAMS && head.t0_ms > 0 &&
           head.t0_ms <= TIME_MAX && head.key <= 1 &&
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
