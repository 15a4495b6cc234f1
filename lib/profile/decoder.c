#include "lib/profile/decoder.h"

#include <inttypes.h>
#include <stdlib.h>

/* Errors */

int decoder_fail(struct decoder *d, const uint8_t *at, int code, const char *what)
{
    return err_set(d->e, code, "protobuf, byte %zu: %s", (size_t)(at - d->start), what);
}

int decoder_next(struct decoder *d, struct wire *w, struct wire_field *f)
{
    int r = wire_next(w, f);
    return r >= 0 ? r : decoder_fail(d, w->p, r, "a field is malformed or passes the end");
}

int decoder_added(struct decoder *d, const uint8_t *at, int code)
{
    return code == 0 ? 0 : decoder_fail(d, at, code, err_text(code));
}

/* Fields */

int decoder_scalar(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                   uint64_t *values, size_t n)
{
    if (f->number >= n)
        return 0;
    if (f->type != WIRE_VARINT)
        return decoder_fail(d, at, ERR_SYNTAX, "a number has the wrong wire type");
    values[f->number] = f->value;
    return 0;
}

int decoder_scalars(struct decoder *d, struct wire w, uint64_t *values, size_t n)
{
    struct wire_field f;
    int r;
    while ((r = decoder_next(d, &w, &f)) > 0) {
        r = decoder_scalar(d, &f, w.p, values, n);
        if (r)
            return r;
    }
    return r;
}

int decoder_message(struct decoder *d, const struct wire_field *f, const uint8_t *at,
                    struct wire *message)
{
    if (f->type != WIRE_BYTES)
        return decoder_fail(d, at, ERR_SYNTAX, "a message has the wrong wire type");
    *message = f->bytes;
    return 0;
}

int decoder_repeated(struct decoder *d, struct wire_field *f, const uint8_t *at,
                     uint64_t *value)
{
    if (f->type == WIRE_VARINT) {
        *value = f->value;
        f->type = WIRE_BYTES; /* with empty bytes: done next time */
        return 1;
    }
    if (f->type != WIRE_BYTES)
        return decoder_fail(d, at, ERR_SYNTAX, "a repeated number has the wrong wire type");
    if (f->bytes.p == f->bytes.end)
        return 0;
    int r = wire_varint(&f->bytes, value);
    return r ? decoder_fail(d, f->bytes.p, r, "a packed number is malformed") : 1;
}

/* Strings and ids */

int decoder_string(struct decoder *d, const uint8_t *at, uint64_t index, uint32_t *id)
{
    *id = 0;
    if (index == 0)
        return 0;
    if (index >= d->n_strings)
        return err_set(d->e, ERR_SYNTAX, "protobuf, byte %zu: string %" PRIu64 " of %zu",
                       (size_t)(at - d->start), index, d->n_strings);
    struct entry *s = &d->strings[index];
    if (s->id == NOT_INTERNED) {
        struct str text = {(const char *)d->start + s->offset, s->n};
        int r = profile_string(d->p, text, &s->id);
        if (r)
            return decoder_added(d, at, r);
    }
    *id = s->id;
    return 0;
}

static int id_order(const void *a, const void *b)
{
    uint64_t x = ((const struct id_pair *)a)->from, y = ((const struct id_pair *)b)->from;
    return (x > y) - (x < y);
}

int decoder_ids_close(struct decoder *d, struct id_map *m)
{
    bool ascending = true;
    for (size_t i = 1; i < m->n && ascending; i++)
        ascending = m->p[i - 1].from < m->p[i].from;
    if (!ascending)
        qsort(m->p, m->n, sizeof *m->p, id_order);
    if (m->n > 0 && m->p[0].from == 0)
        return err_set(d->e, ERR_SYNTAX, "protobuf: a %s has the id 0", m->noun);
    for (size_t i = 1; i < m->n; i++)
        if (m->p[i - 1].from == m->p[i].from)
            return err_set(d->e, ERR_SYNTAX, "protobuf: two %ss have the id %" PRIu64, m->noun,
                           m->p[i].from);
    return 0;
}

bool id_map_find(const struct id_map *m, uint64_t id, uint32_t *to)
{
    const struct id_pair *hit = NULL;
    if (id - 1 < m->n && m->p[id - 1].from == id) /* 1, 2, 3 …, as all write them */
        hit = &m->p[id - 1];
    else if (m->n > 0)
        hit = bsearch(&(struct id_pair){.from = id}, m->p, m->n, sizeof *m->p, id_order);
    if (hit)
        *to = hit->to;
    return hit != NULL;
}

int decoder_find(struct decoder *d, const struct id_map *m, const uint8_t *at, uint64_t id,
                 uint32_t *to)
{
    if (id_map_find(m, id, to))
        return 0;
    return err_set(d->e, ERR_SYNTAX, "protobuf, byte %zu: no %s has the id %" PRIu64,
                   (size_t)(at - d->start), m->noun, id);
}
