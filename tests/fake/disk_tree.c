#include "tests/fake/disk_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- nodes, names and paths ---- */

struct node *node_new(struct disk_tree *t, enum kind kind)
{
    struct node *node = need(calloc(1, sizeof *node));
    node->kind = kind;
    node->mtime_ms = t->now_ms;
    node->next = t->all;
    t->all = node;
    return node;
}

struct name *name_find(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->p[i].text, text))
            return &names->p[i];
    return NULL;
}

static void name_remove(struct names *names, const char *text)
{
    struct name *found = name_find(names, text);
    if (found)
        *found = names->p[--names->n];
}

static void name_set(struct names *names, const char *text, struct node *node)
{
    name_remove(names, text);
    names->p = need(realloc(names->p, (names->n + 1) * sizeof *names->p));
    struct name *name = &names->p[names->n++];
    memset(name, 0, sizeof *name);
    memcpy(name->text, text, strlen(text) + 1);
    name->node = node;
}

void names_copy(struct names *to, const struct names *from)
{
    to->p = need(realloc(to->p, (from->n + 1) * sizeof *to->p));
    to->n = from->n;
    if (from->n)
        memcpy(to->p, from->p, from->n * sizeof *to->p);
}

void change_apply(struct names *names, const struct change *c)
{
    /* What was never there cannot be renamed or removed. */
    if (c->from[0] && !name_find(names, c->from))
        return;
    if (c->from[0])
        name_remove(names, c->from);
    if (c->to[0])
        name_set(names, c->to, c->node);
}

void change_make(struct node *dir, const char *from, const char *to, struct node *node)
{
    struct change **end = &dir->changes, *c = need(calloc(1, sizeof *c));
    memcpy(c->from, from, strlen(from) + 1);
    memcpy(c->to, to, strlen(to) + 1);
    c->node = node;
    while (*end)
        end = &(*end)->next;
    *end = c;
    change_apply(&dir->seen_names, c);
}

void changes_drop(struct node *dir)
{
    for (struct change *c = dir->changes, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    dir->changes = NULL;
}

/* The folder a path is in, and its last name. */
int tree_walk(struct disk_tree *t, const char *path, struct node **dir,
              char last[DISK_NAME_MAX])
{
    *dir = t->root;
    for (;;) {
        size_t n = strcspn(path, "/");
        if (n == 0 || n >= DISK_NAME_MAX)
            return n ? -ENAMETOOLONG : -EINVAL;
        memcpy(last, path, n);
        last[n] = '\0';
        if (!strcmp(last, ".") || !strcmp(last, ".."))
            return -EXDEV;
        if (path[n] == '\0')
            return 0;
        struct name *name = name_find(&(*dir)->seen_names, last);
        if (!name)
            return -ENOENT;
        if (name->node->kind != KIND_DIR)
            return name->node->kind == KIND_FOREIGN ? -ELOOP : -ENOTDIR;
        *dir = name->node;
        path += n + 1;
    }
}

int tree_find(struct disk_tree *t, const char *path, struct node **node)
{
    char last[DISK_NAME_MAX];
    struct node *dir;
    *node = t->root;
    if (!*path)
        return 0;
    int rc = tree_walk(t, path, &dir, last);
    if (rc)
        return rc;
    struct name *name = name_find(&dir->seen_names, last);
    if (!name)
        return -ENOENT;
    *node = name->node;
    return 0;
}

int64_t used_below(const struct node *dir)
{
    int64_t sum = 0;
    for (size_t i = 0; i < dir->seen_names.n; i++) {
        const struct node *node = dir->seen_names.p[i].node;
        sum += node->kind == KIND_DIR ? used_below(node) : (int64_t)node->seen.n;
    }
    return sum;
}

/* ---- bytes ---- */

void content_write(struct content *c, size_t offset, const char *bytes, size_t n)
{
    if (offset + n > c->n) {
        c->p = need(realloc(c->p, offset + n));
        memset(c->p + c->n, 0, offset + n - c->n);
        c->n = offset + n;
    }
    if (bytes && n)
        memcpy(c->p + offset, bytes, n);
}

void pending_add(struct node *node, size_t offset, const char *bytes, size_t n)
{
    struct pending *w = need(calloc(1, sizeof *w));
    w->offset = offset;
    w->n = n;
    if (bytes)
        w->bytes = memcpy(need(malloc(n + 1)), bytes, n);
    struct pending **end = &node->writes;
    while (*end)
        end = &(*end)->next;
    *end = w;
    content_write(&node->seen, offset, bytes, n);
}

void pending_drop(struct node *node)
{
    for (struct pending *w = node->writes, *next; w; w = next) {
        next = w->next;
        free(w->bytes);
        free(w);
    }
    node->writes = NULL;
}

void content_copy(struct content *to, const struct content *from)
{
    to->p = need(realloc(to->p, from->n + 1));
    to->n = from->n;
    if (from->n)
        memcpy(to->p, from->p, from->n);
}
