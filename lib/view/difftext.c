#include "lib/view/difftext.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/detect/owner.h"
#include "lib/dump/dump.h"
#include "lib/profile/diff.h"
#include "lib/view/format.h"
#include "lib/view/functions.h"

#define LIST_DEFAULT 10
#define LIST_MAX 1000
#define FRAMES_MAX 128
#define PLAIN ((struct look){.unicode = true})

/* What both forms tell, worked out once. */
struct told {
    const struct diff_view *v;
    int base_value;
    int64_t now, base; /* totals */
    const char *type, *unit;
    struct function_list functions;
    struct stack_delta *stacks;
    size_t n_functions, n_stacks, all_stacks;
    struct frame frames[FRAMES_MAX];
};

static void told_free(struct told *t)
{
    functions_free(&t->functions);
    free(t->stacks);
    free(t);
}

static size_t bounded(size_t wanted)
{
    if (wanted == 0)
        return LIST_DEFAULT;
    return wanted < LIST_MAX ? wanted : LIST_MAX;
}

static int told_stacks(struct told *t)
{
    size_t max = bounded(t->v->stacks_max);
    int n;

    t->stacks = malloc(max * sizeof(*t->stacks));
    if (t->stacks == NULL)
        return -ENOMEM;
    n = profile_rank(t->v->now, t->v->base, t->v->value, t->stacks, max, &t->all_stacks);
    if (n < 0)
        return n;
    for (int i = 0; i < n && t->stacks[i].now != t->stacks[i].base; i++)
        t->n_stacks++;
    return 0;
}

static int told_functions(struct told *t)
{
    int error = functions_init(&t->functions, t->v->now, t->v->base);

    if (error)
        return error;
    functions_add(&t->functions, t->v->now, t->v->value, 1);
    if (t->v->base)
        functions_add(&t->functions, t->v->base, t->base_value, -1);
    functions_rank(&t->functions);
    t->n_functions = bounded(t->v->functions_max);
    if (t->n_functions > t->functions.n)
        t->n_functions = t->functions.n;
    return 0;
}

static int told_new(struct told **out, const struct diff_view *v)
{
    const struct value_type *type = &v->now->sample_types[v->value];
    struct told *t = calloc(1, sizeof(*t));
    int error;

    if (t == NULL)
        return -ENOMEM;
    t->v = v;
    t->type = profile_text(v->now, type->type).p;
    t->unit = profile_text(v->now, type->unit).p;
    t->now = profile_total(v->now, v->value);
    if (v->base && v->base->n_sample_types) {
        t->base_value = profile_value_index(v->base, t->type);
        if (t->base_value >= 0)
            t->base = profile_total(v->base, t->base_value);
    }
    error = t->base_value < 0 ? ERR_MISMATCH : told_stacks(t);
    if (error == 0)
        error = told_functions(t);
    if (error)
        told_free(t);
    else
        *out = t;
    return error;
}

static size_t told_frames(struct told *t, const struct stack_delta *d)
{
    bool now = d->now_sample != UINT32_MAX;
    const struct profile *p = now ? t->v->now : t->v->base;

    return sample_frames(p, &p->samples.p[now ? d->now_sample : d->base_sample], t->frames,
                         FRAMES_MAX);
}

/* ---- text ---- */

static void text_functions(struct told *t, struct buf *out)
{
    char flat[NUMBER_TEXT_MAX], cum[NUMBER_TEXT_MAX];

    buf_printf(out, "\n%12s %12s  function (%zu of %zu that changed)\n", "flat", "cum",
               t->n_functions, t->functions.n);
    for (size_t i = 0; i < t->n_functions; i++) {
        const struct function_row *row = &t->functions.rows[i];

        buf_printf(out, "%12s %12s  ", value_text(row->flat, t->unit, true, flat),
                   value_text(row->cum, t->unit, true, cum));
        text_put(out, row->name, 0, PLAIN);
        buf_putc(out, '\n');
    }
}

static void text_stack(struct told *t, const struct stack_delta *d, struct buf *out)
{
    char change[NUMBER_TEXT_MAX], base[NUMBER_TEXT_MAX], now[NUMBER_TEXT_MAX];
    char fingerprint[FINGERPRINT_MAX];
    size_t n = told_frames(t, d), culprit = n ? owner_frame(t->frames, n, NULL) : 0;

    buf_printf(out, "\n%12s  %s -> %s  stack %s\n",
               value_text(d->now - d->base, t->unit, true, change),
               value_text(d->base, t->unit, false, base),
               value_text(d->now, t->unit, false, now),
               fingerprint_frames(t->frames, n, fingerprint));
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i == culprit ? "            > " : "              ");
        text_put(out, t->frames[i].function, 0, PLAIN);
        buf_puts(out, "  ");
        text_put(out, t->frames[i].file, 0, PLAIN);
        buf_printf(out, ":%d\n", (int)t->frames[i].line);
    }
}

int diff_text(const struct diff_view *v, struct buf *out)
{
    char base[NUMBER_TEXT_MAX], now[NUMBER_TEXT_MAX], change[NUMBER_TEXT_MAX];
    struct told *t = NULL;
    int error = told_new(&t, v);

    if (error)
        return error;
    buf_printf(out, "%s: %s -> %s (%s)\n", t->type, value_text(t->base, t->unit, false, base),
               value_text(t->now, t->unit, false, now),
               value_text(t->now - t->base, t->unit, true, change));
    if (v->base_name && v->now_name) {
        buf_puts(out, "from ");
        text_put(out, str_of(v->base_name), 0, PLAIN);
        buf_puts(out, " to ");
        text_put(out, str_of(v->now_name), 0, PLAIN);
        buf_putc(out, '\n');
    }
    if (v->now->partial || (v->base && v->base->partial))
        buf_puts(out, "PARTIAL: one side was cut short; only its biggest groups are there\n");
    if (t->n_stacks == 0) {
        buf_puts(out, "\nno stack changed\n");
    } else {
        text_functions(t, out);
        buf_printf(out,
                   "\nstacks that changed most (%zu of %zu), the frame to look at marked >\n",
                   t->n_stacks, t->all_stacks);
        for (size_t i = 0; i < t->n_stacks; i++)
            text_stack(t, &t->stacks[i], out);
    }
    told_free(t);
    return buf_status(out);
}

/* ---- JSON ---- */

static void json_stack(struct told *t, const struct stack_delta *d, struct json *j)
{
    char fingerprint[FINGERPRINT_MAX];
    size_t n = told_frames(t, d);

    json_open(j);
    json_kcstr(j, "fingerprint", fingerprint_frames(t->frames, n, fingerprint));
    json_ki64(j, "before", d->base);
    json_ki64(j, "now", d->now);
    json_ki64(j, "change", d->now - d->base);
    json_ki64(j, "culprit_frame", n ? (int64_t)owner_frame(t->frames, n, NULL) : 0);
    json_key(j, "frames");
    json_open_array(j);
    for (size_t i = 0; i < n; i++) {
        json_open(j);
        json_kstr(j, "function", t->frames[i].function);
        json_kstr(j, "file", t->frames[i].file);
        json_ki64(j, "line", t->frames[i].line);
        json_close(j);
    }
    json_close_array(j);
    json_close(j);
}

static void json_functions(struct told *t, struct json *j)
{
    json_key(j, "functions");
    json_open_array(j);
    for (size_t i = 0; i < t->n_functions; i++) {
        json_open(j);
        json_kstr(j, "function", t->functions.rows[i].name);
        json_ki64(j, "flat", t->functions.rows[i].flat);
        json_ki64(j, "cum", t->functions.rows[i].cum);
        json_close(j);
    }
    json_close_array(j);
}

int diff_json(const struct diff_view *v, struct buf *out)
{
    struct told *t = NULL;
    struct json j;
    int error = told_new(&t, v);

    if (error)
        return error;
    json_init(&j, out);
    json_open(&j);
    json_kcstr(&j, "type", t->type);
    json_kcstr(&j, "unit", t->unit);
    json_kcstr(&j, "from", v->base_name);
    json_kcstr(&j, "to", v->now_name);
    json_ki64(&j, "before", t->base);
    json_ki64(&j, "now", t->now);
    json_ki64(&j, "change", t->now - t->base);
    json_kbool(&j, "partial", v->now->partial || (v->base && v->base->partial));
    json_functions(t, &j);
    json_key(&j, "stacks");
    json_open_array(&j);
    for (size_t i = 0; i < t->n_stacks; i++)
        json_stack(t, &t->stacks[i], &j);
    json_close_array(&j);
    json_ki64(&j, "stacks_in_all", (int64_t)t->all_stacks);
    json_close(&j);
    buf_putc(out, '\n');
    told_free(t);
    return buf_status(out);
}

int diff_growth(const struct diff_view *v, int64_t *rise)
{
    size_t all = v->now->samples.n + (v->base ? v->base->samples.n : 0);
    struct stack_delta *d = malloc((all ? all : 1) * sizeof(*d));
    int n;

    if (d == NULL)
        return -ENOMEM;
    *rise = 0;
    n = profile_rank(v->now, v->base, v->value, d, all, NULL);
    for (int i = 0; i < n; i++)
        if (d[i].now - d[i].base > *rise)
            *rise = d[i].now - d[i].base;
    free(d);
    return n < 0 ? n : 0;
}
