/* The status in 24 lines of 80 columns: what is wrong and how long there is
 * first, what to type next last. */
#include <stdio.h>
#include <string.h>

#include "lib/view/status.h"

#define LINES 24
#define COLUMNS 80
#define WORDS_LINES 4 /* of evidence or advice at most */
#define TAIL_LINES 3  /* dumps, history, next */
#define TEXT_STACKS 3
#define SPARK_COLUMN 40 /* leaves room for STATUS_SERIES_MAX */
#define SOON_S 3600

struct page {
    const struct status *s;
    struct look look;
    struct buf *out;
    size_t start; /* of the page in out */
};

static void colour(struct page *p, const char *code)
{
    if (p->look.colour)
        buf_printf(p->out, "\033[%sm", code);
}

static void span(struct page *p, int64_t ms)
{
    char text[MOMENT_TEXT_MAX];

    buf_puts(p->out, span_text(ms, text));
}

/* Text in lines of whole words, at most WORDS_LINES; those after the first are
 * indented by two. The line under way began at `start`. */
static void words(struct page *p, struct str text, size_t start)
{
    struct str word;
    int lines = 1;

    while (str_split(&text, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (p->out->len > start && p->out->len - start + word.n >= COLUMNS) {
            if (lines++ == WORDS_LINES)
                break;
            start = p->out->len + 1;
            buf_puts(p->out, "\n ");
        }
        if (p->out->len > start)
            buf_putc(p->out, ' ');
        text_put(p->out, word, COLUMNS - 4, p->look);
    }
    buf_putc(p->out, '\n');
}

static void eta_line(struct page *p, const struct status_target *t)
{
    double eta_s = t->verdict.eta_s;

    if (t->memory_eta_s > 0 && (eta_s <= 0 || t->memory_eta_s < eta_s))
        eta_s = t->memory_eta_s;
    if (eta_s <= 0 || eta_s > 30 * 86400.0)
        return;
    buf_puts(p->out, "out of memory in about ");
    span(p, (int64_t)(eta_s * 1000));
    if (eta_s == t->verdict.eta_s && t->verdict.eta_low_s > 0) {
        buf_puts(p->out, " (");
        span(p, (int64_t)(t->verdict.eta_low_s * 1000));
        buf_puts(p->out, t->verdict.eta_high_s > 0 ? " to " : " at least");
        if (t->verdict.eta_high_s > 0)
            span(p, (int64_t)(t->verdict.eta_high_s * 1000));
        buf_putc(p->out, ')');
    }
    buf_putc(p->out, '\n');
}

static void verdict_lines(struct page *p, const struct status_target *t)
{
    if (t->verdict.kind[0] == '\0') {
        bool rising = t->memory_eta_s > 0 && t->memory_eta_s < SOON_S;

        colour(p, rising ? "1;33" : "1;32");
        if (rising)
            buf_puts(p->out, "no leak named yet, but memory is rising fast");
        else if (strcmp(t->state, "alive") == 0)
            buf_puts(p->out, "no leak seen");
        else
            buf_puts(p->out, "no verdict");
        colour(p, "0");
        buf_putc(p->out, '\n');
    } else {
        bool loud = strcmp(t->verdict.grade, "suspect") != 0;

        colour(p, loud ? "1;31" : "1;33");
        buf_printf(p->out, "%s%s: %s", loud ? "LEAK " : "", t->verdict.grade, t->verdict.kind);
        colour(p, "0");
        if (t->verdict.since_wall_ms > 0 && p->s->now_wall_ms > t->verdict.since_wall_ms) {
            buf_puts(p->out, ", growing for ");
            span(p, p->s->now_wall_ms - t->verdict.since_wall_ms);
        }
        buf_puts(p->out, loud ? "\n" : "; no alarm, since it may be none\n");
        words(p, str_of(t->verdict.evidence), p->out->len);
    }
    eta_line(p, t);
}

/* Pads the line that began at `start` with spaces to a column. */
static void pad(struct page *p, size_t start, size_t column)
{
    while (p->out->len - start < column && !p->out->overflow)
        buf_putc(p->out, ' ');
}

static void age(struct page *p, int64_t ms)
{
    if (ms < 3000) /* as fresh as it gets */
        return;
    buf_puts(p->out, ", ");
    span(p, ms);
    buf_puts(p->out, " ago");
}

static void target_line(struct page *p, const struct status_target *t)
{
    size_t start = p->out->len;

    buf_puts(p->out, "target      ");
    text_put(p->out, str_of(t->name), 24, p->look);
    buf_printf(p->out, "  %s", t->state);
    if (t->url[0]) {
        buf_puts(p->out, "  ");
        text_put(p->out, str_of(t->url), COLUMNS - (p->out->len - start), p->look);
    }
    buf_putc(p->out, '\n');
    if (t->problem[0]) {
        buf_puts(p->out, "problem     ");
        text_put(p->out, str_of(t->problem), 0, p->look);
        buf_putc(p->out, '\n');
    }
    if (t->life > 0) {
        buf_printf(p->out, "life        %lld", (long long)t->life);
        if (t->uptime_ms >= 0) {
            buf_puts(p->out, strcmp(t->state, "ended") == 0 ? ", lived " : ", up ");
            span(p, t->uptime_ms);
        }
        if (t->baseline_age_ms >= 0) {
            char count[NUMBER_TEXT_MAX];

            buf_printf(p->out, "; baseline %s, ", t->baseline_kind);
            span(p, t->baseline_age_ms);
            buf_printf(p->out, " old, %s goroutines",
                       count_text(t->baseline_goroutines, count));
        }
        buf_putc(p->out, '\n');
    }
}

static void signal_lines(struct page *p, const struct status_target *t)
{
    char number[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX];
    size_t start = p->out->len;

    buf_puts(p->out, "goroutines  ");
    buf_puts(p->out, t->goroutines < 0 ? "unknown" : count_text(t->goroutines, number));
    age(p, t->goroutines_age_ms);
    pad(p, start, SPARK_COLUMN);
    spark_put(p->out, t->goroutine_series.values, t->goroutine_series.n, p->look);
    buf_putc(p->out, '\n');

    start = p->out->len;
    buf_puts(p->out, "memory      ");
    buf_puts(p->out, t->usage_bytes < 0 ? "unknown" : bytes_text(t->usage_bytes, number));
    if (t->limit_bytes > 0 && t->usage_bytes >= 0)
        buf_printf(p->out, " of %s (%lld%%)", bytes_text(t->limit_bytes, limit),
                   (long long)(t->usage_bytes * 100 / t->limit_bytes));
    else
        buf_puts(p->out, ", limit unknown");
    pad(p, start, SPARK_COLUMN);
    spark_put(p->out, t->memory_series.values, t->memory_series.n, p->look);
    buf_putc(p->out, '\n');
    if (t->memory_source[0]) {
        buf_printf(p->out, "            by %s", t->memory_source);
        if (t->memory_blowup[0])
            buf_printf(p->out, "; %s", t->memory_blowup);
        buf_putc(p->out, '\n');
    }
    if (t->heap_bytes >= 0) {
        buf_printf(p->out, "live heap   %s", bytes_text(t->heap_bytes, number));
        age(p, t->heap_age_ms);
        buf_putc(p->out, '\n');
    }
}

/* What the first stack is, and the advice. */
static void advice_lines(struct page *p, const struct manifest_culprit *c)
{
    size_t start = p->out->len;

    if (!c->pattern[0])
        return;
    buf_printf(p->out, "%-10s ", c->pattern);
    if (c->blocking[0] && strcmp(c->blocking, blocking_text(BLOCKING_UNKNOWN)) != 0)
        buf_printf(p->out, " %s:", c->blocking);
    words(p, str_of(c->advice), start);
}

static int lines_so_far(const struct page *p)
{
    int n = 0;

    for (size_t i = p->start; i < p->out->len; i++)
        n += p->out->p[i] == '\n';
    return n;
}

/* "; 96.0KiB each, 95% of what memory grew by": of the first. */
static void cost(struct page *p, const struct manifest_culprit *c)
{
    char each[NUMBER_TEXT_MAX];

    if (c->bytes_each <= 0)
        return;
    buf_printf(p->out, "; %s each", bytes_text((int64_t)c->bytes_each, each));
    if (c->explains > 0)
        buf_printf(p->out, ", %.0f%% of what memory grew by", 100 * c->explains);
}

static void one_stack(struct page *p, const struct manifest_culprit *c)
{
    char before[NUMBER_TEXT_MAX], now[NUMBER_TEXT_MAX], rate[NUMBER_TEXT_MAX];
    static const char same[] = "  (the same leak)";
    char numbers[COLUMNS];
    size_t room = COLUMNS - 2 - (c->part_of[0] ? sizeof(same) - 1 : 0);
    int n = snprintf(numbers, sizeof(numbers), ":%d  %s -> %s  %s/hour", (int)c->line,
                     value_text(c->before, c->unit, false, before),
                     value_text(c->now, c->unit, false, now),
                     value_text((int64_t)c->per_hour, c->unit, true, rate));

    buf_puts(p->out, "  ");
    text_put(p->out, str_of(c->function), room, p->look);
    buf_printf(p->out, "%s\n      ", c->part_of[0] ? same : "");
    text_put(p->out, str_of(c->file), n < 60 ? (size_t)(COLUMNS - 6 - n) : 14, p->look);
    buf_printf(p->out, "%s\n", numbers);
}

/* As many as there is room for above the last lines; one at least. */
static void stack_lines(struct page *p, const struct status_target *t, int below)
{
    int room;

    if (t->n_stacks == 0)
        return;
    /* Those of a verdict that names nobody only happen to grow. */
    buf_puts(p->out, t->verdict.kind[0] && t->stacks[0].pattern[0] ? "leaking stacks"
                                                                   : "growing stacks");
    if (t->stacks_span_ms > 0) {
        buf_puts(p->out, ", last ");
        span(p, t->stacks_span_ms);
    }
    cost(p, &t->stacks[0]);
    buf_putc(p->out, '\n');
    advice_lines(p, &t->stacks[0]);
    room = (LINES - below - lines_so_far(p)) / 2;
    for (int i = 0; i < t->n_stacks && i < TEXT_STACKS && (i == 0 || i < room); i++)
        one_stack(p, &t->stacks[i]);
}

/* The last lines: dumps, problems, and what to type next. */
static void tail_lines(struct page *p, const struct status_target *t)
{
    char used[NUMBER_TEXT_MAX];

    if (t->last_dump[0]) {
        buf_printf(p->out, "dumps       %lld, last ", (long long)t->dumps);
        text_put(p->out, str_of(t->last_dump), 56, p->look);
        buf_putc(p->out, '\n');
    } else {
        buf_puts(p->out, "dumps       none\n");
    }
    buf_printf(p->out, "history     %s", bytes_text(p->s->history.bytes, used));
    buf_puts(p->out, ", reaches back ");
    span(p, p->s->history.reach_ms);
    if (p->s->history.shortened) {
        buf_puts(p->out, "; full: single stacks only for ");
        span(p, p->s->history.finest_span_ms);
    }
    buf_putc(p->out, '\n');
    const char *problems[] = {p->s->store_problem, t->store_problem};
    for (int i = 0; i < 2; i++) {
        if (problems[i][0] == '\0')
            continue;
        buf_puts(p->out, "storage     ");
        text_put(p->out, str_of(problems[i]), 0, p->look);
        buf_putc(p->out, '\n');
    }
    for (int i = 0; i < p->s->n_settings_problems; i++) {
        buf_puts(p->out, "setting     ");
        text_put(p->out, str_of(p->s->settings_problems[i]), 0, p->look);
        buf_putc(p->out, '\n');
    }
    if (strcmp(p->s->source, "files") == 0)
        buf_puts(p->out, "no agent answers: this is from its files\n");
    if (t->last_dump[0])
        buf_puts(p->out, "next        leakwatch dumps show latest\n");
    else
        buf_puts(p->out, "next        leakwatch diff -1h now; leakwatch dump takes one\n");
}

static void other_lines(struct page *p, int shown)
{
    char number[NUMBER_TEXT_MAX];

    for (int i = 0; i < p->s->n_targets; i++) {
        const struct status_target *t = &p->s->targets[i];

        if (i == shown)
            continue;
        buf_puts(p->out, "also        ");
        text_put(p->out, str_of(t->name), 24, p->look);
        buf_printf(p->out, "  %s, %s goroutines, %s %s\n", t->state,
                   t->goroutines < 0 ? "unknown" : count_text(t->goroutines, number),
                   t->verdict.kind[0] ? t->verdict.grade : "no verdict", t->verdict.kind);
    }
}

/* Lines that follow the stacks, of what is longest in the tail one each. */
static int lines_below(const struct page *p, const struct status_target *t, int others)
{
    return others + TAIL_LINES + (p->s->store_problem[0] != '\0') +
           (t->store_problem[0] != '\0') + p->s->n_settings_problems +
           (strcmp(p->s->source, "files") == 0);
}

void status_text(const struct status *s, int target, struct look look, struct buf *out)
{
    struct page p = {.s = s, .look = look, .out = out, .start = out->len};
    int shown = target >= 0 ? target : status_worst(s);

    if (shown < 0) {
        buf_puts(out, "no target is known\n");
        return;
    }
    const struct status_target *t = &s->targets[shown];
    verdict_lines(&p, t);
    target_line(&p, t);
    signal_lines(&p, t);
    stack_lines(&p, t, lines_below(&p, t, target < 0 ? s->n_targets - 1 : 0));
    if (target < 0)
        other_lines(&p, shown);
    tail_lines(&p, t);
}
