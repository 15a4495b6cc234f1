/* debug=1 text of any bytes: the first picks the chunks' size, the ceiling and
 * the options. Corpus: tests/data/captures. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/profile/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int read_page(struct text_parser *t, struct profile *p, struct text_options o,
                     const uint8_t *bytes, size_t n, size_t chunk, struct text_result *r)
{
    int rc;

    text_restart(t, p, o);
    for (size_t at = 0; at < n; at += chunk)
        text_feed(t, bytes + at, n - at < chunk ? n - at : chunk);
    rc = text_end(t, r);
    if (rc == 0 && (r->sum != r->total || p->partial))
        abort();
    if (p->bytes > p->ceiling)
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct text_parser *t;
    static struct profile p;
    uint8_t how = n ? bytes[0] : 0;
    struct text_options o = {.fold = how & 1, .drop_labels = how & 2, .line_max = 4096};
    size_t chunk = (size_t)1 << (how >> 4);
    struct text_result r, first;
    int first_rc = 0;

    if (!t && (profile_init(&p, 256 * 1024) || text_new(&t, &p, o)))
        abort();
    for (int i = 0; i < 3; i++) { /* from the second on as it is known */
        int rc = read_page(t, &p, o, bytes + (n > 0), n - (n > 0), chunk, &r);
        if (i && o.fold &&
            (rc != first_rc || r.sum != first.sum || r.line != first.line ||
             r.records != first.records))
            abort();
        first_rc = rc;
        first = r;
    }
    for (size_t i = 0; i < p.samples.n; i++)
        if (!sample_key(&p, &p.samples.p[i]))
            abort();
    return 0;
}
