/* Three tables: what the runtime's functions mean, what the states of debug=2
 * mean, and what the hooks mean through which sync, internal/poll and time call
 * the runtime, which debug=1 shows since their names are not the runtime's. */
#include "lib/detect/blocking.h"

#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *text, *words;
} names[BLOCKING_COUNT] = {
    [BLOCKING_UNKNOWN] = {"unknown", "waiting"},
    [BLOCKING_RUNNING] = {"running", "running"},
    [BLOCKING_CHAN_SEND] = {"chan-send", "sending to a channel"},
    [BLOCKING_CHAN_RECEIVE] = {"chan-receive", "receiving from a channel"},
    [BLOCKING_SELECT] = {"select", "in a select"},
    [BLOCKING_IO_READ] = {"io-read", "waiting for input"},
    [BLOCKING_IO_WRITE] = {"io-write", "waiting for a peer that does not read"},
    [BLOCKING_IO_WAIT] = {"io-wait", "waiting for input or output"},
    [BLOCKING_MUTEX] = {"mutex", "waiting for a mutex"},
    [BLOCKING_RWMUTEX] = {"rwmutex", "waiting for a read-write mutex"},
    [BLOCKING_WAIT_GROUP] = {"wait-group", "waiting for a wait group"},
    [BLOCKING_COND] = {"cond", "waiting for a condition variable"},
    [BLOCKING_SEMAPHORE] = {"semaphore", "waiting for a lock"},
    [BLOCKING_SLEEP] = {"sleep", "sleeping"},
    [BLOCKING_SYSCALL] = {"syscall", "in a system call"},
    [BLOCKING_NEVER] = {"never", "blocked where nothing can wake it"},
    [BLOCKING_RUNTIME] = {"runtime", "part of Go's runtime"},
};

const char *blocking_text(enum blocking b)
{
    return names[(unsigned)b < BLOCKING_COUNT ? b : BLOCKING_UNKNOWN].text;
}

const char *blocking_words(enum blocking b)
{
    return names[(unsigned)b < BLOCKING_COUNT ? b : BLOCKING_UNKNOWN].words;
}

struct meaning {
    const char *name;
    enum blocking op;
};

/* Whole names. The runtime's own goroutines are told by their first function. */
static const struct meaning runtime_functions[] = {
    {"runtime.chansend", BLOCKING_CHAN_SEND},
    {"runtime.chansend1", BLOCKING_CHAN_SEND},
    {"runtime.chanrecv", BLOCKING_CHAN_RECEIVE},
    {"runtime.chanrecv1", BLOCKING_CHAN_RECEIVE},
    {"runtime.chanrecv2", BLOCKING_CHAN_RECEIVE},
    {"runtime.selectgo", BLOCKING_SELECT},
    {"runtime.block", BLOCKING_NEVER},
    {"runtime.netpollblock", BLOCKING_IO_WAIT},
    {"runtime.semacquire", BLOCKING_SEMAPHORE},
    {"runtime.semacquire1", BLOCKING_SEMAPHORE},
    {"runtime.notifyListWait", BLOCKING_COND},
    {"runtime.timeSleep", BLOCKING_SLEEP},
    {"runtime.asmcgocall", BLOCKING_SYSCALL},
    {"runtime.cgocall", BLOCKING_SYSCALL},
    {"runtime.entersyscall", BLOCKING_SYSCALL},
    {"runtime.entersyscallblock", BLOCKING_SYSCALL},
    {"runtime.exitsyscall", BLOCKING_SYSCALL},
    {"runtime.notetsleepg", BLOCKING_SYSCALL},
    {"internal/runtime/syscall.EpollWait", BLOCKING_SYSCALL},
    {"internal/runtime/syscall.Syscall6", BLOCKING_SYSCALL},
    {"internal/runtime/syscall/linux.Syscall6", BLOCKING_SYSCALL},
    {"runtime.Gosched", BLOCKING_RUNNING},
    {"runtime.asyncPreempt", BLOCKING_RUNNING},
    {"runtime.asyncPreempt2", BLOCKING_RUNNING},
    {"runtime.gcAssistAlloc", BLOCKING_RUNNING},
    {"runtime.goroutineProfileWithLabels", BLOCKING_RUNNING},
    {"runtime.mallocgc", BLOCKING_RUNNING},
    {"runtime.newstack", BLOCKING_RUNNING},
    {"runtime.bgscavenge", BLOCKING_RUNTIME},
    {"runtime.bgsweep", BLOCKING_RUNTIME},
    {"runtime.forcegchelper", BLOCKING_RUNTIME},
    {"runtime.gcBgMarkWorker", BLOCKING_RUNTIME},
    {"runtime.runCleanups", BLOCKING_RUNTIME},
    {"runtime.runFinalizers", BLOCKING_RUNTIME},
    {"runtime.runfinq", BLOCKING_RUNTIME},
};

static const struct meaning states[] = {
    {"chan send", BLOCKING_CHAN_SEND},
    {"chan receive", BLOCKING_CHAN_RECEIVE},
    {"chan send (nil chan)", BLOCKING_NEVER},
    {"chan receive (nil chan)", BLOCKING_NEVER},
    {"select", BLOCKING_SELECT},
    {"select (no cases)", BLOCKING_NEVER},
    {"IO wait", BLOCKING_IO_WAIT},
    {"semacquire", BLOCKING_SEMAPHORE},
    {"sync.Cond.Wait", BLOCKING_COND},
    {"sync.Mutex.Lock", BLOCKING_MUTEX},
    {"sync.RWMutex.Lock", BLOCKING_RWMUTEX},
    {"sync.RWMutex.RLock", BLOCKING_RWMUTEX},
    {"sync.WaitGroup.Wait", BLOCKING_WAIT_GROUP},
    {"sleep", BLOCKING_SLEEP},
    {"syscall", BLOCKING_SYSCALL},
    {"running", BLOCKING_RUNNING},
    {"runnable", BLOCKING_RUNNING},
    {"preempted", BLOCKING_RUNNING},
    {"copystack", BLOCKING_RUNNING},
    {"GC assist marking", BLOCKING_RUNNING},
    {"GC assist wait", BLOCKING_RUNNING},
    {"GC sweep wait", BLOCKING_RUNTIME},
    {"GC scavenge wait", BLOCKING_RUNTIME},
    {"GC worker (idle)", BLOCKING_RUNTIME},
    {"GC worker (active)", BLOCKING_RUNTIME},
    {"GOMAXPROCS updater (idle)", BLOCKING_RUNTIME},
    {"cleanup wait", BLOCKING_RUNTIME},
    {"finalizer wait", BLOCKING_RUNTIME},
    {"force gc (idle)", BLOCKING_RUNTIME},
    {"trace reader (blocked)", BLOCKING_RUNTIME},
};

/* Leaf frames, whole names; a hook that several locks share is refined below. */
static const struct meaning hooks[] = {
    {"time.Sleep", BLOCKING_SLEEP},
    {"sync.runtime_notifyListWait", BLOCKING_COND},
    {"sync.runtime_SemacquireRWMutex", BLOCKING_RWMUTEX},
    {"sync.runtime_SemacquireRWMutexR", BLOCKING_RWMUTEX},
    {"sync.runtime_SemacquireWaitGroup", BLOCKING_WAIT_GROUP},
    {"sync.runtime_SemacquireMutex", BLOCKING_MUTEX},
    {"internal/sync.runtime_SemacquireMutex", BLOCKING_MUTEX},
    {"internal/poll.runtime_Semacquire", BLOCKING_MUTEX},
    {"sync.runtime_Semacquire", BLOCKING_SEMAPHORE},
    {"internal/poll.runtime_pollWait", BLOCKING_IO_WAIT},
    {"os/signal.signal_recv", BLOCKING_RUNTIME},
};

/* Callers that say which lock, or which way, the hook below serves. */
static const struct meaning callers[] = {
    {"sync.(*RWMutex).Lock", BLOCKING_RWMUTEX},
    {"sync.(*RWMutex).RLock", BLOCKING_RWMUTEX},
    {"sync.(*WaitGroup).Wait", BLOCKING_WAIT_GROUP},
    {"internal/poll.(*pollDesc).waitRead", BLOCKING_IO_READ},
    {"internal/poll.(*pollDesc).waitWrite", BLOCKING_IO_WRITE},
};

static const char *const kernel_packages[] = {
    "syscall.",
    "internal/syscall/",
    "golang.org/x/sys/unix.",
};

static enum blocking look_up(const struct meaning *table, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, table[i].name))
            return table[i].op;
    return BLOCKING_UNKNOWN;
}

enum blocking blocking_of_runtime(struct str function)
{
    return look_up(runtime_functions, COUNT_OF(runtime_functions), function);
}

enum blocking blocking_of_state(struct str state)
{
    static const struct str durable = {" (durable)", 10}; /* in a synctest bubble */

    if (str_ends(state, durable.p))
        state.n -= durable.n;
    return look_up(states, COUNT_OF(states), state);
}

/* ---- what was learnt of addresses ---- */

static int pc_find(const struct blocking_pcs *t, uint64_t pc)
{
    for (int i = 0; t && i < t->n; i++)
        if (t->pc[i] == pc)
            return i;
    return -1;
}

bool blocking_knows(const struct blocking_pcs *t, uint64_t pc)
{
    return pc_find(t, pc) >= 0;
}

void blocking_learn(struct blocking_pcs *t, uint64_t pc, struct str function)
{
    int at = pc_find(t, pc);

    if (at < 0 && t->n < BLOCKING_PCS_MAX)
        at = t->n++;
    if (at < 0)
        return;
    t->pc[at] = pc;
    t->op[at] = (uint8_t)blocking_of_runtime(function);
}

/* ---- stacks ---- */

static bool in_kernel(struct str function)
{
    for (size_t i = 0; i < COUNT_OF(kernel_packages); i++)
        if (str_starts(function, kernel_packages[i]))
            return true;
    return false;
}

/* Frames of the packages that stand between a hook and the code that waits. */
static bool is_between(struct str function)
{
    return str_starts(function, "sync.") || str_starts(function, "internal/sync.") ||
           str_starts(function, "internal/poll.");
}

enum blocking blocking_of_frames(const struct frame *frames, size_t n)
{
    enum blocking op;

    if (n == 0)
        return BLOCKING_UNKNOWN;
    if (in_kernel(frames[0].function))
        return BLOCKING_SYSCALL;
    op = look_up(hooks, COUNT_OF(hooks), frames[0].function);
    if (op == BLOCKING_UNKNOWN) /* a protobuf of all frames */
        op = blocking_of_runtime(frames[0].function);
    for (size_t i = 1; op != BLOCKING_UNKNOWN && i < n && is_between(frames[i].function); i++) {
        enum blocking finer = look_up(callers, COUNT_OF(callers), frames[i].function);

        if (finer != BLOCKING_UNKNOWN)
            return finer;
    }
    return op;
}

/* The machine function at a location; empty where debug=1 hides it. */
static struct str name_at(const struct profile *p, const struct location *l)
{
    if (!l->n_lines)
        return STR("");
    const struct line *outer = &p->lines.p[l->first_line + l->n_lines - 1u];
    return profile_text(p, p->functions.p[outer->function].name);
}

static bool is_runtimes(struct str function)
{
    return str_starts(function, "runtime.") || str_starts(function, "internal/runtime/");
}

#define FRAMES_MAX 16 /* no hook is deeper */

enum blocking blocking_of_sample(const struct blocking_pcs *t, const struct profile *p,
                                 const struct sample *s)
{
    struct frame frames[FRAMES_MAX];
    size_t n = sample_frames(p, s, frames, FRAMES_MAX);
    enum blocking op = blocking_of_frames(frames, n);
    const uint32_t *refs = sample_refs(p, s);

    /* The first that means something, from the leaf to the program's own code. */
    for (uint32_t i = 0; op == BLOCKING_UNKNOWN && i < s->n_refs; i++) {
        const struct location *l = &p->locations.p[refs[i]];
        int known = pc_find(t, l->address);

        if (l->folded)
            break;
        if (!l->n_lines)
            op = known >= 0 ? (enum blocking)t->op[known] : BLOCKING_UNKNOWN;
        else if (is_runtimes(name_at(p, l)))
            op = blocking_of_runtime(name_at(p, l));
        else /* nothing of the runtime above its own code: on a processor */
            return i == 0 ? BLOCKING_RUNNING : BLOCKING_UNKNOWN;
    }
    return op;
}
