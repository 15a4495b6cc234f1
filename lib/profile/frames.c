/* What people see of a stack: visible frames, and the identities built of them. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/profile/index.h"

/* Walks the lines of a sample that debug=1 would print, leaf first. */
struct walk {
    const struct profile *p;
    const uint32_t *refs;
    uint32_t n_refs;
    uint32_t ref, line; /* next line: refs[ref], its line-th */
    bool shown;         /* past the leading runtime functions */
};

static struct walk walk_start(const struct profile *p, const struct sample *s, bool all)
{
    return (struct walk){.p = p, .refs = sample_refs(p, s), .n_refs = s->n_refs, .shown = all};
}

/* Steps to the next visible line; false at the root's end. */
static bool walk_next(struct walk *w, const struct location **l, const struct line **line)
{
    for (; w->ref < w->n_refs; w->ref++, w->line = 0) {
        *l = &w->p->locations.p[w->refs[w->ref]];
        if (!(*l)->n_lines) /* Go prints an unknown PC, and all that follows it */
            w->shown = true;
        while (w->line < (*l)->n_lines) {
            *line = &w->p->lines.p[(*l)->first_line + w->line++];
            switch (w->p->index->facts.p[(*line)->function].class) {
            case FUNCTION_GOEXIT: continue;
            case FUNCTION_RUNTIME:
                if (!w->shown)
                    continue;
                return true;
            case FUNCTION_PLAIN: w->shown = true; return true;
            }
        }
    }
    return false;
}

/* A walk of what is visible; of everything when that is nothing. Text holds
 * no more than the visible, and hides PCs where no rule would tell. */
static struct walk walk_visible(const struct profile *p, const struct sample *s)
{
    const struct location *l;
    const struct line *line;
    struct walk w = walk_start(p, s, p->from_text);
    struct walk trial = w;

    return walk_start(p, s, p->from_text || !walk_next(&trial, &l, &line));
}

size_t sample_frames(const struct profile *p, const struct sample *s, struct frame *out,
                     size_t max)
{
    struct walk w = walk_visible(p, s);
    const struct location *l;
    const struct line *line;
    size_t n = 0;

    while (n < max && walk_next(&w, &l, &line)) {
        const struct function *f = &p->functions.p[line->function];
        out[n++] = (struct frame){
            .function = profile_text(p, p->index->facts.p[line->function].printed),
            .file = profile_text(p, f->file),
            .line = line->line,
            .address = l->address,
        };
    }
    return n;
}

uint64_t sample_key(const struct profile *p, const struct sample *s)
{
    struct walk w = walk_visible(p, s);
    const struct location *l;
    const struct line *line;
    uint64_t key = 0x9e3779b97f4a7c15u;

    while (walk_next(&w, &l, &line)) {
        key ^= p->index->facts.p[line->function].hash + (uint32_t)line->line;
        key *= 0xbf58476d1ce4e5b9u;
        key ^= key >> 29;
    }
    return key ? key : 1;
}

/* As the runtime's funcNameForPrint: from the first [ to the last ]; "[other]"
 * has no name before it and stays. */
static void put_generic(struct buf *b, struct str name)
{
    const char *open = name.n ? memchr(name.p, '[', name.n) : NULL;
    const char *close = name.n ? memrchr(name.p, ']', name.n) : NULL;

    if (!open || open == name.p || !close || close < open) {
        buf_str(b, name);
        return;
    }
    buf_put(b, name.p, (size_t)(open - name.p));
    buf_puts(b, "[...]");
    buf_put(b, close + 1, (size_t)(name.p + name.n - close - 1));
}

char *generic_name(struct str name, char *out, size_t cap)
{
    struct buf b;

    buf_fixed(&b, out, cap);
    put_generic(&b, name);
    (void)buf_cstr(&b);
    return out;
}

/* More text than this in one stack is cut: the id is of the leaf's part. */
#define FINGERPRINT_TEXT_MAX (1u << 20)

char *fingerprint_frames(const struct frame *frames, size_t n, char out[FINGERPRINT_MAX])
{
    char hex[SHA256_HEX_MAX];
    struct buf names;

    buf_init(&names, FINGERPRINT_TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        put_generic(&names, frames[i].function);
        buf_putc(&names, '\n');
    }
    sha256_hex(names.p, names.len, hex);
    buf_free(&names);
    return str_copy(out, FINGERPRINT_MAX, str_of(hex));
}
