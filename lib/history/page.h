/* Pages and records as they are in the block: for ring.c, which writes them,
 * and ring_load.c, which checks them. Borrows the block. */
#ifndef LW_HISTORY_PAGE_H
#define LW_HISTORY_PAGE_H

#include "lib/history/inside.h"

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

uint8_t *page_bytes(const struct history *h, uint32_t page);
struct page_head page_head(const struct history *h, uint32_t page);
uint32_t page_head_crc(const struct page_head *head, uint32_t page);
void page_free(struct history *h, uint32_t page);
/* Makes a page the newest of a stream. */
void page_link(struct history *h, uint32_t stream, uint32_t page);
/* All streams empty, no page free. */
void pages_clear(struct history *h);
bool stream_is_signal(uint32_t stream);

/* Seeded by the page's sequence and the record's place: bytes left over from
 * an earlier use of the page are no records. */
uint32_t record_crc(uint64_t seq, uint32_t offset, const uint8_t *payload, uint16_t n);
/* The record at an offset of a page; false at the end of its records. */
bool record_at(const struct history *h, uint32_t page, uint32_t offset, uint16_t *n,
               const uint8_t **payload);
/* Takes flags and time off a payload; the body is left in the reader. */
bool payload_parse(struct reader *r, const uint8_t *payload, uint16_t n);
/* Puts a reader to the start of a page. */
void reader_page(struct reader *r, uint32_t page);

#endif
