/* For the tests of lib/profile: captures read from tests/data, and a profile
 * as sorted lines of text, so that two can be compared for what they say. */
#ifndef LW_TEST_CAPTURE_H
#define LW_TEST_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/profile/profile.h"
#include "lib/profile/proto.h"

#define CAPTURE_CEILING_BYTES (8u << 20)

static inline struct buf capture_read(const char *name)
{
    char path[512], chunk[4096];
    struct buf b;
    size_t n;
    snprintf(path, sizeof path, LW_TEST_DATA "/captures/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf_init(&b, CAPTURE_CEILING_BYTES);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(&b, chunk, n);
    fclose(f);
    assert_int_equal(buf_status(&b), 0);
    return b;
}

static inline struct buf capture_inflate(const char *name)
{
    struct buf packed = capture_read(name), plain;
    buf_init(&plain, CAPTURE_CEILING_BYTES);
    assert_int_equal(gzip_inflate(&plain, packed.p, packed.len), 0);
    buf_free(&packed);
    return plain;
}

static inline struct profile capture_profile(const char *name)
{
    struct profile p;
    struct errmsg e = {""};
    struct buf b = capture_read(name);
    assert_int_equal(profile_init(&p, CAPTURE_CEILING_BYTES), 0);
    int r = proto_decode(&p, b.p, b.len, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(r, 0);
    buf_free(&b);
    return p;
}

static inline int line_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of labels says nothing: sorted. */
static inline void labels_describe(const struct profile *p, const struct sample *s,
                                   struct buf *out)
{
    const struct label *labels = sample_labels(p, s);
    char texts[64][256], *sorted[64];
    assert_in_range(s->n_labels, 0, 64);
    for (uint32_t i = 0; i < s->n_labels; i++) {
        sorted[i] = texts[i];
        snprintf(texts[i], sizeof texts[i], "[%s=%s %lld %s]", profile_text(p, labels[i].key).p,
                 profile_text(p, labels[i].str).p, (long long)labels[i].num,
                 profile_text(p, labels[i].unit).p);
    }
    qsort(sorted, s->n_labels, sizeof *sorted, line_order);
    for (uint32_t i = 0; i < s->n_labels; i++)
        buf_puts(out, sorted[i]);
}

/* One sample: values, labels, then every line of every location. */
static inline void sample_describe(const struct profile *p, const struct sample *s,
                                   struct buf *out)
{
    const uint32_t *refs = sample_refs(p, s);
    for (int v = 0; v < p->n_sample_types; v++)
        buf_printf(out, "%lld ", (long long)s->values[v]);
    labels_describe(p, s, out);
    for (uint32_t i = 0; i < s->n_refs; i++) {
        const struct location *l = &p->locations.p[refs[i]];
        buf_printf(out, " 0x%llx", (unsigned long long)l->address);
        for (uint32_t j = 0; j < l->n_lines; j++) {
            const struct line *line = &p->lines.p[l->first_line + j];
            const struct function *f = &p->functions.p[line->function];
            buf_printf(out, " %s %s:%d+%lld", profile_text(p, f->name).p,
                       profile_text(p, f->file).p, (int)line->line, (long long)f->start_line);
        }
    }
}

/* The head, then all samples, sorted. To be freed by buf_free. */
static inline struct buf profile_describe(const struct profile *p)
{
    struct buf all, one;
    char **lines = calloc(p->samples.n + 1, sizeof *lines);
    assert_non_null(lines);
    buf_init(&all, CAPTURE_CEILING_BYTES);
    buf_init(&one, CAPTURE_CEILING_BYTES);
    for (size_t i = 0; i < p->samples.n; i++) {
        buf_reset(&one);
        sample_describe(p, &p->samples.p[i], &one);
        lines[i] = strdup(buf_cstr(&one));
        assert_non_null(lines[i]);
    }
    qsort(lines, p->samples.n, sizeof *lines, line_order);
    buf_printf(&all, "period %s/%s %lld time %lld default %s\n",
               profile_text(p, p->period_type.type).p, profile_text(p, p->period_type.unit).p,
               (long long)p->period, (long long)p->time_nanos,
               profile_text(p, p->default_sample_type).p);
    for (int i = 0; i < p->n_sample_types; i++)
        buf_printf(&all, "%s/%s\n", profile_text(p, p->sample_types[i].type).p,
                   profile_text(p, p->sample_types[i].unit).p);
    for (size_t i = 0; i < p->samples.n; i++) {
        buf_printf(&all, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    buf_free(&one);
    assert_int_equal(buf_status(&all), 0);
    buf_cstr(&all);
    return all;
}

static inline void assert_same_profile(const struct profile *a, const struct profile *b)
{
    struct buf x = profile_describe(a), y = profile_describe(b);
    assert_string_equal(x.p, y.p);
    buf_free(&x);
    buf_free(&y);
}

#endif
