/* What detection costs, in CPU time: 84 hours of a service through replay, from
 * a file's bytes to events; one step of the detectors among 4,000 stacks; and an
 * explain of the same, which asks them again and again since when. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/view/explain.h"
#include "lib/watch/replay.h"

#define MINUTE_MS (60 * 1000LL)
#define HOUR_MS (60 * MINUTE_MS)
#define ORIGIN_MS (472222LL * HOUR_MS)
#define EVERY_MS 10000
#define LIMIT_BYTES (1LL << 30)

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_detect: %s\n", what);
    exit(2);
}

static double noise(void) /* -1 … 1 */
{
    static uint64_t seed = 3;
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(seed >> 11) / 9007199254740992.0 * 2 - 1;
}

/* Four stacks in five stand still, the others swing with the day; one leaks. */
static int64_t count_at(int i, int64_t t_ms)
{
    double day = sin((double)t_ms / (24.0 * (double)HOUR_MS) * 2 * 3.14159265358979);
    if (i == 0)
        return 20 + t_ms / (3 * MINUTE_MS);
    int64_t base = 40 + i % 100;
    return i % 5 ? base : base + (int64_t)(20 * day + 10 * noise());
}

/* ---- replay ---- */

#define REPLAY_STACKS 50
#define REPLAY_MS (84 * HOUR_MS)

static void series_write(struct buf *csv)
{
    buf_puts(csv, "t,goroutines,heap_bytes,rss_bytes,limit,uptime");
    for (int i = 0; i < REPLAY_STACKS; i++)
        buf_printf(csv, ",s_main.stack%d", i);
    buf_putc(csv, '\n');
    for (int64_t t_ms = 0; t_ms < REPLAY_MS; t_ms += EVERY_MS) {
        long long t = t_ms / 1000, heap = 100000000 + 1000 * t + (long long)(1e6 * noise());
        buf_printf(csv, "%lld,%lld,%lld,%lld,%lld,%lld", t, 3000 + t / 180, heap,
                   2 * heap + 50000000, LIMIT_BYTES, t);
        for (int i = 0; i < REPLAY_STACKS; i++)
            buf_printf(csv, ",%lld", (long long)count_at(i, t_ms));
        buf_putc(csv, '\n');
    }
    require(buf_status(csv) == 0, "no memory for the series");
}

static void bench_replay(void)
{
    static struct settings s;
    struct buf csv, events;
    struct replay r;
    struct errmsg e;
    double best = INFINITY;

    buf_init(&csv, 256u << 20);
    buf_init(&events, 64u << 20);
    series_write(&csv);
    settings_defaults(&s);
    for (int i = 0; i < 3; i++) {
        buf_reset(&events);
        require(replay_init(&r, &s, &events) == 0, "no memory to replay");
        double start = cpu_seconds();
        require(replay_feed(&r, csv.p, csv.len, &e) == 0 && replay_end(&r, &e) == 0, e.text);
        best = fmin(best, cpu_seconds() - start);
        replay_free(&r);
    }
    require(events.len > 0, "the leak was not found");
    printf("replay of 84 h at 10 s, %d stacks (%.1f MB): %.2f s\n", REPLAY_STACKS,
           (double)csv.len / 1e6, best);
    buf_free(&csv);
    buf_free(&events);
}

/* ---- one step ---- */

#define STEP_STACKS 4000
#define HISTORY_BYTES (2 << 20)
#define WARM_MS (30 * HOUR_MS)
#define STEPS_MS (3 * HOUR_MS)

static size_t frames_of(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    static char name[32];
    (void)ctx;
    if (max == 0)
        return 0;
    snprintf(name, sizeof(name), "main.stack%u", sample);
    out[0] = (struct frame){.function = str_of(name), .file = STR("main.go")};
    return 1;
}

static void push(struct history *h, int64_t t_ms)
{
    static struct history_count counts[STEP_STACKS];
    float heap = (float)(1e8 + (double)t_ms / 2 + 1e6 * noise());
    float values[HISTORY_SIGNALS] = {10000, 2 * heap, heap, (float)LIMIT_BYTES};
    for (int i = 0; i < STEP_STACKS; i++)
        counts[i] = (struct history_count){(uint64_t)i + 1, count_at(i, t_ms), (uint32_t)i};
    history_push_signals(h, 0, ORIGIN_MS + t_ms, values);
    history_push_stacks(h, 0, HISTORY_STACKS, ORIGIN_MS + t_ms, counts, STEP_STACKS, frames_of,
                        NULL);
}

static void bench_explain(const struct history *h, int64_t t_ms)
{
    static struct settings s;
    static struct explain x;
    struct buf out;
    double start = cpu_seconds();

    settings_defaults(&s);
    buf_init(&out, EXPLAIN_BYTES_MAX);
    explain_make(
        &(struct explain_input){.history = h, .t_ms = t_ms, .now_ms = t_ms, .settings = &s},
        &x);
    explain_json(&x, &out);
    require(x.rules[0].standing == RULE_FIRES, "nothing fires");
    printf("an explain of it: %.1f ms, %zu bytes of JSON\n", 1000 * (cpu_seconds() - start),
           out.len);
    buf_free(&out);
}

static void bench_step(void)
{
    static const char *const name = "app";
    static const uint8_t boot_id[16] = {1};
    struct moment now = {.wall_ms = ORIGIN_MS};
    void *block = aligned_alloc(8, HISTORY_BYTES);
    struct history *h = NULL;
    struct detect_state state = {0};
    double worst = 0, sum = 0;
    int steps = 0;

    require(block && history_format(&h, block, HISTORY_BYTES, &name, 1, now, boot_id) == 0,
            "no history");
    history_push_life(
        h, 0, &(struct history_life){.id = 1, .start_ms = ORIGIN_MS, .seen_ms = ORIGIN_MS});
    struct detect_view v = {
        .history = h, .time_scale = 1, .life_start_ms = ORIGIN_MS, .limit_bytes = LIMIT_BYTES};
    for (int64_t t_ms = 0; t_ms < WARM_MS + STEPS_MS; t_ms += EVERY_MS) {
        push(h, t_ms);
        if (t_ms < WARM_MS)
            continue;
        v.t_ms = ORIGIN_MS + t_ms;
        double start = cpu_seconds();
        detect_step(&state, &v);
        double took = cpu_seconds() - start;
        worst = fmax(worst, took);
        sum += took;
        steps++;
    }
    require(state.verdict.finding.kind != VERDICT_NONE, "the leak was not found");
    printf("a step of the detectors, %d stacks: worst %.2f ms, mean %.3f ms of %d\n",
           STEP_STACKS, 1000 * worst, 1000 * sum / steps, steps);
    bench_explain(h, v.t_ms);
    history_close(&h);
    free(block);
}

int main(void)
{
    bench_replay();
    bench_step();
    return 0;
}
