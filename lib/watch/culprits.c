/* The culprits of a verdict as people know them: for log, status and dump. */
#include <string.h>

#include "lib/detect/owner.h"
#include "lib/dump/naming.h"
#include "lib/watch/internal.h"

#define COPY(dst, src) str_copy((dst), sizeof(dst), str_of(src))

static void fill(const struct history *h, const struct culprit *c, struct manifest_culprit *out)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    size_t n = history_frames(h, c->stack, frames, HISTORY_FRAMES_MAX);

    *out = (struct manifest_culprit){
        .before = c->before,
        .now = c->now,
        .per_hour = c->per_hour,
        .share = c->share,
        .bytes_each = c->bytes_each,
        .explains = c->explains,
    };
    COPY(out->fingerprint, history_fingerprint(h, c->stack));
    COPY(out->unit, c->class == HISTORY_SITES ? "bytes" : "goroutines");
    if (n > 0) {
        const struct frame *f = &frames[owner_frame(frames, n, NULL)];

        str_copy(out->function, sizeof(out->function), f->function);
        str_copy(out->file, sizeof(out->file), f->file);
        out->line = f->line;
    }
}

int watch_culprits(const struct watch *w, const struct finding *f,
                   struct manifest_culprit out[MANIFEST_CULPRITS_MAX])
{
    int n = f->n_culprits < MANIFEST_CULPRITS_MAX ? f->n_culprits : MANIFEST_CULPRITS_MAX;

    for (int i = 0; i < n; i++)
        fill(w->history, &f->culprits[i], &out[i]);
    return n;
}

/* A library's goroutine whose maker nobody knows, or nothing known at all. */
static bool is_in_the_dark(const struct manifest_culprit *c)
{
    return strcmp(c->pattern, pattern_text(PATTERN_UNKNOWN)) == 0 ||
           (c->helper[0] && strcmp(c->helper, c->function) == 0);
}

/* The last dump of this life has seen the heap profile, and so more. */
static void name_from_dump(const struct watched *t, struct manifest_culprit *c)
{
    const struct manifest *m = &t->dump.manifest;

    for (int i = 0; m->life == t->life.record.id && i < m->n_culprits; i++) {
        const struct manifest_culprit *named = &m->culprits[i];

        if (strcmp(named->fingerprint, c->fingerprint) != 0 || !named->pattern[0] ||
            is_in_the_dark(named) || !is_in_the_dark(c))
            continue;
        COPY(c->pattern, named->pattern);
        COPY(c->helper, named->helper);
        COPY(c->advice, named->advice);
        COPY(c->function, named->function);
        COPY(c->file, named->file);
        c->line = named->line;
    }
}

/* The page of now knows the hidden frames; the rest comes of the history, since
 * to say what stands may not cost what a dump does. */
void watch_name_culprits(const struct watch *w, int target, const struct finding *f,
                         struct manifest_culprit *culprits, int n)
{
    const struct watched *t = &w->targets[target];
    struct naming_stack where[MANIFEST_CULPRITS_MAX] = {{0}};
    struct naming_sources sources = {
        .goroutine = t->have_now ? &t->now : NULL,
        .pcs = &t->pcs,
        .origins = t->origins,
        .history = w->history,
        .target = target,
        .from_ms = w->t_ms - f->window_ms,
        .to_ms = w->t_ms,
    };

    for (int i = 0; i < n; i++)
        where[i] = (struct naming_stack){NAMING_NONE, f->culprits[i].stack};
    culprits_name(culprits, where, n, &sources);
    for (int i = 0; i < n; i++)
        name_from_dump(t, &culprits[i]);
}

void watch_log_culprit(struct log *l, const struct manifest_culprit *c)
{
    log_cstr(l, "stack", c->fingerprint);
    log_cstr(l, "function", c->function);
    log_cstr(l, "file", c->file);
    log_i64(l, "line", c->line);
    log_i64(l, "before", c->before);
    log_i64(l, "now", c->now);
    log_cstr(l, "unit", c->unit);
    log_cstr(l, "pattern", c->pattern);
    if (c->blocking[0])
        log_cstr(l, "blocking", c->blocking);
    log_cstr(l, "advice", c->advice);
}
