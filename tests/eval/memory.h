/* A Go process's memory as the kernel sees it: the heap between two collections,
 * what the runtime keeps of its peaks, goroutine stacks, file pages.
 * Ownership: a plain value of the caller's. */
#ifndef LW_EVAL_MEMORY_H
#define LW_EVAL_MEMORY_H

#include "tests/eval/classes.h"

struct memory {
    double limit_bytes;
    double gogc;
    double go_limit_bytes; /* GOMEMLIMIT; 0 none */
    double live_bytes;     /* of the last sample */
    double room_bytes;     /* over the live heap, as far as it was ever filled */
    double heap_sys_bytes; /* heap memory taken from the system, not yet given back */
    double page_cache_bytes;
};

void memory_open(struct memory *m, const struct service_class *c, struct chance *chance);

void memory_restart(struct memory *m, double live_bytes); /* a new process */

/* Resident bytes that a live heap and so many goroutines come to once the heap
 * stands at its goal: without file pages, noise or earlier peaks. */
double memory_resident(const struct memory *m, double live_bytes, double goroutines);

/* Bytes of live heap that may be added to live_bytes before that is the limit,
 * when a goroutine comes with every bytes_a_goroutine of them (0: with none). */
double memory_room(const struct memory *m, double live_bytes, double goroutines,
                   double bytes_a_goroutine);

/* What the program does with memory at one sample. */
struct memory_use {
    double live_bytes, native_bytes;
    double goroutines, handlers;
    double traffic_share; /* of the day's peak */
};

/* One sample later: the resident bytes now, file pages included. */
double memory_step(struct memory *m, const struct service_class *c,
                   const struct memory_use *use, struct chance *chance);

#endif
