/* What the history costs: bytes a day, reach, time per push and per question.
 * A sample every 10 s for three days of ring time; of the stacks a share is
 * constant, the others wander. Prints a Markdown table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/history/history.h"
#include "lib/history/inside.h"

#define BLOCK ((size_t)2 << 20)
#define START_MS INT64_C(1790000000000)
#define STEP_MS 10000
#define SAMPLES (3 * 8640)
#define STACKS_MAX 4000
#define DEPTH 12
#define QUERIES 50
#define CANDIDATES 64

static uint32_t dice(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Stacks of twelve frames of which four are their own. */
static size_t frames(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    static char names[4][80];

    (void)ctx;
    (void)max;
    for (uint32_t i = 0; i < DEPTH; i++) {
        out[i] = (struct frame){.function = STR("google.golang.org/grpc.(*Server).serve"),
                                .file = STR("/go/pkg/mod/google.golang.org/grpc/server.go"),
                                .line = (int32_t)(sample % 50 + i)};
        if (i >= 4)
            continue;
        snprintf(names[i], sizeof(names[i]),
                 "example.com/shop/internal/orders.(*Store%u).step%u", sample >> i, i);
        out[i].function = str_of(names[i]);
        out[i].file = STR("/src/internal/orders/store.go");
    }
    return DEPTH;
}

struct run {
    struct history *h;
    int n_stacks, constant_percent;
    double push_us, minima_us[4], grown_us, at_us;
    uint64_t written[STACK_TIERS]; /* bytes of records */
};

static void sample(struct run *r, struct history_count *c, uint32_t *seed)
{
    for (int i = 0; i < r->n_stacks; i++) {
        if (i % 100 < r->constant_percent)
            continue;
        c[i].value += (int64_t)(dice(seed) % 7) - 3;
        if (c[i].value < 16)
            c[i].value = 16;
    }
}

static void push_all(struct run *r, struct history_count *c)
{
    uint32_t seed = 1;
    double spent = 0;

    for (int i = 0; i < r->n_stacks; i++)
        c[i] = (struct history_count){((uint64_t)i + 1) * 0x9E3779B97F4A7C15U, 20 + i % 100,
                                      (uint32_t)i};
    for (int k = 0; k < SAMPLES; k++) {
        double from;
        sample(r, c, &seed);
        from = seconds();
        history_push_stacks(r->h, 0, HISTORY_STACKS, START_MS + (int64_t)k * STEP_MS, c,
                            (size_t)r->n_stacks, frames, NULL);
        spent += seconds() - from;
    }
    r->push_us = spent / SAMPLES * 1e6;
}

static void ask(struct run *r)
{
    static const struct {
        int64_t block_ms;
        size_t n;
    } plan[4] = {{120000, 45}, {300000, 36}, {900000, 48}, {3600000, 18}};
    static float out[CANDIDATES * 48];
    static struct history_value values[STACKS_MAX + 1];
    struct history_growth grown[CANDIDATES];
    uint32_t stacks[CANDIDATES];
    int64_t now_ms = START_MS + (int64_t)SAMPLES * STEP_MS;
    double from;

    for (uint32_t i = 0; i < CANDIDATES; i++)
        stacks[i] = i * (uint32_t)r->n_stacks / CANDIDATES;
    for (int p = 0; p < 4; p++) {
        int64_t end_ms = now_ms - now_ms % plan[p].block_ms;
        from = seconds();
        for (int i = 0; i < QUERIES; i++)
            history_minima(r->h, 0, HISTORY_STACKS, stacks, CANDIDATES, end_ms,
                           plan[p].block_ms, plan[p].n, out);
        r->minima_us[p] = (seconds() - from) / QUERIES * 1e6;
    }
    from = seconds();
    for (int i = 0; i < QUERIES; i++)
        history_grown(r->h, 0, HISTORY_STACKS, now_ms - 5400000, now_ms, 1, grown, CANDIDATES);
    r->grown_us = (seconds() - from) / QUERIES * 1e6;
    from = seconds();
    for (int i = 0; i < QUERIES; i++)
        history_at(r->h, 0, HISTORY_STACKS, now_ms - 3600000 * (i % 48), values, STACKS_MAX + 1,
                   NULL);
    r->at_us = (seconds() - from) / QUERIES * 1e6;
}

static void print_run(const struct run *r)
{
    struct history_usage u;
    double kib[STACK_TIERS], hours[STACK_TIERS];

    history_usage(r->h, 0, &u);
    for (int tier = 0; tier < STACK_TIERS; tier++) {
        const struct stream *s = &r->h->streams[channel_stream(0, tier)];
        int64_t reach_ms = s->last_ms - ring_oldest(r->h, channel_stream(0, tier));
        hours[tier] = (double)reach_ms / 3.6e6;
        kib[tier] =
            reach_ms > 0 ? s->pages * r->h->at.page_bytes / 1024.0 * 24 / hours[tier] : 0;
    }
    printf("| %d, %d %% | %zu | %.0f | %.0f · %.0f · %.0f · %.0f | %.1f · %.0f · %.0f · %.0f | "
           "%.1f | %.0f · %.0f · %.0f · %.0f | %.0f | %.0f |\n",
           r->n_stacks, r->constant_percent, u.stacks, (double)u.symbol_bytes / 1024, kib[0],
           kib[1], kib[2], kib[3], hours[0], hours[1], hours[2], hours[3], r->push_us,
           r->minima_us[0], r->minima_us[1], r->minima_us[2], r->minima_us[3], r->grown_us,
           r->at_us);
}

int main(void)
{
    static const int stacks[] = {60, 100, 1000, 4000}, constant[] = {80, 50};
    struct history_count *c = calloc(STACKS_MAX, sizeof(*c));
    void *block = malloc(BLOCK);
    const char *const names[] = {"api"};
    const uint8_t boot[16] = {1};

    printf(
        "| stacks, constant | with series | symbols KiB | KiB a day: 10 s · 5 min · 15 min · "
        "1 h | reach h (3 days pushed) | us a push | us minima 2 min×45 · 5 min×36 · 15 min×48 "
        "· 1 h×18 | us grown | us at |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < 8 && c != NULL && block != NULL; i++) {
        struct run r = {.n_stacks = stacks[i / 2], .constant_percent = constant[i % 2]};
        if (history_format(&r.h, block, BLOCK, names, 1, (struct moment){1, START_MS}, boot) !=
            0)
            break;
        push_all(&r, c);
        ask(&r);
        print_run(&r);
    }
    free(block);
    free(c);
    return 0;
}
