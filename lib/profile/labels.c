/* Labels: {"key":"value", "k2":"v2"}, quoted as Go's %q quotes. Not JSON: \x,
 * \a, \v and \U are there, and what is quoted is bytes. */
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

static void put_rune(struct buf *b, uint64_t r)
{
    if (r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
        r = 0xfffd;
    if (r < 0x80) {
        buf_putc(b, (char)r);
    } else if (r < 0x800) {
        buf_putc(b, (char)(0xc0 | r >> 6));
        buf_putc(b, (char)(0x80 | (r & 0x3f)));
    } else if (r < 0x10000) {
        buf_putc(b, (char)(0xe0 | r >> 12));
        buf_putc(b, (char)(0x80 | (r >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (r & 0x3f)));
    } else {
        buf_putc(b, (char)(0xf0 | r >> 18));
        buf_putc(b, (char)(0x80 | (r >> 12 & 0x3f)));
        buf_putc(b, (char)(0x80 | (r >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (r & 0x3f)));
    }
}

/* The hex digits of \x, \u, \U. */
static bool escape_hex(struct str *s, struct buf *out, char kind)
{
    size_t n = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    uint64_t v = 0;

    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = memchr(digits, s->p[i], sizeof digits - 1);
        if (!at)
            return false;
        v = v << 4 | (uint64_t)(at - digits);
    }
    s->p += n;
    s->n -= n;
    if (kind == 'x')
        buf_putc(out, (char)v);
    else
        put_rune(out, v);
    return true;
}

/* What follows a backslash. */
static bool escape(struct str *s, struct buf *out)
{
    static const char letters[] = "abfnrtv\\\"", bytes[] = "\a\b\f\n\r\t\v\\\"";
    const char *at;
    char c;

    if (!s->n)
        return false;
    c = *s->p++;
    s->n--;
    if (c == 'x' || c == 'u' || c == 'U')
        return escape_hex(s, out, c);
    at = memchr(letters, c, sizeof letters - 1);
    if (at)
        buf_putc(out, bytes[at - letters]);
    return at != NULL;
}

/* A quoted string off the front. out points into s, or into scratch where
 * there were escapes. */
static bool unquote(struct str *s, struct buf *scratch, struct str *out)
{
    size_t n = 0;

    if (!scan_char(s, '"'))
        return false;
    while (n < s->n && s->p[n] != '"' && s->p[n] != '\\')
        n++;
    *out = (struct str){s->p, n};
    s->p += n;
    s->n -= n;
    if (scan_char(s, '"'))
        return true;
    buf_reset(scratch);
    buf_str(scratch, *out);
    while (!scan_char(s, '"')) {
        if (!s->n)
            return false;
        if (!scan_char(s, '\\')) {
            buf_putc(scratch, *s->p);
            s->p++;
            s->n--;
        } else if (!escape(s, scratch)) {
            return false;
        }
    }
    *out = buf_view(scratch);
    return true;
}

static int intern_label(struct text_parser *t, uint32_t key, struct str value)
{
    struct label l = {.key = key};
    int rc = profile_string(t->p, value, &l.str);

    if (!rc)
        rc = VEC_RESERVE(t->p, t->p->labels, t->record.n_labels + 1);
    if (!rc) /* behind the labels that count, until the sample takes it */
        t->p->labels.p[t->p->labels.n + t->record.n_labels++] = l;
    return rc;
}

static int read_pair(struct text_parser *t, struct str *s)
{
    struct str key, value;
    bool keep = !t->o.drop_labels && !t->record.over;
    uint32_t id = 0;
    int rc;

    if (!unquote(s, &t->scratch, &key))
        return text_fail(t, ERR_SYNTAX, "a label's key is not quoted as Go quotes");
    if (keep && (rc = profile_string(t->p, key, &id))) {
        if ((rc = text_spill(t, rc)))
            return rc;
        keep = false;
    }
    if (!scan_char(s, ':') || !unquote(s, &t->scratch, &value))
        return text_fail(t, ERR_SYNTAX, "a label's value is not quoted as Go quotes");
    if (buf_status(&t->scratch))
        return text_fail(t, buf_status(&t->scratch), "no memory for the label");
    return keep ? text_spill(t, intern_label(t, id, value)) : 0;
}

int labels_read(struct text_parser *t, struct str line)
{
    int rc = 0;

    if (t->o.stats_only)
        return 0;
    if (!scan_word(&line, "# labels: {"))
        return text_fail(t, ERR_SYNTAX, "not \"# labels: {…}\"");
    t->record.labelled = true;
    if (str_is(line, "}"))
        return 0;
    do
        rc = read_pair(t, &line);
    while (!rc && scan_word(&line, ", "));
    if (!rc && !str_is(line, "}"))
        return text_fail(t, ERR_SYNTAX, "the labels do not end with \"}\"");
    return rc;
}
