/* A record: its head, and the sample that it becomes at its blank line. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "lib/profile/parse.h"
#include "lib/profile/scan.h"

/* Frames of one record that became locations, leaf first. */
struct placing {
    uint32_t refs[2 * PROFILE_STACK_MAX];
    size_t n_refs;
    size_t pc;     /* the first PC that no frame has claimed */
    bool expanded; /* the one claimed last is C's: more frames may share it */
};

static int head_count(struct text_parser *t, struct str *line)
{
    int64_t count;

    if (!scan_i64(line, &count) || count <= 0 || !scan_word(line, " @"))
        return text_fail(t, ERR_SYNTAX, "not \"COUNT @ PCs\"");
    t->record.values[0] = count;
    if (__builtin_add_overflow(t->r.sum, count, &t->r.sum) || t->r.sum > t->r.total)
        return text_fail(t, ERR_SYNTAX, "more than the %lld of the header",
                         (long long)t->r.total);
    return 0;
}

static int head_heap(struct text_parser *t, struct str *line)
{
    int64_t *v = t->record.values;

    if (!scan_i64(line, &v[2]) || !scan_word(line, ": ") || !scan_i64(line, &v[3]) ||
        !scan_word(line, " [") || !scan_i64(line, &v[0]) || !scan_word(line, ": ") ||
        !scan_i64(line, &v[1]) || !scan_word(line, "] @"))
        return text_fail(t, ERR_SYNTAX, "not \"n: b [N: B] @ PCs\"");
    if (__builtin_add_overflow(t->r.sum, v[3], &t->r.sum))
        return text_fail(t, ERR_SYNTAX, "bytes beyond 64 bits");
    return 0;
}

static int head_pcs(struct text_parser *t, struct str s)
{
    struct record *r = &t->record;

    size_t n = 0;

    for (; s.n && n < PROFILE_STACK_MAX; n++)
        if (!scan_char(&s, ' ') || !scan_hex(&s, &r->pcs[n]))
            return text_fail(t, ERR_SYNTAX, "not PCs after the @");
    r->n_pcs = n;
    return s.n ? text_spill(t, ERR_LIMIT) : 0;
}

int record_counts(struct text_parser *t, struct str *line)
{
    memset(&t->record, 0, offsetof(struct record, pcs));
    t->record.line = t->r.line;
    t->record.stack = NO_ID;
    return t->r.kind == TEXT_HEAP ? head_heap(t, line) : head_count(t, line);
}

int record_head(struct text_parser *t, struct str line)
{
    int rc = record_counts(t, &line);

    return rc || t->o.stats_only ? rc : head_pcs(t, line);
}

static int place_hidden(struct text_parser *t, struct placing *at, uint64_t address)
{
    return profile_location(t->p, address, 0, NULL, 0, false, &at->refs[at->n_refs++]);
}

/* PCs are return addresses, frames have the call's: one less. Where C code was
 * symbolized, or a function not begun, they are equal. */
static bool pc_is(uint64_t pc, uint64_t address)
{
    return pc - 1 == address || pc == address;
}

/* Hides the PCs before the one of this address and claims that one. Frames
 * that Go added for the inlined end of a cut stack have none: nothing to do. */
static int claim_pc(struct text_parser *t, struct placing *at, uint64_t address)
{
    const struct record *r = &t->record;
    size_t i = at->pc;
    int rc = 0;

    while (i < r->n_pcs && !pc_is(r->pcs[i], address))
        i++;
    at->expanded = i < r->n_pcs && r->pcs[i] == address;
    if (i == r->n_pcs)
        return 0;
    while (at->pc < i && !rc)
        rc = place_hidden(t, at, r->pcs[at->pc++] - 1);
    at->pc = i + 1;
    return rc;
}

static uint32_t name_of(const struct text_parser *t, const struct call *f)
{
    return t->p->functions.p[f->function].name;
}

/* Whether frame i is one more of its predecessor's PC. */
static bool shares_pc(const struct record *r, const struct placing *at, size_t i)
{
    return at->expanded && r->frames[i].address == r->frames[i - 1].address;
}

/* The end of the run of frames from `first` in one machine function, each
 * directly after the other among the PCs. */
static size_t run_end(const struct record *r, const struct placing *at, size_t first)
{
    const struct call *f = r->frames;
    size_t end = first + 1, pc = at->pc;

    for (; end < r->n_frames && f[end].function != NO_ID; end++) {
        if (shares_pc(r, at, end))
            continue;
        if (f[end].entry != f[first].entry || !f[end].entry)
            break;
        if (pc < r->n_pcs && !pc_is(r->pcs[pc++], f[end].address))
            break;
    }
    return end;
}

/* The end of the location that begins at `first`. The last frame of a run is
 * the machine function, all before it are inlined there: as Go's tryAdd, which
 * knows more, a location ends with the machine function or before a frame of
 * the same name (recursion). */
static size_t location_end(const struct text_parser *t, const struct placing *at, size_t first)
{
    const struct record *r = &t->record;
    const struct call *f = r->frames;
    size_t end = run_end(r, at, first), i = first + 1;
    uint32_t machine = name_of(t, &f[end - 1]);

    for (; i < end && i - first < PROFILE_LINES_MAX; i++) {
        if (shares_pc(r, at, i))
            continue;
        if (name_of(t, &f[i - 1]) == machine || name_of(t, &f[i]) == name_of(t, &f[i - 1]))
            break;
    }
    return i;
}

static int place_location(struct text_parser *t, struct placing *at, size_t first, size_t end)
{
    const struct call *f = t->record.frames;
    struct line lines[PROFILE_LINES_MAX];
    uint32_t *id = &at->refs[at->n_refs++];
    bool alone = end - first == 1;
    uint32_t known = t->record.known[first];
    int rc;

    if (alone && f[first].location != NO_ID) {
        *id = f[first].location;
        return 0;
    }
    for (size_t i = first; i < end; i++)
        lines[i - first] = (struct line){f[i].function, f[i].line};
    rc = profile_location(t->p, f[first].address, 0, lines, end - first, false, id);
    if (!rc && alone && known != NO_ID)
        t->p->index->known_lines.p[known].call.location = *id;
    return rc;
}

/* What almost every frame is: the only one of the next PC, its location known. */
static bool place_plain(const struct record *r, struct placing *at, size_t i)
{
    const struct call *f = &r->frames[i];

    if (f->location == NO_ID || at->pc == r->n_pcs || r->pcs[at->pc] - 1 != f->address ||
        (i + 1 < r->n_frames && f[1].entry == f->entry))
        return false;
    at->pc++;
    at->expanded = false;
    at->refs[at->n_refs++] = f->location;
    return true;
}

static int place_frames(struct text_parser *t, struct placing *at)
{
    const struct record *r = &t->record;
    size_t first = 0, end;
    int rc = 0;

    while (first < r->n_frames && !rc) {
        const struct call *f = &r->frames[first];
        if (place_plain(r, at, first)) {
            first++;
            continue;
        }
        if ((rc = claim_pc(t, at, f->address)))
            break;
        end = first + 1;
        if (f->function == NO_ID) {
            if (f->address) /* 0 stands for an empty stack */
                rc = place_hidden(t, at, f->address);
        } else {
            end = location_end(t, at, first);
            rc = place_location(t, at, first, end);
        }
        for (size_t i = first + 1; i < end && !rc; i++)
            if (!shares_pc(r, at, i))
                rc = claim_pc(t, at, r->frames[i].address);
        first = end;
    }
    while (at->pc < r->n_pcs && !rc)
        rc = place_hidden(t, at, r->pcs[at->pc++] - 1);
    return rc;
}

static int64_t scaled(int64_t value, double scale)
{
    double v = (double)value * scale;

    if (v >= (double)INT64_MAX)
        return INT64_MAX;
    if (v <= (double)INT64_MIN)
        return INT64_MIN;
    return (int64_t)v;
}

/* runtime/pprof's scaleHeapSample: by the chance of a size to be sampled. */
static void scale_pair(int64_t *count, int64_t *bytes, int64_t rate)
{
    double average, scale;

    if (!*count || !*bytes) {
        *count = *bytes = 0;
        return;
    }
    if (rate <= 1)
        return;
    average = (double)*bytes / (double)*count;
    scale = 1 / (1 - exp(-average / (double)rate));
    *count = scaled(*count, scale);
    *bytes = scaled(*bytes, scale);
}

/* Go's numeric label, the average size, behind the labels that count. */
static int size_label(struct text_parser *t, int64_t size)
{
    int rc = VEC_RESERVE(t->p, t->p->labels, 1);

    if (rc || !size)
        return rc;
    t->p->labels.p[t->p->labels.n] =
        (struct label){.key = t->bytes_id, .unit = t->bytes_id, .num = size};
    t->record.n_labels = 1;
    return 0;
}

/* The stack of the record's PCs and frames. */
static int find_stack(struct text_parser *t)
{
    struct placing at;
    int rc;

    if (t->record.stack != NO_ID)
        return 0;
    at.n_refs = at.pc = 0;
    at.expanded = false;
    if ((rc = place_frames(t, &at)))
        return rc;
    if (at.n_refs > PROFILE_STACK_MAX)
        return ERR_LIMIT;
    return profile_stack(t->p, at.refs, at.n_refs, &t->record.stack);
}

static int add_sample(struct text_parser *t)
{
    struct profile *p = t->p;
    int rc = find_stack(t);

    if (!rc && t->o.fold) /* one is kept for [other] */
        rc = VEC_RESERVE(p, p->samples, 2);
    if (!rc)
        rc = profile_sample_of(p, t->record.stack, t->record.n_labels, t->record.values);
    return text_spill(t, rc);
}

static void fold(struct text_parser *t)
{
    t->r.folded++;
    for (int i = 0; i < PROFILE_VALUES_MAX; i++) {
        int64_t v = t->record.values[i], *sum = &t->other_values[i];
        if (__builtin_add_overflow(*sum, v, sum))
            *sum = v < 0 ? INT64_MIN : INT64_MAX;
    }
}

int record_finish(struct text_parser *t)
{
    struct record *r = &t->record;
    int64_t *v = r->values;
    int rc = 0;

    t->r.records++;
    if (t->o.stats_only)
        return 0;
    if (t->r.kind == TEXT_HEAP) {
        rc = r->over ? 0 : text_spill(t, size_label(t, v[0] > 0 ? v[1] / v[0] : 0));
        scale_pair(&v[0], &v[1], t->heap_rate);
        scale_pair(&v[2], &v[3], t->heap_rate);
    }
    if (!rc && !r->over)
        rc = add_sample(t);
    if (rc) {
        t->r.records--;
        return rc;
    }
    t->r.labelled += r->labelled;
    t->r.frameless += !r->n_named;
    if (r->over)
        fold(t);
    return 0;
}

int record_reserve_other(struct text_parser *t)
{
    struct profile *p = t->p;
    struct function f = {0};
    struct line line = {0};
    uint32_t location;
    int rc;

    if (!(rc = profile_string(p, STR("[other]"), &f.name))) {
        f.system_name = f.name;
        rc = profile_function(p, f, &line.function);
    }
    if (!rc)
        rc = profile_location(p, 0, 0, &line, 1, true, &location);
    if (!rc)
        rc = profile_stack(p, &location, 1, &t->other);
    if (!rc)
        rc = VEC_RESERVE(p, p->samples, 1);
    return rc ? text_fail(t, rc, "the profile's ceiling of %zu bytes holds nothing", p->ceiling)
              : 0;
}

int record_add_other(struct text_parser *t)
{
    return profile_sample_of(t->p, t->other, 0, t->other_values);
}
