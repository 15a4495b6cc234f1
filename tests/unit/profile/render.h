/* A profile as text, for comparisons: no ids, everything else. */
#ifndef LW_TESTS_RENDER_H
#define LW_TESTS_RENDER_H

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/profile/profile.h"

static inline void render_string(struct buf *b, const struct profile *p, uint32_t id)
{
    struct str s = profile_text(p, id);

    for (size_t i = 0; i < s.n; i++) /* cmocka compares to the first zero */
        buf_putc(b, s.p[i] ? s.p[i] : '0');
    buf_putc(b, '|');
}

static inline void render_location(struct buf *b, const struct profile *p, uint32_t id)
{
    const struct location *l = &p->locations.p[id];

    buf_printf(b, "  %" PRIx64 " map %d\n", l->address, l->mapping);
    for (uint32_t i = 0; i < l->n_lines; i++) {
        const struct line *line = &p->lines.p[l->first_line + i];
        const struct function *f = &p->functions.p[line->function];
        buf_puts(b, "    ");
        render_string(b, p, f->name);
        render_string(b, p, f->file);
        buf_printf(b, "%d\n", line->line);
    }
}

static inline char *render(const struct profile *p)
{
    struct buf b;

    buf_init(&b, (size_t)64 << 20);
    for (int i = 0; i < p->n_sample_types; i++) {
        render_string(&b, p, p->sample_types[i].type);
        render_string(&b, p, p->sample_types[i].unit);
    }
    render_string(&b, p, p->period_type.type);
    buf_printf(&b, "%" PRId64 " partial %d\n", p->period, p->partial);
    for (size_t i = 0; i < p->samples.n; i++) {
        const struct sample *s = &p->samples.p[i];
        for (int v = 0; v < p->n_sample_types; v++)
            buf_printf(&b, "%" PRId64 " ", s->values[v]);
        for (uint32_t k = 0; k < s->n_labels; k++) {
            const struct label *l = &sample_labels(p, s)[k];
            render_string(&b, p, l->key);
            render_string(&b, p, l->str);
            buf_printf(&b, "%" PRId64 " ", l->num);
        }
        buf_putc(&b, '\n');
        for (uint32_t k = 0; k < s->n_refs; k++)
            render_location(&b, p, sample_refs(p, s)[k]);
    }
    buf_putc(&b, '\0');
    return b.p;
}

#endif
