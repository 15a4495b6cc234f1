#include "lib/base/json.h"
#include "lib/view/explain.h"

static void put_measure(const struct measure *m, struct json *j)
{
    json_open(j);
    json_kcstr(j, "subject", m->subject);
    json_kcstr(j, "what", m->what);
    if (m->window_ms > 0)
        json_ki64(j, "window_ms", m->window_ms);
    json_kdouble(j, "value", m->value);
    json_kdouble(j, m->at_most ? "at_most" : "at_least", m->bound);
    json_kcstr(j, "unit", m->unit);
    json_kbool(j, "holds", m->holds);
    json_close(j);
}

static void put_rule(const struct explain *x, const struct explain_rule *r,
                     int64_t wall_minus_ring_ms, struct json *j)
{
    json_open(j);
    json_kcstr(j, "name", r->name);
    json_kcstr(j, "sentence", r->sentence);
    json_kcstr(j, "standing", rule_standing_text(r->standing));
    if (r->found[0] != '\0')
        json_kcstr(j, "found", r->found);
    if (r->since_ms > 0)
        json_ktime(j, "since", r->since_ms + wall_minus_ring_ms);
    json_kdouble(j, "nearness", r->nearness);
    json_key(j, "comparisons");
    json_open_array(j);
    for (int i = r->first; i < r->first + r->n; i++)
        put_measure(&x->measures.p[i], j);
    json_close_array(j);
    json_close(j);
}

static void put_dump(const char *key, const struct explain_dump *d, struct json *j)
{
    if (d->time_wall_ms == 0)
        return;
    json_key(j, key);
    json_open(j);
    json_kcstr(j, "id", d->id);
    json_kcstr(j, "trigger", d->trigger);
    json_kcstr(j, "reason", d->reason);
    json_ktime(j, "time", d->time_wall_ms);
    json_close(j);
}

static void put_known(const struct explain *x, struct json *j)
{
    if (x->goroutines >= 0)
        json_ki64(j, "goroutines", x->goroutines);
    if (x->heap_bytes >= 0)
        json_ki64(j, "heap_bytes", x->heap_bytes);
    if (x->usage_bytes >= 0)
        json_ki64(j, "memory_bytes", x->usage_bytes);
    if (x->limit_bytes > 0)
        json_ki64(j, "limit_bytes", x->limit_bytes);
    if (x->forecast.eta_s > 0)
        json_kdouble(j, "eta_s", x->forecast.eta_s);
    if (x->forecast.low_s > 0)
        json_kdouble(j, "eta_low_s", x->forecast.low_s);
    if (x->forecast.high_s > 0)
        json_kdouble(j, "eta_high_s", x->forecast.high_s);
}

static void put_verdict(const struct explain *x, struct json *j)
{
    int64_t wall_minus_ring_ms = x->wall_ms - x->at_ms;

    if (x->verdict.kind == VERDICT_NONE)
        return;
    json_key(j, "verdict");
    json_open(j);
    json_kcstr(j, "kind", verdict_kind_text(x->verdict.kind));
    json_kcstr(j, "grade", verdict_grade_text(x->verdict.grade));
    json_ktime(j, "first", x->verdict.first_ms + wall_minus_ring_ms);
    json_ktime(j, "clears", x->verdict.clears_ms + wall_minus_ring_ms);
    json_close(j);
}

void explain_json(const struct explain *x, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_open(&j);
    json_kcstr(&j, "target", x->target);
    json_ktime(&j, "at", x->wall_ms);
    json_kcstr(&j, "why", x->why);
    if (x->life > 0) {
        json_ki64(&j, "life", x->life);
        json_ki64(&j, "life_age_ms", x->life_age_ms);
    }
    put_known(x, &j);
    put_verdict(x, &j);
    put_dump("dump", &x->at, &j);
    put_dump("dump_before", &x->before, &j);
    json_ki64(&j, "dumps_in_hour", x->dumps_in_hour);
    json_key(&j, "rules");
    json_open_array(&j);
    for (int i = 0; i < x->n_rules; i++)
        put_rule(x, &x->rules[i], x->wall_ms - x->at_ms, &j);
    json_close_array(&j);
    json_close(&j);
    buf_putc(out, '\n');
}
