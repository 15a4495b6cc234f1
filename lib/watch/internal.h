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
/* Whether what that request leaves behind in the target fits below its limit. */
bool schedule_fits(const struct watched *t, enum fetch_kind kind);

/* scrape.c: what a body becomes */
void scrape_begin(struct watch *w, int target, enum fetch_kind kind);
void scrape_end(struct watch *w, int target, enum fetch_kind kind,
                const struct fetch_result *r);

/* counts.c: the scratch of one page, to be freed; NULL: no memory */
struct counts *counts_new(void);
/* Pushes the samples' values as one moment of the history. */
void counts_push(struct watch *w, int target, enum history_class class, const struct profile *p,
                 int value_index);

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
/* One line with all that a verdict says, its first culprit named. */
void hearing_log(struct watch *w, int target, const char *msg, const struct verdict *v);

/* confirm.c: who asks for symbols and for proof, and what becomes of it */
void confirm_life(struct watched *t);           /* a new one: nothing is known */
void confirm_page(struct watch *w, int target); /* a whole page was judged */
enum fetch_kind confirm_choose(struct watch *w, struct watched *t); /* or FETCH_NONE */
int64_t confirm_interval_ms(const struct watch *w, const struct watched *t,
                            enum fetch_kind kind);
void confirm_begin(struct watch *w, int target, enum fetch_kind kind);
/* The answers: 0 or why they are of no use. */
int confirm_symbols(struct watched *t);
int confirm_stacks(struct watch *w, int target);
void confirm_leaks(struct watch *w, int target, const struct profile *p);
/* absent: it is not served and need not be asked again in this life. */
void confirm_failed(struct watch *w, int target, enum fetch_kind kind, bool absent);
/* Raises the grade of what is proven and puts the proof into the evidence; again
 * after a detector has written both anew. Says and dumps it once. */
void confirm_apply(struct watch *w, int target);

/* baseline.c */
void baseline_init(struct baseline *b);
void baseline_free(struct baseline *b);
void baseline_page(struct watch *w, int target);   /* a whole page came */
void baseline_native(struct watch *w, int target); /* body holds Go's own */
void baseline_heap(struct watch *w, int target);
void baseline_new_life(struct watch *w, int target);

/* evidence.c: a trigger becomes a dump job */
bool evidence_ask(struct watch *w, int target, enum trigger trigger, const char *reason);
void evidence_retry(struct watch *w, int target);  /* what had to wait */
void evidence_finish(struct watch *w, int target); /* the dump is all written */

/* native.c: phase 2.
 * One of its answers came (in body), or did not; the next is asked for. */
void native_fetched(struct watch *w, int target, enum fetch_kind kind, bool whole);
void native_end(struct watch *w, int target); /* what came is all there will be */

#endif
