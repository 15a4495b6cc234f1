/* Inside lib/store: names, paths and whole files over the disk seam.
 *
 * Names of ours, and no others are ever removed: dumps (dump_id_valid), ".tmp-"
 * and such an id (a dump half written or half removed), ".tmp-put-*" (a small
 * file half written), "history.bin", "history.bin.bad-*", "lock"; inside a dump
 * its regular files and the folder native/.
 * Ownership: nothing is kept; all storage is the caller's. */
#ifndef LW_STORE_FILES_H
#define LW_STORE_FILES_H

#include "lib/store/store.h"

#define STORE_PATH_MAX 512
#define TMP ".tmp-"
#define TMP_PUT TMP "put-"
#define TMP_MANIFEST TMP "manifest.json"
#define TMP_NATIVE TMP "native"
#define HISTORY_FILE "history.bin"
#define HISTORY_BAD HISTORY_FILE ".bad-"

/* "<base>/<folder>/<name>", empty parts left out; returns out. */
char *path_join(const struct store *s, const char *folder, const char *name,
                char out[STORE_PATH_MAX]);
/* ".tmp-<id>" into out; returns out. */
char *tmp_name(const char *id, char out[DISK_NAME_MAX]);

/* <YYYYMMDDTHHMMSSZ>-…-<seq> of [A-Za-z0-9_.-] alone. */
bool dump_id_valid(const char *id);
/* Orders two ids by time, then by sequence. */
int dump_id_compare(const char *a, const char *b);
/* A plain name of [A-Za-z0-9_.-], not beginning with a dot. */
bool name_valid(const char *name);

/* A new file with these bytes, synced; nothing is left on an error. */
int file_create(struct store *s, const char *path, const void *bytes, size_t n);
/* file_create under the name tmp, then a rename over name: whole, old or new. */
int file_replace(struct store *s, const char *folder, const char *tmp, const char *name,
                 const void *bytes, size_t n);
/* Appends the whole file; ERR_LIMIT when out has no room for it. */
int file_get(struct store *s, const char *path, struct buf *out);

/* Removes a folder of ours: its regular files and native/ in it. Other things
 * stay, and so does the folder then (-ENOTEMPTY). -ENOENT when it is not there. */
int folder_remove(struct store *s, const char *path);
/* Bytes of all there is below, some levels deep; or a negative errno. */
int64_t folder_bytes(struct store *s, const char *path);

/* ---- what is there (inventory.c) ---- */

struct inventory_item {
    char id[DUMP_ID_MAX];
    int64_t bytes;
    char target[64];
    uint64_t life;
    bool readable;
    bool first; /* of its life */
};

/* Owns its items until inventory_free. */
struct inventory {
    struct inventory_item *items; /* oldest first */
    size_t n, cap;
    int64_t used_bytes; /* of everything in the base */
};

/* Lists the dumps; with lives, also reads whose first each is. */
int inventory_read(struct store *s, bool lives, struct inventory *out);
void inventory_free(struct inventory *i);

/* Removes dumps, oldest first, until that much is freed. Firsts of lives go
 * after the others; the newest, and the first of the life that is being
 * written (NULL: none), stay. Returns the bytes freed. */
int64_t retention_free(struct store *s, int64_t wanted_bytes, const struct manifest *writing,
                       int *removed);

/* Removes the histories set aside; returns how many. */
int history_forget_bad(struct store *s);

#endif
