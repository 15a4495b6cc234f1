/* Chunks to lines, lines to their part, and the verdict at the end. */
#include "lib/profile/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

int text_fail(struct text_parser *t, int code, const char *fmt, ...)
{
    char what[160];
    va_list ap;

    if (t->rc)
        return t->rc;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    t->rc = err_set(&t->r.error, code, "line %llu: %s", (unsigned long long)t->r.line, what);
    return t->rc;
}

int text_spill(struct text_parser *t, int rc)
{
    if (rc == ERR_LIMIT && t->o.fold) {
        t->record.over = true;
        return 0;
    }
    if (rc == ERR_LIMIT)
        return text_fail(t, rc, "the profile exceeds its ceiling of %zu bytes", t->p->ceiling);
    return rc ? text_fail(t, rc, "%s", err_text(rc)) : 0;
}

static int set_type(struct profile *p, struct value_type *out, struct str type, struct str unit)
{
    int rc = profile_string(p, type, &out->type);

    return rc ? rc : profile_string(p, unit, &out->unit);
}

/* "NAME profile: total N" */
static int header_count(struct text_parser *t, struct str name, struct str rest)
{
    struct profile *p = t->p;
    int rc;

    if (!name.n || !scan_i64(&rest, &t->r.total) || rest.n || t->r.total < 0)
        return text_fail(t, ERR_SYNTAX, "not \"NAME profile: total N\"");
    t->r.kind = TEXT_COUNT;
    str_copy(t->r.name, sizeof t->r.name, name);
    p->n_sample_types = 1;
    p->period = 1;
    rc = set_type(p, &p->sample_types[0], name, STR("count"));
    p->period_type = p->sample_types[0];
    return rc ? text_spill(t, rc) : 0;
}

/* "heap profile: n: b [N: B] @ heap/RATE2" */
static int header_heap(struct text_parser *t, struct str rest)
{
    static const struct str types[][2] = {
        {{"alloc_objects", 13}, {"count", 5}},
        {{"alloc_space", 11}, {"bytes", 5}},
        {{"inuse_objects", 13}, {"count", 5}},
        {{"inuse_space", 11}, {"bytes", 5}},
    };
    struct profile *p = t->p;
    int64_t objects, all_objects, all_bytes, rate;
    int rc = 0;

    if (!scan_i64(&rest, &objects) || !scan_word(&rest, ": ") ||
        !scan_i64(&rest, &t->r.total) || !scan_word(&rest, " [") ||
        !scan_i64(&rest, &all_objects) || !scan_word(&rest, ": ") ||
        !scan_i64(&rest, &all_bytes) || !scan_word(&rest, "] @ heap/") ||
        !scan_i64(&rest, &rate) || rest.n)
        return text_fail(t, ERR_SYNTAX, "not \"heap profile: n: b [N: B] @ heap/RATE\"");
    t->r.kind = TEXT_HEAP;
    str_copy(t->r.name, sizeof t->r.name, STR("heap"));
    t->heap_rate = rate / 2;
    p->period = t->heap_rate;
    p->n_sample_types = 4;
    for (int i = 0; i < 4 && !rc; i++)
        rc = set_type(p, &p->sample_types[i], types[i][0], types[i][1]);
    if (!rc)
        rc = set_type(p, &p->period_type, STR("space"), STR("bytes"));
    t->bytes_id = p->period_type.unit;
    return rc ? text_spill(t, rc) : 0;
}

static int read_header(struct text_parser *t, struct str line)
{
    static const char total[] = " profile: total ";
    const char *at = line.n ? memmem(line.p, line.n, total, sizeof total - 1) : NULL;
    struct str rest = line;
    int rc;

    if (at) {
        size_t name = (size_t)(at - line.p), skip = name + sizeof total - 1;
        rc = header_count(t, (struct str){line.p, name},
                          (struct str){line.p + skip, line.n - skip});
    } else if (scan_word(&rest, "heap profile: ")) {
        rc = header_heap(t, rest);
    } else {
        return text_fail(t, ERR_SYNTAX, "not the header of a debug=1 profile");
    }
    t->state = TEXT_RECORD;
    if (!rc && t->o.fold)
        rc = record_reserve_other(t);
    return rc;
}

/* The blank line after a record, or the one that ends the records of a heap. */
static int read_blank(struct text_parser *t)
{
    if (t->state == TEXT_LABELS || t->state == TEXT_FRAMES) {
        t->state = TEXT_RECORD;
        return record_finish(t);
    }
    if (t->state != TEXT_RECORD || t->r.kind != TEXT_HEAP)
        return text_fail(t, ERR_SYNTAX, "an empty line where none belongs");
    if (t->r.sum != t->r.total)
        return text_fail(t, ERR_SYNTAX, "the records hold %lld bytes, the header says %lld",
                         (long long)t->r.sum, (long long)t->r.total);
    t->state = TEXT_TAIL_TITLE;
    return 0;
}

static int read_line(struct text_parser *t, struct str line)
{
    t->r.line++;
    if (line.n > t->o.line_max)
        return text_fail(t, ERR_LIMIT, "longer than %zu bytes", t->o.line_max);
    if (!line.n && t->state != TEXT_HEADER)
        return read_blank(t);
    switch (t->state) {
    case TEXT_HEADER: return read_header(t, line);
    case TEXT_RECORD: t->state = TEXT_LABELS; return record_head(t, line);
    case TEXT_LABELS:
        t->state = TEXT_FRAMES;
        if (t->r.kind == TEXT_COUNT && line.n > 1 && line.p[1] == ' ')
            return labels_read(t, line);
        return frameline_read(t, line);
    case TEXT_FRAMES: return frameline_read(t, line);
    case TEXT_TAIL_TITLE: t->state = TEXT_TAIL; return memstats_title(t, line);
    case TEXT_TAIL: return memstats_read(t, line);
    }
    return 0;
}

static int hold(struct text_parser *t, const char *p, size_t n)
{
    if (n > t->o.line_max - t->held.len) {
        t->r.line++;
        return text_fail(t, ERR_LIMIT, "longer than %zu bytes", t->o.line_max);
    }
    buf_put(&t->held, p, n);
    return buf_status(&t->held) ? text_fail(t, -ENOMEM, "no memory for the line") : 0;
}

int text_feed(struct text_parser *t, const void *bytes, size_t n)
{
    const char *p = bytes, *end = p + n, *eol;
    const char *record = NULL; /* the one at hand, when it is whole in these bytes */

    t->r.bytes += n;
    if (t->rc || !n)
        return t->rc;
    if (t->held.len) {
        eol = memchr(p, '\n', n);
        if (hold(t, p, (size_t)((eol ? eol : end) - p)) || !eol)
            return t->rc;
        read_line(t, buf_view(&t->held));
        buf_reset(&t->held);
        p = eol + 1;
    }
    while (p < end && !t->rc) {
        if (t->state == TEXT_RECORD) {
            size_t known = known_read(t, (struct str){p, (size_t)(end - p)});
            p += known;
            record = p;
            if (known)
                continue;
        }
        eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol)
            return hold(t, p, (size_t)(end - p));
        memo_expect(t->p, (struct str){eol + 1, (size_t)(end - eol - 1)});
        read_line(t, (struct str){p, (size_t)(eol - p)});
        p = eol + 1;
        if (t->state == TEXT_RECORD && record && !t->rc)
            known_keep(t, (struct str){record, (size_t)(p - record)});
    }
    return t->rc;
}

/* 0 when nothing can be missing. */
static int judge(struct text_parser *t)
{
    unsigned long long line = t->r.line;

    if (t->rc)
        return t->rc;
    if (t->held.len)
        return err_set(&t->r.error, ERR_CUT, "the body ends inside line %llu", line + 1);
    if (t->state == TEXT_HEADER)
        return err_set(&t->r.error, ERR_CUT, "the body is empty");
    if (t->r.kind == TEXT_HEAP && !t->tail_whole)
        return err_set(&t->r.error, ERR_CUT,
                       "the body ends after line %llu, before the end of runtime.MemStats",
                       line);
    if (t->r.kind == TEXT_COUNT && (t->state != TEXT_RECORD || t->r.sum != t->r.total))
        return err_set(&t->r.error, ERR_CUT, "the body ends after line %llu with %lld of %lld",
                       line, (long long)t->r.sum, (long long)t->r.total);
    return 0;
}

int text_end(struct text_parser *t, struct text_result *r)
{
    int rc;

    t->rc = judge(t);
    t->r.stats.present = !t->rc && t->r.kind == TEXT_HEAP;
    t->p->partial = t->rc != 0;
    if (t->r.folded && (rc = record_add_other(t)) && !t->rc)
        t->rc = rc;
    *r = t->r;
    return t->rc;
}

int text_new(struct text_parser **t, struct profile *out, struct text_options o)
{
    *t = calloc(1, sizeof **t);
    if (!*t)
        return -ENOMEM;
    /* Addresses are a little chance of their own, where the caller has none. */
    (*t)->secret[0] = hash_mix(o.seed, (uintptr_t)*t);
    (*t)->secret[1] = hash_mix((*t)->secret[0], o.seed ^ (uintptr_t)&o);
    buf_init(&(*t)->held, 0);
    buf_init(&(*t)->scratch, 0);
    text_restart(*t, out, o);
    return 0;
}

void text_restart(struct text_parser *t, struct profile *out, struct text_options o)
{
    profile_recycle(out);
    out->from_text = true;
    t->p = out;
    t->o = o;
    if (!t->o.line_max)
        t->o.line_max = LINE_MAX_BYTES;
    for (int i = 0; i < 2; i++)
        t->keys[i] = hash_mix(t->secret[i], t->o.line_max);
    t->r = (struct text_result){0};
    t->state = TEXT_HEADER;
    t->rc = 0;
    t->tail_whole = false;
    memset(t->other_values, 0, sizeof t->other_values);
    buf_reset(&t->held);
    buf_reset(&t->scratch);
    t->held.ceiling = t->scratch.ceiling = t->o.line_max;
}

void text_free(struct text_parser **t)
{
    if (!*t)
        return;
    buf_free(&(*t)->held);
    buf_free(&(*t)->scratch);
    free(*t);
    *t = NULL;
}

bool text_sniff(const void *bytes, size_t n)
{
    static const char mark[] = " profile: ";
    const char *eol = n ? memchr(bytes, '\n', n) : NULL;
    struct str line = {bytes, eol ? (size_t)(eol - (const char *)bytes) : n};
    const char *at = n ? memmem(line.p, line.n, mark, sizeof mark - 1) : NULL;
    struct str rest;

    if (!at)
        return false;
    rest =
        (struct str){at + sizeof mark - 1, (size_t)(line.p + line.n - at) - (sizeof mark - 1)};
    return str_starts(rest, "total ") || str_starts(line, "heap profile: ");
}
