/* Who asks for proof, and what becomes of it.
 *
 * Happy path: a stack verdict stands -> goroutineleak, or debug=2 where that is not
 * served -> the culprits are proven -> the grade is `confirmed`, said and dumped
 * once. Failure modes: what is not served is not asked again in this life; what
 * proves nothing, or fails, is asked ever less often; what does not fit into the
 * target's headroom or budget is not asked at all (schedule.c).
 *
 * And the names of the runtime's frames that debug=1 hides, each asked for once. */
#include <string.h>

#include "lib/watch/internal.h"

#define PROOF_EVERY_MS (10 * 60000LL)
#define REFUTED_FOR_MS (24 * 3600000LL)
#define DOUBLINGS_MAX 5 /* at last every five hours and a third */

void confirm_life(struct watched *t)
{
    memset(&t->confirm, 0, sizeof(t->confirm));
    memset(&t->pcs, 0, sizeof(t->pcs));
    memset(t->origins, 0, sizeof(t->origins));
    t->refuted_ms = 0;
}

int64_t confirm_interval_ms(const struct watch *w, const struct watched *t,
                            enum fetch_kind kind)
{
    int doublings = t->confirm.answers[kind] - 1;

    if (doublings > DOUBLINGS_MAX)
        doublings = DOUBLINGS_MAX;
    return watch_scaled(w, PROOF_EVERY_MS << (doublings > 0 ? doublings : 0));
}

/* ---- whom the proof is about ---- */

static const struct finding *suspected(const struct watched *t)
{
    return &t->judge.detect.verdict.finding;
}

static bool names(const struct watch *w, const struct finding *f, const char *stack)
{
    for (int i = 0; i < f->n_culprits; i++)
        if (strcmp(history_fingerprint(w->history, f->culprits[i].stack), stack) == 0)
            return true;
    return false;
}

static void forget(struct watched *t)
{
    struct confirm *c = &t->confirm;

    c->stack[0] = c->text[0] = '\0';
    c->proven = c->said = false;
    c->ids.n = 0;
    memset(c->answers, 0, sizeof(c->answers));
}

/* What was learnt stands while the culprit it is about is still named. How soon
 * may be asked again stays, whoever is suspected next. */
static void follow(const struct watch *w, struct watched *t)
{
    const struct finding *f = suspected(t);
    struct confirm *c = &t->confirm;

    if (c->stack[0] != '\0' && (f->kind == VERDICT_NONE || !names(w, f, c->stack)))
        forget(t);
    if (c->stack[0] == '\0' && confirm_applies(f))
        str_copy(c->stack, sizeof(c->stack),
                 str_of(history_fingerprint(w->history, f->culprits[0].stack)));
}

static struct confirm_origin *origin_of(struct watched *t, const char *stack)
{
    for (int i = 0; i < DETECT_CULPRITS_MAX; i++)
        if (strcmp(t->origins[i].stack, stack) == 0)
            return &t->origins[i];
    return NULL;
}

/* ---- when ---- */

static bool due(const struct watch *w, const struct watched *t, enum fetch_kind kind)
{
    return w->now.boot_ms >= t->due_ms[kind];
}

/* debug=2 also tells who made the culprits, which the GC's proof does not. */
static bool wants_stacks(const struct watch *w, struct watched *t)
{
    const struct confirm *c = &t->confirm;

    return !c->no_stacks && (!c->proven || origin_of(t, c->stack) == NULL) &&
           t->goroutines < WATCH_STACKS_GOROUTINES && due(w, t, FETCH_STACKS);
}

/* Hidden addresses of the last page that nobody has asked for. */
static bool gather(struct watched *t)
{
    struct confirm *c = &t->confirm;
    const struct profile *p = &t->now;

    c->n_pcs = 0;
    if (!t->have_now || t->pcs.n == BLOCKING_PCS_MAX)
        return false;
    for (size_t i = 0; i < p->locations.n && c->n_pcs < SYMBOL_PCS_MAX; i++) {
        const struct location *l = &p->locations.p[i];

        if (l->n_lines == 0 && l->address != 0 && !blocking_knows(&t->pcs, l->address))
            c->pcs[c->n_pcs++] = l->address;
    }
    return c->n_pcs > 0;
}

enum fetch_kind confirm_choose(struct watch *w, struct watched *t)
{
    struct confirm *c = &t->confirm;

    if (confirm_applies(suspected(t))) {
        if (!c->proven && !c->no_leaks && due(w, t, FETCH_LEAK))
            return FETCH_LEAK;
        if (wants_stacks(w, t))
            return FETCH_STACKS;
    }
    return !c->no_symbols && gather(t) ? FETCH_SYMBOL : FETCH_NONE;
}

static void on_goroutine(void *ctx, const struct goroutine *g)
{
    confirm_page_add(ctx, g);
}

void confirm_begin(struct watch *w, int target, enum fetch_kind kind)
{
    static const struct confirm_ids none;
    struct watched *t = &w->targets[target];
    struct confirm *c = &t->confirm;
    struct stacks_page *s = t->stacks;
    bool later;

    if (kind != FETCH_STACKS && kind != FETCH_NATIVE_STACKS)
        return;
    s->about = *suspected(t);
    if (!confirm_applies(&s->about))
        s->about.n_culprits = 0;
    later =
        s->about.n_culprits > 0 && w->t_ms - c->ids.t_ms >= watch_scaled(w, PROOF_EVERY_MS) &&
        strcmp(c->ids_stack, history_fingerprint(w->history, s->about.culprits[0].stack)) == 0;
    confirm_page_begin(&s->page, w->history, &s->about, later ? &c->ids : &none);
    goroutines_begin(&s->parser, on_goroutine, &s->page);
}

/* ---- what came ---- */

int confirm_symbols(struct watched *t)
{
    struct confirm *c = &t->confirm;
    struct str names_at[SYMBOL_PCS_MAX];
    int error = symbol_parse(buf_view(&t->body), c->pcs, c->n_pcs, names_at);

    for (size_t i = 0; i < c->n_pcs && error == 0; i++)
        blocking_learn(&t->pcs, c->pcs[i], names_at[i]);
    return error;
}

/* The proof is kept whole; of the detector's own sentence what fits before it. */
static void append(char *evidence, size_t cap, const char *clause)
{
    size_t n = strlen(clause) + 2;

    if (str_contains(str_of(evidence), clause) || n >= cap)
        return;
    if (strlen(evidence) + n >= cap)
        evidence[cap - 1 - n] = '\0';
    cap -= strlen(evidence);
    evidence += strlen(evidence);
    str_copy(evidence, cap, STR("; "));
    str_copy(evidence + 2, cap - 2, str_of(clause));
}

/* Takes the clause of before off again, where it still is the end. */
static void replace_text(struct watched *t, const char *text)
{
    char *evidence = t->judge.detect.verdict.finding.evidence;
    struct confirm *c = &t->confirm;

    if (c->text[0] != '\0' && str_ends(str_of(evidence), c->text) &&
        strlen(evidence) > strlen(c->text) + 2)
        evidence[strlen(evidence) - strlen(c->text) - 2] = '\0';
    str_copy(c->text, sizeof(c->text), str_of(text));
}

void confirm_apply(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct finding *f = &t->judge.detect.verdict.finding;
    struct confirm *c = &t->confirm;

    if (c->text[0] == '\0' || !confirm_applies(f) || !names(w, f, c->stack))
        return;
    append(f->evidence, sizeof(f->evidence), c->text);
    if (!c->proven)
        return;
    f->grade = GRADE_CONFIRMED;
    if (c->said)
        return;
    c->said = true;
    hearing_log(w, target, "verdict", &t->judge.detect.verdict);
    evidence_ask(w, target, TRIGGER_CONFIRMED, f->evidence);
}

const char *watch_refuted(const struct watch *w, int target, int64_t t_ms)
{
    const struct watched *t = &w->targets[target];
    bool fresh = t->refuted_ms > 0 && t_ms >= t->refuted_ms &&
                 t_ms - t->refuted_ms < watch_scaled(w, REFUTED_FOR_MS);

    return fresh ? t->refuted : NULL;
}

static void answered(struct watch *w, int target, enum fetch_kind kind)
{
    struct watched *t = &w->targets[target];

    t->confirm.answers[kind]++;
    t->due_ms[kind] = w->now.boot_ms + confirm_interval_ms(w, t, kind);
}

static void conclude(struct watch *w, int target, enum confirm_result result, const char *text)
{
    struct watched *t = &w->targets[target];

    if (t->confirm.proven || text[0] == '\0')
        return;
    t->confirm.proven = result == CONFIRM_PROVEN;
    if (result != CONFIRM_NOTHING)
        t->refuted_ms = result == CONFIRM_REFUTED ? w->t_ms : 0;
    if (result == CONFIRM_REFUTED)
        str_copy(t->refuted, sizeof(t->refuted), str_of(t->confirm.stack));
    replace_text(t, text);
    confirm_apply(w, target);
}

/* How many of each culprit's are on a page of goroutineleak. */
static void count_proven(const struct watch *w, const struct profile *p,
                         const struct finding *f, int64_t proven[DETECT_CULPRITS_MAX])
{
    int value = profile_value_index(p, NULL);

    for (size_t i = 0; i < p->samples.n && value >= 0; i++) {
        const struct sample *s = &p->samples.p[i];
        uint32_t stack = history_find_key(w->history, sample_key(p, s));

        for (int k = 0; k < f->n_culprits; k++)
            if (f->culprits[k].stack == stack)
                proven[k] += s->values[value];
    }
}

void confirm_leaks(struct watch *w, int target, const struct profile *p)
{
    struct watched *t = &w->targets[target];
    int64_t proven[DETECT_CULPRITS_MAX] = {0};
    char text[CONFIRM_TEXT_MAX];
    enum confirm_result result;

    t->confirm.gc_answered = true;
    answered(w, target, FETCH_LEAK);
    follow(w, t);
    if (!confirm_applies(suspected(t)))
        return;
    count_proven(w, p, suspected(t), proven);
    result = confirm_by_gc(suspected(t), proven, text);
    conclude(w, target, result, text);
}

static void keep_origins(const struct watch *w, struct watched *t)
{
    const struct stacks_page *s = t->stacks;

    for (int i = 0; i < s->about.n_culprits; i++) {
        const struct confirm_bucket *b = &s->page.buckets[i];
        struct confirm_origin *o = &t->origins[i];

        if (b->seen == 0)
            continue;
        *o = b->origin;
        str_copy(o->stack, sizeof(o->stack),
                 str_of(history_fingerprint(w->history, s->about.culprits[i].stack)));
    }
}

int confirm_stacks(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct confirm *c = &t->confirm;
    struct stacks_page *s = t->stacks;
    char text[CONFIRM_TEXT_MAX];
    enum confirm_result result;
    const char *first;
    int error = goroutines_end(&s->parser);

    if (error != 0)
        return error;
    answered(w, target, FETCH_STACKS);
    if (s->about.n_culprits == 0)
        return 0;
    keep_origins(w, t);
    result = confirm_by_age(&s->page, &s->about, w->t_ms, text);
    first = history_fingerprint(w->history, s->about.culprits[0].stack);
    /* Those of a page that is too young to be compared with are kept to age. */
    if (s->page.before.n > 0 || c->ids.n == 0 || strcmp(c->ids_stack, first) != 0) {
        c->ids = s->page.ids;
        str_copy(c->ids_stack, sizeof(c->ids_stack), str_of(first));
    }
    if (result == CONFIRM_REFUTED || !c->gc_answered)
        conclude(w, target, result, text);
    return 0;
}

void confirm_failed(struct watch *w, int target, enum fetch_kind kind, bool absent)
{
    struct confirm *c = &w->targets[target].confirm;

    switch (kind) {
    case FETCH_SYMBOL: c->no_symbols = true; break;
    case FETCH_LEAK:
    case FETCH_NATIVE_LEAK:
        c->no_leaks = c->no_leaks || absent;
        answered(w, target, FETCH_LEAK);
        break;
    case FETCH_STACKS:
    case FETCH_NATIVE_STACKS:
        c->no_stacks = c->no_stacks || absent;
        answered(w, target, FETCH_STACKS);
        break;
    case FETCH_NONE:
    case FETCH_INDEX:
    case FETCH_GOROUTINE:
    case FETCH_HEAP:
    case FETCH_MEMSTATS:
    case FETCH_METRICS:
    case FETCH_NATIVE_GOROUTINE:
    case FETCH_KINDS: break;
    }
}

void confirm_page(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];

    t->confirm.turn = true;
    follow(w, t);
    confirm_apply(w, target);
}

char *watch_path(const struct watch *w, int target, enum fetch_kind kind,
                 char out[SYMBOL_PATH_MAX])
{
    const struct confirm *c = &w->targets[target].confirm;

    if (kind == FETCH_SYMBOL)
        return symbol_path(c->pcs, c->n_pcs, out);
    return str_copy(out, SYMBOL_PATH_MAX, str_of(fetch_path(kind)));
}
