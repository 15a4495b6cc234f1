/* Records that were read before: a program's next page has mostly the same ones,
 * with other counts. Labels are read each time, they may be of one request. */
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

struct record_text {
    struct str head, labels; /* no labels: empty */
    struct str pcs;          /* the end of the head */
    struct str rest;         /* frames and what follows */
};

static bool take_line(struct str *s, struct str *line)
{
    const char *eol = s->n ? memchr(s->p, '\n', s->n) : NULL;

    if (!eol)
        return false;
    *line = (struct str){s->p, (size_t)(eol - s->p)};
    *s = (struct str){eol + 1, s->n - line->n - 1};
    return true;
}

/* Whether its head and labels are whole. */
static bool take_apart(const struct text_parser *t, struct str text, struct record_text *x)
{
    const char *at;

    *x = (struct record_text){.rest = text};
    if (!take_line(&x->rest, &x->head) || !(at = memchr(x->head.p, '@', x->head.n)))
        return false;
    x->pcs = (struct str){at + 1, (size_t)(x->head.p + x->head.n - at - 1)};
    if (t->r.kind == TEXT_COUNT && str_starts(x->rest, "# "))
        return take_line(&x->rest, &x->labels);
    return true;
}

/* As record_head, then labels_read and record_finish, each in its line. */
static int read_known(struct text_parser *t, const struct record_text *x,
                      const struct known_record *known)
{
    const struct known_record k = *known;
    struct str head = x->head;
    int rc;

    t->r.line++;
    if ((rc = record_counts(t, &head)))
        return rc;
    if (x->labels.n) {
        t->r.line++;
        if ((rc = labels_read(t, x->labels)))
            return rc;
    }
    t->r.line += k.n_lines;
    t->record.n_named = k.n_named;
    t->record.stack = k.stack;
    return record_finish(t);
}

size_t known_read(struct text_parser *t, struct str ahead)
{
    const struct known_record *k;
    struct record_text x;

    if (t->o.stats_only || !take_apart(t, ahead, &x) || x.head.n > t->o.line_max ||
        x.labels.n > t->o.line_max || !(k = memo_record(t->p, t->keys, x.pcs, x.rest)))
        return 0;
    (void)read_known(t, &x, k);
    return (size_t)(x.rest.p - ahead.p) + k->frames_bytes;
}

/* Not on a first page: it may be the only one, and the table grows once instead
 * of with the others. */
void known_keep(struct text_parser *t, struct str record)
{
    const struct record *r = &t->record;
    struct known_record k = {.n_named = (uint32_t)r->n_named, .stack = r->stack};
    struct record_text x;

    if (!t->p->index->fresh_bytes || r->over || r->stack == NO_ID || !take_apart(t, record, &x))
        return;
    k.n_lines = (uint32_t)(t->r.line - r->line - (x.labels.n > 0));
    memo_add_record(t->p, t->keys, x.pcs, x.rest, k);
}
