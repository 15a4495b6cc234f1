#include "lib/profile/wire.h"

#include <string.h>

#include "lib/base/err.h"

#define VARINT_MAX_BYTES 10
#define NUMBER_MAX ((1u << 29) - 1)

int wire_varint(struct wire *w, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_MAX_BYTES; shift += 7) {
        if (w->p == w->end)
            return ERR_SYNTAX;
        uint8_t byte = *w->p++;
        if (shift == 63 && byte > 1)
            return ERR_SYNTAX; /* more than 64 bits */
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = v;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

static int wire_fixed(struct wire *w, size_t n_bytes, uint64_t *value)
{
    if ((size_t)(w->end - w->p) < n_bytes)
        return ERR_SYNTAX;
    *value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        *value |= (uint64_t)w->p[i] << (8 * i);
    w->p += n_bytes;
    return 0;
}

int wire_next(struct wire *w, struct wire_field *f)
{
    uint64_t tag, n_bytes;
    if (w->p == w->end)
        return 0;
    int r = wire_varint(w, &tag);
    if (r)
        return r;
    if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return ERR_SYNTAX;
    f->number = (uint32_t)(tag >> 3);
    f->type = (enum wire_type)(tag & 7);
    f->value = 0;
    f->bytes = (struct wire){w->p, w->p};
    switch (tag & 7) {
    case WIRE_VARINT: r = wire_varint(w, &f->value); break;
    case WIRE_FIXED64: r = wire_fixed(w, 8, &f->value); break;
    case WIRE_FIXED32: r = wire_fixed(w, 4, &f->value); break;
    case WIRE_BYTES:
        r = wire_varint(w, &n_bytes);
        if (r || n_bytes > (uint64_t)(w->end - w->p))
            return ERR_SYNTAX;
        f->bytes = (struct wire){w->p, w->p + n_bytes};
        w->p += n_bytes;
        break;
    default: return ERR_SYNTAX; /* groups: profile.proto never had them */
    }
    return r ? r : 1;
}

static size_t varint_encode(uint64_t value, uint8_t out[VARINT_MAX_BYTES])
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

void wire_put_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[VARINT_MAX_BYTES];
    buf_put(b, bytes, varint_encode(value, bytes));
}

static void put_tag(struct buf *b, uint32_t number, enum wire_type type)
{
    wire_put_varint(b, (uint64_t)number << 3 | type);
}

void wire_put_int(struct buf *b, uint32_t number, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(b, number, WIRE_VARINT);
    wire_put_varint(b, value);
}

void wire_put_bytes(struct buf *b, uint32_t number, const void *bytes, size_t n)
{
    put_tag(b, number, WIRE_BYTES);
    wire_put_varint(b, n);
    buf_put(b, bytes, n);
}

size_t wire_open(struct buf *b, uint32_t number)
{
    put_tag(b, number, WIRE_BYTES);
    return b->len;
}

/* The length goes before the content, but only now is it known: the content,
 * mostly under 128 bytes, moves up by the length's own bytes. */
void wire_close(struct buf *b, size_t start)
{
    if (b->overflow)
        return;
    uint8_t length[VARINT_MAX_BYTES];
    size_t n = b->len - start;
    size_t n_length = varint_encode(n, length);
    buf_put(b, length, n_length);
    if (b->overflow)
        return;
    memmove(b->p + start + n_length, b->p + start, n);
    memcpy(b->p + start, length, n_length);
}
