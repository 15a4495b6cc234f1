/* Which goroutines may grow in number without being a leak of their own.
 *
 * A connection that waits for its peer is one goroutine or two; a busy service
 * has many, and their number follows its clients. So what waits for *input* is
 * exempt, and so are the loops that come with each connection: background.def. */
#include <stddef.h>

#include "lib/detect/detect.h"

struct background {
    const char *name;
    bool any; /* any frame, not the leaf alone */
};

static const struct background known[] = {
#define TOP_FUNCTION(name, why) {name, false},
#define ANY_FUNCTION(name, why) {name, true},
#include "lib/detect/background.def"
#undef TOP_FUNCTION
#undef ANY_FUNCTION
};

static bool name_matches(struct str function, struct str row)
{
    if (row.p[row.n - 1] == '.')
        return function.n > row.n && str_eq((struct str){function.p, row.n}, row);
    return str_eq(function, row);
}

static bool is_known(const struct frame *frames, size_t n)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        for (size_t k = 0; k < (known[i].any ? n : 1); k++)
            if (name_matches(frames[k].function, str_of(known[i].name)))
                return true;
    return false;
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
    if (waits_for_input(frames, n) || is_known(frames, n))
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
