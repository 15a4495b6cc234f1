/* What to ask a target next: one request in flight, the most telling one that
 * is due, within the target's budget of time and memory. */
#include "lib/watch/internal.h"

#define WAITING_INTERVAL_MS 1000
#define WAITING_INTERVAL_MAX_MS 5000
#define FAST_MEMSTATS_MS 500
#define FORWARD_LEAST_MS 1000 /* scrapes brought forward are this far apart */
#define FORWARD_SHARE 10      /* … when memory rose by 1/10 of the limit */
#define SEARCH_AGAIN_FAILURES 12
#define COSTLY_GOROUTINES 5000 /* the index is asked before a page this large */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void schedule_life(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    for (int k = 0; k < FETCH_KINDS; k++)
        t->due_ms[k] = w->now.boot_ms;
    t->memory_due_ms = w->now.boot_ms;
}

static int64_t interval_ms(const struct watch *w, const struct watched *t, enum fetch_kind kind)
{
    const struct settings *s = w->settings;

    switch (kind) {
    case FETCH_GOROUTINE: return watch_scaled(w, s->goroutine_interval);
    case FETCH_HEAP: return watch_scaled(w, s->heap_interval);
    case FETCH_INDEX: return watch_scaled(w, s->index_interval);
    case FETCH_MEMSTATS:
    case FETCH_METRICS:
        if (t->limit_bytes > 0 && t->usage_bytes * 2 > t->limit_bytes)
            return watch_scaled(w, FAST_MEMSTATS_MS);
        return watch_scaled(w, s->index_interval);
    case FETCH_LEAK:
    case FETCH_STACKS: return confirm_interval_ms(w, t, kind);
    case FETCH_SYMBOL:
    case FETCH_NATIVE_GOROUTINE:
    case FETCH_NATIVE_LEAK:
    case FETCH_NATIVE_STACKS:
    case FETCH_NONE:
    case FETCH_KINDS: break;
    }
    return watch_scaled(w, s->goroutine_interval);
}

static bool memory_is_local(const struct watched *t)
{
    return t->tier == MEMORY_CGROUP2 || t->tier == MEMORY_CGROUP1 || t->tier == MEMORY_PROC;
}

/* Where no tier is local, the target itself is asked: MemStats, else /metrics. */
static enum fetch_kind memory_poll(const struct watched *t)
{
    return t->memstats_failures < 3 ? FETCH_MEMSTATS : FETCH_METRICS;
}

/* Memory rose by a tenth of the limit since `then`: what was seen then is old. */
static bool rose(const struct watched *t, int64_t then_bytes)
{
    return t->limit_bytes > 0 && t->usage_bytes >= 0 &&
           t->usage_bytes - then_bytes >= t->limit_bytes / FORWARD_SHARE;
}

static bool due(const struct watch *w, struct watched *t, enum fetch_kind kind)
{
    return w->now.boot_ms >= t->due_ms[kind];
}

static bool brought_forward(const struct watch *w, struct watched *t, enum fetch_kind kind,
                            int64_t last_ms, int64_t then_bytes)
{
    if (due(w, t, kind))
        return true;
    return rose(t, then_bytes) && w->now.boot_ms - last_ms >= FORWARD_LEAST_MS;
}

/* The page is large or may be: its cost must be known before it is asked for. */
static bool index_first(const struct watch *w, const struct watched *t)
{
    if (t->no_index || (t->goroutines >= 0 && t->goroutines < COSTLY_GOROUTINES))
        return false;
    return w->now.boot_ms - t->goroutines_ms > watch_scaled(w, w->settings->index_interval);
}

/* The cheapest question that tells whether it lives. */
static enum fetch_kind index_kind(const struct watched *t)
{
    return t->no_index ? FETCH_GOROUTINE : FETCH_INDEX;
}

/* One question more after each page, but while memory rises: else where pages are
 * always due nothing else would ever be asked. */
static enum fetch_kind choose_more(struct watch *w, struct watched *t)
{
    if (!t->confirm.turn || rose(t, t->usage_at_page) || rose(t, t->usage_at_heap))
        return FETCH_NONE;
    t->confirm.turn = false;
    return confirm_choose(w, t);
}

static enum fetch_kind choose_alive(struct watch *w, struct watched *t)
{
    enum fetch_kind more;

    if (t->dump.phase == DUMP_ASKING)
        return t->dump.asking;
    if (t->life.record.id == 0) /* who it is is being found out */
        return FETCH_NONE;
    if (t->probe)
        return index_kind(t);
    if (t->state == TARGET_SILENT)
        return due(w, t, FETCH_INDEX) ? index_kind(t) : FETCH_NONE;
    if (!memory_is_local(t)) {
        enum fetch_kind poll = memory_poll(t);

        if (due(w, t, poll))
            return poll;
    }
    if ((more = choose_more(w, t)) != FETCH_NONE)
        return more;
    if (brought_forward(w, t, FETCH_GOROUTINE, t->page_ms, t->usage_at_page))
        return index_first(w, t) ? FETCH_INDEX : FETCH_GOROUTINE;
    if (brought_forward(w, t, FETCH_HEAP, t->heap_ms, t->usage_at_heap))
        return FETCH_HEAP;
    if (t->want_stats) /* how much of the heap the profile does not hold yet */
        return FETCH_MEMSTATS;
    if (t->baseline.want_native)
        return FETCH_NATIVE_GOROUTINE;
    if (!memory_is_local(t) && !t->no_index && due(w, t, FETCH_INDEX))
        return FETCH_INDEX;
    return FETCH_NONE;
}

/* `auto` that has found nothing yet, or whose find went away for good. */
static bool searching(const struct watched *t)
{
    return t->spec.kind != TARGET_URL &&
           (!t->ever_answered || t->budget.failures > SEARCH_AGAIN_FAILURES);
}

/* A target that has not answered: its index, or the next candidate's. */
static enum fetch_kind choose_waiting(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct action *a;

    if (!due(w, t, FETCH_INDEX))
        return FETCH_NONE;
    if (!searching(t))
        return index_kind(t);
    if (t->candidate >= t->n_candidates) {
        t->n_candidates = t->candidate = 0;
        t->due_ms[FETCH_INDEX] = w->now.boot_ms + watch_scaled(w, 2 * WAITING_INTERVAL_MS);
        watch_act(w, ACTION_DISCOVER, target);
        return FETCH_NONE;
    }
    a = watch_act(w, ACTION_RETARGET, target);
    str_copy(a->origin, sizeof(a->origin), str_of(t->candidates[t->candidate].origin));
    str_copy(t->url, sizeof(t->url), str_of(a->origin));
    return index_kind(t);
}

bool schedule_fits(const struct watched *t, enum fetch_kind kind)
{
    int64_t goroutines = t->goroutines > 0 ? t->goroutines : 0;

    return scrape_fits(scrape_bytes(kind, goroutines, t->pcs_each), t->usage_bytes,
                       t->limit_bytes);
}

/* What does not fit is put off, counted for `status`, and not brought forward for
 * the same rise. */
static bool affordable(struct watch *w, int target, enum fetch_kind kind)
{
    struct watched *t = &w->targets[target];

    if (schedule_fits(t, kind))
        return true;
    t->counters.skipped_headroom++;
    t->due_ms[kind] = w->now.boot_ms + interval_ms(w, t, kind);
    if (kind == FETCH_GOROUTINE)
        t->usage_at_page = t->usage_bytes;
    else if (kind == FETCH_HEAP)
        t->usage_at_heap = t->usage_bytes;
    else if (t->dump.phase == DUMP_ASKING)
        native_fetched(w, target, kind, false);
    else if (kind == FETCH_NATIVE_GOROUTINE)
        t->baseline.want_native = false;
    return false;
}

/* A second after the first refusal, five after many; the next candidate at once. */
static int64_t waiting_ms(const struct watch *w, const struct watched *t)
{
    int64_t wait_ms = (t->budget.failures + 1) * WAITING_INTERVAL_MS;

    if (searching(t))
        return 0;
    return watch_scaled(w, earlier(wait_ms, WAITING_INTERVAL_MAX_MS));
}

static void ask(struct watch *w, int target, enum fetch_kind kind)
{
    struct watched *t = &w->targets[target];
    struct action *a = watch_act(w, ACTION_FETCH, target);

    a->fetch = kind;
    a->deadline_ms = w->settings->fetch_timeout; /* the target's time is not scaled */
    if (t->dump.phase == DUMP_ASKING)
        a->deadline_ms = earlier(a->deadline_ms, t->dump.native_until_ms - w->now.boot_ms + 1);
    t->in_flight = kind;
    t->probing = t->probe;
    t->probe = false;
    t->want_stats = t->want_stats && kind != FETCH_MEMSTATS;
    t->sent_ms = w->now.boot_ms;
    t->due_ms[kind] = w->now.boot_ms + interval_ms(w, t, kind);
    if (t->state == TARGET_WAITING)
        t->due_ms[FETCH_INDEX] = w->now.boot_ms + waiting_ms(w, t);
    scrape_begin(w, target, kind);
}

/* The last evidence before a kill is worth a debt: what a rise of memory brought
 * forward, and a dump's own request. It is still paid. */
static bool may_ask(const struct watch *w, const struct watched *t, enum fetch_kind kind)
{
    bool rising = (kind == FETCH_GOROUTINE && rose(t, t->usage_at_page)) ||
                  (kind == FETCH_HEAP && rose(t, t->usage_at_heap));

    if (t->state == TARGET_WAITING || t->dump.phase == DUMP_ASKING || t->probe)
        return true;
    if (rising)
        return w->now.boot_ms >= t->budget.retry_ms;
    return budget_allows(&t->budget, w->now.boot_ms);
}

void schedule_target(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    enum fetch_kind kind;

    if (t->in_flight != FETCH_NONE || w->stop_wall_ms != 0)
        return;
    budget_refill(&t->budget, w->now.boot_ms, w->settings->time_scale);
    if (t->dump.phase == DUMP_ASKING &&
        (t->state != TARGET_ALIVE || w->now.boot_ms > t->dump.native_until_ms))
        native_end(w, target);
    kind = t->state == TARGET_WAITING ? choose_waiting(w, target) : choose_alive(w, t);
    if (kind == FETCH_NONE)
        return;
    if (!may_ask(w, t, kind))
        t->counters.skipped_budget++;
    else if (affordable(w, target, kind))
        ask(w, target, kind);
}

/* The earliest of the requests that this state may send at all. */
static int64_t fetch_due_ms(const struct watched *t)
{
    int64_t due_ms;

    if (t->state == TARGET_SILENT)
        return t->due_ms[FETCH_INDEX];
    due_ms = earlier(t->due_ms[FETCH_GOROUTINE], t->due_ms[FETCH_HEAP]);
    if (memory_is_local(t))
        return due_ms;
    return earlier(due_ms, earlier(t->due_ms[FETCH_INDEX], t->due_ms[memory_poll(t)]));
}

int64_t schedule_next_ms(const struct watch *w, int target)
{
    const struct watched *t = &w->targets[target];
    int64_t now_ms = w->now.boot_ms;
    int64_t next_ms = t->memory_due_ms;

    if (t->state == TARGET_WAITING)
        next_ms = t->in_flight == FETCH_NONE ? t->due_ms[FETCH_INDEX]
                                             : now_ms + WAITING_INTERVAL_MAX_MS;
    else if (t->in_flight == FETCH_NONE) {
        int64_t fetch_ms = fetch_due_ms(t);
        int64_t ready_ms = budget_ready_ms(&t->budget, now_ms);

        if (fetch_ms < ready_ms)
            fetch_ms = ready_ms;
        /* What is due and was declined just now waits for the next memory sample. */
        if (fetch_ms > now_ms)
            next_ms = earlier(next_ms, fetch_ms);
    }
    /* Never at once again: a step that has nothing to do must end. */
    return next_ms > now_ms ? next_ms : now_ms + 1;
}
