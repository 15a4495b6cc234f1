/* When a dump may be taken: each trigger has a cooldown of 10 minutes per
 * target, all together six an hour, across lives (the state is kept with the
 * history); the first emergency of a life is always let through. */
#ifndef LW_WATCH_TRIGGER_H
#define LW_WATCH_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#define TRIGGER_MAP(X)        \
    X(VERDICT, "verdict")     \
    X(CONFIRMED, "confirmed") \
    X(DOUBLING, "doubling")   \
    X(ETA, "eta")             \
    X(EMERGENCY, "emergency") \
    X(RULE, "rule")           \
    X(MANUAL, "manual")       \
    X(SIGNAL, "signal")

enum trigger {
#define TRIGGER_ENUM(name, text) TRIGGER_##name,
    TRIGGER_MAP(TRIGGER_ENUM)
#undef TRIGGER_ENUM
        TRIGGERS
};

#define TRIGGER_HOURLY_MAX 6
#define TRIGGER_COOLDOWN_MS (10 * 60 * 1000LL)
#define TRIGGER_HOUR_MS (3600 * 1000LL)

const char *trigger_text(enum trigger t);

/* All times are ring times. */
struct trigger_state {
    int64_t last_ms[TRIGGERS];             /* 0: never */
    int64_t recent_ms[TRIGGER_HOURLY_MAX]; /* of the last dumps of any trigger */
    uint64_t emergency_life;               /* life whose first emergency is spent */
};

/* 0 when a dump may be taken now, else how long to wait, in ms. A person's wish
 * (manual, signal) waits for nothing but the hourly cap. */
int64_t trigger_wait_ms(const struct trigger_state *s, enum trigger t, uint64_t life,
                        int64_t t_ms, int64_t time_scale);
void trigger_spend(struct trigger_state *s, enum trigger t, uint64_t life, int64_t t_ms);

#endif
