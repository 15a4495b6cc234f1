/* What a target may be asked to pay: one bucket of its time, 10 ms a second
 * (the 1 % rule), paid by each request's measured latency; failures pay back-off
 * instead; and the memory a scrape leaves behind until the next GC. */
#ifndef LW_WATCH_BUDGET_H
#define LW_WATCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/watch/fetch_kind.h"

struct budget {
    int64_t balance_us; /* may be negative: a debt delays the next request */
    int64_t refilled_ms;
    int failures;     /* in a row */
    int64_t retry_ms; /* boot_ms before which nothing is sent */
};

void budget_init(struct budget *b, int64_t now_ms);
/* time_scale: so many seconds go by in one. */
void budget_refill(struct budget *b, int64_t now_ms, int64_t time_scale);
/* Whether a request may be sent now: no debt and no back-off under way. */
bool budget_allows(const struct budget *b, int64_t now_ms);
/* boot_ms at which budget_allows turns true, if nothing else is paid. */
int64_t budget_ready_ms(const struct budget *b, int64_t now_ms);
void budget_pay(struct budget *b, int64_t latency_us);
/* Back-off doubles from base_ms to max_ms, with jitter of +-20 % from random. */
void budget_fail(struct budget *b, int64_t now_ms, int64_t base_ms, int64_t max_ms,
                 uint64_t random);
void budget_succeed(struct budget *b);

/* Bytes of new memory a request costs the target: for a goroutine page about 46
 * bytes a PC (0.46 KB at 10 PCs, 3 KB at 60), for a protobuf its compressor, for
 * debug=2 the text, several times. */
int64_t scrape_bytes(enum fetch_kind kind, int64_t goroutines, int64_t pcs_each);
/* Whether that fits between usage and limit (limit 0: unknown, it does). */
bool scrape_fits(int64_t bytes, int64_t usage_bytes, int64_t limit_bytes);

#endif
