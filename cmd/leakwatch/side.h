/* One side of a diff: a file, a dump or a moment of the history.
 * Ownership: the side owns its profile until side_free (a zeroed side is free). */
#ifndef LW_CMD_SIDE_H
#define LW_CMD_SIDE_H

#include "cmd/leakwatch/folder.h"

struct side {
    struct profile profile;
    char name[320]; /* for people */
};

enum side_kind { SIDE_FILE, SIDE_FOLDER, SIDE_ID, SIDE_MOMENT };

/* What a word means: moments are "now", "-6h", RFC 3339; what exists as a path
 * is a file or a dump's folder; all else is a dump's id. */
enum side_kind side_kind(const char *text);

/* Reads a file, or file ("goroutine.pb.gz") of a dump. 0 or a code with a
 * message; what there is of a cut file is no side. */
int side_read(struct side *s, const char *text, const char *file,
              const struct settings *settings, struct errmsg *e);
/* Reads a moment out of f's history. */
int side_moment(struct side *s, const char *text, const struct folder *f, int target,
                enum history_class class, struct errmsg *e);
void side_free(struct side *s);

#endif
