#include "lib/view/dumptext.h"

#include "lib/dump/dump.h"

void dump_line(const struct store_dump *d, struct look look, struct buf *out)
{
    const struct manifest *m = &d->manifest;
    char size[NUMBER_TEXT_MAX], lead[MOMENT_TEXT_MAX];

    text_put(out, str_of(d->id), 0, look);
    buf_printf(out, "  %s", bytes_text(d->bytes, size));
    if (!d->readable) {
        buf_puts(out, "  (its manifest cannot be read)\n");
        return;
    }
    if (m->verdict.kind[0])
        buf_printf(out, "  %s %s", m->verdict.grade, m->verdict.kind);
    if (m->n_culprits > 0) {
        buf_puts(out, "  ");
        text_put(out, str_of(m->culprits[0].function), 40, look);
    }
    if (m->outcome.cause != OUTCOME_NONE)
        buf_printf(out, "  %s %s later", outcome_cause_text(m->outcome.cause),
                   span_text(m->outcome.lead_ms, lead));
    buf_putc(out, '\n');
}

void dump_json(const struct store_dump *d, struct json *j)
{
    const struct manifest *m = &d->manifest;

    json_open(j);
    json_kcstr(j, "id", d->id);
    json_ki64(j, "bytes", d->bytes);
    json_kbool(j, "readable", d->readable);
    if (d->readable) {
        json_ktime(j, "time", m->time_wall_ms);
        json_kcstr(j, "target", m->target);
        json_kcstr(j, "trigger", m->trigger);
        json_kcstr(j, "reason", m->reason);
        json_ki64(j, "phase", m->phase);
        json_ku64(j, "life", m->life);
        json_kcstr(j, "kind", m->verdict.kind[0] ? m->verdict.kind : NULL);
        json_kcstr(j, "grade", m->verdict.kind[0] ? m->verdict.grade : NULL);
        json_kcstr(j, "function", m->n_culprits ? m->culprits[0].function : NULL);
        json_kcstr(j, "fingerprint", m->n_culprits ? m->culprits[0].fingerprint : NULL);
        json_kcstr(j, "outcome",
                   m->outcome.cause == OUTCOME_NONE ? NULL
                                                    : outcome_cause_text(m->outcome.cause));
    }
    json_close(j);
}

void dump_show(const struct manifest *m, const char *folder, struct look look, struct buf *out)
{
    char size[NUMBER_TEXT_MAX];

    summary_write(m, out);
    buf_puts(out, "\nfiles");
    if (folder) {
        buf_puts(out, " in ");
        text_put(out, str_of(folder), 0, look);
    }
    buf_putc(out, '\n');
    for (int i = 0; i < m->n_files; i++) {
        buf_printf(out, "  %10s  ", bytes_text(m->files[i].bytes, size));
        text_put(out, str_of(m->files[i].name), 0, look);
        buf_putc(out, '\n');
    }
}
