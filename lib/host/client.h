/* Asking the agent on its Unix socket: blocking, for the commands.
 * Ownership: all borrowed; the answer is appended to the caller's buf. */
#ifndef LW_HOST_CLIENT_H
#define LW_HOST_CLIENT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* method "GET" or "POST" (with the body, as JSON); the body of the answer is
 * appended to out up to its ceiling. 0 with the HTTP status, whatever it is;
 * -ENOENT or -ECONNREFUSED when no agent is there, ERR_TIMEOUT, ERR_LIMIT,
 * ERR_CUT, a negative errno. */
int client_request(const char *socket_path, const char *method, const char *path_and_query,
                   struct str body, int64_t deadline_ms, struct buf *out, int *status,
                   struct errmsg *e);

#endif
