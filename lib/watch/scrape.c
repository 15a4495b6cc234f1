/* What a body becomes: a page of stacks in the history, a live heap, a memory
 * reading, an index; or a failure that backs off. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "lib/profile/proto.h"
#include "lib/watch/internal.h"

#define INDEX_BYTES_MAX (32 * 1024) /* symbols' answers too */
#define STATS_SITES_MAX 1000        /* debug=1 of the heap is costly with many sites */
#define SILENT_FAILURES 3
#define BACKOFF_BASE_MS 1000
#define BACKOFF_MAX_MS 60000
#define BACKOFF_INDEX_MAX_MS 5000 /* it is cheap, and tells of a death */

static bool is_text(enum fetch_kind kind)
{
    return kind == FETCH_GOROUTINE || kind == FETCH_MEMSTATS || kind == FETCH_LEAK;
}

static bool is_stacks(enum fetch_kind kind)
{
    return kind == FETCH_STACKS || kind == FETCH_NATIVE_STACKS;
}

/* Not every target serves them, and it lives all the same. */
static bool is_extra(enum fetch_kind kind)
{
    return is_stacks(kind) || kind == FETCH_SYMBOL || kind == FETCH_LEAK ||
           kind == FETCH_NATIVE_LEAK;
}

void scrape_begin(struct watch *w, int target, enum fetch_kind kind)
{
    struct watched *t = &w->targets[target];
    struct text_options o = {
        .drop_labels = w->settings->labels != 0,
        .fold = true,
        .stats_only = kind == FETCH_MEMSTATS,
        .line_max = 64 * 1024,
    };

    if (is_text(kind))
        text_restart(t->parser, &t->next, o);
    else
        buf_reset(&t->body);
    confirm_begin(w, target, kind);
}

/* debug=2 is read as it comes; of its text a dump keeps the begin. */
static int stacks_body(struct watched *t, const void *bytes, size_t n)
{
    size_t room = WATCH_STACKS_BYTES - t->body.len;

    if (t->in_flight == FETCH_NATIVE_STACKS)
        buf_put(&t->body, bytes, n < room ? n : room);
    return goroutines_feed(&t->stacks->parser, bytes, n);
}

int watch_body(struct watch *w, int target, const void *bytes, size_t n)
{
    struct watched *t = &w->targets[target];

    if (is_text(t->in_flight))
        return text_feed(t->parser, bytes, n);
    if (is_stacks(t->in_flight))
        return stacks_body(t, bytes, n);
    if ((t->in_flight == FETCH_INDEX || t->in_flight == FETCH_SYMBOL) &&
        t->body.len + n > INDEX_BYTES_MAX)
        return ERR_NOT_PPROF;
    buf_put(&t->body, bytes, n);
    return buf_status(&t->body);
}

/* ---- a page of goroutines ---- */

static void push_signal(struct watch *w, int target, enum history_signal signal, double value)
{
    float values[HISTORY_SIGNALS];

    for (int i = 0; i < HISTORY_SIGNALS; i++)
        values[i] = NAN;
    values[signal] = (float)value;
    history_push_signals(w->history, target, w->t_ms, values);
}

static void set_goroutines(struct watch *w, int target, int64_t count)
{
    struct watched *t = &w->targets[target];

    t->goroutines = count;
    t->goroutines_ms = w->now.boot_ms;
    push_signal(w, target, HISTORY_GOROUTINES, (double)count);
}

static int64_t mean_depth(const struct profile *p)
{
    int64_t depth = p->samples.n ? (int64_t)(p->refs.n / p->samples.n) : 0;

    return depth > 0 ? depth : 10;
}

/* The last page, or a cut one where there is no other, is what a dump shows. */
static void show_next(struct watch *w, struct watched *t)
{
    struct profile swap = t->now;

    t->now = t->next;
    t->next = swap;
    t->have_now = true;
    t->page_ms = w->now.boot_ms;
    t->now.time_nanos = w->now.wall_ms * 1000000;
}

static void goroutine_page(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    if (t->state == TARGET_WAITING) /* served without an index */
        life_begin(w, target);
    show_next(w, t);
    t->usage_at_page = t->usage_bytes;
    t->pcs_each = mean_depth(&t->now);
    t->counters.scrapes++;
    set_goroutines(w, target, profile_total(&t->now, 0));
    counts_push(w, target, HISTORY_STACKS, &t->now, 0);
    baseline_page(w, target);
    hearing_stacks(w, target);
    confirm_page(w, target);
}

/* ---- the other bodies ---- */

static int heap_profile(struct watch *w, int target, struct errmsg *e)
{
    struct watched *t = &w->targets[target];
    struct profile *p = &w->scratch[0];
    int value_index, error;
    struct buf swap;

    error = proto_decode(p, t->body.p, t->body.len, e);
    if (error != 0)
        return error;
    value_index = profile_value_index(p, "inuse_space");
    if (value_index < 0)
        return err_set(e, ERR_NOT_PPROF, "the heap profile has no inuse_space");
    swap = t->heap_gz;
    t->heap_gz = t->body;
    t->body = swap;
    t->heap_ms = w->now.boot_ms;
    t->usage_at_heap = t->usage_bytes;
    t->heap_bytes = profile_total(p, value_index);
    t->want_stats = p->samples.n <= STATS_SITES_MAX;
    push_signal(w, target, HISTORY_HEAP_BYTES, (double)t->heap_bytes);
    counts_push(w, target, HISTORY_SITES, p, value_index);
    baseline_heap(w, target);
    return 0;
}

/* A reading that the target gave itself, where no tier is local. */
static void remote_memory(struct watch *w, int target, enum memory_tier tier,
                          int64_t usage_bytes)
{
    struct watched *t = &w->targets[target];

    t->tier = tier;
    t->usage_bytes = usage_bytes;
    t->memory_at_ms = w->now.boot_ms;
    hearing_memory(w, target);
}

static int memstats_tail(struct watch *w, int target, const struct text_result *r)
{
    struct watched *t = &w->targets[target];

    if (!r->stats.present)
        return ERR_NOT_PPROF;
    t->memstats_failures = 0;
    t->stats = r->stats;
    if (r->stats.num_gc < t->life.num_gc) /* counters fell: another process */
        life_end(w, target);
    t->life.num_gc = r->stats.num_gc;
    gc_push(&t->judge.gc, w->t_ms, w->t_ms - t->life.record.start_ms, r->stats.gc_cpu_fraction,
            r->stats.next_gc_bytes, w->settings->time_scale);
    if (t->state != TARGET_WAITING && t->memory.tier == MEMORY_NONE)
        remote_memory(w, target, MEMORY_MEMSTATS, memstats_usage(&r->stats, &t->max_rss_bytes));
    return 0;
}

static int metrics_body(struct watch *w, int target)
{
    double bytes;
    int error = metrics_value(buf_view(&w->targets[target].body),
                              "process_resident_memory_bytes", &bytes);

    if (error == 0)
        remote_memory(w, target, MEMORY_METRICS, (int64_t)bytes);
    return error;
}

static int index_page(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct pprof_index index;
    int error = index_parse(buf_view(&t->body), &index);

    if (error != 0)
        return error;
    if (t->state == TARGET_WAITING)
        life_begin(w, target);
    set_goroutines(w, target, index.goroutines);
    return 0;
}

static int text_body(struct watch *w, int target, enum fetch_kind kind, struct errmsg *e)
{
    struct watched *t = &w->targets[target];
    struct text_result r;
    int error = text_end(t->parser, &r);

    if (error == 0 && kind == FETCH_MEMSTATS)
        return memstats_tail(w, target, &r);
    if (error == 0 && kind == FETCH_LEAK && str_is(str_of(r.name), "goroutineleak")) {
        confirm_leaks(w, target, &t->next);
        return 0;
    }
    if (error == 0 && kind == FETCH_GOROUTINE && r.kind == TEXT_COUNT) {
        goroutine_page(w, target);
        return 0;
    }
    *e = r.error;
    if (error == ERR_CUT) {
        t->counters.cut++;
        /* The biggest groups come first: better than nothing for a last dump. */
        if (kind == FETCH_GOROUTINE && !t->have_now && t->next.samples.n > 0)
            show_next(w, t);
    }
    return error != 0 ? error : ERR_NOT_PPROF;
}

/* Go's own protobuf of goroutines, or of those that leaked. */
static int native_body(struct watch *w, int target, enum fetch_kind kind, struct errmsg *e)
{
    struct watched *t = &w->targets[target];
    struct profile *p = &w->scratch[0];
    int error = proto_decode(p, t->body.p, t->body.len, e);

    if (error != 0)
        return error;
    if (kind == FETCH_NATIVE_LEAK) {
        confirm_leaks(w, target, p);
        return 0;
    }
    t->goroutines = profile_total(p, profile_value_index(p, NULL));
    t->goroutines_ms = w->now.boot_ms;
    baseline_native(w, target);
    return 0;
}

static int body_whole(struct watch *w, int target, enum fetch_kind kind, struct errmsg *e)
{
    switch (kind) {
    case FETCH_GOROUTINE:
    case FETCH_LEAK:
    case FETCH_MEMSTATS: return text_body(w, target, kind, e);
    case FETCH_HEAP: return heap_profile(w, target, e);
    case FETCH_METRICS: return metrics_body(w, target);
    case FETCH_INDEX: return index_page(w, target);
    case FETCH_SYMBOL: return confirm_symbols(&w->targets[target]);
    case FETCH_STACKS:
    case FETCH_NATIVE_STACKS: return confirm_stacks(w, target);
    case FETCH_NATIVE_GOROUTINE:
    case FETCH_NATIVE_LEAK: return native_body(w, target, kind, e);
    case FETCH_NONE:
    case FETCH_KINDS: break;
    }
    return 0;
}

/* ---- the end of a request ---- */

/* One that is not there yet is waited for; all else is said, for a target once,
 * for each port that `auto` passes over once. */
static bool worth_saying(struct watched *t, const struct fetch_result *r)
{
    uint16_t port = t->candidate < t->n_candidates ? t->candidates[t->candidate].port : 0;
    bool searching = t->spec.kind != TARGET_URL && port != 0;

    if (r->refused || (!searching && (r->error == ERR_TIMEOUT || r->error == -ECONNRESET)))
        return false;
    if (!searching) {
        bool said = t->said_problem;

        t->said_problem = true;
        return !said;
    }
    for (size_t i = 0; i < t->n_said_ports; i++)
        if (t->said_ports[i] == port)
            return false;
    if (t->n_said_ports == WATCH_CANDIDATES_MAX)
        return false;
    t->said_ports[t->n_said_ports++] = port;
    return true;
}

/* Not there yet, not pprof, or pprof without its index (a mux of one's own):
 * then a page is asked for, of the same one. */
static void waiting_failed(struct watch *w, int target, enum fetch_kind kind,
                           const struct fetch_result *r)
{
    struct watched *t = &w->targets[target];
    bool say;

    t->no_index = kind == FETCH_INDEX && r->status == 404;
    if (t->no_index)
        return;
    if (r->refused && t->spec.kind == TARGET_URL)
        life_absent(w, target);
    say = worth_saying(t, r);
    t->candidate++;
    if (!say)
        return;
    log_begin(w->log, w->now.wall_ms, LOG_WARN, "target does not serve pprof");
    log_cstr(w->log, "target", t->spec.name);
    log_cstr(w->log, "url", t->url);
    log_cstr(w->log, "why", t->problem);
    log_end(w->log);
}

static void failed(struct watch *w, int target, enum fetch_kind kind,
                   const struct fetch_result *r, const struct errmsg *e)
{
    struct watched *t = &w->targets[target];

    t->counters.failures++;
    if (kind == FETCH_MEMSTATS && t->memstats_failures < 3)
        t->memstats_failures++;
    str_copy(t->problem, sizeof(t->problem), str_of(e->text));
    t->problem_kind = kind;
    budget_fail(
        &t->budget, w->now.boot_ms, watch_scaled(w, BACKOFF_BASE_MS),
        watch_scaled(w, t->state == TARGET_SILENT ? BACKOFF_INDEX_MAX_MS : BACKOFF_MAX_MS),
        watch_random(w));
    if (t->state == TARGET_WAITING) {
        waiting_failed(w, target, kind, r);
        return;
    }
    /* A connection that broke may be a death: the OOM counter is read at once. */
    if ((r->status == 0 || r->error == ERR_CUT) && r->error != ERR_TIMEOUT) {
        watch_act(w, ACTION_SAMPLE, target);
        t->probe = !r->refused && !t->probing; /* once */
    }
    if (r->refused && t->life.pid == 0)
        life_end(w, target);
    if (t->state == TARGET_ALIVE && (r->refused || t->budget.failures >= SILENT_FAILURES)) {
        t->state = TARGET_SILENT;
        if (t->said_problem) /* it answers, but never with a page */
            return;
        t->said_problem = true;
        log_begin(w->log, w->now.wall_ms, LOG_WARN, "target does not answer");
        log_cstr(w->log, "target", t->spec.name);
        log_cstr(w->log, "why", t->problem);
        log_end(w->log);
    }
}

/* Where the parser stopped: more telling than that the transfer was stopped. */
static struct errmsg parser_error(struct watched *t)
{
    struct text_result r;

    (void)text_end(t->parser, &r);
    return r.error;
}

/* What was wrong is over when the same question is answered, or the page came
 * that tells most; a bad heap profile is not mended by other answers. */
static void succeeded(struct watched *t, enum fetch_kind kind, bool waited)
{
    bool page = kind == FETCH_GOROUTINE;

    budget_succeed(&t->budget);
    if (waited || kind == t->problem_kind || (page && t->problem_kind != FETCH_HEAP))
        t->problem[0] = '\0';
    if (page)
        t->said_problem = false;
    if (t->state == TARGET_SILENT)
        t->state = TARGET_ALIVE;
}

/* What the body is: 0, or why it is of no use, named after the page. */
static int body_read(struct watch *w, int target, enum fetch_kind kind,
                     const struct fetch_result *r, struct errmsg *e)
{
    bool html = str_starts(str_of(r->content_type), "text/html");
    struct errmsg why = {{0}};
    int error = ERR_WRONG_PATH;

    if (kind == FETCH_INDEX || !html)
        error = body_whole(w, target, kind, &why);
    if (html && error == ERR_NOT_PPROF)
        error = ERR_WRONG_PATH;
    if (error == 0)
        return 0;
    return err_set(e, error, "%s: %.200s", kind == FETCH_INDEX ? "index" : fetch_path(kind),
                   why.text[0] ? why.text : err_text(error));
}

/* It answered, be it that there is no such profile: it lives. */
static bool answered(const struct fetch_result *r)
{
    return r->status != 0 && r->error != ERR_TIMEOUT && r->error != ERR_CUT;
}

void scrape_end(struct watch *w, int target, enum fetch_kind kind, const struct fetch_result *r)
{
    struct watched *t = &w->targets[target];
    bool waited = t->state == TARGET_WAITING;
    struct errmsg e = {{0}};
    int error = r->error;

    if (error == 0)
        error = body_read(w, target, kind, r, &e);
    else
        e = r->error == ERR_SYNTAX && is_text(kind) ? parser_error(t) : r->why;
    if (error != 0 && is_extra(kind))
        confirm_failed(w, target, kind,
                       answered(r) && r->status < 500 && r->error != ERR_LIMIT);
    if (kind == FETCH_NATIVE_GOROUTINE && error != 0 && t->dump.phase != DUMP_ASKING)
        t->baseline.want_native = false;
    if (error == 0 || (is_extra(kind) && answered(r)))
        succeeded(t, kind, waited);
    else
        failed(w, target, kind, r, &e);
    if (t->dump.phase == DUMP_ASKING && kind == t->dump.asking)
        native_fetched(w, target, kind, error == 0);
}
