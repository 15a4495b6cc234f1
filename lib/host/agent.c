#include "lib/host/agent.h"

#include <errno.h>
#include <string.h>

#include "lib/host/agent_parts.h"

static void perform(struct agent *a, struct actions *list);

/* ---- fetching ---- */

static int on_body(struct fetch *f, const void *bytes, size_t n)
{
    struct agent *a = f->ctx;

    return watch_body(&a->watch, f->target, bytes, n);
}

static void on_done(struct fetch *f, const struct fetch_result *r)
{
    struct agent *a = f->ctx;
    struct actions next;

    a->fetching[f->target] = false;
    if (a->stopping)
        return;
    watch_fetched(&a->watch, f->target, r, a->io->now(a->io), &next);
    perform(a, &next);
}

static void fetch(struct agent *a, const struct action *act)
{
    struct fetch *f = &a->fetches[act->target];
    int error;

    *f = (struct fetch){.target = act->target,
                        .deadline_ms = act->deadline_ms,
                        .limit_bytes = a->settings->fetch_limit,
                        .on_body = on_body,
                        .on_done = on_done,
                        .ctx = a};
    watch_path(&a->watch, act->target, act->fetch, f->path);
    a->fetching[act->target] = true;
    error = a->io->fetch(a->io, f);
    if (error != 0) {
        struct fetch_result r = {.error = error};

        err_set(&r.why, error, "%s", err_text(error));
        on_done(f, &r);
    }
}

/* ---- the other actions ---- */

static void sample(struct agent *a, int target)
{
    struct memory_sample m = {.usage_bytes = -1, .oom_kills = -1};
    struct actions next;

    if (a->io->sample(a->io, target, &m) != 0)
        m.tier = MEMORY_NONE;
    watch_memory(&a->watch, target, &m, a->io->limit(a->io, target), a->io->now(a->io), &next);
    perform(a, &next);
}

static void discover(struct agent *a, int target)
{
    bool all = a->watch.targets[target].spec.kind == TARGET_AUTO_ALL;
    struct candidate found[WATCH_CANDIDATES_MAX];
    size_t n = a->io->discover(a->io, all, found, WATCH_CANDIDATES_MAX);
    struct actions next;

    watch_candidates(&a->watch, target, found, n, a->io->now(a->io), &next);
    perform(a, &next);
}

static void outcome(struct agent *a, const struct action *act)
{
    struct job *j = a->store_open ? job_take(a, JOB_OUTCOME, act->target) : NULL;

    if (j == NULL)
        return;
    j->life = act->life;
    j->cause = act->cause;
    j->exit_code = act->exit_code;
    j->source = act->source;
    j->death = act->death;
    job_submit(j, false);
}

static void put_copy(struct buf *out, const struct buf *bytes)
{
    uint64_t n = bytes->len;

    buf_put(out, &n, sizeof(n));
    buf_put(out, bytes->p, bytes->len);
}

static void keep(struct agent *a, int target)
{
    const struct baseline *b = &a->watch.targets[target].baseline;
    struct job *j;

    a->keep_waiting |= 1u << target;
    if (a->keep_busy || !a->store_open || (j = job_take(a, JOB_KEEP, target)) == NULL)
        return;
    buf_reset(&a->keep);
    put_copy(&a->keep, &b->text_gz);
    put_copy(&a->keep, &b->native_gz);
    put_copy(&a->keep, &b->heap_gz);
    a->keep_waiting &= ~(1u << target);
    a->keep_busy = buf_status(&a->keep) == 0 && job_submit(j, false) == 0;
    if (!a->keep_busy)
        j->kind = JOB_FREE;
}

static void perform_one(struct agent *a, const struct action *act)
{
    switch (act->kind) {
    case ACTION_SAMPLE: sample(a, act->target); break;
    case ACTION_LOCATE: a->io->locate(a->io, act->target); break;
    case ACTION_DISCOVER: discover(a, act->target); break;
    case ACTION_RETARGET: a->io->retarget(a->io, act->target, act->origin); break;
    case ACTION_FETCH: fetch(a, act); break;
    case ACTION_DUMP: agent_dump_begin(a, act->target); break;
    case ACTION_NATIVE: agent_native_begin(a, act->target); break;
    case ACTION_OUTCOME: outcome(a, act); break;
    case ACTION_KEEP: keep(a, act->target); break;
    }
}

static void perform(struct agent *a, struct actions *list)
{
    if (list->wake_ms != 0 && !a->stopping)
        a->io->wake_at(a->io, list->wake_ms);
    for (int i = 0; i < list->n; i++)
        perform_one(a, &list->list[i]);
}

void agent_perform(struct agent *a, struct actions *list)
{
    perform(a, list);
}

void agent_store_trouble(struct agent *a, const char *what, const char *why)
{
    char text_now[sizeof(a->store_problem)];
    struct buf text;

    buf_fixed(&text, text_now, sizeof(text_now));
    buf_printf(&text, "%s: %s", what, why);
    if (strcmp(buf_cstr(&text), a->store_problem) == 0)
        return;
    str_copy(a->store_problem, sizeof(a->store_problem), str_of(text_now));
    log_begin(a->log, a->io->now(a->io).wall_ms, LOG_ERROR, what);
    log_cstr(a->log, "why", why);
    log_end(a->log);
}

/* What came of writing; other troubles than this one stay. */
void agent_note_store(struct agent *a, const char *what, int error, const struct errmsg *why)
{
    if (error != 0)
        agent_store_trouble(a, what, why->text[0] != '\0' ? why->text : err_text(error));
    else if (str_starts(str_of(a->store_problem), what))
        a->store_problem[0] = '\0';
}

/* ---- the history on disk ---- */

/* Rare (the first start, symbols compacted): the whole file at once, by rename. */
static void rewrite(struct agent *a)
{
    static const struct errmsg none;
    int error = store_rewrite_history(&a->store, a->block, a->block_bytes);
    bool more = true;

    a->rewrite = error != 0;
    agent_note_store(a, "the history cannot be written", error, &none);
    while (more && !a->rewrite) { /* what is on disk now is clean */
        buf_reset(&a->dirty);
        more = history_take_dirty(a->history, &a->dirty);
    }
}

static void flush(struct agent *a, bool sync)
{
    struct job *j;

    a->flush_again = a->dirty_busy;
    if (!a->store_open || a->dirty_busy)
        return;
    if (sync)
        history_anchor(a->history, a->watch.now);
    if (a->rewrite || history_wants_rewrite(a->history)) {
        rewrite(a);
        return;
    }
    buf_reset(&a->dirty);
    history_take_dirty(a->history, &a->dirty);
    if ((a->dirty.len == 0 && !sync) || (j = job_take(a, JOB_HISTORY, 0)) == NULL)
        return;
    j->sync = sync;
    a->dirty_busy = job_submit(j, false) == 0;
    a->rewrite = !a->dirty_busy; /* what was taken is not on disk */
}

/* A volume that was full or not yet ours at our start may be usable now. */
static void open_store_again(struct agent *a)
{
    struct errmsg why;

    a->store_open =
        store_open(&a->store, a->disk, a->settings->dir_limit, a->hostname, &why) == 0;
    if (!a->store_open) {
        agent_store_trouble(a, "the directory cannot be used", why.text);
        return;
    }
    a->store_problem[0] = '\0';
    a->rewrite = true;
    for (int i = 0; i < a->watch.n_targets; i++)
        if (a->keep_waiting & (1u << i))
            keep(a, i);
}

static void flush_if_due(struct agent *a)
{
    int64_t now_ms = a->watch.now.boot_ms;
    bool sync = now_ms >= a->sync_due_ms;
    int64_t every_ms = a->settings->goroutine_interval / a->settings->time_scale;

    if (now_ms < a->flush_due_ms)
        return;
    a->flush_due_ms = now_ms + (every_ms > 0 ? every_ms : 1);
    if (sync)
        a->sync_due_ms = now_ms + AGENT_SYNC_MS;
    if (!a->store_open && a->disk != NULL)
        open_store_again(a);
    flush(a, sync);
}

/* ---- events of the io ---- */

static void end(struct agent *a)
{
    if (a->stopped)
        return;
    a->stopped = true;
    if (a->on_stopped != NULL)
        a->on_stopped(a);
}

static void on_wake(struct io *io)
{
    struct agent *a = io->agent;
    struct actions next;

    if (a->stopping) { /* the disk takes too long: what it has must do */
        end(a);
        return;
    }
    watch_wake(&a->watch, io->now(io), &next);
    perform(a, &next);
    flush_if_due(a);
}

static void on_hangup(struct io *io, int target)
{
    struct agent *a = io->agent;
    struct actions next;

    if (a->stopping)
        return;
    watch_hangup(&a->watch, target, io->now(io), &next);
    perform(a, &next);
}

static void stop_if_idle(struct agent *a)
{
    if (a->stopping && a->jobs_active == 0)
        end(a);
}

void agent_job_done(struct agent *a, struct job *j)
{
    switch (j->kind) {
    case JOB_DUMP: agent_dump_written(a, j); break;
    case JOB_NATIVE: agent_native_written(a, j); break;
    case JOB_MANIFEST: agent_bundle_free(a); break;
    case JOB_OUTCOME:
        agent_note_store(a, "an outcome cannot be written", j->result.error, &j->result.why);
        break;
    case JOB_KEEP:
        a->keep_busy = false;
        agent_note_store(a, "a baseline cannot be written", j->result.error, &j->result.why);
        for (int i = 0; i < a->watch.n_targets && !a->keep_busy; i++)
            if (a->keep_waiting & (1u << i))
                keep(a, i);
        break;
    case JOB_HISTORY:
        a->dirty_busy = false;
        buf_free(&a->dirty);               /* the first of a run is large, the others are not */
        a->rewrite = j->result.error != 0; /* later, whole */
        agent_note_store(a, "the history cannot be written", j->result.error, &j->result.why);
        if (a->flush_again)
            flush(a, true);
        break;
    case JOB_FREE: break;
    }
    stop_if_idle(a);
}

/* ---- starting and stopping ---- */

void agent_start(struct agent *a)
{
    a->io->agent = a;
    a->io->on_wake = on_wake;
    a->io->on_hangup = on_hangup;
    flush(a, true);
    on_wake(a->io);
}

int agent_dump(struct agent *a, int target, enum trigger trigger, const char *reason,
               char id[DUMP_ID_MAX])
{
    int first = target < 0 ? 0 : target;
    int last = target < 0 ? a->watch.n_targets - 1 : target;
    int result = -ENODATA;

    id[0] = '\0';
    for (int i = first; i <= last; i++) {
        char one[DUMP_ID_MAX] = "";
        struct actions next;
        int error =
            watch_ask_dump(&a->watch, i, trigger, reason, a->io->now(a->io), &next, one);

        perform(a, &next);
        if (error == 0 && id[0] == '\0')
            str_copy(id, DUMP_ID_MAX, str_of(one));
        if (error == 0 || result != 0)
            result = error;
    }
    return result;
}

void agent_stop(struct agent *a)
{
    struct actions next;

    if (a->stopping)
        return;
    watch_stop(&a->watch, a->io->now(a->io), &next);
    perform(a, &next);
    a->stopping = true;
    a->io->wake_at(a->io, a->watch.now.boot_ms + AGENT_STOP_MS);
    for (int i = 0; i < a->watch.n_targets; i++)
        if (a->fetching[i])
            a->io->cancel(a->io, &a->fetches[i]);
    flush(a, true);
    stop_if_idle(a);
}
