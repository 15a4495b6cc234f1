/* Any bytes as a history file: refused, or a history that answers and goes on.
 * The input is laid over a good image: {uint16 offset in units of 16, uint8 n,
 * n bytes} …. The folder's sources are built in with a CRC that always fits, so
 * that damage gets past it to the checks behind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"

static uint32_t always_fits(uint32_t seed, const void *bytes, size_t n)
{
    (void)seed;
    (void)bytes;
    (void)n;
    return 1;
}
#define crc32_of always_fits

#include "lib/history/anchor.c"
#include "lib/history/block.c"
#include "lib/history/gauge.c"
#include "lib/history/history.c"
#include "lib/history/points.c"
#include "lib/history/query.c"
#include "lib/history/ring.c"
#include "lib/history/ring_load.c"
#include "lib/history/series.c"
#include "lib/history/symbols.c"
#include "lib/history/target.c"
#include "lib/history/track.c"

#define BLOCK HISTORY_BLOCK_MIN
#define START_MS INT64_C(1790000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t image[BLOCK / 8], block[BLOCK / 8];

static size_t frames(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    (void)ctx;
    (void)max;
    out[0] =
        (struct frame){.function = STR("main.f"), .file = STR("f.go"), .line = (int32_t)sample};
    return 1;
}

static void push(struct history *h, int64_t t_ms)
{
    struct history_count c[20];
    float v[HISTORY_SIGNALS] = {1, 2, 3, 4};

    for (uint32_t i = 0; i < 20; i++)
        c[i] = (struct history_count){i + 1, 16 + (t_ms / 10000 + i) % 9, i};
    history_push_signals(h, 0, t_ms, v);
    (void)history_push_stacks(h, 0, HISTORY_STACKS, t_ms, c, 20, frames, NULL);
}

static void make_image(void)
{
    const char *const names[] = {"api"};
    const uint8_t boot[16] = {1};
    struct history *h;

    if (history_format(&h, image, BLOCK, names, 1, (struct moment){1, START_MS}, boot) != 0)
        abort();
    for (int k = 0; k < 800; k++)
        push(h, START_MS + k * 10000);
}

static void ask_everything(const struct history *h)
{
    static struct history_value values[1024];
    static struct history_point points[1000];
    struct history_growth grown[8];
    struct history_life lives[HISTORY_LIVES_MAX];
    struct history_usage usage;
    struct frame f[HISTORY_FRAMES_MAX];
    uint32_t stacks[4] = {0, 3, HISTORY_OTHER, 700};
    float out[4 * 48];

    for (int target = 0; target < history_targets(h); target++) {
        int64_t now_ms = history_newest(h, target);
        for (int class = 0; class < HISTORY_CLASSES; class ++) {
            enum history_class c = (enum history_class) class;
            size_t n = history_at(h, target, c, now_ms, values, 1024, NULL);
            for (size_t i = 0; i < n; i++)
                history_frames(h, values[i].stack, f, HISTORY_FRAMES_MAX);
            history_grown(h, target, c, now_ms - 3600000, now_ms, 0, grown, 8);
            history_minima(h, target, c, stacks, 4, now_ms, 900000, 48, out);
            history_series(h, target, c, 0, 0, now_ms, 0, points, 1000);
        }
        for (int s = 0; s < HISTORY_SIGNALS; s++)
            history_signal(h, target, (enum history_signal)s, 0, now_ms, 0, points, 1000);
        history_lives(h, target, lives, HISTORY_LIVES_MAX);
        history_usage(h, target, &usage);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *const names[] = {"api"};
    const uint8_t boot[16] = {1};
    struct history *h;
    struct errmsg e;

    if (image[0] == 0)
        make_image();
    memcpy(block, image, BLOCK);
    while (n >= 4) {
        size_t offset = ((size_t)data[0] | (size_t)data[1] << 8) * 16;
        size_t bytes = data[2] < n - 3 ? data[2] : n - 3;
        if (offset + bytes <= BLOCK)
            memcpy((uint8_t *)block + offset, data + 3, bytes);
        data += 3 + bytes;
        n -= 3 + bytes;
    }
    if (history_load(&h, block, BLOCK, names, 1, (struct moment){9000, START_MS}, boot, false,
                     &e) != 0)
        return 0;
    ask_everything(h);
    for (int k = 1; k < 40; k++)
        push(h, history_newest(h, 0) + k * 10000);
    ask_everything(h);
    history_close(&h);
    return 0;
}
