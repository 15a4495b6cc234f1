/* debug=1 text of any bytes: the first picks the chunks' size, the ceiling and
 * the options. Corpus: tests/data/captures. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/profile/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct text_parser *t;
    static struct profile p;
    uint8_t how = n ? bytes[0] : 0;
    struct text_options o = {.fold = how & 1, .drop_labels = how & 2, .line_max = 4096};
    size_t chunk = (size_t)1 << (how >> 4), at = n > 0;
    struct text_result r;

    if (!t && (profile_init(&p, 256 * 1024) || text_new(&t, &p, o)))
        abort();
    text_restart(t, &p, o);
    for (; at < n; at += chunk)
        text_feed(t, bytes + at, n - at < chunk ? n - at : chunk);
    if (text_end(t, &r) == 0 && (r.sum != r.total || p.partial))
        abort();
    if (p.bytes > p.ceiling)
        abort();
    for (size_t i = 0; i < p.samples.n; i++)
        if (!sample_key(&p, &p.samples.p[i]))
            abort();
    return 0;
}
