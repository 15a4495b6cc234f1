/* A trigger becomes a dump: the manifest is filled from what is known now, phase
 * 1 is written from memory; native.c adds what the target still answers. */
#include <errno.h>
#include <string.h>

#include "lib/profile/proto.h"
#include "lib/watch/internal.h"

_Static_assert(sizeof(struct watch_note) <= HISTORY_NOTE_BYTES, "the note must fit");

#define COPY(dst, src) str_copy((dst), sizeof(dst), str_of(src))

static void fill_identity(struct watch *w, struct watched *t, struct manifest *m)
{
    const struct settings *s = w->settings;

    m->schema = MANIFEST_SCHEMA;
    COPY(m->leakwatch_version, LW_VERSION);
    COPY(m->namespace_, s->namespace);
    COPY(m->pod, s->pod);
    COPY(m->node, s->node);
    COPY(m->container, s->container);
    COPY(m->version_label, s->version_label);
    COPY(m->target, t->spec.name);
    COPY(m->url, t->url);
    COPY(m->build_id, t->note.build_id);
    m->life = t->life.record.id;
    m->life_start_wall_ms = history_wall_ms(w->history, t->life.record.start_ms);
    m->time_wall_ms = w->now.wall_ms;
    m->seq = t->note.seq;
}

static void fill_measures(struct watch *w, struct watched *t, enum trigger trigger,
                          struct manifest *m)
{
    const struct emergency *e = &t->judge.emergency;

    COPY(m->memory.source, memory_tier_text(t->tier));
    m->memory.usage_bytes = t->usage_bytes;
    m->memory.limit_bytes = t->limit_bytes;
    m->memory.eta_s = trigger == TRIGGER_EMERGENCY ? e->eta_s : e->near_s;
    m->goroutines = t->goroutines;
    m->goroutines_age_ms = t->have_now ? w->now.boot_ms - t->page_ms : -1;
    m->partial = t->have_now && t->now.partial;
    COPY(m->baseline.kind, t->baseline.kind);
    m->baseline.time_wall_ms = t->baseline.wall_ms;
    m->baseline.age_ms = t->baseline.wall_ms ? w->now.wall_ms - t->baseline.wall_ms : 0;
    m->baseline.goroutines = t->baseline.goroutines;
    m->heap.present = t->heap_gz.len > 0;
    m->heap.age_ms = m->heap.present ? w->now.boot_ms - t->heap_ms : -1;
    m->heap.inuse_bytes = m->heap.present ? t->heap_bytes : -1;
    m->heap.num_gc = t->stats.present ? (int64_t)t->stats.num_gc : -1;
    m->heap.not_in_profile_bytes = t->stats.present && m->heap.present
                                       ? (int64_t)t->stats.heap_alloc_bytes - t->heap_bytes
                                       : -1;
}

/* The names of culprits (pattern, advice) come when the dump is rendered: from the
 * profiles. */
static void fill_verdict(struct watch *w, struct watched *t, struct manifest *m)
{
    const struct verdict *v = &t->judge.detect.verdict;
    const struct finding *f = &v->finding;

    if (f->kind == VERDICT_NONE)
        return;
    COPY(m->verdict.kind, verdict_kind_text(f->kind));
    COPY(m->verdict.grade, verdict_grade_text(f->grade));
    COPY(m->verdict.detector, v->detector);
    COPY(m->verdict.evidence, f->evidence);
    m->verdict.eta_s = v->forecast.eta_s;
    m->verdict.eta_low_s = v->forecast.low_s;
    m->verdict.eta_high_s = v->forecast.high_s;
    m->verdict.since_wall_ms = history_wall_ms(w->history, v->first_ms);
    m->n_culprits = watch_culprits(w, f, m->culprits);
}

/* No detector has seen enough, but memory alone is verdict enough. */
static void fill_blowup(struct watch *w, struct watched *t, struct manifest *m)
{
    COPY(m->verdict.kind, verdict_kind_text(VERDICT_BLOWUP));
    COPY(m->verdict.grade, verdict_grade_text(GRADE_LIKELY));
    COPY(m->verdict.detector, "emergency");
    COPY(m->verdict.evidence, m->reason);
    m->verdict.eta_s = t->judge.emergency.eta_s;
    m->verdict.since_wall_ms = w->now.wall_ms;
}

static void begin(struct watch *w, int target, const struct judge_reading *r,
                  enum trigger trigger, const char *reason)
{
    struct watched *t = &w->targets[target];
    struct dump_job *d = &t->dump;
    struct manifest *m = &d->manifest;
    char when[MOMENT_TEXT_MAX];
    struct buf id;

    t->note.seq++;
    d->trigger = trigger;
    d->asked = w->now;
    d->t_ms = w->t_ms;
    d->phase = DUMP_WRITING;
    *m = (struct manifest){.phase = 1, .outcome = {.exit_code = -1}};
    fill_identity(w, t, m);
    fill_measures(w, t, trigger, m);
    fill_verdict(w, t, m);
    COPY(m->trigger, trigger_text(trigger));
    COPY(m->reason, reason);
    if (trigger == TRIGGER_EMERGENCY && m->verdict.kind[0] == '\0')
        fill_blowup(w, t, m);
    buf_fixed(&id, m->id, sizeof(m->id));
    buf_printf(&id, "%s-%s-%s-%u", moment_compact(w->now.wall_ms, when), trigger_text(trigger),
               t->spec.name, t->note.seq);
    judge_dumped(&t->judge, &t->note.kept, r, trigger);
    watch_save(w, target);
    watch_act(w, ACTION_DUMP, target);
}

void evidence_retry(struct watch *w, int target)
{
    struct watched *t = &w->targets[target];
    struct judge_reading r = hearing_reading(w, target);
    struct judge_ask ask;

    if (t->dump.phase == DUMP_IDLE && judge_waiting(&t->judge, &r, &ask))
        evidence_ask(w, target, ask.trigger, ask.reason);
}

bool evidence_ask(struct watch *w, int target, enum trigger trigger, const char *reason)
{
    struct watched *t = &w->targets[target];
    struct judge_reading r = hearing_reading(w, target);
    struct judge_ask ask = {.trigger = trigger};

    COPY(ask.reason, reason);
    if (!t->have_now && t->heap_gz.len == 0 && t->goroutines < 0)
        return false;
    if (!judge_admits(&t->judge, &t->note.kept, &r, &ask))
        return false;
    /* Fresh profiles of the dump before are worth less than this one. */
    if (t->dump.phase == DUMP_ASKING && trigger == TRIGGER_EMERGENCY)
        t->dump.phase = DUMP_IDLE;
    if (t->dump.phase != DUMP_IDLE) {
        judge_put_off(&t->judge, &ask, w->t_ms);
        return true;
    }
    begin(w, target, &r, trigger, reason);
    return true;
}

void evidence_finish(struct watch *w, int target)
{
    struct dump_job *d = &w->targets[target].dump;

    d->phase = DUMP_IDLE;
    buf_free(&d->leak_gz);
    buf_free(&d->stacks_text);
    evidence_retry(w, target);
}

int watch_ask_dump(struct watch *w, int target, enum trigger trigger, const char *reason,
                   struct moment now, struct actions *a, char id[DUMP_ID_MAX])
{
    struct watched *t = &w->targets[target];

    watch_enter(w, now, a);
    watch_schedule_wake(w);
    if (t->dump.phase != DUMP_IDLE)
        return -EBUSY;
    if (!t->have_now && t->heap_gz.len == 0)
        return -ENODATA;
    if (!evidence_ask(w, target, trigger, reason))
        return -EAGAIN;
    str_copy(id, DUMP_ID_MAX, str_of(t->dump.manifest.id));
    return 0;
}

void watch_durable(struct watch *w, int target, int error, const char *why, struct moment now,
                   struct actions *a)
{
    struct watched *t = &w->targets[target];
    struct dump_job *d = &t->dump;

    watch_enter(w, now, a);
    if (error != 0) {
        t->counters.dump_failures++;
        COPY(t->counters.last_error, why);
        evidence_finish(w, target);
    } else {
        t->counters.dumps[d->trigger]++;
        t->counters.last_error[0] = '\0';
        COPY(t->counters.last_dump, d->manifest.id);
        d->took_ms = now.boot_ms - d->asked.boot_ms;
        d->phase = DUMP_IDLE;
        if (w->settings->dump_native && t->state == TARGET_ALIVE && w->stop_wall_ms == 0) {
            d->phase = DUMP_ASKING;
            d->asking = FETCH_NATIVE_GOROUTINE;
            d->native_until_ms = now.boot_ms + 2 * w->settings->fetch_timeout;
            buf_reset(&d->native_gz);
            buf_reset(&d->leak_gz);
            buf_reset(&d->stacks_text);
        } else {
            evidence_finish(w, target);
        }
    }
    schedule_target(w, target);
    watch_schedule_wake(w);
}

/* ---- what is rendered ---- */

void watch_dump_input(struct watch *w, int target, struct dump_input *in)
{
    struct watched *t = &w->targets[target];
    const struct buf *base = &t->baseline.text_gz;
    struct profile *decoded = &w->scratch[2];
    bool have_base = base->len > 0 && proto_decode(decoded, base->p, base->len, NULL) == 0;

    /* The baseline was built from text and must be compared as such. */
    decoded->from_text = true;
    *in = (struct dump_input){
        .manifest = &t->dump.manifest,
        .goroutine = t->have_now ? &t->now : NULL,
        .goroutine_base = have_base ? decoded : NULL,
        .heap_gz = t->heap_gz.p,
        .heap_gz_bytes = t->heap_gz.len,
        .heap_base_gz = t->baseline.heap_gz.p,
        .heap_base_gz_bytes = t->baseline.heap_gz.len,
        .pcs = &t->pcs,
        .origins = t->origins,
        .history = w->history,
        .target = target,
        .t_ms = t->dump.t_ms,
        .scratch = {&w->scratch[0], &w->scratch[1]},
    };
}
