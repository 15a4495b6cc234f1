/* Protocol Buffers' wire format: fields read from and written to bytes.
 *
 * Glossary: a *field* is a number, a wire type and a value; a *varint* is an
 * integer of 7 bits a byte, low bits first; a *message* nested in another is a
 * field of bytes. Source: protobuf.dev, "Encoding".
 * Ownership: readers borrow the bytes they walk; writers append to the caller's
 * buffer, whose sticky overflow is the only failure. */
#ifndef LW_PROFILE_WIRE_H
#define LW_PROFILE_WIRE_H

#include <stdint.h>

#include "lib/base/buf.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* What is left of a message. */
struct wire {
    const uint8_t *p, *end;
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;    /* of varint and fixed fields */
    struct wire bytes; /* of WIRE_BYTES */
};

/* Takes the next field of w. 1: there is one; 0: the message has ended;
 * ERR_SYNTAX, w->p then at the fault. */
int wire_next(struct wire *w, struct wire_field *f);
/* Takes one varint of w. 0 or ERR_SYNTAX (too long, or past the end). */
int wire_varint(struct wire *w, uint64_t *value);

void wire_put_varint(struct buf *b, uint64_t value);
/* A varint field; zero, the default, is left out. */
void wire_put_int(struct buf *b, uint32_t number, uint64_t value);
void wire_put_bytes(struct buf *b, uint32_t number, const void *bytes, size_t n);

/* A field of bytes whose length is known at the end: what is appended between
 * open and close is its content. open returns where that starts. May nest. */
size_t wire_open(struct buf *b, uint32_t number);
void wire_close(struct buf *b, size_t start);

#endif
