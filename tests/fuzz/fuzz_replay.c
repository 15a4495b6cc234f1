/* A series of any bytes through replay: the last picks rules, time scale and the
 * chunks' size, so that a series as it is makes an input. However it is cut, it
 * says the same. Corpus: tests/data/traces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/watch/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define EVENTS_BYTES (1u << 20)
#define SERIES_BYTES 4096 /* a hundred rows: days, at the time scale */

static int replay_bytes(const struct settings *s, const char *bytes, size_t n, size_t chunk,
                        struct buf *events, struct errmsg *e)
{
    struct replay r;
    int error = 0;

    if (replay_init(&r, s, events))
        abort();
    for (size_t at = 0; at < n && error == 0; at += chunk)
        error = replay_feed(&r, bytes + at, n - at < chunk ? n - at : chunk, e);
    if (error == 0)
        error = replay_end(&r, e);
    if (history_targets(r.history) != 1)
        abort();
    replay_free(&r);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct settings s;
    n = n < SERIES_BYTES ? n : SERIES_BYTES;
    uint8_t how = n ? bytes[n - 1] : 0;
    const char *text = (const char *)bytes;
    struct buf whole, cut;
    struct errmsg e = {0}, e_cut = {0};

    n -= n > 0;
    settings_defaults(&s);
    s.history_bytes = HISTORY_BLOCK_MIN;
    s.time_scale = how & 1 ? 60 : 1;
    s.rule_ratio = how & 2;
    s.rule_goroutines = 1000;
    s.rule_memory_percent = 90;
    buf_init(&whole, EVENTS_BYTES);
    buf_init(&cut, EVENTS_BYTES);
    int error = replay_bytes(&s, text, n, n + 1, &whole, &e);
    int error_cut = replay_bytes(&s, text, n, (size_t)1 << (how >> 4), &cut, &e_cut);
    if (error != error_cut || strcmp(e.text, e_cut.text) != 0 ||
        !str_eq(buf_view(&whole), buf_view(&cut)))
        abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
