/* debug=2 text of any bytes: in chunks of the size that the first byte picks it
 * says the same as at once. Corpus: tests/data/captures. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/goroutines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static uint64_t said;

static void add(struct str s)
{
    said = str_hash(s, said);
}

static void on_goroutine(void *ctx, const struct goroutine *g)
{
    static struct frame frames[GOROUTINE_FRAMES_MAX];

    (void)ctx;
    if (g->n_frames > GOROUTINE_FRAMES_MAX || g->minutes < -1)
        abort();
    add((struct str){(const char *)&g->id, sizeof(g->id)});
    add((struct str){(const char *)&g->minutes, sizeof(g->minutes)});
    add(g->state);
    add(g->created_by.function);
    add(g->created_by.file);
    for (size_t i = 0; i < g->n_frames; i++) {
        add(g->frames[i].function);
        add(g->frames[i].file);
        if (g->frames[i].line < 0)
            abort();
    }
    memcpy(frames, g->frames, g->n_frames * sizeof(*frames));
    if (frames_common(frames, g->n_frames) > g->n_frames)
        abort();
}

static int read_page(const uint8_t *bytes, size_t n, size_t chunk)
{
    static struct goroutines_parser p;

    said = 0;
    goroutines_begin(&p, on_goroutine, NULL);
    for (size_t at = 0; at < n; at += chunk)
        goroutines_feed(&p, bytes + at, n - at < chunk ? n - at : chunk);
    return goroutines_end(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t chunk = n ? (size_t)1 << (bytes[0] >> 4) : 1;
    int rc = read_page(bytes, n, n + 1);
    uint64_t whole = said;

    /* A line of exactly the bound's length is cut alike in both. */
    if (read_page(bytes, n, chunk) != rc || said != whole)
        abort();
    return 0;
}
