/* Lives: from the first answer of a process to its death, and why it died.
 *
 * Who it is (process, start time) is known only after it was located, so a life
 * begins in two steps: life_begin at the first answer asks for its whereabouts,
 * identify() decides at the reading that follows whether this is the life the
 * history already knows (we were restarted) or a new one. */
#include <string.h>

#include "lib/watch/internal.h"

#define NOTE_VERSION 3
#define USER_TICK_MS 10   /* USER_HZ is 100 on every Linux */
#define OOM_FRESH_MS 5000 /* a counter that rose this long ago is this death's */
#define SHUTDOWN_MS 30000
#define ABSENCE_MS (5 * 60000LL) /* unseen process: still the same after this long */
#define SAVE_EVERY_MS 10000

bool watch_note_read(const struct history *h, int target, struct watch_note *out)
{
    if (history_note_get(h, target, out, sizeof(*out)) != sizeof(*out) ||
        out->version != NOTE_VERSION) {
        *out = (struct watch_note){0};
        return false;
    }
    out->build_id[sizeof(out->build_id) - 1] = '\0';
    out->baseline_kind[sizeof(out->baseline_kind) - 1] = '\0';
    return true;
}

void life_restore(struct watch *w, int target)
{
    struct watch_note *note = &w->targets[target].note;

    (void)watch_note_read(w->history, target, note);
    note->version = NOTE_VERSION;
    note->time_scale = w->settings->time_scale;
}

void life_begin(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    t->state = TARGET_ALIVE;
    t->ever_answered = true;
    t->said_problem = false;
    t->life = (struct life){.oom_kills = -1, .last_usage_bytes = -1};
    t->usage_bytes = -1;
    t->usage_at_page = t->usage_at_heap = 0;
    t->tier = MEMORY_NONE;
    t->max_rss_bytes = 0;
    t->memstats_failures = 0;
    judge_new_life(&t->judge);
    confirm_life(t);
    schedule_life(w, target);
    watch_act(w, ACTION_LOCATE, target);
    watch_act(w, ACTION_SAMPLE, target);
}

/* The history's newest life, id 0 when there is none. */
static struct history_life newest_life(const struct watch *w, int target)
{
    struct history_life lives[HISTORY_LIVES_MAX];
    size_t n = history_lives(w->history, target, lives, HISTORY_LIVES_MAX);
    struct history_life newest = {0};

    for (size_t i = 0; i < n; i++)
        if (lives[i].id >= newest.id)
            newest = lives[i];
    return newest;
}

static bool is_same_life(const struct watch *w, const struct watched *t,
                         const struct memory_sample *m, const struct history_life *last)
{
    if (last->id == 0 || last->end_ms != 0 || last->id != t->note.life)
        return false;
    if (m->pid != 0)
        return m->pid == t->note.pid && m->start_ticks == t->note.start_ticks;
    return t->note.pid == 0 && w->t_ms - last->seen_ms < ABSENCE_MS;
}

static enum outcome_cause inferred_cause(const struct watch *w, int64_t usage_bytes,
                                         int64_t limit_bytes, int64_t stopped_wall_ms)
{
    if (limit_bytes > 0 && usage_bytes >= limit_bytes / 100 * 95)
        return OUTCOME_PROBABLE_OOM;
    if (stopped_wall_ms != 0 && w->now.wall_ms - stopped_wall_ms <= SHUTDOWN_MS)
        return OUTCOME_POD_SHUTDOWN;
    return OUTCOME_KILLED_OR_EXITED;
}

static void stamp(struct watch *w, int target, uint64_t life, enum outcome_cause cause,
                  const char *source)
{
    struct watched *t = &w->targets[target];
    struct action *a = watch_act(w, ACTION_OUTCOME, target);

    a->life = life;
    a->cause = cause;
    a->exit_code = cause == OUTCOME_OOM ? 137 : -1;
    a->source = source;
    a->death = w->now;
    log_begin(w->log, w->now.wall_ms, LOG_WARN, "target died");
    log_cstr(w->log, "target", t->spec.name);
    log_i64(w->log, "life", (int64_t)life);
    log_cstr(w->log, "cause", outcome_cause_text(cause));
    log_cstr(w->log, "source", source);
    log_i64(w->log, "memory_bytes", t->life.last_usage_bytes);
    log_i64(w->log, "limit_bytes", t->life.last_limit_bytes);
    log_end(w->log);
}

/* The life that was open when we were last stopped ended while we were away. */
static void close_unseen(struct watch *w, int target, struct history_life *last)
{
    struct watched *t = &w->targets[target];
    enum outcome_cause cause = inferred_cause(
        w, t->note.last_usage_bytes, t->note.last_limit_bytes, t->note.stopped_wall_ms);

    last->end_ms = history_newest(w->history, target);
    last->cause = (uint8_t)cause;
    history_push_life(w->history, target, last);
    t->life.last_usage_bytes = t->note.last_usage_bytes;
    t->life.last_limit_bytes = t->note.last_limit_bytes;
    stamp(w, target, last->id, cause, "inferred");
}

void life_absent(struct watch *w, int target)
{
    struct history_life last = newest_life(w, target);

    if (w->targets[target].life.record.id != 0 || last.id == 0 || last.end_ms != 0)
        return;
    close_unseen(w, target, &last);
    watch_save(w, target);
}

static void identify(struct watch *w, int target, const struct memory_sample *m)
{
    struct watched *t = &w->targets[target];
    struct history_life last = newest_life(w, target);

    t->life.pid = m->pid;
    t->life.start_ticks = m->start_ticks;
    t->life.oom_kills = m->oom_kills;
    t->life.ready_ms = w->now.boot_ms;
    if (is_same_life(w, t, m, &last)) {
        t->life.record = last;
    } else {
        int64_t age_ms = m->start_ticks ? w->now.boot_ms - m->start_ticks * USER_TICK_MS : 0;

        if (last.id != 0 && last.end_ms == 0)
            close_unseen(w, target, &last);
        t->life.record =
            (struct history_life){.id = (last.id > t->note.life ? last.id : t->note.life) + 1,
                                  .start_ms = w->t_ms - (age_ms > 0 ? age_ms : 0),
                                  .seen_ms = w->t_ms};
        t->note.life = t->life.record.id;
        t->note.kept.culprit_at_dump = t->note.kept.heap_at_dump = 0;
        history_push_life(w->history, target, &t->life.record);
        baseline_new_life(w, target);
    }
    t->note.stopped_wall_ms = 0;
    watch_save(w, target);
    log_begin(w->log, w->now.wall_ms, LOG_INFO, "target answers");
    log_cstr(w->log, "target", t->spec.name);
    log_cstr(w->log, "url", t->url);
    log_i64(w->log, "life", (int64_t)t->life.record.id);
    log_cstr(w->log, "memory", memory_tier_text(m->tier));
    log_i64(w->log, "limit_bytes", t->limit_bytes);
    log_end(w->log);
}

void life_observe(struct watch *w, int target, const struct memory_sample *m)
{
    struct watched *t = &w->targets[target];

    if (t->state == TARGET_WAITING)
        return;
    if (t->life.record.id == 0) {
        identify(w, target, m);
        return;
    }
    if (m->oom_kills >= 0 && t->life.oom_kills >= 0 && m->oom_kills > t->life.oom_kills)
        t->life.oom_rose_ms = w->now.boot_ms;
    if (m->oom_kills >= 0)
        t->life.oom_kills = m->oom_kills;
    if (m->gone) {
        life_end(w, target);
        return;
    }
    if (w->now.boot_ms - t->saved_ms >= SAVE_EVERY_MS)
        watch_save(w, target);
}

void life_end(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    bool counted =
        t->life.oom_rose_ms != 0 && w->now.boot_ms - t->life.oom_rose_ms <= OOM_FRESH_MS;
    enum outcome_cause cause = counted
                                   ? OUTCOME_OOM
                                   : inferred_cause(w, t->life.last_usage_bytes,
                                                    t->life.last_limit_bytes, w->stop_wall_ms);

    if (t->state == TARGET_WAITING)
        return;
    t->state = TARGET_WAITING;
    t->probe = false;
    t->judge.waits = false;
    t->budget.failures = 0;
    t->due_ms[FETCH_INDEX] = w->now.boot_ms + watch_scaled(w, 500);
    if (t->dump.phase == DUMP_ASKING)
        native_end(w, target);
    if (t->life.record.id == 0) /* it died before it was identified */
        return;
    t->life.record.end_ms = w->t_ms;
    t->life.record.cause = (uint8_t)cause;
    t->life.record.oom = cause == OUTCOME_OOM;
    history_push_life(w->history, target, &t->life.record);
    stamp(w, target, t->life.record.id, cause, counted ? "cgroup" : "inferred");
    watch_save(w, target);
}
