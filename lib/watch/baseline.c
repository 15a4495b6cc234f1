/* The healthy picture that dumps are compared with: the first page of a life is
 * `provisional`, one after 30 minutes `healthy`, and from then on only a page of
 * fewer goroutines, outside any verdict, replaces it. */
#include <errno.h>
#include <string.h>

#include "lib/profile/proto.h"
#include "lib/watch/internal.h"

#define REPLACE_EVERY_MS (10 * 60000LL)

void baseline_init(struct baseline *b)
{
    memset(b, 0, sizeof(*b));
    str_copy(b->kind, sizeof(b->kind), STR("none"));
    buf_init(&b->text_gz, WATCH_BODY_BYTES);
    buf_init(&b->native_gz, WATCH_BODY_BYTES);
    buf_init(&b->heap_gz, WATCH_BODY_BYTES);
}

void baseline_free(struct baseline *b)
{
    buf_free(&b->text_gz);
    buf_free(&b->native_gz);
    buf_free(&b->heap_gz);
}

static bool is_kind(const struct baseline *b, const char *kind)
{
    return strcmp(b->kind, kind) == 0;
}

static void replace(struct buf *dst, struct str bytes)
{
    buf_reset(dst);
    buf_str(dst, bytes);
    if (buf_status(dst) != 0)
        buf_reset(dst);
}

static void keep(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    t->note.baseline_wall_ms = t->baseline.wall_ms;
    t->note.baseline_goroutines = t->baseline.goroutines;
    str_copy(t->note.baseline_kind, sizeof(t->note.baseline_kind), str_of(t->baseline.kind));
    watch_save(w, target);
    watch_act(w, ACTION_KEEP, target);
}

static void take(struct watch *w, int target, const char *kind)
{
    struct watched *t = &w->targets[target];
    struct baseline *b = &t->baseline;

    buf_reset(&b->text_gz);
    if (proto_encode_gzip(&t->now, &b->text_gz) != 0) {
        buf_reset(&b->text_gz);
        return;
    }
    str_copy(b->kind, sizeof(b->kind), str_of(kind));
    b->wall_ms = w->now.wall_ms;
    b->goroutines = t->goroutines;
    b->want_native = true;
    /* A heap seen in this life; else the next one is taken (baseline_heap). */
    buf_reset(&b->heap_gz);
    if (t->heap_ms >= t->life.ready_ms && t->heap_gz.len > 0)
        replace(&b->heap_gz, buf_view(&t->heap_gz));
    keep(w, target);
}

void baseline_page(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct baseline *b = &t->baseline;
    int64_t age_ms = w->now.boot_ms - t->life.ready_ms;
    bool sound = t->judge.detect.verdict.finding.kind == VERDICT_NONE;

    if (is_kind(b, "none") || is_kind(b, "previous-life"))
        take(w, target, "provisional");
    else if (!sound)
        return;
    else if (is_kind(b, "provisional")) {
        if (age_ms >= watch_scaled(w, w->settings->baseline_after))
            take(w, target, "healthy");
    } else if (t->goroutines < b->goroutines &&
               w->now.wall_ms - b->wall_ms >= watch_scaled(w, REPLACE_EVERY_MS)) {
        take(w, target, "healthy");
    }
}

/* Go's own protobuf of about the same moment came (scratch[0] holds it decoded). */
void baseline_native(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    const struct profile *p = &w->scratch[0];

    if (!t->baseline.want_native)
        return;
    t->baseline.want_native = false;
    replace(&t->baseline.native_gz, buf_view(&t->body));
    if (p->n_mappings > 0)
        str_copy(t->note.build_id, sizeof(t->note.build_id),
                 profile_text(p, p->mappings[0].build_id));
    keep(w, target);
}

void baseline_heap(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    if (is_kind(&t->baseline, "none") || t->baseline.heap_gz.len > 0)
        return;
    replace(&t->baseline.heap_gz, buf_view(&t->heap_gz));
    keep(w, target);
}

void baseline_new_life(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct baseline *b = &t->baseline;

    b->want_native = false;
    t->have_now = false;
    t->heap_bytes = -1;
    t->heap_ms = 0;
    buf_reset(&t->heap_gz);
    if (!is_kind(b, "none"))
        str_copy(b->kind, sizeof(b->kind), STR("previous-life"));
}

void watch_restore_baseline(struct watch *w, int target, struct str text_gz,
                            struct str native_gz, struct str heap_gz)
{
    struct watched *t = &w->targets[target];
    struct baseline *b = &t->baseline;

    if (text_gz.n == 0 || t->note.baseline_kind[0] == '\0')
        return;
    replace(&b->text_gz, text_gz);
    replace(&b->native_gz, native_gz);
    replace(&b->heap_gz, heap_gz);
    str_copy(b->kind, sizeof(b->kind), str_of(t->note.baseline_kind));
    b->wall_ms = t->note.baseline_wall_ms;
    b->goroutines = t->note.baseline_goroutines;
}
