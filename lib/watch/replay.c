#include "lib/watch/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ring time of the first row: a whole hour, long before any clock. */
#define ORIGIN_MS (472222LL * 3600000)
/* A verdict that stands is told again this often, with fresh numbers. */
#define TELL_EVERY_MS 3600000LL
#define KILLED_PERCENT 95

int replay_init(struct replay *r, const struct settings *s, struct buf *out)
{
    static const uint8_t boot_id[16] = {1};
    static const char *const name = "replay";
    struct moment now = {.boot_ms = 0, .wall_ms = ORIGIN_MS};
    size_t bytes = (size_t)s->history_bytes / 8 * 8;

    memset(r, 0, sizeof(*r));
    r->settings = s;
    r->out = out;
    r->uptime_s = NAN;
    r->goroutines = r->usage_bytes = r->heap_bytes = -1;
    r->block = aligned_alloc(8, bytes);
    r->counts = calloc(SERIES_COLUMNS_MAX, sizeof(*r->counts));
    r->known = calloc(SERIES_COLUMNS_MAX, sizeof(*r->known));
    int error = r->block && r->counts && r->known ? series_init(&r->series) : -ENOMEM;
    if (error == 0)
        error = history_format(&r->history, r->block, bytes, &name, 1, now, boot_id);
    if (error != 0)
        replay_free(r);
    return error;
}

void replay_free(struct replay *r)
{
    series_free(&r->series);
    history_close(&r->history);
    free(r->block);
    free(r->counts);
    free(r->known);
    r->block = NULL;
    r->counts = NULL;
    r->known = NULL;
}

/* ---- what is told ---- */

static void event_open(struct replay *r, struct json *j, const char *event)
{
    json_init(j, r->out);
    json_open(j);
    json_kdouble(j, "t", r->t_s);
    json_kcstr(j, "event", event);
}

static void event_close(struct replay *r, struct json *j)
{
    json_close(j);
    buf_putc(r->out, '\n');
}

static void put_stack(const struct replay *r, const struct finding *f, struct json *j)
{
    struct frame frame;
    if (f->n_culprits > 0 && history_frames(r->history, f->culprits[0].stack, &frame, 1) == 1)
        json_kstr(j, "stack", frame.function);
}

static void put_verdict(const struct replay *r, const struct verdict *v, struct json *j)
{
    if (v->finding.kind == VERDICT_NONE)
        return;
    json_kcstr(j, "kind", verdict_kind_text(v->finding.kind));
    json_kcstr(j, "grade", verdict_grade_text(v->finding.grade));
    if (v->forecast.eta_s > 0)
        json_kdouble(j, "eta_s", round(v->forecast.eta_s));
    if (v->forecast.low_s > 0)
        json_kdouble(j, "eta_low_s", round(v->forecast.low_s));
    if (v->forecast.high_s > 0)
        json_kdouble(j, "eta_high_s", round(v->forecast.high_s));
    put_stack(r, &v->finding, j);
    if (v->finding.n_culprits > 0 && v->finding.culprits[0].bytes_each > 0) {
        json_kdouble(j, "bytes_each", round(v->finding.culprits[0].bytes_each));
        json_kdouble(j, "explains", round(v->finding.culprits[0].explains * 100) / 100);
    }
}

static void tell_verdict(struct replay *r, bool again)
{
    const struct verdict *v = &r->judge.detect.verdict;
    struct json j;
    event_open(r, &j, "verdict");
    put_verdict(r, v, &j);
    json_kcstr(&j, "detector", v->detector);
    json_kcstr(&j, "evidence", v->finding.evidence);
    if (again)
        json_kbool(&j, "standing", true);
    event_close(r, &j);
    r->told_ms = r->t_ms;
}

static void tell_clear(struct replay *r, const struct finding *was)
{
    struct json j;
    event_open(r, &j, "clear");
    json_kcstr(&j, "kind", verdict_kind_text(was->kind));
    json_kcstr(&j, "grade", verdict_grade_text(was->grade));
    put_stack(r, was, &j);
    event_close(r, &j);
}

static void tell_dump(struct replay *r, const struct judge_ask *ask)
{
    const struct verdict *v = &r->judge.detect.verdict;
    struct json j;
    event_open(r, &j, "dump");
    json_kcstr(&j, "trigger", trigger_text(ask->trigger));
    if (v->finding.kind == VERDICT_NONE && ask->trigger == TRIGGER_EMERGENCY) {
        json_kcstr(&j, "kind", verdict_kind_text(VERDICT_BLOWUP));
        json_kcstr(&j, "grade", verdict_grade_text(GRADE_LIKELY));
        if (r->judge.emergency.eta_s > 0)
            json_kdouble(&j, "eta_s", round(r->judge.emergency.eta_s));
    }
    put_verdict(r, v, &j);
    json_kcstr(&j, "reason", ask->reason);
    event_close(r, &j);
}

/* ---- a row ---- */

static struct judge_reading reading(const struct replay *r)
{
    const struct settings *s = r->settings;
    bool unlimited = s->memory_limit_scope == 2; /* none */
    return (struct judge_reading){
        .view = {.history = r->history,
                 .t_ms = r->t_ms,
                 .life_start_ms = r->life.seen_ms,
                 .limit_bytes = unlimited ? 0 : r->limit_bytes,
                 .time_scale = s->time_scale,
                 .allow = s->allow_stack,
                 .n_allow = s->n_allow_stack},
        .life = r->life.id,
        .goroutines = r->goroutines,
        .usage_bytes = r->usage_bytes,
        .heap_bytes = r->heap_bytes,
        .rules = {.goroutines = s->rule_goroutines,
                  .memory_percent = s->rule_memory_percent,
                  .ratio = s->rule_ratio},
    };
}

static void carry_out(struct replay *r, const struct judge_reading *in,
                      const struct judge_asks *asks)
{
    for (int i = 0; i < asks->n; i++) {
        if (!judge_admits(&r->judge, &r->kept, in, &asks->p[i]))
            continue;
        tell_dump(r, &asks->p[i]);
        judge_dumped(&r->judge, &r->kept, in, asks->p[i].trigger);
    }
}

static void life_begin(struct replay *r)
{
    if (r->life.id != 0) {
        r->life.end_ms = r->t_ms;
        r->life.oom = r->killed;
        history_push_life(r->history, 0, &r->life);
        r->kept.culprit_at_dump = r->kept.heap_at_dump = 0;
    }
    /* What the process before was seen with says nothing of this one. */
    r->goroutines = r->usage_bytes = r->heap_bytes = -1;
    memset(r->known, 0, SERIES_COLUMNS_MAX * sizeof(*r->known));
    r->life =
        (struct history_life){.id = r->life.id + 1, .start_ms = r->t_ms, .seen_ms = r->t_ms};
    history_push_life(r->history, 0, &r->life);
    judge_new_life(&r->judge);
}

static void row_life(struct replay *r, const struct series_row *row)
{
    if (r->life.id == 0 || row->uptime_s < r->uptime_s)
        life_begin(r);
    if (!isnan(row->uptime_s))
        r->uptime_s = row->uptime_s;
}

static void row_signals(struct replay *r, const struct series_row *row)
{
    float values[HISTORY_SIGNALS];
    for (int i = 0; i < HISTORY_SIGNALS; i++)
        values[i] = (float)row->signals[i];
    if (!isnan(row->signals[HISTORY_GOROUTINES]))
        r->goroutines = (int64_t)row->signals[HISTORY_GOROUTINES];
    if (!isnan(row->signals[HISTORY_HEAP_BYTES]))
        r->heap_bytes = (int64_t)row->signals[HISTORY_HEAP_BYTES];
    if (!isnan(row->signals[HISTORY_LIMIT_BYTES]))
        r->limit_bytes = (int64_t)row->signals[HISTORY_LIMIT_BYTES];
    if (!isnan(row->signals[HISTORY_MEMORY_BYTES]))
        r->usage_bytes = (int64_t)row->signals[HISTORY_MEMORY_BYTES];
    r->killed = r->limit_bytes > 0 && r->usage_bytes >= r->limit_bytes / 100 * KILLED_PERCENT;
    history_push_signals(r->history, 0, r->t_ms, values);
}

static void row_memory(struct replay *r)
{
    struct judge_reading in = reading(r);
    struct judge_asks asks;
    judge_memory(&r->judge, &r->kept, &in, &asks);
    carry_out(r, &in, &asks);
}

static size_t frames_of(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    const struct replay *r = ctx;
    if (max == 0)
        return 0;
    out[0] = (struct frame){.function = r->series.stack[sample]};
    return 1;
}

/* A row without any count is a missed scrape; a count that is missing in one
 * that has others is the last one known. */
static void row_stacks(struct replay *r, const struct series_row *row)
{
    size_t n = 0, read = 0;
    for (size_t i = 0; i < r->series.n_stacks; i++) {
        if (!isnan(row->stacks[i])) {
            r->known[i] = (int64_t)row->stacks[i];
            read++;
        }
        if (r->known[i] > 0)
            r->counts[n++] = (struct history_count){.key = str_hash(r->series.stack[i], 1),
                                                    .value = r->known[i],
                                                    .sample = (uint32_t)i};
    }
    if (read > 0)
        history_push_stacks(r->history, 0, HISTORY_STACKS, r->t_ms, r->counts, n, frames_of, r);
}

static void row_verdict(struct replay *r)
{
    struct judge_reading in = reading(r);
    struct finding before = r->judge.detect.verdict.finding;
    struct judge_asks asks;
    enum detect_change change = judge_stacks(&r->judge, &r->kept, &in, &asks);

    if (change == DETECT_CLEARED)
        tell_clear(r, &before);
    bool stands = r->judge.detect.verdict.finding.kind != VERDICT_NONE;
    int64_t every_ms = TELL_EVERY_MS / r->settings->time_scale;
    if (change == DETECT_RAISED || (stands && r->t_ms - r->told_ms >= every_ms))
        tell_verdict(r, change != DETECT_RAISED);
    carry_out(r, &in, &asks);
}

static void row_waiting(struct replay *r)
{
    struct judge_reading in = reading(r);
    struct judge_asks asks = {.n = 1};
    if (judge_waiting(&r->judge, &in, &asks.p[0]))
        carry_out(r, &in, &asks);
}

static int on_row(void *ctx, const struct series_row *row)
{
    struct replay *r = ctx;
    if (r->life.id == 0)
        r->t0_s = row->t_s;
    r->t_s = row->t_s;
    r->t_ms = ORIGIN_MS + llround((row->t_s - r->t0_s) * 1000);
    row_life(r, row);
    row_signals(r, row);
    row_stacks(r, row);
    row_waiting(r);
    if (!isnan(row->signals[HISTORY_MEMORY_BYTES]))
        row_memory(r);
    row_verdict(r);
    return 0;
}

int replay_feed(struct replay *r, const char *bytes, size_t n, struct errmsg *e)
{
    return series_feed(&r->series, bytes, n, on_row, r, e);
}

int replay_end(struct replay *r, struct errmsg *e)
{
    return series_end(&r->series, on_row, r, e);
}
