/* For the tests of blocking and classify: what a real program's pprof said that
 * leaks in every way (tests/data/leaks), each leak under the label "leak". */
#ifndef LW_TEST_LEAKS_H
#define LW_TEST_LEAKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/detect/classify.h"
#include "lib/profile/proto.h"
#include "lib/profile/text.h"

#define LEAKS_CEILING_BYTES (8u << 20)
#define LEAKS_STACKS_MAX 32
#define LEAKS_SITES_MAX 2048

struct leaks {
    struct profile text, proto, heap;
    struct blocking_pcs pcs;
    uint32_t sites[LEAKS_SITES_MAX]; /* samples of heap, by bytes in use */
    uint32_t n_sites;
};

static inline struct buf leaks_read(const char *name)
{
    char path[512], chunk[4096];
    struct buf b;
    size_t n;
    snprintf(path, sizeof path, LW_TEST_DATA "/leaks/leaks-go1.26.%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf_init(&b, LEAKS_CEILING_BYTES);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(&b, chunk, n);
    fclose(f);
    assert_int_equal(buf_status(&b), 0);
    return b;
}

static inline void leaks_text(struct profile *p, const char *name)
{
    struct text_parser *t = NULL;
    struct text_result r;
    struct buf b = leaks_read(name);
    assert_int_equal(profile_init(p, LEAKS_CEILING_BYTES), 0);
    assert_int_equal(text_new(&t, p, (struct text_options){0}), 0);
    assert_int_equal(text_feed(t, b.p, b.len), 0);
    assert_int_equal(text_end(t, &r), 0);
    text_free(&t);
    buf_free(&b);
}

static inline void leaks_proto(struct profile *p, const char *name)
{
    struct buf b = leaks_read(name);
    assert_int_equal(profile_init(p, LEAKS_CEILING_BYTES), 0);
    assert_int_equal(proto_decode(p, b.p, b.len, NULL), 0);
    buf_free(&b);
}

/* "0x41d2b6 runtime.chansend1", as /debug/pprof/symbol answers. */
static inline void leaks_symbols(struct blocking_pcs *t, const char *name)
{
    struct buf b = leaks_read(name);
    struct str rest = buf_view(&b), line, pc;
    uint64_t address;
    while (str_split(&rest, '\n', &line))
        if (str_split(&line, ' ', &pc) && str_hex(pc, &address) == 0)
            blocking_learn(t, address, line);
    buf_free(&b);
}

static inline int64_t leaks_inuse(const struct leaks *l, uint32_t sample)
{
    return l->heap.samples.p[sample].values[profile_value_index(&l->heap, "inuse_space")];
}

static inline void leaks_rank_sites(struct leaks *l)
{
    assert_in_range(l->heap.samples.n, 1, LEAKS_SITES_MAX);
    for (uint32_t i = 0; i < l->heap.samples.n; i++) {
        uint32_t at = l->n_sites++;
        for (; at > 0 && leaks_inuse(l, i) > leaks_inuse(l, l->sites[at - 1]); at--)
            l->sites[at] = l->sites[at - 1];
        l->sites[at] = i;
    }
}

static inline void leaks_open(struct leaks *l)
{
    memset(l, 0, sizeof *l);
    leaks_text(&l->text, "goroutine1.txt");
    leaks_proto(&l->proto, "goroutine0.pb.gz");
    leaks_proto(&l->heap, "heap0.pb.gz");
    leaks_symbols(&l->pcs, "symbols.txt");
    leaks_rank_sites(l);
}

static inline void leaks_close(struct leaks *l)
{
    profile_free(&l->text);
    profile_free(&l->proto);
    profile_free(&l->heap);
}

/* The samples of one leak; returns how many. */
static inline uint32_t leaks_of(const struct profile *p, const char *name,
                                uint32_t out[LEAKS_STACKS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->samples.n; i++) {
        const struct label *labels = sample_labels(p, &p->samples.p[i]);
        for (uint32_t k = 0; k < p->samples.p[i].n_labels; k++)
            if (str_is(profile_text(p, labels[k].key), "leak") &&
                str_is(profile_text(p, labels[k].str), name) && n < LEAKS_STACKS_MAX)
                out[n++] = i;
    }
    return n;
}

/* The stack of a leak whose leaf, or whose user's function, begins so. */
static inline const struct sample *leaks_stack(const struct profile *p, const char *leak,
                                               const char *function)
{
    uint32_t samples[LEAKS_STACKS_MAX], n = leaks_of(p, leak, samples);
    struct frame frames[HISTORY_FRAMES_MAX];
    for (uint32_t i = 0; i < n; i++) {
        const struct sample *s = &p->samples.p[samples[i]];
        size_t depth = sample_frames(p, s, frames, HISTORY_FRAMES_MAX);
        for (size_t k = 0; k < depth; k++)
            if (str_is(frames[k].function, function))
                return s;
    }
    fail_msg("no stack of %s goes through %s", leak, function);
    return NULL;
}

/* The leaks of a group of tests. */
static struct leaks leaks;

static inline int leaks_set_up(void **state)
{
    (void)state;
    leaks_open(&leaks);
    return 0;
}

static inline int leaks_tear_down(void **state)
{
    (void)state;
    leaks_close(&leaks);
    return 0;
}

#endif
