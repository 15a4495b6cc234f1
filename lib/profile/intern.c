/* Interning: open addressing with linear probing over slots of eight bytes.
 * Every add reserves all it needs before it changes anything. */
#include "lib/profile/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vec_grow(struct profile *p, void *slot, size_t *cap, size_t need, size_t element)
{
    void *old, *grown;
    size_t room = p->ceiling > p->bytes ? (p->ceiling - p->bytes) / element : 0;
    size_t want = *cap < VEC_LEAST ? VEC_LEAST : *cap * 2;

    if (need > UINT32_MAX)
        return ERR_LIMIT;
    if (want < need)
        want = need;
    if (want - *cap > room) /* near the ceiling: in small steps, to its very end */
        want = need + *cap / 16;
    if (want - *cap > room)
        want = need;
    if (want - *cap > room) {
        p->index->crowded = true;
        return ERR_LIMIT;
    }
    memcpy(&old, slot, sizeof old);
    grown = realloc(old, want * element);
    if (!grown)
        return -ENOMEM;
    memcpy(slot, &grown, sizeof grown);
    p->bytes += (want - *cap) * element;
    *cap = want;
    return 0;
}

void vec_shrink(struct profile *p, void *slot, size_t *cap, size_t element)
{
    void *old, *shrunk;

    if (*cap <= VEC_LEAST)
        return;
    memcpy(&old, slot, sizeof old);
    shrunk = realloc(old, VEC_LEAST * element);
    if (!shrunk)
        return;
    memcpy(slot, &shrunk, sizeof shrunk);
    p->bytes -= (*cap - VEC_LEAST) * element;
    *cap = VEC_LEAST;
}

int table_grow(struct profile *p, struct table *t)
{
    size_t cap = t->cap ? t->cap * 2 : VEC_LEAST;
    struct table grown = {.cap = cap};

    if (p->bytes + (cap - t->cap) * sizeof *t->slots > p->ceiling) {
        p->index->crowded = true;
        return ERR_LIMIT;
    }
    grown.slots = calloc(cap, sizeof *grown.slots);
    if (!grown.slots)
        return -ENOMEM;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].id1)
            table_put(&grown, t->slots[i].hash, t->slots[i].id1 - 1);
    p->bytes += (cap - t->cap) * sizeof *t->slots;
    free(t->slots);
    *t = grown;
    return 0;
}

typedef bool same_fn(const struct profile *p, uint32_t id, const void *key);

/* The id of an equal entry, or NO_ID. Inlined with its `same`. */
static inline uint32_t table_find(const struct profile *p, const struct table *t, uint32_t hash,
                                  same_fn *same, const void *key)
{
    if (!t->cap)
        return NO_ID;
    for (size_t i = hash & (t->cap - 1); t->slots[i].id1; i = (i + 1) & (t->cap - 1))
        if (t->slots[i].hash == hash && same(p, t->slots[i].id1 - 1, key))
            return t->slots[i].id1 - 1;
    return NO_ID;
}

static bool same_string(const struct profile *p, uint32_t id, const void *key)
{
    const struct str *s = key;
    const char *have = p->text.p + p->strings.p[id];
    size_t end = id + 1 < p->strings.n ? p->strings.p[id + 1] : p->text.n;

    return end - p->strings.p[id] - 1 == s->n && (!s->n || !memcmp(have, s->p, s->n));
}

int profile_string(struct profile *p, struct str s, uint32_t *id)
{
    struct profile_index *x = p->index;
    uint32_t hash = hash_fold(str_hash(s, x->seed));
    uint32_t found = table_find(p, &x->strings, hash, same_string, &s);
    int rc;

    if (found == NO_ID) {
        if ((rc = VEC_RESERVE(p, p->text, s.n + 1)) || (rc = VEC_RESERVE(p, p->strings, 1)) ||
            (rc = table_reserve(p, &x->strings)))
            return rc;
        found = (uint32_t)p->strings.n;
        p->strings.p[p->strings.n++] = (uint32_t)p->text.n;
        if (s.n)
            memcpy(p->text.p + p->text.n, s.p, s.n);
        p->text.n += s.n;
        p->text.p[p->text.n++] = '\0';
        table_put(&x->strings, hash, found);
    }
    *id = found;
    return 0;
}

static bool same_function(const struct profile *p, uint32_t id, const void *key)
{
    const struct function *a = &p->functions.p[id], *b = key;

    return a->name == b->name && a->system_name == b->system_name && a->file == b->file &&
           a->start_line == b->start_line;
}

static enum function_class class_of(struct str name)
{
    if (str_is(name, "runtime.goexit"))
        return FUNCTION_GOEXIT;
    if (str_starts(name, "runtime.") || str_starts(name, "internal/runtime/"))
        return FUNCTION_RUNTIME;
    return FUNCTION_PLAIN;
}

/* The id of the name as debug=1 prints it; most names print as they are. */
static int printed_name(struct profile *p, uint32_t name, uint32_t *id)
{
    struct str s = profile_text(p, name);
    size_t cap = s.n + sizeof "[...]";
    char *out;
    int rc;

    *id = name;
    if (!memchr(s.p, '[', s.n) || str_contains(s, "[...]"))
        return 0;
    if (cap > p->ceiling)
        return ERR_LIMIT;
    if (!(out = malloc(cap)))
        return -ENOMEM;
    rc = profile_string(p, str_of(generic_name(s, out, cap)), id);
    free(out);
    return rc;
}

int profile_function(struct profile *p, struct function f, uint32_t *id)
{
    struct profile_index *x = p->index;
    uint64_t h = hash_mix(x->seed ^ ((uint64_t)f.name << 32 | f.system_name),
                          (uint64_t)f.file << 32 ^ (uint64_t)f.start_line);
    uint32_t hash = hash_fold(h);
    uint32_t found = table_find(p, &x->functions, hash, same_function, &f);
    struct function_facts facts;
    int rc;

    if (found == NO_ID) {
        if ((rc = VEC_RESERVE(p, p->functions, 1)) || (rc = VEC_RESERVE(p, x->facts, 1)) ||
            (rc = table_reserve(p, &x->functions)) ||
            (rc = printed_name(p, f.name, &facts.printed)))
            return rc;
        facts.class = class_of(profile_text(p, f.name));
        facts.hash = str_hash(profile_text(p, facts.printed), 1);
        facts.hash = str_hash(profile_text(p, f.file), facts.hash);
        found = (uint32_t)p->functions.n;
        p->functions.p[p->functions.n++] = f;
        x->facts.p[x->facts.n++] = facts;
        table_put(&x->functions, hash, found);
    }
    *id = found;
    return 0;
}

struct location_key {
    struct location l;
    const struct line *lines;
};

static bool same_location(const struct profile *p, uint32_t id, const void *key)
{
    const struct location_key *k = key;
    const struct location *l = &p->locations.p[id];

    if (l->address != k->l.address || l->n_lines != k->l.n_lines ||
        l->mapping != k->l.mapping || l->folded != k->l.folded)
        return false;
    for (uint32_t i = 0; i < l->n_lines; i++) {
        const struct line *a = &p->lines.p[l->first_line + i];
        if (a->function != k->lines[i].function || a->line != k->lines[i].line)
            return false;
    }
    return true;
}

int profile_location(struct profile *p, uint64_t address, uint16_t mapping,
                     const struct line *lines, size_t n_lines, bool folded, uint32_t *id)
{
    struct profile_index *x = p->index;
    struct location_key k = {.lines = lines};
    uint64_t h = hash_mix(x->seed ^ address, (uint64_t)mapping << 1 | folded);
    uint32_t hash, found;
    int rc;

    if (n_lines > PROFILE_LINES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < n_lines; i++)
        h = hash_mix(h,
                     x->seed ^ ((uint64_t)lines[i].function << 32 | (uint32_t)lines[i].line));
    hash = hash_fold(h);
    k.l = (struct location){.address = address,
                            .first_line = (uint32_t)p->lines.n,
                            .n_lines = (uint16_t)n_lines,
                            .mapping = mapping,
                            .folded = folded};
    found = table_find(p, &x->locations, hash, same_location, &k);
    if (found == NO_ID) {
        if ((rc = VEC_RESERVE(p, p->locations, 1)) ||
            (rc = VEC_RESERVE(p, p->lines, n_lines)) || (rc = table_reserve(p, &x->locations)))
            return rc;
        if (n_lines)
            memcpy(p->lines.p + p->lines.n, lines, n_lines * sizeof *lines);
        p->lines.n += n_lines;
        found = (uint32_t)p->locations.n;
        p->locations.p[p->locations.n++] = k.l;
        table_put(&x->locations, hash, found);
    }
    *id = found;
    return 0;
}

struct stack_key {
    const uint32_t *refs;
    size_t n;
};

static bool same_stack(const struct profile *p, uint32_t id, const void *key)
{
    const struct stack_key *k = key;
    struct stack s = p->index->stack_list.p[id];

    return s.n_refs == k->n &&
           (!k->n || !memcmp(p->refs.p + s.first_ref, k->refs, k->n * sizeof *k->refs));
}

int profile_stack(struct profile *p, const uint32_t *locations, size_t n, uint32_t *stack)
{
    struct profile_index *x = p->index;
    struct stack_key k = {locations, n};
    struct str bytes = {(const char *)locations, n * sizeof *locations};
    uint32_t hash = hash_fold(str_hash(bytes, x->seed)), found;
    int rc;

    found = table_find(p, &x->stacks, hash, same_stack, &k);
    if (found == NO_ID) {
        if ((rc = VEC_RESERVE(p, p->refs, n)) || (rc = VEC_RESERVE(p, x->stack_list, 1)) ||
            (rc = table_reserve(p, &x->stacks)))
            return rc;
        found = (uint32_t)x->stack_list.n;
        x->stack_list.p[x->stack_list.n++] = (struct stack){(uint32_t)p->refs.n, (uint32_t)n};
        if (n)
            memcpy(p->refs.p + p->refs.n, locations, n * sizeof *locations);
        p->refs.n += n;
        table_put(&x->stacks, hash, found);
    }
    *stack = found;
    return 0;
}

static void table_reset(struct table *t)
{
    if (t->n)
        memset(t->slots, 0, t->cap * sizeof *t->slots);
    t->n = 0;
}

void index_reset(struct profile_index *x)
{
    table_reset(&x->strings);
    table_reset(&x->functions);
    table_reset(&x->locations);
    table_reset(&x->stacks);
    table_reset(&x->line_memo);
    table_reset(&x->record_memo);
    table_reset(&x->function_memo);
    x->facts.n = 0;
    x->stack_list.n = 0;
    x->known_lines.n = 0;
    x->known_records.n = 0;
    x->fresh_bytes = 0;
}

static void table_release(struct profile *p, struct table *t)
{
    p->bytes -= t->cap * sizeof *t->slots;
    free(t->slots);
    *t = (struct table){0};
}

void index_release(struct profile *p)
{
    struct profile_index *x = p->index;

    vec_shrink(p, &x->strings.slots, &x->strings.cap, sizeof *x->strings.slots);
    table_release(p, &x->functions);
    table_release(p, &x->locations);
    table_release(p, &x->stacks);
    table_release(p, &x->line_memo);
    table_release(p, &x->record_memo);
    table_release(p, &x->function_memo);
    VEC_RELEASE(p, x->facts);
    VEC_RELEASE(p, x->stack_list);
    VEC_RELEASE(p, x->known_lines);
    VEC_RELEASE(p, x->known_records);
    x->crowded = false;
}

void index_free(struct profile_index *x)
{
    if (!x)
        return;
    free(x->strings.slots);
    free(x->functions.slots);
    free(x->locations.slots);
    free(x->stacks.slots);
    free(x->line_memo.slots);
    free(x->record_memo.slots);
    free(x->function_memo.slots);
    free(x->known_lines.p);
    free(x->known_records.p);
    free(x->facts.p);
    free(x->stack_list.p);
    free(x);
}
