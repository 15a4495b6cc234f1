/* Which goroutines may grow in number without being a leak of their own.
 *
 * A connection that waits for its peer is one goroutine or two; a busy service
 * has many, and their number follows its clients. So what waits for *input* is
 * exempt, and so are the loops below that come with each pooled or accepted
 * connection. The rule for a row: its number follows the connections, and when
 * they leak, a stack that is not exempt grows with them.
 *
 * Deliberately not here:
 *  - net/http.(*persistConn).readLoop: an idle one waits for input and is
 *    exempt by that; one that is its own leaf waits for a body to be closed,
 *    which is the leak (writeLoop, its twin, waits alike in both cases);
 *  - database/sql.(*DB).connectionOpener: one a pool, so sixty are sixty pools
 *    nobody closed; (*Rows).awaitDone and (*Tx).awaitDone: rows and transactions
 *    nobody closed;
 *  - google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run: one a
 *    ClientConn, the witness of those nobody closed;
 *  - what waits to *write*: its peer does not read; and time.Sleep: a loop that
 *    has lost its client goes on sleeping. */
#include <stddef.h>

#include "lib/detect/detect.h"

/* Leaf frames, by the whole name or (at a final dot or parenthesis) its start. */
static const char *const exempt_leaves[] = {
    "runtime/pprof.",         /* the scrape itself */
    "syscall.",               /* in the kernel */
    "internal/syscall/unix.", /* the same */
    "golang.org/x/sys/unix.", /* the same */
    "os/signal.signal_recv",  /* one a process */
    "net/http.(*persistConn).writeLoop",
    "net/http.(*http2serverConn).serve",
    "golang.org/x/net/http2.(*serverConn).serve",
    "google.golang.org/grpc/internal/transport.(*controlBuffer).get", /* loopyWriter */
    "google.golang.org/grpc/internal/transport.(*http2Server).keepalive",
    "google.golang.org/grpc/internal/transport.(*http2Client).keepalive",
    "github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher.func1",
    "github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck",
};

static bool leaf_matches(struct str leaf, struct str row)
{
    if (row.p[row.n - 1] == '.')
        return leaf.n > row.n && str_eq((struct str){leaf.p, row.n}, row);
    return str_eq(leaf, row);
}

/* Waiting in the network poller, and not to write. */
static bool waits_for_input(const struct frame *frames, size_t n)
{
    if (!str_is(frames[0].function, "internal/poll.runtime_pollWait"))
        return false;
    for (size_t i = 1; i < n && str_starts(frames[i].function, "internal/poll."); i++)
        if (str_is(frames[i].function, "internal/poll.(*pollDesc).waitWrite"))
            return false;
    return true;
}

bool detect_exempt(const struct frame *frames, size_t n, const char (*allow)[512], int n_allow)
{
    if (n == 0)
        return false;
    if (waits_for_input(frames, n))
        return true;
    for (size_t i = 0; i < sizeof(exempt_leaves) / sizeof(exempt_leaves[0]); i++)
        if (leaf_matches(frames[0].function, str_of(exempt_leaves[i])))
            return true;
    for (int a = 0; a < n_allow; a++) {
        if (allow[a][0] == '\0')
            continue;
        for (size_t i = 0; i < n; i++)
            if (str_contains(frames[i].function, allow[a]))
                return true;
    }
    return false;
}
