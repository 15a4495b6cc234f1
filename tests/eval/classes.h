/* What kinds of service the evaluation knows: one row of class_table each.
 *
 * A class says what is special about a service; what it leaves zero is that of
 * an ordinary one (a day's swing of traffic, GOGC=100, no cache, no restart).
 * Each trace of a class draws its own sizes, rates and times of day. */
#ifndef LW_EVAL_CLASSES_H
#define LW_EVAL_CLASSES_H

#include <stdbool.h>

#include "tests/eval/chance.h"

/* What is expected of the detectors; the targets are stated by group. */
enum class_group {
    GROUP_STEADY, /* goroutines leak about evenly: found within hours */
    GROUP_SLOW,   /* a leak that hides, or comes in its own rhythm */
    GROUP_HEAP,   /* only live heap grows */
    GROUP_UNDONE, /* a restart undoes it before it is judged: shown, no target */
    GROUP_FAST,   /* seconds or minutes to the kill: a dump is all there is time for */
    GROUP_SOUND,  /* no leak */
    GROUP_QUIET   /* no leak, and so ordinary that no alarm is forgiven */
};
const char *class_group_text(enum class_group g); /* "steady" … */
bool class_leaks(enum class_group g);

enum leak_site {
    SITE_STACK, /* goroutines that never end, and the heap they hold */
    SITE_HEAP,  /* live heap without goroutines */
    SITE_NATIVE /* memory that the Go heap does not know: cgo, mmap */
};
enum leak_law {
    LAW_NONE,
    LAW_EVEN,    /* so much an hour */
    LAW_TRAFFIC, /* so much a request */
    LAW_STAIRS,  /* all at once every stair_s */
    LAW_FASTER,  /* ever faster, as a power of time */
    LAW_BURSTS   /* every burst leaves a part of its goroutines behind */
};

struct leak_plan {
    enum leak_law law;
    enum leak_site site;
    double share; /* of what fills the memory, 0…1; 0 is all of it */
    double stair_s;
};
#define CLASS_LEAKS_MAX 3

struct service_class {
    const char *name;
    enum class_group group;
    const char *what; /* one sentence */
    int step_s;       /* between two samples; 0 is 10 */
    int hours;        /* 0 is 84 */

    /* traffic */
    bool flat;            /* the same day and night */
    double swing;         /* the peak is 1 + swing times the trough; 0 is 1.5 */
    bool weekend;         /* a third of it on two days of seven */
    struct span ramp_h;   /* it doubles over so many hours, once */
    struct span double_h; /* it doubles for good within minutes, after so many hours */
    struct span wave_h;   /* it swings by 45 % with this period */
    struct span growth;   /* it grows by this part of itself a day */
    bool autoscaled;      /* replicas double and halve; a pod gets its share */
    double noise;         /* of everything measured; 0 is 1 */

    /* goroutines */
    double bursts_a_day, bursts_an_hour;
    bool pool_keeps;         /* a pool never gives back what a peak made it open */
    struct span pool_step_h; /* a second pool is opened after so many hours */
    bool subscribers;        /* long connections: come in the morning, leave at night */

    /* memory */
    double gogc;           /* 1 is GOGC=100, the default */
    double gomemlimit;     /* part of the limit; 0 none */
    double cache;          /* part of the limit that a cache fills … */
    struct span cache_h;   /* … with this time constant */
    bool night_batch;      /* two hours of more live heap every night */
    bool page_cache;       /* reclaimable file pages are counted as memory */
    struct span near_miss; /* a spike to this part of the limit, that drains */

    /* the leak */
    struct leak_plan leaks[CLASS_LEAKS_MAX];
    struct span onset_h; /* hours after the start; unset is 0.2 to 2 */
    struct span kill_h;  /* about so long from the onset to the kill … */
    struct span kill_s;  /* … or so long */
    struct span stop_h;  /* it stops by itself so long after the onset */

    /* lives, and what of them is seen */
    struct span restart_h; /* between two restarts */
    bool deployed;         /* the leak comes with a restart */
    double missed;         /* part of the scrapes that fail */
    double absences_a_day; /* nothing is scraped for minutes to hours */
};

extern const struct service_class class_table[];
extern const int class_count;

const struct service_class *class_find(const char *name); /* NULL: there is none */
double class_step_s(const struct service_class *c);
double class_length_s(const struct service_class *c);
int class_stacks_leaking(const struct service_class *c); /* s_leak, s_leak2, …: at least 1 */

#endif
