/* Inside the fake disk: nodes, their names and bytes, each in two states, as
 * seen and as safe. Memory that cannot be had aborts: this is a test. */
#ifndef LW_FAKE_DISK_TREE_H
#define LW_FAKE_DISK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/store/disk.h"

enum kind { KIND_FILE, KIND_DIR, KIND_FOREIGN };

/* Bytes of one state of a file. */
struct content {
    char *p;
    size_t n;
};

/* A write since the last sync; bytes NULL: the file became n long. */
struct pending {
    size_t offset, n;
    char *bytes;
    struct pending *next;
};

struct name {
    char text[DISK_NAME_MAX];
    struct node *node;
};

struct names {
    struct name *p;
    size_t n;
};

/* A change of names since the last sync_dir. from "" : `to` was added;
 * to "": `from` was removed; both: renamed. */
struct change {
    char from[DISK_NAME_MAX], to[DISK_NAME_MAX];
    struct node *node;
    struct change *next;
};

struct node {
    enum kind kind;
    int64_t mtime_ms;
    struct content seen, safe;
    struct pending *writes;
    struct names seen_names, safe_names;
    struct change *changes;
    struct disk *locked_by; /* any: only whether */
    int locked_handle;
    struct node *next; /* of all nodes ever, for the end */
};

struct disk_tree {
    struct node *all, *root;
    int64_t now_ms;
};

struct node *node_new(struct disk_tree *t, enum kind kind);
void names_copy(struct names *to, const struct names *from);
struct name *name_find(struct names *names, const char *text);
void change_apply(struct names *names, const struct change *c);
void change_make(struct node *dir, const char *from, const char *to, struct node *node);
void changes_drop(struct node *dir);
int tree_walk(struct disk_tree *t, const char *path, struct node **dir,
              char last[DISK_NAME_MAX]);
int tree_find(struct disk_tree *t, const char *path, struct node **node);
int64_t used_below(const struct node *dir);
void content_write(struct content *c, size_t offset, const char *bytes, size_t n);
void pending_add(struct node *node, size_t offset, const char *bytes, size_t n);
void pending_drop(struct node *node);
void content_copy(struct content *to, const struct content *from);

#endif
