/* What a target is: its URL and how to reach it; and how the pod's listening
 * ports become candidates. Ownership: plain values. */
#ifndef LW_TARGET_TARGET_H
#define LW_TARGET_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define TARGET_NAME_MAX 64
#define TARGET_URL_MAX 512

enum target_kind { TARGET_URL, TARGET_AUTO, TARGET_AUTO_ALL };

struct target_spec {
    enum target_kind kind;
    char name[TARGET_NAME_MAX]; /* [A-Za-z0-9_.-], for folders and labels */
    char url[TARGET_URL_MAX];   /* base, ends in "/debug/pprof/" or the user's path + "/" */
    char unix_socket[TARGET_URL_MAX]; /* path, "" for TCP */
    char limit[128];                  /* "", bytes, quantity or file:PATH */
};

/* "[NAME=]URL[,limit=…]", "auto", "auto-all". URL: http://host:port[/path],
 * https://…, host:port, unix:///path.sock[:/http/path]. Without a path:
 * /debug/pprof/. 0 or ERR_USAGE with what is accepted. The default name comes
 * from host and port ("127.0.0.1-6060"), or "target" for auto. */
int target_parse(struct str text, struct target_spec *out, struct errmsg *e);

/* A listening socket of /proc/net/tcp or tcp6. */
struct listener {
    char address[48]; /* printable; "0.0.0.0" and "::" as they are */
    uint16_t port;
    uint64_t inode;
    uint32_t uid;
    bool v6;
};
/* Parses the table; returns how many listeners, at most max. */
size_t listeners_parse(struct str proc_net_tcp, bool v6, struct listener *out, size_t max);

/* Candidates for `auto` in the order to try, as base URLs without path
 * ("http://127.0.0.1:6060"): well-known pprof ports first (6060, 6061, 8080 …)
 * and with auto-all every port; never own_ports. The listener's own address
 * first, then 127.0.0.1, ::1 for wildcards. Returns how many. */
struct candidate {
    char origin[80];
    uint64_t inode;
    uint16_t port;
};
size_t candidates_rank(const struct listener *l, size_t n, bool all, const uint16_t *own_ports,
                       size_t n_own, struct candidate *out, size_t max);

/* The count of goroutines (and heap records) on the pprof index page; 0,
 * ERR_NOT_PPROF or ERR_SYNTAX. */
struct pprof_index {
    int64_t goroutines;
    int64_t heap_records;
    bool has_goroutineleak;
};
int index_parse(struct str html, struct pprof_index *out);

/* ---- GET symbol?0x…+0x…: which function stands at an address ---- */

#define SYMBOL_PCS_MAX 24 /* a request: their path stays below SYMBOL_PATH_MAX */
#define SYMBOL_PATH_MAX 512

/* Writes the path, below the base URL, that asks for n of at most SYMBOL_PCS_MAX
 * addresses; returns out. */
char *symbol_path(const uint64_t *pcs, size_t n, char out[SYMBOL_PATH_MAX]);
/* Reads the answer: names[i] becomes what stands at pcs[i], a span of body, ""
 * where the target knows nothing. What was not asked for is passed over, of two
 * answers the first counts. 0; ERR_NOT_PPROF (also when it has no symbols). */
int symbol_parse(struct str body, const uint64_t *pcs, size_t n, struct str *names);

#endif
