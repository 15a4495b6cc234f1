/* summary.txt: what a person reads first, in plain words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/moment.h"
#include "lib/dump/dump.h"

#define WIDTH 80
#define PARAGRAPH_MAX 1024

/* Text of others: no control bytes may reach a terminal. */
static void put_clean(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        buf_putc(out, c < ' ' || c == 0x7f ? ' ' : s.p[i]);
    }
}

/* Words, broken before the 80th column; longer ones stand alone. */
static void put_wrapped(struct buf *out, size_t indent, struct str text)
{
    size_t column = 0;
    struct str word;

    while (str_split(&text, ' ', &word)) {
        if (!word.n)
            continue;
        if (column && column + 1 + word.n > WIDTH) {
            buf_putc(out, '\n');
            column = 0;
        }
        if (column) {
            buf_putc(out, ' ');
            column++;
        } else {
            buf_printf(out, "%*s", (int)indent, "");
            column = indent;
        }
        put_clean(out, word);
        column += word.n;
    }
    if (column)
        buf_putc(out, '\n');
}

static void put_paragraph(struct buf *out, size_t indent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void put_paragraph(struct buf *out, size_t indent, const char *fmt, ...)
{
    char text[PARAGRAPH_MAX];
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    put_wrapped(out, indent, str_of(text));
}

#define QUANTITY_MAX 40

static char *bytes_text(int64_t bytes, char out[QUANTITY_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    int unit = -1;

    while ((v >= 1024 || v <= -1024) && unit < 3) {
        v /= 1024;
        unit++;
    }
    if (unit < 0)
        (void)snprintf(out, QUANTITY_MAX, "%" PRId64 " bytes", bytes);
    else
        (void)snprintf(out, QUANTITY_MAX, "%.1f %s", v, units[unit]);
    return out;
}

static bool is_bytes(const struct manifest_culprit *c)
{
    return !strcmp(c->unit, "bytes");
}

static char *amount_text(const struct manifest_culprit *c, int64_t v, char out[QUANTITY_MAX])
{
    if (is_bytes(c))
        return bytes_text(v, out);
    (void)snprintf(out, QUANTITY_MAX, "%" PRId64, v);
    return out;
}

/* ---- sections ---- */

static void put_headline(struct buf *out, const struct manifest *m)
{
    static const struct {
        const char *kind, *words;
    } kinds[] = {
        {"drift", "a goroutine leak: a stack climbs without giving back"},
        {"step", "a goroutine leak: a stack climbs in steps"},
        {"heap", "a heap leak: live heap climbs"},
        {"memory", "a memory leak: memory climbs, neither goroutines nor live heap explain it"},
        {"blowup", "memory is about to reach the limit"},
        {"gc-bound", "the garbage collector works ever harder for the same heap"},
    };
    const char *words = m->verdict.kind;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(m->verdict.kind, kinds[i].kind))
            words = kinds[i].words;
    if (m->verdict.kind[0])
        put_paragraph(out, 0, "%s, %s: %s", m->target, m->verdict.grade, words);
    else
        put_paragraph(out, 0, "%s: no verdict stands; this dump was asked for by %s", m->target,
                      m->trigger);
    if (m->verdict.evidence[0] && strcmp(m->verdict.evidence, m->reason) != 0)
        put_paragraph(out, 2, "%s", m->verdict.evidence);
    put_paragraph(out, 0, "Trigger: %s%s%s", m->trigger, m->reason[0] ? ": " : "", m->reason);
}

static void put_place(struct buf *out, const struct manifest *m)
{
    char time[MOMENT_TEXT_MAX];

    put_paragraph(out, 0, "Taken: %s%s%s%s%s%s%s", moment_rfc3339(m->time_wall_ms, time),
                  m->pod[0] ? " in pod " : "", m->namespace_, m->namespace_[0] ? "/" : "",
                  m->pod, m->version_label[0] ? ", version " : "", m->version_label);
    put_paragraph(out, 0, "Dump: %s", m->id);
}

static void put_outcome(struct buf *out, const struct manifest *m)
{
    static const char *const words[] = {
        [OUTCOME_NONE] = "",
        [OUTCOME_OOM] = "the kernel killed it for memory (OOM)",
        [OUTCOME_PROBABLE_OOM] =
            "it died at its memory limit, probably killed for memory (OOM)",
        [OUTCOME_POD_SHUTDOWN] = "it ended with its pod",
        [OUTCOME_KILLED_OR_EXITED] = "it exited or was killed",
    };
    char time[MOMENT_TEXT_MAX], lead[MOMENT_TEXT_MAX], code[32] = "";

    if (m->outcome.cause == OUTCOME_NONE)
        return;
    if (m->outcome.exit_code >= 0)
        (void)snprintf(code, sizeof code, ", exit code %d", m->outcome.exit_code);
    put_paragraph(out, 0, "Outcome: %s%s, at %s, %s after this dump was on disk",
                  words[m->outcome.cause], code, moment_rfc3339(m->outcome.death_wall_ms, time),
                  span_text(m->outcome.lead_ms, lead));
}

static void put_baseline(struct buf *out, const struct manifest *m)
{
    char age[MOMENT_TEXT_MAX];

    if (!m->baseline.kind[0] || !strcmp(m->baseline.kind, "none"))
        put_paragraph(out, 0, "What there is (no baseline yet: all of it counts as growth):");
    else
        put_paragraph(
            out, 0, "What grew since the %s baseline, %s before, of %" PRId64 " goroutines:",
            m->baseline.kind, span_text(m->baseline.age_ms, age), m->baseline.goroutines);
}

static enum pattern pattern_of(const struct manifest_culprit *c)
{
    for (int p = 0; p < PATTERNS; p++)
        if (!strcmp(c->pattern, pattern_text((enum pattern)p)))
            return (enum pattern)p;
    return PATTERN_UNKNOWN;
}

static enum blocking blocking_of(const struct manifest_culprit *c)
{
    for (int b = 0; b < BLOCKING_COUNT; b++)
        if (!strcmp(c->blocking, blocking_text((enum blocking)b)))
            return (enum blocking)b;
    return BLOCKING_UNKNOWN;
}

/* What it is and what to do: in full once a leak. */
static void put_name(struct buf *out, const struct manifest_culprit *c, bool first)
{
    if (c->helper[0] && strcmp(c->helper, c->function) != 0) {
        buf_printf(out, "    made there: ");
        put_clean(out, str_of(c->helper));
        buf_putc(out, '\n');
    }
    if (c->part_of[0]) {
        buf_printf(out, "    part of the leak of stack %s\n", c->part_of);
        return;
    }
    bool known = pattern_of(c) != PATTERN_UNKNOWN || blocking_of(c) != BLOCKING_UNKNOWN;
    if (!c->pattern[0] || (!known && !first))
        return;
    put_paragraph(out, 4, "%s: %s%s%s", c->pattern, pattern_words(pattern_of(c)),
                  blocking_of(c) ? ", each " : "",
                  blocking_of(c) ? blocking_words(blocking_of(c)) : "");
    if (first)
        put_paragraph(out, 4, "%s", c->advice);
}

static void put_culprit(struct buf *out, const struct manifest_culprit *c, bool first)
{
    char before[QUANTITY_MAX], now[QUANTITY_MAX], rate[QUANTITY_MAX], more[192] = "";
    struct buf b;

    buf_fixed(&b, more, sizeof more);
    if (c->share > 0)
        buf_printf(&b, ", %.0f%% of the growth", c->share * 100);
    if (c->per_hour >= 1)
        buf_printf(&b, ", %s an hour", amount_text(c, (int64_t)c->per_hour, rate));
    if (c->bytes_each >= 1 && !is_bytes(c))
        buf_printf(&b, ", %s each", bytes_text((int64_t)c->bytes_each, rate));
    if (c->explains > 0)
        buf_printf(&b, ", %.0f%% of what memory grew by", c->explains * 100);
    (void)buf_cstr(&b);
    put_paragraph(out, 2, "%s -> %s%s%s", amount_text(c, c->before, before),
                  amount_text(c, c->now, now), is_bytes(c) ? " of heap" : " goroutines", more);
    buf_puts(out, "    ");
    put_clean(out, str_of(c->function[0] ? c->function : "(no frame is known)"));
    if (c->file[0]) {
        buf_puts(out, "\n    ");
        put_clean(out, str_of(c->file));
        buf_printf(out, ":%" PRId32, c->line);
    }
    buf_printf(out, "\n    stack %s\n", c->fingerprint);
    put_name(out, c, first);
}

static void put_eta(struct buf *out, const struct manifest *m)
{
    bool near = m->memory.eta_s > 0;
    double eta_s = near ? m->memory.eta_s : m->verdict.eta_s;
    char eta[MOMENT_TEXT_MAX], low[MOMENT_TEXT_MAX], high[MOMENT_TEXT_MAX];

    if (!(eta_s > 0) || eta_s > 1e9)
        return;
    buf_printf(out, "; the limit is reached in about %s",
               span_text((int64_t)(eta_s * 1000), eta));
    if (!near && m->verdict.eta_low_s > 0 && m->verdict.eta_high_s > m->verdict.eta_low_s &&
        m->verdict.eta_high_s < 1e9)
        buf_printf(out, " (%s to %s)", span_text((int64_t)(m->verdict.eta_low_s * 1000), low),
                   span_text((int64_t)(m->verdict.eta_high_s * 1000), high));
}

static void put_memory(struct buf *out, const struct manifest *m)
{
    char usage[QUANTITY_MAX], limit[QUANTITY_MAX], text[512], age[MOMENT_TEXT_MAX];
    struct buf b;

    buf_fixed(&b, text, sizeof text);
    if (m->memory.usage_bytes >= 0) {
        buf_printf(&b, "Memory: %s", bytes_text(m->memory.usage_bytes, usage));
        if (m->memory.limit_bytes > 0)
            buf_printf(&b, " of %s (%.0f%%)", bytes_text(m->memory.limit_bytes, limit),
                       100.0 * (double)m->memory.usage_bytes / (double)m->memory.limit_bytes);
        else
            buf_puts(&b, ", limit unknown");
        put_eta(&b, m);
        put_wrapped(out, 0, buf_view(&b));
    }
    put_paragraph(out, 0, "Goroutines: %" PRId64 ", seen %s before", m->goroutines,
                  span_text(m->goroutines_age_ms, age));
    if (m->heap.present && m->heap.inuse_bytes >= 0)
        put_paragraph(out, 0, "Live heap: %s, by a profile %s old",
                      bytes_text(m->heap.inuse_bytes, usage), span_text(m->heap.age_ms, age));
    if (m->heap.present && m->heap.not_in_profile_bytes > 0)
        put_paragraph(out, 2, "%s more are not in it yet (it lags one collection)",
                      bytes_text(m->heap.not_in_profile_bytes, usage));
}

/* The function as a regular expression within single quotes. */
static void put_pattern(struct buf *out, const char *function)
{
    for (; *function; function++) {
        if (strchr("\\.+*?()|[]{}^$", *function))
            buf_putc(out, '\\');
        buf_putc(out, *function == '\'' ? '.' : *function);
    }
}

static void put_commands(struct buf *out, const struct manifest *m)
{
    bool heap = m->n_culprits && is_bytes(&m->culprits[0]);
    const char *kind = heap ? "heap" : "goroutine";
    const char *dir = !heap && !strcmp(m->open_set, "native") ? "native/" : "";
    const char *index = heap ? "-sample_index=inuse_space " : "";
    struct str function = str_of(m->n_culprits ? m->culprits[0].function : "");
    char clean[512];
    struct buf b;

    buf_printf(out, "In the dump's folder:\n");
    buf_printf(out, "  go tool pprof -top -cum -nodecount=8 %s%s%s.diff.pb.gz\n", index, dir,
               kind);
    buf_printf(out, "  go tool pprof %s-base %s%s.base.pb.gz %s%s.pb.gz\n", index, dir, kind,
               dir, kind);
    if (!function.n)
        return;
    if (m->culprits[0].helper[0] && !heap) { /* its line is in the heap alone */
        index = "-sample_index=alloc_space ";
        kind = "heap";
        dir = "";
    }
    buf_fixed(&b, clean, sizeof clean);
    put_clean(&b, function);
    buf_puts(out, "And where the sources are:\n  go tool pprof ");
    buf_puts(out, index);
    buf_puts(out, "-list '");
    put_pattern(out, buf_cstr(&b));
    buf_printf(out, "' %s%s.diff.pb.gz\n", dir, kind);
}

void summary_write(const struct manifest *m, struct buf *out)
{
    put_headline(out, m);
    put_outcome(out, m);
    put_place(out, m);
    buf_putc(out, '\n');
    if (m->n_culprits)
        put_baseline(out, m);
    for (int i = 0; i < m->n_culprits; i++)
        put_culprit(out, &m->culprits[i], i == 0);
    if (m->n_culprits)
        buf_putc(out, '\n');
    put_memory(out, m);
    if (m->partial)
        put_paragraph(out, 0,
                      "The last page of goroutines was cut: the biggest groups are in the "
                      "profiles, the rest is missing.");
    if (m->note[0])
        put_paragraph(out, 0, "Note: %s", m->note);
    buf_putc(out, '\n');
    put_commands(out, m);
}
