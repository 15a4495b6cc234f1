/* What is in the directory, and what has to go when it is too much. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/files.h"

/* More dumps than this are not looked at; at six an hour that is weeks. */
#define ITEMS_MAX 4096

struct scan {
    struct store *s;
    struct inventory *out;
};

static int item_add(struct inventory *i, const char *id, int64_t bytes)
{
    if (i->n == i->cap) {
        size_t cap = i->cap ? i->cap * 2 : 32;
        struct inventory_item *items = realloc(i->items, cap * sizeof *items);
        if (!items)
            return -ENOMEM;
        i->items = items;
        i->cap = cap;
    }
    i->items[i->n] = (struct inventory_item){.bytes = bytes};
    str_copy(i->items[i->n++].id, DUMP_ID_MAX, str_of(id));
    return 0;
}

static int scan_entry(void *ctx, const struct disk_entry *e)
{
    struct scan *scan = ctx;
    char path[STORE_PATH_MAX];
    int64_t bytes = e->bytes;

    if (e->is_dir) {
        int64_t below = folder_bytes(scan->s, path_join(scan->s, "", e->name, path));
        if (below < 0 && below != -ENOENT)
            return (int)below;
        bytes += below > 0 ? below : 0;
    }
    scan->out->used_bytes += bytes;
    if (!e->is_dir || !dump_id_valid(e->name) || scan->out->n == ITEMS_MAX)
        return 0;
    return item_add(scan->out, e->name, bytes);
}

static int item_compare(const void *a, const void *b)
{
    return dump_id_compare(((const struct inventory_item *)a)->id,
                           ((const struct inventory_item *)b)->id);
}

static bool same_life(const struct inventory_item *a, const char *target, uint64_t life)
{
    return a->readable && a->life == life && !strcmp(a->target, target);
}

/* Manifests are large: one at a time, on the heap. */
static int lives_read(struct store *s, struct inventory *inv)
{
    struct manifest *m = malloc(sizeof *m);

    if (!m)
        return -ENOMEM;
    for (size_t i = 0; i < inv->n; i++) {
        struct inventory_item *item = &inv->items[i];
        item->readable = !store_read_manifest(s, item->id, m, NULL);
        if (!item->readable)
            continue;
        memcpy(item->target, m->target, sizeof item->target);
        item->life = m->life;
        item->first = true;
        for (size_t j = 0; j < i && item->first; j++)
            item->first = !same_life(&inv->items[j], item->target, item->life);
    }
    free(m);
    return 0;
}

int inventory_read(struct store *s, bool lives, struct inventory *out)
{
    struct scan scan = {s, out};
    char base[STORE_PATH_MAX];
    int rc;

    *out = (struct inventory){0};
    rc = s->disk->list(s->disk, path_join(s, "", "", base), scan_entry, &scan);
    if (!rc && out->n)
        qsort(out->items, out->n, sizeof *out->items, item_compare);
    if (!rc && lives)
        rc = lives_read(s, out);
    if (rc)
        inventory_free(out);
    return rc;
}

void inventory_free(struct inventory *i)
{
    free(i->items);
    *i = (struct inventory){0};
}

int64_t store_used_bytes(struct store *s)
{
    char base[STORE_PATH_MAX];

    return folder_bytes(s, path_join(s, "", "", base));
}

/* Removes the dumps of one rank, oldest first. */
static int64_t free_rank(struct store *s, struct inventory *inv, bool firsts, int64_t wanted,
                         const struct manifest *writing, int *removed)
{
    int64_t freed = 0;

    for (size_t i = 0; i + 1 < inv->n && freed < wanted; i++) {
        struct inventory_item *item = &inv->items[i];
        if (item->first != firsts)
            continue;
        if (firsts && writing && same_life(item, writing->target, writing->life))
            continue;
        if (store_remove(s, item->id, NULL))
            continue;
        freed += item->bytes;
        ++*removed;
    }
    return freed;
}

int64_t retention_free(struct store *s, int64_t wanted_bytes, const struct manifest *writing,
                       int *removed)
{
    struct inventory inv;
    int64_t freed = 0;

    if (inventory_read(s, true, &inv))
        return 0;
    freed = free_rank(s, &inv, false, wanted_bytes, writing, removed);
    if (freed < wanted_bytes)
        freed += free_rank(s, &inv, true, wanted_bytes - freed, writing, removed);
    inventory_free(&inv);
    return freed;
}

/* How many bytes too many there would be, 0 or less: it fits. */
static int64_t excess(struct store *s, int64_t wanted_bytes, int *error)
{
    int64_t used = store_used_bytes(s);
    struct disk_space space;

    *error = used < 0 ? (int)used : 0;
    if (*error)
        return 0;
    int64_t over = used + wanted_bytes - s->limit_bytes;
    if (!s->disk->space(s->disk, &space) && wanted_bytes - space.free_bytes > over)
        over = wanted_bytes - space.free_bytes;
    return over;
}

int store_make_room(struct store *s, int64_t wanted_bytes, int *removed)
{
    int rc, none = 0;
    int64_t over = excess(s, wanted_bytes, &rc);

    if (rc || over <= 0)
        return rc;
    if (history_forget_bad(s))
        over = excess(s, wanted_bytes, &rc);
    if (!rc && over > 0 && retention_free(s, over, NULL, removed ? removed : &none) < over)
        return -ENOSPC;
    return rc;
}
