/* The agent's directory as the other commands see it: through the agent's
 * socket where one answers, else through its files, read once.
 * Ownership: the folder owns what it opened until folder_close; settings are
 * borrowed. */
#ifndef LW_CMD_FOLDER_H
#define LW_CMD_FOLDER_H

#include "cmd/leakwatch/cmd.h"
#include "lib/history/history.h"
#include "lib/host/disk_posix.h"
#include "lib/store/store.h"

struct folder {
    const struct settings *settings;
    struct disk_posix disk;
    bool open;
    struct store store;
    void *block; /* of the history, once asked for */
    struct history *history;
};

/* Opens for reading. 0 or a code with a message; folder_close in either case. */
int folder_open(struct folder *f, const struct settings *s, struct errmsg *e);
/* Reads the history file as it stands: f->history. */
int folder_history(struct folder *f, struct errmsg *e);
void folder_close(struct folder *f);

/* Asks the agent: the body of its answer is appended to out. 0 when it answered
 * (*status is HTTP's); -ENOENT or -ECONNREFUSED when there is none. */
int agent_ask(const struct settings *s, const char *method, const char *path_and_query,
              struct str body, struct buf *out, int *status, struct errmsg *e);
/* The text of {"error":…}, or the HTTP status. */
const char *agent_error(struct buf *answer, int status, struct errmsg *e);
/* value, percent-encoded. */
void query_put(struct buf *out, const char *value);

#endif
