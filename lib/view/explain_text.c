/* explain for people: the answer first, then a rule a paragraph. */
#include <math.h>
#include <string.h>

#include "lib/view/explain.h"

#define NAME_COLUMNS 21
#define WHAT_COLUMNS 28

static void pad(struct buf *out, size_t start, size_t columns)
{
    while (out->len - start < columns && !out->overflow)
        buf_putc(out, ' ');
}

static void put_span(struct buf *out, int64_t ms)
{
    char text[MOMENT_TEXT_MAX];
    buf_puts(out, span_text(ms, text));
}

/* Of a double that may be anything. */
static int64_t whole(double v)
{
    return isnan(v) ? 0 : (int64_t)fmax(-9e18, fmin(v, 9e18));
}

static void put_number(struct buf *out, double v, const char *unit)
{
    char text[NUMBER_TEXT_MAX];
    if (strcmp(unit, "bytes") == 0)
        buf_puts(out, bytes_text(whole(v), text));
    else if (strcmp(unit, "goroutines") == 0)
        buf_puts(out, count_text(whole(v), text));
    else if (strcmp(unit, "s") == 0)
        put_span(out, whole(v * 1000));
    else
        buf_printf(out, "%.*f", strcmp(unit, "times") == 0 ? 2 : v < 10 ? 1 : 0, v);
}

static void put_measure(const struct measure *m, struct buf *out)
{
    size_t start = out->len;
    buf_puts(out, "      ");
    buf_puts(out, m->what);
    pad(out, start, 6 + WHAT_COLUMNS);
    put_number(out, m->value, m->unit);
    buf_puts(out, m->at_most ? ", at most " : " of ");
    put_number(out, m->bound, m->unit);
    if (strcmp(m->unit, "bytes") != 0 && strcmp(m->unit, "s") != 0 && m->unit[0] != '\0')
        buf_printf(out, " %s", m->unit);
    buf_puts(out, m->holds ? "  holds\n" : "\n");
}

static void put_sets(const struct explain *x, int first, int n, struct look look,
                     struct buf *out)
{
    for (int i = first; i < first + n; i++) {
        const struct measure *m = &x->measures.p[i], *before = i > first ? m - 1 : NULL;
        if (before == NULL || before->window_ms != m->window_ms ||
            strcmp(before->subject, m->subject) != 0) {
            buf_puts(out, "    ");
            text_put(out, str_of(m->subject), 0, look);
            if (m->window_ms > 0) {
                buf_puts(out, " in ");
                put_span(out, m->window_ms);
            }
            buf_putc(out, '\n');
        }
        put_measure(m, out);
    }
}

static void put_standing(const struct explain_rule *r, struct look look, struct buf *out)
{
    bool loud = r->standing == RULE_FIRES;
    if (look.colour && r->standing >= RULE_SUSPECTS)
        buf_puts(out, loud ? "\033[1;31m" : "\033[1;33m");
    buf_puts(out, rule_standing_text(r->standing));
    if (look.colour && r->standing >= RULE_SUSPECTS)
        buf_puts(out, "\033[0m");
}

static void put_rule(const struct explain *x, const struct explain_rule *r, bool all,
                     struct look look, struct buf *out)
{
    size_t start = out->len;
    buf_puts(out, r->name);
    pad(out, start, NAME_COLUMNS);
    put_standing(r, look, out);
    if (r->since_ms > 0) {
        buf_puts(out, " for ");
        put_span(out, x->at_ms - r->since_ms);
    } else if (r->near_n > 0 && r->standing == RULE_QUIET) {
        buf_printf(out, ", %.0f %% of the way", 100 * r->nearness);
    }
    buf_printf(out, "; %s\n", r->sentence);
    if (r->found[0] != '\0') {
        buf_puts(out, "    ");
        text_put(out, str_of(r->found), 0, look);
        buf_putc(out, '\n');
    }
    if (r->standing == RULE_OFF && !all)
        return;
    if (all)
        put_sets(x, r->first, r->n, look, out);
    else
        put_sets(x, r->near_first, r->near_n, look, out);
}

static void put_head(const struct explain *x, struct look look, struct buf *out)
{
    char text[MOMENT_TEXT_MAX], number[NUMBER_TEXT_MAX];
    text_put(out, str_of(x->target), 0, look);
    buf_printf(out, " at %s", moment_rfc3339(x->wall_ms, text));
    if (x->life > 0) {
        buf_printf(out, ", life %lld, ", (long long)x->life);
        put_span(out, x->life_age_ms);
        buf_puts(out, " old");
    }
    buf_putc(out, '\n');
    text_put(out, str_of(x->why), 0, look);
    buf_putc(out, '\n');
    if (x->life == 0)
        return;
    buf_puts(out, "\nknown    ");
    if (x->goroutines >= 0)
        buf_printf(out, "%s goroutines", count_text(x->goroutines, number));
    if (x->heap_bytes >= 0)
        buf_printf(out, ", live heap %s", bytes_text(x->heap_bytes, number));
    if (x->usage_bytes >= 0)
        buf_printf(out, ", memory %s", bytes_text(x->usage_bytes, number));
    if (x->limit_bytes > 0)
        buf_printf(out, " of %s", bytes_text(x->limit_bytes, number));
    buf_putc(out, '\n');
    if (x->verdict.kind != VERDICT_NONE) {
        buf_printf(out, "verdict  %s: %s, stands for ", verdict_grade_text(x->verdict.grade),
                   verdict_kind_text(x->verdict.kind));
        put_span(out, x->at_ms - x->verdict.first_ms);
        buf_puts(out, "; clears in ");
        put_span(out, x->verdict.clears_ms - x->at_ms);
        buf_puts(out, " unless it grows on\n");
    }
    if (x->forecast.eta_s > 0) {
        buf_puts(out, "forecast the limit is reached in ");
        put_span(out, whole(x->forecast.eta_s * 1000));
        buf_putc(out, '\n');
    }
}

void explain_text(const struct explain *x, bool all, struct look look, struct buf *out)
{
    put_head(x, look, out);
    for (int i = 0; i < x->n_rules; i++) {
        buf_putc(out, '\n');
        put_rule(x, &x->rules[i], all, look, out);
    }
    if (x->life > 0 && !all)
        buf_puts(out, "\nnext: leakwatch explain --all shows every comparison; --at -2h asks "
                      "of the past\n");
}
