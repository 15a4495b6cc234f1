/* Phase 2 of a dump: what the target still answers within the deadline, one request
 * after the other, most telling first; one that fails does not lose the others. */
#include <stdio.h>
#include <string.h>

#include "lib/watch/internal.h"

/* Beyond Go's own goroutine profile: not in an emergency, which has no time for a
 * GC or a stopped world; nor where labels are dropped, for both may hold them. */
static bool asks_more(const struct watch *w, const struct dump_job *d)
{
    return d->trigger != TRIGGER_EMERGENCY && w->settings->labels == 0;
}

static enum fetch_kind after(const struct watch *w, const struct watched *t,
                             enum fetch_kind kind)
{
    if (!asks_more(w, &t->dump))
        return FETCH_NONE;
    if (kind == FETCH_NATIVE_GOROUTINE && !t->confirm.no_leaks &&
        schedule_fits(t, FETCH_NATIVE_LEAK))
        return FETCH_NATIVE_LEAK;
    if (kind != FETCH_NATIVE_STACKS && !t->confirm.no_stacks &&
        t->goroutines < WATCH_STACKS_GOROUTINES && schedule_fits(t, FETCH_NATIVE_STACKS))
        return FETCH_NATIVE_STACKS;
    return FETCH_NONE;
}

/* Whole goroutines alone: the text was kept up to its bound. */
static void cut_stacks(struct dump_job *d)
{
    struct buf *b = &d->stacks_text;
    size_t noted = strlen(d->manifest.note);

    if (b->len < WATCH_STACKS_BYTES)
        return;
    while (b->len > 0 && (b->p[b->len - 1] != '\n' || b->len < 2 || b->p[b->len - 2] != '\n'))
        b->len--;
    if (b->len > 0)
        b->len--; /* the blank line was there for the next */
    snprintf(d->manifest.note + noted, sizeof(d->manifest.note) - noted,
             "%snative/goroutines.txt: cut at %d KiB", noted > 0 ? "; " : "",
             WATCH_STACKS_BYTES / 1024);
}

/* Takes the body over; what is there was sent, received and looked at whole. */
static void take(struct buf *dst, struct buf *body)
{
    struct buf swap = *dst;

    *dst = *body;
    *body = swap;
}

void native_fetched(struct watch *w, int target, enum fetch_kind kind, bool whole)
{
    struct watched *t = &w->targets[target];
    struct dump_job *d = &t->dump;

    if (kind != d->asking) /* of a dump that an emergency cut short */
        return;
    if (whole && kind == FETCH_NATIVE_GOROUTINE) {
        buf_reset(&d->native_gz); /* the baseline may want the body, too */
        buf_str(&d->native_gz, buf_view(&t->body));
    } else if (whole) {
        take(kind == FETCH_NATIVE_LEAK ? &d->leak_gz : &d->stacks_text, &t->body);
    }
    d->asking = after(w, t, kind);
    if (d->asking == FETCH_NONE)
        native_end(w, target);
}

void native_end(struct watch *w, int target)
{
    struct dump_job *d = &w->targets[target].dump;

    if (d->native_gz.len + d->leak_gz.len + d->stacks_text.len == 0) {
        evidence_finish(w, target);
        return;
    }
    cut_stacks(d);
    d->phase = DUMP_NATIVE;
    d->manifest.phase = 2;
    watch_act(w, ACTION_NATIVE, target);
}

void watch_native_done(struct watch *w, int target, int error, const char *why,
                       struct moment now, struct actions *a)
{
    struct watched *t = &w->targets[target];

    watch_enter(w, now, a);
    if (error != 0)
        str_copy(t->counters.last_error, sizeof(t->counters.last_error), str_of(why));
    evidence_finish(w, target);
    schedule_target(w, target);
    watch_schedule_wake(w);
}

void watch_native_input(struct watch *w, int target, struct native_input *in)
{
    struct watched *t = &w->targets[target];

    *in = (struct native_input){
        .goroutine_gz = t->dump.native_gz.p,
        .goroutine_gz_bytes = t->dump.native_gz.len,
        .goroutine_base_gz = t->baseline.native_gz.p,
        .goroutine_base_gz_bytes = t->baseline.native_gz.len,
        .leak_gz = t->dump.leak_gz.p,
        .leak_gz_bytes = t->dump.leak_gz.len,
        .stacks_text = t->dump.stacks_text.p,
        .stacks_text_bytes = t->dump.stacks_text.len,
        .scratch = {&w->scratch[0], &w->scratch[1], &w->scratch[2]},
    };
}
