/* The memo of frame lines and of whole records.
 *
 * A line is found by a few bytes that tell almost every line, then compared byte
 * for byte, but for the tabs before FILE: how many there are depends on the other
 * lines of the record. A page made to have many of one hash gets no more than a
 * few of them kept.
 *
 * A record's bytes are not kept, they would be the page once more: it is known by
 * its lengths and 128 bits of hash, two lanes of different keys. Chance makes two
 * records one once in 2^128 pairs; a page of 2^16 records against as many known
 * ones, once a second for ten years, is 2^60 pairs: once in 2^68 such decades.
 * Who writes pages on purpose would have to know the keys, which come of bits
 * handed in (text_options.seed) and of where the heap and the stack are. */
#include <string.h>

#include "lib/profile/index.h"
#include "lib/profile/scan.h"

/* So many entries of one hash are compared, and kept. */
#define SAME_HASH_MAX 4
/* "#\t" and `head`; nothing shorter is kept. */
#define LINE_LEAST 18

typedef bool is_fn(const struct profile *p, uint32_t id, const void *key);

/* The id of the entry that is key, or NO_ID. Inlined with its `is`. */
static inline uint32_t find(const struct profile *p, const struct table *t, uint32_t hash,
                            is_fn *is, const void *key)
{
    int same = 0;

    if (!t->cap)
        return NO_ID;
    for (size_t i = hash & (t->cap - 1); t->slots[i].id1; i = (i + 1) & (t->cap - 1)) {
        if (t->slots[i].hash != hash)
            continue;
        if (is(p, t->slots[i].id1 - 1, key))
            return t->slots[i].id1 - 1;
        if (++same == SAME_HASH_MAX)
            break;
    }
    return NO_ID;
}

/* Adds an id, unless there are too many of the hash or no room. */
static bool put(struct profile *p, struct table *t, uint32_t hash, uint32_t id)
{
    int same = 0;
    size_t i;

    if (p->bytes > p->ceiling / 2 || table_reserve(p, t))
        return false;
    for (i = hash & (t->cap - 1); t->slots[i].id1; i = (i + 1) & (t->cap - 1))
        if (t->slots[i].hash == hash && ++same == SAME_HASH_MAX)
            return false;
    t->slots[i] = (struct slot){hash, id + 1};
    t->n++;
    return true;
}

static bool text_is(const struct profile *p, uint32_t id, struct str s)
{
    struct str have = profile_text(p, id);

    return have.n == s.n && !memcmp(have.p, s.p, s.n);
}

static bool function_is(const struct profile *p, uint32_t id, const void *key)
{
    const struct function *f = &p->functions.p[id];
    const struct frame_text *x = key;

    return text_is(p, f->name, x->name) && text_is(p, f->file, x->file);
}

static int intern(struct profile *p, const struct frame_text *x, uint32_t *id)
{
    struct function f = {0};
    int rc;

    if ((rc = profile_string(p, x->name, &f.name)) ||
        (rc = profile_string(p, x->file, &f.file)))
        return rc;
    f.system_name = f.name;
    return profile_function(p, f, id);
}

int memo_function(struct profile *p, const struct frame_text *x, uint32_t *id)
{
    struct table *t = &p->index->function_memo;
    uint64_t sizes = (uint64_t)x->name.n << 32 ^ x->file.n;
    uint32_t hash = hash_fold(hash_mix(p->index->seed ^ x->entry, sizes));
    int rc;

    *id = find(p, t, hash, function_is, x);
    if (*id != NO_ID)
        return 0;
    rc = intern(p, x, id);
    if (!rc)
        (void)put(p, t, hash, *id);
    return rc;
}

/* Of a line's address and what follows it. */
static uint32_t line_hash(const struct profile *p, const char *line)
{
    return hash_fold(hash_mix(p->index->seed ^ scan_load(line + 2), scan_load(line + 10)));
}

void memo_expect(const struct profile *p, struct str next)
{
    const struct table *t = &p->index->line_memo;

    if (next.n >= LINE_LEAST && t->cap)
        __builtin_prefetch(&t->slots[line_hash(p, next.p) & (t->cap - 1)]);
}

static bool line_is(const struct profile *p, uint32_t id, const void *key)
{
    const struct known_line *l = &p->index->known_lines.p[id];
    struct str line = *(const struct str *)key, tabs;
    size_t both = (size_t)l->call_n + l->place_n;

    if (line.n <= both || l->head[0] != scan_load(line.p + 2) ||
        l->head[1] != scan_load(line.p + 10) || l->tail != scan_load(line.p + line.n - 8) ||
        l->offset != scan_load(line.p + l->call_n - 8))
        return false;
    tabs = (struct str){line.p + l->call_n, line.n - l->call_n};
    return scan_run(tabs, '\t') == line.n - both &&
           !memcmp(line.p + l->name_at, p->text.p + l->name, l->name_n) &&
           !memcmp(line.p + line.n - l->place_n, p->text.p + l->file, l->file_n);
}

uint32_t memo_line(const struct profile *p, struct str line)
{
    if (line.n < LINE_LEAST || line.p[0] != '#' || line.p[1] != '\t')
        return NO_ID;
    return find(p, &p->index->line_memo, line_hash(p, line.p), line_is, &line);
}

/* Whether its words and names hold every byte that counts. */
static bool line_fits(struct str line, const struct known_line *l)
{
    return line.n >= LINE_LEAST && line.n <= UINT16_MAX && l->name_at <= LINE_LEAST &&
           l->call_n - l->name_at - l->name_n <= 8 && l->place_n - l->file_n <= 8;
}

uint32_t memo_add_line(struct profile *p, struct str line, const struct frame_text *x,
                       const struct call *c)
{
    struct profile_index *index = p->index;
    const struct function *f = &p->functions.p[c->function];
    const char *tab =
        memchr(x->name.p + x->name.n, '\t', (size_t)(x->file.p - x->name.p) - x->name.n);
    struct known_line l = {
        .name = p->strings.p[f->name],
        .file = p->strings.p[f->file],
        .name_at = (uint16_t)(x->name.p - line.p),
        .name_n = (uint16_t)x->name.n,
        .file_n = (uint16_t)x->file.n,
        .call_n = (uint16_t)(tab - line.p),
        .place_n = (uint16_t)(line.p + line.n - x->file.p),
        .call = *c,
    };
    uint32_t id = (uint32_t)index->known_lines.n;

    if (!line_fits(line, &l) || VEC_RESERVE(p, index->known_lines, 1) ||
        !put(p, &index->line_memo, line_hash(p, line.p), id))
        return NO_ID;
    l.head[0] = scan_load(line.p + 2);
    l.head[1] = scan_load(line.p + 10);
    l.offset = scan_load(tab - 8);
    l.tail = scan_load(line.p + line.n - 8);
    index->known_lines.p[id] = l;
    index->known_lines.n++;
    return id;
}

struct lanes {
    uint64_t a, b;
};

/* Takes at least 16 bytes in: sixteen at a time, the last ones perhaps twice. */
static struct lanes lanes_add(struct lanes h, const uint64_t keys[2], struct str s)
{
    const char *p = s.p, *last = s.p + s.n - 16;

    h.a ^= s.n;
    h.b ^= s.n;
    for (;; p += 16) {
        p = p < last ? p : last;
        uint64_t lo = scan_load(p), hi = scan_load(p + 8);
        h.a = hash_mix(lo ^ keys[0], hi ^ h.a);
        h.b = hash_mix(hi ^ keys[1], lo ^ h.b);
        if (p == last)
            return h;
    }
}

/* A record's bytes, and the hash of what is read of them. */
struct record_key {
    const uint64_t *keys;
    size_t pcs_bytes;
    struct str ahead;
    struct lanes pcs;
};

static struct record_key record_key(const uint64_t keys[2], struct str pcs, struct str ahead)
{
    struct lanes start = {keys[1], keys[0]};

    return (struct record_key){keys, pcs.n, ahead, lanes_add(start, keys, pcs)};
}

static bool record_is(const struct profile *p, uint32_t id, const void *key)
{
    const struct known_record *r = &p->index->known_records.p[id];
    const struct record_key *k = key;
    struct lanes all;

    if (r->pcs_bytes != k->pcs_bytes || r->frames_bytes > k->ahead.n)
        return false;
    all = lanes_add(k->pcs, k->keys, (struct str){k->ahead.p, r->frames_bytes});
    return r->hash[0] == all.a && r->hash[1] == all.b;
}

/* Too short for a lane, or too long to count. */
static bool record_fits(struct str pcs, struct str frames)
{
    return pcs.n >= 16 && frames.n >= 16 && pcs.n + frames.n <= UINT32_MAX;
}

const struct known_record *memo_record(const struct profile *p, const uint64_t keys[2],
                                       struct str pcs, struct str ahead)
{
    struct record_key k;
    uint32_t id;

    if (!p->index->record_memo.n || pcs.n < 16)
        return NULL;
    k = record_key(keys, pcs, ahead);
    id = find(p, &p->index->record_memo, hash_fold(k.pcs.a), record_is, &k);
    return id == NO_ID ? NULL : &p->index->known_records.p[id];
}

void memo_add_record(struct profile *p, const uint64_t keys[2], struct str pcs,
                     struct str frames, struct known_record r)
{
    struct profile_index *x = p->index;
    struct record_key k;
    struct lanes all;

    if (!record_fits(pcs, frames) || VEC_RESERVE(p, x->known_records, 1))
        return;
    k = record_key(keys, pcs, frames);
    if (!put(p, &x->record_memo, hash_fold(k.pcs.a), (uint32_t)x->known_records.n))
        return;
    all = lanes_add(k.pcs, keys, frames);
    r.hash[0] = all.a;
    r.hash[1] = all.b;
    r.pcs_bytes = (uint32_t)pcs.n;
    r.frames_bytes = (uint32_t)frames.n;
    x->known_records.p[x->known_records.n++] = r;
}
