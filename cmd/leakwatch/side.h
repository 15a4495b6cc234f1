/* One side of a diff: a file, a dump or a moment of the history.
 * Ownership: the side owns its profile until side_free. */
#ifndef LW_CMD_SIDE_H
#define LW_CMD_SIDE_H

#include "cmd/leakwatch/cmd.h"
#include "lib/history/history.h"

enum side_kind { SIDE_FILE, SIDE_DUMP, SIDE_MOMENT };

struct side {
    enum side_kind kind;
    const char *text; /* as the user wrote it */
    struct profile profile;
    char name[320]; /* for people */
};

/* What a word means, without reading it: moments are "now", "-6h", RFC 3339;
 * what exists as a path is a file or a dump's folder; all else is a dump's id. */
enum side_kind side_kind(const char *text);

/* Reads a file or a dump's side: file is "goroutine.pb.gz" and the like, below
 * the folder the manifest says to open. 0 or a code with a message. */
int side_read(struct side *s, const char *text, const char *file,
              const struct settings *settings, struct errmsg *e);
/* Reads a moment from the history file. target: NULL, or whose. */
int side_moment(struct side *s, const char *text, const struct history *h, int target,
                enum history_class class, struct errmsg *e);
void side_free(struct side *s);

#endif
