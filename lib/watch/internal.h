/* What the files of this folder share; nobody else includes it. */
#ifndef LW_WATCH_INTERNAL_H
#define LW_WATCH_INTERNAL_H

#include "lib/watch/watch.h"

/* watch.c */
struct action *watch_act(struct watch *w, enum action_kind kind, int target);
int64_t watch_scaled(const struct watch *w, int64_t span_ms); /* by time_scale, >= 1 */
uint64_t watch_random(struct watch *w);
void watch_enter(struct watch *w, struct moment now, struct actions *a);
void watch_save(struct watch *w, int target);
void watch_schedule_wake(struct watch *w);

/* schedule.c: what to ask the target next */
void schedule_target(struct watch *w, int target);
int64_t schedule_next_ms(const struct watch *w, int target);
void schedule_life(struct watch *w, int target); /* everything is due now */

/* scrape.c: what a body becomes */
void scrape_begin(struct watch *w, int target, enum fetch_kind kind);
void scrape_end(struct watch *w, int target, enum fetch_kind kind,
                const struct fetch_result *r);

/* life.c */
void life_begin(struct watch *w, int target);
void life_end(struct watch *w, int target);
void life_observe(struct watch *w, int target, const struct memory_sample *m);
void life_restore(struct watch *w, int target);
/* Nobody listens where the life that was open at our start did: it ended unseen. */
void life_absent(struct watch *w, int target);

/* hearing.c: what was just learnt comes before the judge */
struct judge_reading hearing_reading(const struct watch *w, int target);
void hearing_memory(struct watch *w, int target);
void hearing_stacks(struct watch *w, int target);
void hearing_log(struct watch *w, int target, const char *msg, const struct finding *f);

/* baseline.c */
void baseline_init(struct baseline *b);
void baseline_free(struct baseline *b);
void baseline_page(struct watch *w, int target);   /* a whole page came */
void baseline_native(struct watch *w, int target); /* body holds Go's own */
void baseline_heap(struct watch *w, int target);
void baseline_new_life(struct watch *w, int target);

/* evidence.c: a trigger becomes a dump job */
bool evidence_ask(struct watch *w, int target, enum trigger trigger, const char *reason);
void evidence_retry(struct watch *w, int target); /* what had to wait */
void evidence_native_fetched(struct watch *w, int target, bool whole);

#endif
