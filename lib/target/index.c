/* The index page of net/http/pprof: rows of a count and a link to the profile.
 *   <tr><td>5</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>
 * (Go 1.17–1.27). Found by the link's text, the number read backwards from it,
 * so that pages of older Go and of frameworks that imitate it are read too. */
#include <string.h>

#include "lib/target/target.h"

/* The row of a profile begins at most so far before its name. */
#define INDEX_ROW_MAX 256

/* Back to behind the last c before at, or to least. */
static size_t tag_back(struct str html, size_t at, size_t least, char c)
{
    while (at > least && html.p[at - 1] != c)
        at--;
    return at;
}

/* The digits before the tags that end at `at`, which is behind a '>'. */
static int count_back(struct str html, size_t at, int64_t *count)
{
    size_t least = at > INDEX_ROW_MAX ? at - INDEX_ROW_MAX : 0;
    while (at > least && html.p[at - 1] == '>') {
        at = tag_back(html, at, least, '<');
        at -= at > least; /* the '<' itself */
        while (at > least && memchr(" \t\r\n", html.p[at - 1], 4))
            at--;
    }
    size_t end = at;
    while (at > least && html.p[at - 1] >= '0' && html.p[at - 1] <= '9')
        at--;
    return str_i64((struct str){html.p + at, end - at}, count) ? ERR_SYNTAX : 0;
}

/* Whether `text` stands at i. */
static bool stands_at(struct str html, size_t i, const char *text)
{
    return str_starts((struct str){html.p + i, html.n - i}, text);
}

int index_parse(struct str html, struct pprof_index *out)
{
    bool found = false;
    *out = (struct pprof_index){.goroutines = -1, .heap_records = -1};
    for (size_t i = 0; i < html.n; i++) {
        const char *next = memchr(html.p + i, '>', html.n - i);
        if (!next)
            break;
        i = (size_t)(next - html.p);
        if (stands_at(html, i, ">goroutine</a>")) {
            if (count_back(html, i + 1, &out->goroutines))
                return ERR_SYNTAX;
            found = true;
        } else if (stands_at(html, i, ">heap</a>")) {
            (void)count_back(html, i + 1, &out->heap_records);
        } else if (stands_at(html, i, ">goroutineleak</a>")) {
            out->has_goroutineleak = true;
        }
    }
    return found ? 0 : ERR_NOT_PPROF;
}
