/* The parser of debug=1 text on real captures, whole, cut and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "lib/profile/text.h"
#include "tests/unit/profile/render.h"

#define CEILING ((size_t)64 << 20)

static const struct capture {
    const char *file, *name;
    int64_t total;
    uint64_t records, labelled, frameless;
} captures[] = {
    {"zoo-go1.17.goroutine1.txt", "goroutine", 90, 56, 17, 0},
    {"zoo-go1.26.goroutine1.txt", "goroutine", 100, 66, 17, 0},
    {"cart-A.goroutine1.txt", "goroutine", 343, 7, 3, 1},
    {"cart-B.goroutine1.txt", "goroutine", 9318, 7, 3, 0},
    {"leak-go1.26.goroutineleak1.txt", "goroutineleak", 23, 12, 2, 0},
    {"cgo-go1.26.goroutine1.txt", "goroutine", 6, 5, 0, 1},
    {"churn-go1.26.goroutine1.txt", "goroutine", 1790, 16, 13, 2},
    {"big-8000-unique-labels-go1.26.goroutine1.txt.gz", "goroutine", 8004, 8004, 8000, 0},
    {"cart-A.heap1.txt", "heap", 576, 10, 0, 0},
    {"cart-B.heap1.txt", "heap", 29664, 25, 0, 0},
};
#define N_CAPTURES (sizeof captures / sizeof *captures)

struct page {
    char *p;
    size_t n;
};

static struct page load(const char *file)
{
    char path[512];
    struct page page = {malloc((size_t)8 << 20), 0};
    gzFile f;
    int n;

    snprintf(path, sizeof path, "%s/captures/%s", LW_TEST_DATA, file);
    f = gzopen(path, "rb"); /* reads plain files too */
    assert_non_null(f);
    n = gzread(f, page.p, 8u << 20);
    assert_true(n > 0);
    gzclose(f);
    page.n = (size_t)n;
    /* An exact end, so that AddressSanitizer sees a byte too far. */
    page.p = realloc(page.p, page.n);
    return page;
}

/* Feeds in chunks of the given size; 0: of random sizes. */
static int feed(struct text_parser *t, struct page page, size_t chunk, struct text_result *r)
{
    uint32_t seed = 7;
    size_t at = 0;

    while (at < page.n) {
        size_t n = chunk;
        if (!n) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % 300;
        }
        n = n < page.n - at ? n : page.n - at;
        /* A copy of its own: a chunk may not be looked at after its call. */
        char *copy = malloc(n);
        memcpy(copy, page.p + at, n);
        text_feed(t, copy, n);
        free(copy);
        at += n;
    }
    return text_end(t, r);
}

/* A whole parse with everything new. */
static int parse_in(struct page page, size_t chunk, struct text_options o, size_t ceiling,
                    struct profile *p, struct text_result *r)
{
    struct text_parser *t;
    int rc;

    assert_int_equal(profile_init(p, ceiling), 0);
    assert_int_equal(text_new(&t, p, o), 0);
    rc = feed(t, page, chunk, r);
    text_free(&t);
    return rc;
}

static int parse(struct page page, struct profile *p, struct text_result *r)
{
    return parse_in(page, 16384, (struct text_options){0}, CEILING, p, r);
}

static int parse_text(const char *text, struct profile *p, struct text_result *r)
{
    struct page page = {(char *)(uintptr_t)text, strlen(text)};

    return parse(page, p, r);
}

static void test_captures(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CAPTURES; i++) {
        const struct capture *c = &captures[i];
        struct page page = load(c->file);
        struct text_result r;
        struct profile p;
        int rc = parse(page, &p, &r);

        if (rc)
            print_message("%s: %s\n", c->file, r.error.text);
        assert_int_equal(rc, 0);
        assert_false(p.partial);
        assert_true(p.from_text);
        assert_string_equal(r.name, c->name);
        assert_int_equal(r.sum, r.total);
        assert_int_equal(r.total, c->total);
        assert_int_equal(r.records, c->records);
        assert_int_equal(p.samples.n, c->records);
        assert_int_equal(r.labelled, c->labelled);
        assert_int_equal(r.frameless, c->frameless);
        assert_int_equal(r.folded, 0);
        assert_int_equal(r.bytes, page.n);
        if (r.kind == TEXT_COUNT)
            assert_int_equal(profile_total(&p, 0), c->total);
        profile_free(&p);
        free(page.p);
    }
}

static void test_chunks(void **state)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64, 1000, 4096, 0, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < N_CAPTURES; i++) {
        struct page page = load(captures[i].file);
        struct text_result r;
        struct profile p;
        char *want, *got;

        assert_int_equal(parse(page, &p, &r), 0);
        want = render(&p);
        profile_free(&p);
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            struct text_result again;
            assert_int_equal(
                parse_in(page, chunks[c], (struct text_options){0}, CEILING, &p, &again), 0);
            got = render(&p);
            assert_string_equal(got, want);
            assert_memory_equal(&again, &r, sizeof r);
            free(got);
            profile_free(&p);
        }
        free(want);
        free(page.p);
    }
}

/* The second page finds what the first interned, and reads the same. */
static void test_reuse(void **state)
{
    struct text_options o = {0};
    struct text_result r;
    struct text_parser *t;
    struct profile fresh, p;

    (void)state;
    assert_int_equal(profile_init(&p, CEILING), 0);
    assert_int_equal(text_new(&t, &p, o), 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N_CAPTURES; i++) {
            struct page page = load(captures[i].file);
            char *want, *got;
            text_restart(t, &p, o);
            assert_int_equal(feed(t, page, 1000, &r), 0);
            assert_int_equal(parse(page, &fresh, &r), 0);
            want = render(&fresh);
            got = render(&p);
            assert_string_equal(got, want);
            free(want);
            free(got);
            profile_free(&fresh);
            free(page.p);
        }
    }
    text_free(&t);
    profile_free(&p);
}

static void test_steady_state_grows_nothing(void **state)
{
    struct page page = load("zoo-go1.26.goroutine1.txt");
    struct text_options o = {0};
    struct text_result r;
    struct text_parser *t;
    struct profile p;
    size_t bytes = 0;
    const void *text = NULL;

    (void)state;
    assert_int_equal(profile_init(&p, CEILING), 0);
    assert_int_equal(text_new(&t, &p, o), 0);
    for (int i = 0; i < 100; i++) {
        text_restart(t, &p, o);
        assert_int_equal(feed(t, page, 1000, &r), 0);
        if (i > 0) {
            assert_int_equal(p.bytes, bytes);
            assert_ptr_equal(p.text.p, text);
        }
        bytes = p.bytes;
        text = p.text.p;
    }
    text_free(&t);
    profile_free(&p);
    free(page.p);
}

/* Where a heap may end and be whole: at its DebugGC line too, as on systems
 * without MaxRSS. */
static bool may_end(struct page page, size_t at)
{
    static const char last[] = "# DebugGC = false\n";
    size_t n = sizeof last - 1;

    return at == page.n || (at >= n && !memcmp(page.p + at - n, last, n));
}

static void check_cut(struct page page, size_t at, size_t chunk)
{
    struct page part = {malloc(at ? at : 1), at};
    struct text_result r;
    struct profile p;
    int rc;

    memcpy(part.p, page.p, at);
    rc = parse_in(part, chunk, (struct text_options){0}, CEILING, &p, &r);
    if (may_end(page, at)) {
        assert_int_equal(rc, 0);
    } else {
        assert_int_equal(rc, ERR_CUT);
        assert_true(p.partial);
        assert_false(r.stats.present);
        assert_true(r.error.text[0] != '\0');
    }
    assert_int_equal(p.samples.n, r.records);
    if (r.kind == TEXT_COUNT && r.records < p.samples.n)
        assert_true(profile_total(&p, 0) <= r.sum);
    profile_free(&p);
    free(part.p);
}

static void test_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CAPTURES; i++) {
        struct page page = load(captures[i].file);
        size_t step = page.n < 4096 ? 1 : page.n < 65536 ? 61 : page.n / 13;
        for (size_t at = 0; at <= page.n; at += step)
            check_cut(page, at, 16384);
        /* Every byte of the end, where a whole begins. */
        for (size_t back = 0; back < (page.n < 65536 ? 300u : 30u); back++)
            check_cut(page, page.n - back, 16384);
        free(page.p);
    }
}

static void test_garbage_behind(void **state)
{
    static const char *const tails[] = {
        "x", "\n", "\n\n", "1 @ 0x1\n", "# Alloc = x\n", "1 @ 0x1\n\n", "<html>\n", "# "};

    (void)state;
    for (size_t i = 0; i < N_CAPTURES; i++) {
        struct page page = load(captures[i].file);
        for (size_t k = 0; k < sizeof tails / sizeof *tails; k++) {
            size_t n = strlen(tails[k]);
            struct page longer = {malloc(page.n + n), page.n + n};
            struct text_result r;
            struct profile p;
            int rc;
            memcpy(longer.p, page.p, page.n);
            memcpy(longer.p + page.n, tails[k], n);
            rc = parse(longer, &p, &r);
            assert_true(rc == ERR_SYNTAX || rc == ERR_CUT);
            assert_true(p.partial);
            profile_free(&p);
            free(longer.p);
        }
        free(page.p);
    }
}

static void test_syntax(void **state)
{
    static const struct {
        const char *text, *where;
    } rows[] = {
        {"", "the body is empty"},
        {"\n", "line 1: "},
        {"<html>\n", "line 1: "},
        {"goroutine profile: total x\n", "line 1: "},
        {"goroutine profile: total -1\n", "line 1: "},
        {"goroutine profile: total 99999999999999999999\n", "line 1: "},
        {"heap profile: 1: 2 [3: 4] @ heapprofile\n", "line 1: "},
        {"a profile: total 1\n\n", "line 2: "},
        {"a profile: total 1\n0 @ 0x1\n", "line 2: "},
        {"a profile: total 1\n2 @ 0x1\n", "line 2: more than the 1"},
        {"a profile: total 1\n1 @ 0x\n\n", "the @ of line 2"},
        {"a profile: total 1\n1 @ 0x12345678901234567\n\n", "the @ of line 2"},
        {"a profile: total 1\n1 @  0x1\n\n", "the @ of line 2"},
        {"a profile: total 1\n1 @ 0x1 \n\n", "the @ of line 2"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\tf\n", "line 3: no FUNC"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\tf+0x1\n", "line 3: no FUNC"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\t+0x1\ta:1\n", "line 3: no FUNC"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\tf+0x1\ta\n", "line 3: no FILE"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\tf+0x1\ta:\n", "line 3: no FILE"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\"}\n", "line 3: a label's value"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\":\"b\n", "line 3: a label's value"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\":\"b\\\"\n", "line 3: a label's value"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\":\"\\q\"}\n", "line 3: a label's value"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\":\"\\u12\"}\n", "line 3: a label's"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {\"a\":\"b\"\n", "line 3: the labels do not"},
        {"a profile: total 1\n1 @ 0x2\n# labels: {a:\"b\"}\n", "line 3: a label's key"},
        {"a profile: total 1\n1 @ 0x2\n#\t0x1\tf+0x1\ta:1\n# labels: {}\n",
         "line 4: not a frame"},
        {"heap profile: 1: 2 [1: 2] @ heap/2\n1: 3 [1: 3] @ 0x1\n\n\n", "line 4: the records"},
        {"heap profile: 0: 0 [0: 1] @ heap/0\n\n# runtime.Mem\n", "line 3: not \"# runtime"},
        {"heap profile: 0: 0 [0: 1] @ heap/0\n\n# runtime.MemStats\n# Alloc = 1 2\n",
         "line 4: Alloc"},
        {"heap profile: 0: 0 [0: 1] @ heap/0\n\n# runtime.MemStats\n# Stack = 1\n",
         "line 4: Stack"},
        {"heap profile: 0: 0 [0: 1] @ heap/0\n\n# runtime.MemStats\n\n", "line 4: an empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text_result r;
        struct profile p;
        int rc = parse_text(rows[i].text, &p, &r);
        assert_int_equal(rc, *rows[i].text ? ERR_SYNTAX : ERR_CUT);
        if (!strstr(r.error.text, rows[i].where))
            print_message("%s -> %s\n", rows[i].text, r.error.text);
        assert_non_null(strstr(r.error.text, rows[i].where));
        profile_free(&p);
    }
}

static void test_empty_pages(void **state)
{
    static const char heap[] = "heap profile: 0: 0 [0: 1] @ heap/0\n\n# runtime.MemStats\n"
                               "# Alloc = 7\n# Stack = 3 / 4\n# GCCPUFraction = 1.5e-05\n"
                               "# DebugGC = false\n# Newer = thing\n# MaxRSS = 9\n";
    struct text_result r;
    struct profile p;

    (void)state;
    assert_int_equal(parse_text("goroutineleak profile: total 0\n", &p, &r), 0);
    assert_int_equal(p.samples.n, 0);
    profile_free(&p);
    assert_int_equal(parse_text(heap, &p, &r), 0);
    assert_int_equal(p.samples.n, 0);
    assert_true(r.stats.present);
    assert_int_equal(r.stats.alloc_bytes, 7);
    assert_int_equal(r.stats.stack_inuse_bytes, 3);
    assert_int_equal(r.stats.stack_sys_bytes, 4);
    assert_int_equal(r.stats.max_rss_bytes, 9);
    assert_true(r.stats.gc_cpu_fraction > 1.4e-05 && r.stats.gc_cpu_fraction < 1.6e-05);
    profile_free(&p);
}

/* threadcreate: no PCs, and the address of nothing. */
static void test_empty_stacks(void **state)
{
    struct text_result r;
    struct profile p;

    (void)state;
    assert_int_equal(
        parse_text("threadcreate profile: total 12\n11 @\n#\t0x0\n\n1 @ 0x5\n\n", &p, &r), 0);
    assert_int_equal(r.frameless, 2);
    assert_int_equal(p.samples.p[0].n_refs, 0);
    assert_int_equal(p.samples.p[1].n_refs, 1);
    assert_int_equal(p.locations.p[sample_refs(&p, &p.samples.p[1])[0]].address, 4);
    profile_free(&p);
}

/* The number of lines of each location of the only sample, as "0 2 1". */
static void expect_groups(const char *frames, const char *want)
{
    char text[1024], got[64] = "";
    struct text_result r;
    struct profile p;

    snprintf(text, sizeof text, "a profile: total 1\n1 @%s\n", frames);
    assert_int_equal(parse_text(text, &p, &r), 0);
    for (uint32_t i = 0; i < p.samples.p[0].n_refs; i++) {
        size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%d", i ? " " : "",
                 p.locations.p[sample_refs(&p, &p.samples.p[0])[i]].n_lines);
    }
    assert_string_equal(got, want);
    profile_free(&p);
}

static void test_groups(void **state)
{
    (void)state;
    /* f inlined in g; hidden before and behind */
    expect_groups(" 0x1 0x12 0x13 0x5\n#\t0x11\tf+0x1\ta:1\n#\t0x12\tg+0x2\ta:2\n", "0 2 0");
    /* g calls f(inlined in g), which calls g: mutual recursion */
    expect_groups(" 0x12 0x13 0x12 0x13\n#\t0x11\tf+0x1\ta:1\n#\t0x12\tg+0x2\ta:2\n"
                  "#\t0x11\tf+0x1\ta:1\n#\t0x12\tg+0x2\ta:2\n",
                  "2 2");
    /* recursion at one PC */
    expect_groups(" 0x12 0x12\n#\t0x11\tf+0x1\ta:1\n#\t0x11\tf+0x1\ta:1\n", "1 1");
    /* a C PC between them: not inlined */
    expect_groups(" 0x12 0x99 0x13\n#\t0x11\tf+0x1\ta:1\n#\t0x12\tg+0x2\ta:2\n", "1 0 1");
    /* two C frames of one PC, symbolized, then Go */
    expect_groups(" 0x50 0x13\n#\t0x50\tc_inner+0x50\tc.c:1\n#\t0x50\tc_outer+0x50\tc.c:2\n"
                  "#\t0x12\tg+0x2\ta:2\n",
                  "2 1");
    /* the inlined end of a stack cut at its limit has no PCs of its own */
    expect_groups(" 0x12\n#\t0x11\tf+0x1\ta:1\n#\t0x12\tg+0x2\ta:2\n", "2");
    /* an address without a name */
    expect_groups(" 0x12 0x77\n#\t0x11\tf+0x1\ta:1\n#\t0x76\n", "1 0");
}

static void test_line_max(void **state)
{
    static const char text[] =
        "a profile: total 1\n1 @ 0x2\n#\t0x1\tmain.function+0x1\ta:1\n\n";
    struct page page = {(char *)(uintptr_t)text, sizeof text - 1};

    (void)state;
    for (size_t chunk = 1; chunk < 70; chunk++) {
        struct text_result r;
        struct profile p;
        assert_int_equal(
            parse_in(page, chunk, (struct text_options){.line_max = 27}, CEILING, &p, &r), 0);
        profile_free(&p);
        assert_int_equal(
            parse_in(page, chunk, (struct text_options){.line_max = 26}, CEILING, &p, &r),
            ERR_LIMIT);
        assert_string_equal(r.error.text, "line 3: longer than 26 bytes");
        assert_int_equal(r.line, 3);
        profile_free(&p);
    }
}

static void test_stats_only(void **state)
{
    struct page page = load("cart-B.heap1.txt");
    struct text_result r;
    struct profile p;

    (void)state;
    assert_int_equal(
        parse_in(page, 100, (struct text_options){.stats_only = true}, 16384, &p, &r), 0);
    assert_int_equal(p.samples.n, 0);
    assert_int_equal(r.records, 25);
    assert_true(r.stats.present);
    assert_int_equal(r.stats.alloc_bytes, 16405408);
    assert_int_equal(r.stats.heap_released_bytes, 4988928);
    assert_int_equal(r.stats.stack_inuse_bytes, 19464192);
    assert_int_equal(r.stats.last_gc_ns, 1795469102871597230);
    assert_int_equal(r.stats.num_gc, 9);
    assert_int_equal(r.stats.max_rss_bytes, 53538816);
    profile_free(&p);
    free(page.p);
}

/* Under any ceiling the total stays, the profile keeps within, and the biggest
 * groups, which come first, are there by name. */
static void test_fold(void **state)
{
    struct page page = load("zoo-go1.26.goroutine1.txt");
    uint64_t folded = UINT64_MAX;

    (void)state;
    for (size_t ceiling = 24 * 1024; ceiling < 128 * 1024; ceiling += 1024) {
        struct text_result r;
        struct profile p;
        int rc = parse_in(page, 4096, (struct text_options){.fold = true}, ceiling, &p, &r);
        assert_true(p.bytes <= ceiling);
        assert_int_equal(rc, 0);
        assert_int_equal(profile_total(&p, 0), 100);
        assert_int_equal(r.records, 66);
        assert_int_equal(p.samples.n, 66 - r.folded + (r.folded > 0));
        folded = r.folded;
        profile_free(&p);
        rc = parse_in(page, 4096, (struct text_options){0}, ceiling, &p, &r);
        assert_true(rc == ERR_LIMIT || (rc == 0 && r.records == 66));
        assert_int_equal(p.partial, rc != 0);
        profile_free(&p);
    }
    assert_int_equal(folded, 0);
    free(page.p);
}

/* After a page that met the ceiling, one of another shape has all the room. */
static void test_room_after_full(void **state)
{
    struct page zoo = load("zoo-go1.26.goroutine1.txt");
    struct page big = load("big-8000-unique-labels-go1.26.goroutine1.txt.gz");
    struct text_options o = {.fold = true};
    struct text_result r;
    struct text_parser *t;
    struct profile p;

    (void)state;
    assert_int_equal(profile_init(&p, 128 * 1024), 0);
    assert_int_equal(text_new(&t, &p, o), 0);
    for (int i = 0; i < 3; i++) {
        text_restart(t, &p, o);
        assert_int_equal(feed(t, big, 16384, &r), 0);
        assert_true(r.folded > 0);
        assert_int_equal(profile_total(&p, 0), 8004);
        assert_true(p.bytes <= 128 * 1024);
        text_restart(t, &p, o);
        assert_int_equal(feed(t, zoo, 16384, &r), 0);
        assert_int_equal(r.folded, 0);
    }
    text_free(&t);
    profile_free(&p);
    free(zoo.p);
    free(big.p);
}

static bool has_label(const struct profile *p, struct str key, struct str value)
{
    for (size_t i = 0; i < p->samples.n; i++) {
        const struct label *l = sample_labels(p, &p->samples.p[i]);
        for (uint32_t k = 0; k < p->samples.p[i].n_labels; k++)
            if (str_eq(profile_text(p, l[k].key), key) &&
                str_eq(profile_text(p, l[k].str), value))
                return true;
    }
    return false;
}

static void test_labels(void **state)
{
    static const struct {
        struct str key, value;
    } rows[] = {
#define ROW(k, v)            \
    {                        \
        {k, sizeof(k) - 1},  \
        {                    \
            v, sizeof(v) - 1 \
        }                    \
    }
        ROW("job", "resize"),
        ROW("", "emptykey"),
        ROW("e=f", "5"),
        ROW("bad", "\xff\xfe\x00\x01ok"),
        ROW("brace", "}\", \"inj\":\"x"),
        ROW("ctl", "\t\r\v\f\a\b\x7f\x1b[31m"),
        ROW("empty", ""),
        ROW("html", "<script>alert(1)</script>&amp;"),
        ROW("nl", "line1\nline2\n\n3 @ 0x1 0x2\n# labels: {\"fake\":\"1\"}"),
        ROW("pprof::base", "true"),
        ROW("quote\"key", "va\"l:ue, {x}\\"),
        ROW("utf8", "ключ-世界-🎉"),
        ROW("zw", "a\u200bb\u2028c\u00a0d"),
#undef ROW
    };
    struct page page = load("zoo-go1.26.goroutine1.txt");
    struct text_result r;
    struct profile p;

    (void)state;
    assert_int_equal(parse(page, &p, &r), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(has_label(&p, rows[i].key, rows[i].value));
    profile_free(&p);
    assert_int_equal(
        parse_in(page, 99, (struct text_options){.drop_labels = true}, CEILING, &p, &r), 0);
    assert_int_equal(p.labels.n, 0);
    assert_int_equal(r.labelled, 17);
    profile_free(&p);
    free(page.p);
    assert_int_equal(
        parse_text("a profile: total 1\n1 @\n# labels: {\"k\":\"\\U0001f600\\ud800\"}"
                   "\n\n",
                   &p, &r),
        0);
    assert_true(has_label(&p, STR("k"), STR("😀\ufffd")));
    profile_free(&p);
}

static void test_tab_in_file(void **state)
{
    struct page page = load("zoo-go1.26.goroutine1.txt");
    struct text_result r;
    struct profile p;
    bool found = false;

    (void)state;
    assert_int_equal(parse(page, &p, &r), 0);
    for (size_t i = 0; i < p.functions.n; i++)
        found |= str_contains(profile_text(&p, p.functions.p[i].file), "\t");
    assert_true(found);
    profile_free(&p);
    free(page.p);
}

static void test_sniff(void **state)
{
    (void)state;
    assert_true(text_sniff("goroutine profile: total 1\n", 27));
    assert_true(text_sniff("heap profile: 1: 2", 18));
    assert_false(text_sniff("\x1f\x8b\x08", 3));
    assert_false(text_sniff("<html>\n profile: total 3", 24));
    assert_false(text_sniff("", 0));
    assert_false(text_sniff("goroutine 1 [running]:\n", 23));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures),     cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_reuse),        cmocka_unit_test(test_steady_state_grows_nothing),
        cmocka_unit_test(test_cuts),         cmocka_unit_test(test_garbage_behind),
        cmocka_unit_test(test_syntax),       cmocka_unit_test(test_empty_pages),
        cmocka_unit_test(test_empty_stacks), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_line_max),     cmocka_unit_test(test_stats_only),
        cmocka_unit_test(test_fold),         cmocka_unit_test(test_room_after_full),
        cmocka_unit_test(test_labels),       cmocka_unit_test(test_tab_in_file),
        cmocka_unit_test(test_sniff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
