#include "lib/detect/confirm.h"

#include <stdio.h>
#include <string.h>

#define WAITED_PERCENT 80
#define IDS_LEAST 8 /* survivors that growth alone would leave, for a word on them */

bool confirm_applies(const struct finding *f)
{
    switch (f->kind) {
    case VERDICT_DRIFT:
    case VERDICT_STEP: return f->n_culprits > 0 && f->culprits[0].class == HISTORY_STACKS;
    case VERDICT_NONE:
    case VERDICT_HEAP:
    case VERDICT_MEMORY:
    case VERDICT_BLOWUP:
    case VERDICT_GC_BOUND: break;
    }
    return false;
}

static int64_t rise_of(const struct culprit *c)
{
    return c->now > c->before ? c->now - c->before : 0;
}

/* ---- the GC ---- */

/* Of the target's growth, where the detector knows it; else of the culprits'. */
static double explained(const struct finding *f, const int64_t proven[DETECT_CULPRITS_MAX])
{
    double share = 0, total = 0;

    for (int i = 0; i < f->n_culprits; i++)
        total += f->culprits[i].share;
    for (int i = 0; i < f->n_culprits; i++) {
        const struct culprit *c = &f->culprits[i];
        double rise = (double)rise_of(c), part;

        if (rise <= 0)
            continue;
        part = (double)proven[i] < rise ? (double)proven[i] / rise : 1;
        share += part * (total > 0 ? c->share : 1.0 / f->n_culprits);
    }
    return share < 1 ? share : 1;
}

enum confirm_result confirm_by_gc(const struct finding *f,
                                  const int64_t proven[DETECT_CULPRITS_MAX],
                                  char text[CONFIRM_TEXT_MAX])
{
    enum confirm_result result = CONFIRM_NOTHING;
    int64_t now, sum = 0;

    for (int i = 0; i < f->n_culprits; i++) {
        sum += proven[i];
        if (proven[i] > 0 && 2 * proven[i] >= rise_of(&f->culprits[i]))
            result = CONFIRM_PROVEN;
    }
    text[0] = '\0';
    if (f->n_culprits == 0)
        return CONFIRM_NOTHING;
    /* The page is younger than the finding. */
    now = proven[0] > f->culprits[0].now ? proven[0] : f->culprits[0].now;
    if (sum == 0)
        snprintf(text, CONFIRM_TEXT_MAX,
                 "the GC proves none leaked (what a global reaches it cannot)");
    else
        snprintf(text, CONFIRM_TEXT_MAX,
                 "the GC proves %lld of %lld goroutines leaked: %.0f %% of the growth",
                 (long long)proven[0], (long long)now, 100 * explained(f, proven));
    return result;
}

/* ---- ages ---- */

static int64_t half_window_minutes(const struct finding *f)
{
    return (f->window_ms / 2 + 59999) / 60000 + CONFIRM_GC_INTERVAL_MINUTES;
}

/* Into hashes of what both texts show. */
static size_t hash_frames(struct frame *frames, size_t n, uint64_t *out)
{
    n = frames_common(frames, n);
    for (size_t i = 0; i < n; i++)
        out[i] = str_hash(frames[i].function, (uint64_t)(uint32_t)frames[i].line + 1);
    return n;
}

void confirm_page_begin(struct confirm_page *p, const struct history *h,
                        const struct finding *f, const struct confirm_ids *before)
{
    struct frame frames[HISTORY_FRAMES_MAX];

    p->n = f->n_culprits;
    p->need_minutes = half_window_minutes(f);
    p->stride = f->n_culprits > 0 ? f->culprits[0].now / CONFIRM_IDS_MAX + 1 : 1;
    p->aged = false;
    p->before = *before;
    p->ids.n = 0;
    p->survivors = 0;
    for (int i = 0; i < p->n; i++) {
        struct confirm_bucket *b = &p->buckets[i];
        size_t n = history_frames(h, f->culprits[i].stack, frames, HISTORY_FRAMES_MAX);

        b->n_frames = hash_frames(frames, n, b->frames);
        b->seen = b->waited = b->leaked = 0;
        b->origin = (struct confirm_origin){.state = ""};
    }
}

static bool same_stack(const struct confirm_bucket *b, const uint64_t *frames, size_t n)
{
    size_t common = n < b->n_frames ? n : b->n_frames;

    if (common == 0 || (n != b->n_frames && common < CONFIRM_DEEP_FRAMES))
        return false;
    return memcmp(b->frames, frames, common * sizeof(*frames)) == 0;
}

static void note_id(struct confirm_page *p, uint64_t id)
{
    struct confirm_ids *ids = &p->ids;

    for (int i = 0; i < p->before.n; i++)
        p->survivors += p->before.id[i] == id;
    if ((p->buckets[0].seen - 1) % p->stride == 0 && ids->n < CONFIRM_IDS_MAX)
        ids->id[ids->n++] = id;
}

void confirm_page_add(struct confirm_page *p, const struct goroutine *g)
{
    struct frame frames[GOROUTINE_FRAMES_MAX];
    uint64_t hashes[GOROUTINE_FRAMES_MAX];
    struct confirm_bucket *b = NULL;
    struct confirm_origin *o;
    size_t n;

    p->aged = p->aged || g->minutes >= 0;
    memcpy(frames, g->frames, g->n_frames * sizeof(*frames));
    n = hash_frames(frames, g->n_frames, hashes);
    for (int i = 0; i < p->n && b == NULL; i++)
        if (same_stack(&p->buckets[i], hashes, n))
            b = &p->buckets[i];
    if (b == NULL)
        return;
    o = &b->origin;
    if (b->seen++ == 0) {
        str_copy(o->state, sizeof(o->state), g->state);
        str_copy(o->created_by, sizeof(o->created_by), g->created_by.function);
        str_copy(o->created_file, sizeof(o->created_file), g->created_by.file);
        o->created_line = g->created_by.line;
    }
    b->leaked += g->leaked;
    /* A leaked one says no minutes; that it is proven says more. */
    b->waited += g->leaked || g->minutes >= p->need_minutes;
    if (b == &p->buckets[0])
        note_id(p, g->id);
}

/* Of a stack that grew and gave nothing back at least the growth must still be
 * there; that of those seen before not half as many are, it cannot be. */
static bool came_and_went(const struct confirm_page *p, const struct culprit *c)
{
    double stay = c->now > 0 ? p->before.n * (double)rise_of(c) / (double)c->now : 0;

    return stay >= IDS_LEAST && p->survivors < stay / 2;
}

enum confirm_result confirm_by_age(struct confirm_page *p, const struct finding *f,
                                   int64_t t_ms, char text[CONFIRM_TEXT_MAX])
{
    const struct confirm_bucket *b = &p->buckets[0];
    const struct culprit *c = &f->culprits[0];

    text[0] = '\0';
    p->ids.t_ms = t_ms;
    if (f->n_culprits == 0 || p->n == 0)
        return CONFIRM_NOTHING;
    if (came_and_went(p, c)) {
        snprintf(text, CONFIRM_TEXT_MAX,
                 "they come and go: of %d seen %lld s before %d are left", p->before.n,
                 (long long)(t_ms - p->before.t_ms) / 1000, p->survivors);
        return CONFIRM_REFUTED;
    }
    if (f->window_ms < CONFIRM_WINDOW_LEAST_MS) {
        snprintf(text, CONFIRM_TEXT_MAX,
                 "a window of %lld s is too short for their ages, whole minutes, to prove it",
                 (long long)f->window_ms / 1000);
        return CONFIRM_NOTHING;
    }
    if (2 * b->seen < c->now || !p->aged) /* another moment, or no GC yet */
        return CONFIRM_NOTHING;
    snprintf(text, CONFIRM_TEXT_MAX, "%lld of %lld goroutines have waited %lld min or longer",
             (long long)b->waited, (long long)b->seen, (long long)p->need_minutes);
    return 100 * b->waited >= WAITED_PERCENT * b->seen ? CONFIRM_PROVEN : CONFIRM_NOTHING;
}
