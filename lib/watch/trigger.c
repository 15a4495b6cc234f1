#include "lib/watch/trigger.h"

#include <stddef.h>

const char *trigger_text(enum trigger t)
{
    static const char *const texts[] = {
#define TRIGGER_TEXT(name, text) [TRIGGER_##name] = text,
        TRIGGER_MAP(TRIGGER_TEXT)
#undef TRIGGER_TEXT
    };
    return t < TRIGGERS ? texts[t] : "";
}

static int64_t left_ms(int64_t since_ms, int64_t span_ms, int64_t t_ms)
{
    if (since_ms == 0 || t_ms - since_ms >= span_ms)
        return 0;
    return span_ms - (t_ms - since_ms);
}

int64_t trigger_wait_ms(const struct trigger_state *s, enum trigger t, uint64_t life,
                        int64_t t_ms, int64_t time_scale)
{
    bool asked = t == TRIGGER_MANUAL || t == TRIGGER_SIGNAL;
    int64_t cooldown_ms, hourly_ms;

    if (t == TRIGGER_EMERGENCY && s->emergency_life != life)
        return 0;
    cooldown_ms = asked ? 0 : left_ms(s->last_ms[t], TRIGGER_COOLDOWN_MS / time_scale, t_ms);
    /* The oldest of the last six: when it is an hour old there is room. */
    hourly_ms = left_ms(s->recent_ms[0], TRIGGER_HOUR_MS / time_scale, t_ms);
    return cooldown_ms > hourly_ms ? cooldown_ms : hourly_ms;
}

void trigger_spend(struct trigger_state *s, enum trigger t, uint64_t life, int64_t t_ms)
{
    s->last_ms[t] = t_ms;
    for (int i = 1; i < TRIGGER_HOURLY_MAX; i++)
        s->recent_ms[i - 1] = s->recent_ms[i];
    s->recent_ms[TRIGGER_HOURLY_MAX - 1] = t_ms;
    if (t == TRIGGER_EMERGENCY)
        s->emergency_life = life;
}
