#include "lib/watch/budget.h"

#include <stddef.h>

#define RATE_US_PER_MS 10 /* 10 ms of the target's time a second */
#define BALANCE_MAX_US (200 * 1000)
/* A slow start is no cost of ours: it silences for 100 s at most. */
#define DEBT_MAX_US (1000 * 1000)
#define EARNED_AT_ONCE_MAX_MS 60000
#define GC_BYTES (4 << 20) /* room for a GC to run in, its workers' buffers among it */

const char *fetch_path(enum fetch_kind kind)
{
    static const char *const paths[] = {
#define FETCH_PATH(name, path) [FETCH_##name] = path,
        FETCH_MAP(FETCH_PATH)
#undef FETCH_PATH
    };
    return kind < FETCH_KINDS ? paths[kind] : NULL;
}

void budget_init(struct budget *b, int64_t now_ms)
{
    *b = (struct budget){.balance_us = BALANCE_MAX_US, .refilled_ms = now_ms};
}

void budget_refill(struct budget *b, int64_t now_ms, int64_t time_scale)
{
    int64_t elapsed_ms = (now_ms - b->refilled_ms) * time_scale;

    if (elapsed_ms <= 0)
        return;
    b->refilled_ms = now_ms;
    if (elapsed_ms > EARNED_AT_ONCE_MAX_MS) /* a suspend earns no more than a minute */
        elapsed_ms = EARNED_AT_ONCE_MAX_MS;
    b->balance_us += elapsed_ms * RATE_US_PER_MS;
    if (b->balance_us > BALANCE_MAX_US)
        b->balance_us = BALANCE_MAX_US;
}

bool budget_allows(const struct budget *b, int64_t now_ms)
{
    return b->balance_us > 0 && now_ms >= b->retry_ms;
}

int64_t budget_ready_ms(const struct budget *b, int64_t now_ms)
{
    int64_t ready_ms = now_ms;

    if (b->balance_us <= 0)
        ready_ms += -b->balance_us / RATE_US_PER_MS + 1;
    return ready_ms > b->retry_ms ? ready_ms : b->retry_ms;
}

void budget_pay(struct budget *b, int64_t latency_us)
{
    b->balance_us -= latency_us;
    if (b->balance_us < -DEBT_MAX_US)
        b->balance_us = -DEBT_MAX_US;
}

void budget_fail(struct budget *b, int64_t now_ms, int64_t base_ms, int64_t max_ms,
                 uint64_t random)
{
    int shift = b->failures < 16 ? b->failures : 16;
    int64_t wait_ms = base_ms << shift;

    if (wait_ms > max_ms || wait_ms <= 0)
        wait_ms = max_ms;
    wait_ms += wait_ms * ((int64_t)(random % 401) - 200) / 1000;
    b->failures++;
    b->retry_ms = now_ms + wait_ms;
}

void budget_succeed(struct budget *b)
{
    b->failures = 0;
    b->retry_ms = 0;
}

int64_t scrape_bytes(enum fetch_kind kind, int64_t goroutines, int64_t pcs_each)
{
    const int64_t compressor = 1300 * 1000; /* gzip state of a protobuf answer */
    const int64_t stacks = goroutines * pcs_each * 46;

    switch (kind) {
    case FETCH_GOROUTINE: return stacks;
    case FETCH_NATIVE_GOROUTINE: return stacks + compressor;
    case FETCH_HEAP: return compressor;
    /* All may be leaked; and what is allocated while the GC runs is not freed by it. */
    case FETCH_LEAK: return stacks + GC_BYTES;
    case FETCH_NATIVE_LEAK: return stacks + compressor + GC_BYTES;
    /* About 48 bytes of text a PC, in a buffer that begins with 1 MiB and doubles
     * until it is enough, the ones before left behind. */
    case FETCH_STACKS:
    case FETCH_NATIVE_STACKS: return (1 << 20) + 4 * (goroutines * pcs_each * 48);
    case FETCH_SYMBOL:
    case FETCH_MEMSTATS:
    case FETCH_INDEX:
    case FETCH_METRICS:
    case FETCH_NONE:
    case FETCH_KINDS: return 0;
    }
    return 0;
}

bool scrape_fits(int64_t bytes, int64_t usage_bytes, int64_t limit_bytes)
{
    if (bytes == 0 || limit_bytes <= 0 || usage_bytes < 0)
        return true;
    return bytes <= limit_bytes - usage_bytes;
}
