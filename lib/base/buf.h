/* A bounded writer: every buffer names its ceiling when it is made.
 * Writing past the ceiling sets `overflow` (sticky, checked once at the end)
 * and drops all that does not fit: what is there is a prefix of what was
 * written.
 * Ownership: a growing buffer owns its bytes until buf_free; a fixed one
 * borrows them from the caller. */
#ifndef LW_BASE_BUF_H
#define LW_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

struct buf {
    char *p;
    size_t len;
    size_t cap;     /* bytes there now */
    size_t ceiling; /* bytes there may ever be */
    bool fixed;
    bool overflow; /* something was dropped: nothing more is written */
    bool starved;  /* it was, because the heap had no more */
};

void buf_init(struct buf *b, size_t ceiling_bytes);           /* grows on demand */
void buf_fixed(struct buf *b, void *storage, size_t n_bytes); /* never grows */
/* Makes room for n_bytes more behind p + len; 0 or -ENOMEM/ERR_LIMIT (then
 * nothing has changed). */
int buf_reserve(struct buf *b, size_t n_bytes);
void buf_reset(struct buf *b); /* empties, keeps the storage */
void buf_free(struct buf *b);  /* a growing one may be used again */

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *z);
void buf_str(struct buf *b, struct str s);
/* In a fixed buffer these need one byte more, for the zero snprintf writes. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

struct str buf_view(const struct buf *b);
/* 0 when nothing was lost, else ERR_LIMIT (ceiling) or -ENOMEM. */
int buf_status(const struct buf *b);
/* Terminates with a zero that is not counted; a fixed buffer that is full
 * gives its last byte for it (an overflow). "" when there are no bytes. */
const char *buf_cstr(struct buf *b);

#endif
