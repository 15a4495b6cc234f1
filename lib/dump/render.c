/* Phase 1, from what is in memory. Every file is on its own: one that cannot be
 * made is said in the note and the next is begun. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/dump/culprits.h"
#include "lib/dump/dump.h"
#include "lib/profile/diff.h"
#include "lib/profile/proto.h"

#define CSV_SPAN_MS (84 * 3600000LL)
#define CSV_BYTES_MAX (96 * 1024)

struct render {
    const struct dump_input *in;
    struct manifest *m;
    struct bundle *out;
    struct profile heap_base; /* the third of heap's three */
    bool have_heap, have_heap_base;
    int error; /* the first */
};

static void say(struct render *r, const char *name, int rc, const char *why)
{
    size_t at = strnlen(r->m->note, sizeof r->m->note);

    if (!rc)
        return;
    if (!r->error)
        r->error = rc;
    (void)snprintf(r->m->note + at, sizeof r->m->note - at, "%s%s: %.120s", at ? "; " : "",
                   name, why ? why : err_text(rc));
}

static void put_bytes(struct render *r, const char *name, const void *bytes, size_t n)
{
    bundle_begin(r->out, name);
    buf_put(&r->out->bytes, bytes, n);
    say(r, name, bundle_end(r->out), NULL);
}

static int bundle_profile(struct bundle *b, const char *name, const struct profile *p)
{
    bundle_begin(b, name);
    int rc = proto_encode_gzip(p, &b->bytes);
    if (!rc)
        return bundle_end(b);
    bundle_drop(b);
    return rc;
}

static void put_profile(struct render *r, const char *name, const struct profile *p)
{
    say(r, name, bundle_profile(r->out, name, p), NULL);
}

/* An empty profile of the same type is what pprof takes for "nothing". */
static int bundle_empty(struct bundle *b, const char *name, const struct profile *like,
                        struct profile *scratch)
{
    profile_reset(scratch);
    int rc = profile_copy_head(scratch, like);
    return rc ? rc : bundle_profile(b, name, scratch);
}

static void put_base(struct render *r, const char *name, const struct profile *now,
                     const struct profile *base)
{
    if (base)
        put_profile(r, name, base);
    else
        say(r, name, bundle_empty(r->out, name, now, r->in->scratch[0]), NULL);
}

static void put_diff(struct render *r, const char *name, const struct profile *now,
                     const struct profile *base)
{
    struct errmsg e = {""};
    int rc = profile_diff(r->in->scratch[0], now, base, DIFF_DIFF_BASE, &e);

    if (rc)
        say(r, name, rc, e.text);
    else
        put_profile(r, name, r->in->scratch[0]);
}

/* Now into scratch[1], base into heap_base. */
static void heap_decode(struct render *r)
{
    const struct dump_input *in = r->in;
    struct errmsg e = {""};
    int rc = -ENODATA;

    if (in->heap_gz_bytes) {
        rc = proto_decode(in->scratch[1], in->heap_gz, in->heap_gz_bytes, &e);
        say(r, "heap", rc, e.text);
    }
    r->have_heap = rc == 0;
    if (!r->have_heap)
        return;
    r->m->heap.inuse_bytes =
        profile_total(in->scratch[1], profile_value_index(in->scratch[1], "inuse_space"));
    if (!in->heap_base_gz_bytes)
        return;
    rc = profile_init(&r->heap_base, in->scratch[1]->ceiling);
    if (!rc)
        rc = proto_decode(&r->heap_base, in->heap_base_gz, in->heap_base_gz_bytes, &e);
    say(r, "heap baseline", rc, e.text[0] ? e.text : NULL);
    r->have_heap_base = rc == 0;
}

static void put_heap_sides(struct render *r)
{
    const struct dump_input *in = r->in;

    if (in->heap_gz_bytes)
        put_bytes(r, "heap.pb.gz", in->heap_gz, in->heap_gz_bytes);
    if (r->have_heap_base)
        put_bytes(r, "heap.base.pb.gz", in->heap_base_gz, in->heap_base_gz_bytes);
    else if (r->have_heap)
        put_base(r, "heap.base.pb.gz", in->scratch[1], NULL);
}

/* Culprits of a verdict are stacks of the history. */
static void find_in_history(const struct render *r, struct naming_stack *where)
{
    const struct history *h = r->in->history;

    for (int i = 0; i < r->m->n_culprits; i++)
        where[i] = (struct naming_stack){
            NAMING_NONE,
            h ? history_find_fingerprint(h, r->m->culprits[i].fingerprint) : NAMING_NONE};
}

static void name_culprits(struct render *r, const struct profile *heap_base)
{
    const struct dump_input *in = r->in;
    const struct profile *heap = r->have_heap ? in->scratch[1] : NULL;
    struct naming_stack where[MANIFEST_CULPRITS_MAX];
    struct naming_sources sources = {
        .goroutine = in->goroutine,
        .goroutine_base = in->goroutine_base,
        .heap = heap,
        .heap_base = heap_base,
        .pcs = in->pcs,
        .origins = in->origins,
        .history = in->history,
        .target = in->target,
        .from_ms = in->t_ms - r->m->baseline.age_ms,
        .to_ms = in->t_ms,
        .ranked = true,
    };

    if (r->m->n_culprits)
        find_in_history(r, where);
    else
        culprits_find(r->m, (struct culprit_sides){in->goroutine, in->goroutine_base},
                      (struct culprit_sides){heap, heap_base}, where);
    culprits_name(r->m->culprits, where, r->m->n_culprits, &sources);
}

static void put_summary(struct render *r)
{
    bundle_begin(r->out, "summary.txt");
    summary_write(r->m, &r->out->bytes);
    say(r, "summary.txt", bundle_end(r->out), NULL);
}

static void put_history(struct render *r)
{
    const struct dump_input *in = r->in;
    int64_t to_ms = in->t_ms + 1, from_ms = to_ms - CSV_SPAN_MS;

    if (!in->history)
        return;
    bundle_begin(r->out, "history.csv");
    history_csv_write(in->history, in->target, from_ms, to_ms, CSV_BYTES_MAX, &r->out->bytes);
    say(r, "history.csv", bundle_end(r->out), NULL);
}

int dump_render(const struct dump_input *in, struct bundle *out)
{
    struct render r = {.in = in, .m = in->manifest, .out = out};
    const struct profile *heap_base = NULL;

    if (in->goroutine)
        put_diff(&r, "goroutine.diff.pb.gz", in->goroutine, in->goroutine_base);
    else
        say(&r, "goroutine.diff.pb.gz", -ENODATA, "no page of goroutines has been seen");
    heap_decode(&r);
    if (r.have_heap_base)
        heap_base = &r.heap_base;
    name_culprits(&r, heap_base);
    put_summary(&r);
    if (r.have_heap)
        put_diff(&r, "heap.diff.pb.gz", in->scratch[1], heap_base);
    if (in->goroutine) {
        put_profile(&r, "goroutine.pb.gz", in->goroutine);
        put_base(&r, "goroutine.base.pb.gz", in->goroutine, in->goroutine_base);
    }
    put_heap_sides(&r);
    put_history(&r);
    profile_free(&r.heap_base);
    dump_list_files(r.m, out, "");
    return r.error;
}

/* ---- phase 2 ---- */

static int put_native(struct bundle *b, const char *name, const void *bytes, size_t n)
{
    if (!n)
        return 0;
    bundle_begin(b, name);
    buf_put(&b->bytes, bytes, n);
    return bundle_end(b);
}

/* The pair and its diff. A body that is no profile is not kept as one. */
static int native_goroutine(const struct native_input *in, struct bundle *b)
{
    struct profile *now = in->scratch[0], *base = NULL, *out = in->scratch[2];
    int rc = proto_decode(now, in->goroutine_gz, in->goroutine_gz_bytes, NULL), put;

    if (rc)
        return rc;
    if (in->goroutine_base_gz_bytes &&
        !(rc = proto_decode(in->scratch[1], in->goroutine_base_gz, in->goroutine_base_gz_bytes,
                            NULL)))
        base = in->scratch[1];
    put = profile_diff(out, now, base, DIFF_DIFF_BASE, NULL);
    if (!put)
        put = bundle_profile(b, "goroutine.diff.pb.gz", out);
    rc = rc ? rc : put;
    put = put_native(b, "goroutine.pb.gz", in->goroutine_gz, in->goroutine_gz_bytes);
    rc = rc ? rc : put;
    if (base)
        put = put_native(b, "goroutine.base.pb.gz", in->goroutine_base_gz,
                         in->goroutine_base_gz_bytes);
    else
        put = bundle_empty(b, "goroutine.base.pb.gz", now, out);
    return rc ? rc : put;
}

int dump_render_native(const struct native_input *in, struct bundle *out)
{
    int rc = in->goroutine_gz_bytes ? native_goroutine(in, out) : 0, put;

    put = put_native(out, "goroutineleak.pb.gz", in->leak_gz, in->leak_gz_bytes);
    rc = rc ? rc : put;
    put = put_native(out, "goroutines.txt", in->stacks_text, in->stacks_text_bytes);
    return rc ? rc : put;
}
