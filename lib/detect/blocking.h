/* The blocking operation of a stack: what its goroutine waits for.
 *
 * debug=1 text hides the leading frames of the runtime, which say it best
 * ("runtime.chansend1"); it gives their addresses alone, as *hidden* locations
 * of the profile. A target answers what stands there (/debug/pprof/symbol), and
 * the table below remembers it for one life of the target. What is not known
 * yet is read from the visible frames, which tell all but the channels.
 *
 * Ownership: plain values; everything else is borrowed for the call. */
#ifndef LW_DETECT_BLOCKING_H
#define LW_DETECT_BLOCKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "lib/profile/profile.h"

enum blocking {
    BLOCKING_UNKNOWN,
    BLOCKING_RUNNING, /* on a processor, or ready for one */
    BLOCKING_CHAN_SEND,
    BLOCKING_CHAN_RECEIVE,
    BLOCKING_SELECT,
    BLOCKING_IO_READ, /* the network poller, also to accept */
    BLOCKING_IO_WRITE,
    BLOCKING_IO_WAIT, /* one of the two, nobody knows which */
    BLOCKING_MUTEX,
    BLOCKING_RWMUTEX,
    BLOCKING_WAIT_GROUP,
    BLOCKING_COND,
    BLOCKING_SEMAPHORE, /* one of the four before, nobody knows which */
    BLOCKING_SLEEP,
    BLOCKING_SYSCALL, /* in the kernel, or in C */
    BLOCKING_NEVER,   /* nil channel, select{}: nothing can wake it */
    BLOCKING_RUNTIME, /* garbage collector, finalizers, timers: the runtime's own */
    BLOCKING_COUNT
};

/* "chan-send", "wait-group" …; "unknown" also for what is none of them. */
const char *blocking_text(enum blocking b);
/* The same as words of a sentence: "sending to a channel". */
const char *blocking_words(enum blocking b);

/* What a goroutine waits for whose hidden runtime frame has this name
 * ("runtime.chansend1"); BLOCKING_UNKNOWN for neutral ones (runtime.gopark,
 * runtime.goexit …) and for what is not the runtime's. */
enum blocking blocking_of_runtime(struct str function);
/* From a state of debug=2: "chan receive", "chan receive (nil chan)",
 * "select (no cases)", "sync.Mutex.Lock", "semacquire", "IO wait" …, without
 * "(leaked)", minutes and labels, which the caller has cut. */
enum blocking blocking_of_state(struct str state);

#define BLOCKING_PCS_MAX 256
/* What stands at hidden addresses, of one life of a target; all zero: nothing
 * is known. An address is that of the profile's location (what debug=1 prints,
 * less one). */
struct blocking_pcs {
    uint64_t pc[BLOCKING_PCS_MAX];
    uint8_t op[BLOCKING_PCS_MAX]; /* enum blocking */
    int n;
};
bool blocking_knows(const struct blocking_pcs *t, uint64_t pc);
/* Remembers the name found there, also a neutral or empty one, so that it is
 * not asked again. One known is replaced; when full it is dropped. */
void blocking_learn(struct blocking_pcs *t, uint64_t pc, struct str function);

/* Of one sample of a goroutine profile, text or protobuf: its hidden locations
 * looked up in t (may be NULL) and its frames. */
enum blocking blocking_of_sample(const struct blocking_pcs *t, const struct profile *p,
                                 const struct sample *s);
/* From visible frames alone, leaf first, as the history keeps them. */
enum blocking blocking_of_frames(const struct frame *frames, size_t n);

#endif
