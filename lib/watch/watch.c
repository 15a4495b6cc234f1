#include "lib/watch/watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/watch/internal.h"

/* A wake this many intervals late means the machine was suspended. */
#define SUSPEND_INTERVALS 3
#define SUSPEND_LEAST_MS 3000

const char *target_state_text(enum target_state s)
{
    switch (s) {
    case TARGET_WAITING: return "waiting";
    case TARGET_ALIVE: return "alive";
    case TARGET_SILENT: return "silent";
    }
    return "";
}

/* ---- shared by the folder ---- */

struct action *watch_act(struct watch *w, enum action_kind kind, int target)
{
    static struct action dropped; /* never reached: a step makes few actions */
    struct actions *a = w->actions;
    struct action *one = a->n < WATCH_ACTIONS_MAX ? &a->list[a->n++] : &dropped;

    *one = (struct action){.kind = kind, .target = target};
    return one;
}

int64_t watch_scaled(const struct watch *w, int64_t span_ms)
{
    int64_t scaled = span_ms / w->settings->time_scale;

    return scaled > 0 ? scaled : 1;
}

/* splitmix64: jitter needs no more. */
uint64_t watch_random(struct watch *w)
{
    uint64_t z = (w->random += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void watch_enter(struct watch *w, struct moment now, struct actions *a)
{
    w->now = now;
    w->t_ms = history_time(w->history, now);
    w->actions = a;
    a->n = 0;
    a->wake_ms = 0;
}

void watch_schedule_wake(struct watch *w)
{
    int64_t wake_ms = INT64_MAX;

    for (int i = 0; i < w->n_targets; i++) {
        int64_t next_ms = schedule_next_ms(w, i);

        if (next_ms < wake_ms)
            wake_ms = next_ms;
    }
    w->actions->wake_ms = wake_ms;
}

void watch_save(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    t->note.pid = t->life.pid;
    t->note.start_ticks = t->life.start_ticks;
    t->note.last_usage_bytes = t->life.last_usage_bytes;
    t->note.last_limit_bytes = t->life.last_limit_bytes;
    t->saved_ms = w->now.boot_ms;
    history_note_set(w->history, target, &t->note, sizeof(t->note));
}

/* ---- making and freeing ---- */

static int target_init(struct watch *w, int target, const struct target_spec *spec)
{
    struct watched *t = &w->targets[target];
    int error;

    t->spec = *spec;
    str_copy(t->url, sizeof(t->url), str_of(spec->url));
    if (spec->unix_socket[0] != '\0') { /* for people: the URL names no socket */
        struct buf url;

        buf_fixed(&url, t->url, sizeof(t->url));
        buf_printf(&url, "unix://%s", spec->unix_socket);
        buf_cstr(&url);
    }
    t->usage_bytes = t->goroutines = t->heap_bytes = -1;
    t->pcs_each = 10;
    t->life.oom_kills = -1;
    t->memory_due_ms = w->now.boot_ms;
    budget_init(&t->budget, w->now.boot_ms);
    baseline_init(&t->baseline);
    buf_init(&t->body, WATCH_BODY_BYTES);
    buf_init(&t->heap_gz, WATCH_BODY_BYTES);
    buf_init(&t->dump.native_gz, WATCH_BODY_BYTES);
    buf_init(&t->dump.leak_gz, WATCH_BODY_BYTES);
    buf_init(&t->dump.stacks_text, WATCH_BODY_BYTES);
    t->stacks = calloc(1, sizeof(*t->stacks));
    if (t->stacks == NULL)
        return -ENOMEM;
    error = profile_init(&t->now, WATCH_PROFILE_BYTES);
    if (error == 0)
        error = profile_init(&t->next, WATCH_PROFILE_BYTES);
    if (error == 0)
        error = text_new(&t->parser, &t->next,
                         (struct text_options){.fold = true, .seed = w->random});
    if (error == 0)
        life_restore(w, target);
    return error;
}

int watch_init(struct watch *w, const struct settings *s, const struct target_spec *specs,
               int n_targets, struct history *h, struct log *log, struct moment now,
               uint64_t seed)
{
    int error = 0;

    memset(w, 0, sizeof(*w));
    w->settings = s;
    w->history = h;
    w->log = log;
    w->now = now;
    w->t_ms = history_time(h, now);
    w->last_wake_ms = now.boot_ms;
    w->random = seed;
    w->targets = calloc((size_t)n_targets, sizeof(*w->targets));
    w->counts = counts_new();
    if (w->targets == NULL || w->counts == NULL)
        error = -ENOMEM;
    for (int i = 0; i < 3 && error == 0; i++)
        error = profile_init(&w->scratch[i], 2 * WATCH_PROFILE_BYTES);
    for (int i = 0; i < n_targets && error == 0; i++) {
        w->n_targets = i + 1;
        error = target_init(w, i, &specs[i]);
    }
    if (error != 0)
        watch_free(w);
    return error;
}

void watch_free(struct watch *w)
{
    for (int i = 0; i < w->n_targets; i++) {
        struct watched *t = &w->targets[i];

        text_free(&t->parser);
        profile_free(&t->now);
        profile_free(&t->next);
        baseline_free(&t->baseline);
        buf_free(&t->body);
        buf_free(&t->heap_gz);
        buf_free(&t->dump.native_gz);
        buf_free(&t->dump.leak_gz);
        buf_free(&t->dump.stacks_text);
        free(t->stacks);
        t->stacks = NULL;
    }
    for (int i = 0; i < 3; i++)
        profile_free(&w->scratch[i]);
    free(w->targets);
    free(w->counts);
    w->targets = NULL;
    w->counts = NULL;
    w->n_targets = 0;
}

void watch_rest(struct watch *w)
{
    for (int i = 0; i < 3; i++)
        profile_release(&w->scratch[i]);
}

/* ---- events ---- */

/* After a suspend nothing is late, it is a gap: what was due starts anew and the
 * slopes of before do not count. */
static void restart_clocks(struct watch *w)
{
    for (int i = 0; i < w->n_targets; i++) {
        struct watched *t = &w->targets[i];

        t->memory_due_ms = w->now.boot_ms;
        t->judge.emergency.n = 0;
        t->judge.emergency.hits = 0;
        if (t->dump.phase == DUMP_ASKING)
            t->dump.native_until_ms = w->now.boot_ms + w->settings->fetch_timeout;
    }
}

static void sample_if_due(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    if (w->now.boot_ms < t->memory_due_ms)
        return;
    t->memory_due_ms = w->now.boot_ms + watch_scaled(w, w->settings->memory_interval);
    if (t->state != TARGET_WAITING)
        watch_act(w, ACTION_SAMPLE, target);
}

void watch_wake(struct watch *w, struct moment now, struct actions *a)
{
    int64_t late_ms = SUSPEND_INTERVALS * watch_scaled(w, w->settings->memory_interval);

    watch_enter(w, now, a);
    if (late_ms < SUSPEND_LEAST_MS)
        late_ms = SUSPEND_LEAST_MS;
    if (now.boot_ms - w->last_wake_ms > late_ms)
        restart_clocks(w);
    w->last_wake_ms = now.boot_ms;
    for (int i = 0; i < w->n_targets; i++) {
        sample_if_due(w, i);
        evidence_retry(w, i);
        schedule_target(w, i);
    }
    watch_schedule_wake(w);
}

static void set_memory(struct watched *t, const struct memory_sample *m, int64_t limit_bytes,
                       int64_t now_ms)
{
    t->memory = *m;
    t->limit_bytes = m->limit_bytes > 0 ? m->limit_bytes : limit_bytes;
    if (m->tier == MEMORY_NONE || m->usage_bytes < 0) {
        if (t->tier != MEMORY_MEMSTATS && t->tier != MEMORY_METRICS)
            t->tier = MEMORY_NONE; /* what was visible is no more: ask the target */
        return;
    }
    t->tier = m->tier;
    t->usage_bytes = m->usage_bytes;
    t->memory_at_ms = now_ms;
}

void watch_memory(struct watch *w, int target, const struct memory_sample *m,
                  int64_t limit_bytes, struct moment now, struct actions *a)
{
    struct watched *t = &w->targets[target];

    watch_enter(w, now, a);
    set_memory(t, m, limit_bytes, now.boot_ms);
    life_observe(w, target, m);
    if (t->state != TARGET_WAITING && t->memory_at_ms == now.boot_ms)
        hearing_memory(w, target);
    schedule_target(w, target);
    watch_schedule_wake(w);
}

void watch_candidates(struct watch *w, int target, const struct candidate *c, size_t n,
                      struct moment now, struct actions *a)
{
    struct watched *t = &w->targets[target];

    watch_enter(w, now, a);
    t->n_candidates = n < WATCH_CANDIDATES_MAX ? n : WATCH_CANDIDATES_MAX;
    t->candidate = 0;
    if (n > 0)
        memcpy(t->candidates, c, t->n_candidates * sizeof(*c));
    else
        str_copy(t->problem, sizeof(t->problem), STR("no listening port in this pod yet"));
    schedule_target(w, target);
    watch_schedule_wake(w);
}

void watch_fetched(struct watch *w, int target, const struct fetch_result *r, struct moment now,
                   struct actions *a)
{
    struct watched *t = &w->targets[target];
    enum fetch_kind kind = t->in_flight;

    watch_enter(w, now, a);
    t->in_flight = FETCH_NONE;
    if (r->error == 0) {
        budget_pay(&t->budget, r->latency_us);
        t->counters.latency_us[kind] = r->latency_us;
    }
    scrape_end(w, target, kind, r);
    schedule_target(w, target);
    watch_schedule_wake(w);
}

/* The idle connection ended: either the target died, or its server closes idle
 * ones. Its memory is read at once (the OOM counter is there for milliseconds),
 * then the index is asked. */
void watch_hangup(struct watch *w, int target, struct moment now, struct actions *a)
{
    struct watched *t = &w->targets[target];

    watch_enter(w, now, a);
    if (t->state != TARGET_WAITING) {
        watch_act(w, ACTION_SAMPLE, target);
        t->probe = true;
    }
    schedule_target(w, target);
    watch_schedule_wake(w);
}

void watch_stop(struct watch *w, struct moment now, struct actions *a)
{
    watch_enter(w, now, a);
    w->stop_wall_ms = now.wall_ms;
    for (int i = 0; i < w->n_targets; i++) {
        w->targets[i].note.stopped_wall_ms = now.wall_ms;
        if (w->targets[i].state != TARGET_WAITING)
            watch_act(w, ACTION_SAMPLE, i);
        watch_save(w, i);
    }
}
