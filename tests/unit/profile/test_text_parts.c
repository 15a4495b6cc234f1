/* The parts of the parser: errors and where, empty pages, the grouping of
 * frames, labels, the tail. */
#include <inttypes.h>
#include <math.h>

#include "tests/unit/profile/page.h"

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
        {"a profile: total 1\n1 @ 0x\n\n", "line 2: not PCs"},
        {"a profile: total 1\n1 @ 0x12345678901234567\n\n", "line 2: not PCs"},
        {"a profile: total 1\n1 @  0x1\n\n", "line 2: not PCs"},
        {"a profile: total 1\n1 @ 0x1 \n\n", "line 2: not PCs"},
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

/* Numbers of every length, which are read eight digits at a time. */
static void test_digits(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 16; digits++) {
        uint64_t address = 0xfedcba9876543211u >> 4 * (16 - digits);
        int32_t line = (int32_t)(2147483647 % (uint64_t)pow(10, digits < 10 ? digits : 10));
        struct text_result r;
        struct profile p;
        char text[512];

        snprintf(
            text, sizeof text,
            "a profile: total 2\n"
            "1 @ 0x%" PRIx64 " 0x5\n#\t0x%" PRIx64 "\tf+0x%" PRIx64 "\tg.go:%" PRId32 "\n\n"
            "1 @ 0x5 0x%" PRIx64 "\n#\t0x%" PRIx64 "\tf+0x%" PRIx64 "\tg.go:-%" PRId32 "\n\n",
            address + 1, address, address, line, address + 1, address, address, line);
        assert_int_equal(parse_text(text, &p, &r), 0);
        for (size_t i = 0; i < 2; i++) {
            const uint32_t *refs = sample_refs(&p, &p.samples.p[i]);
            const struct location *l = &p.locations.p[refs[i]];
            assert_int_equal(p.samples.p[i].n_refs, 2);
            assert_int_equal(p.locations.p[refs[!i]].address, 4);
            assert_true(l->address == address);
            assert_int_equal(p.lines.p[l->first_line].line, i ? -line : line);
        }
        profile_free(&p);
    }
}

/* How far a record's columns are apart is of no meaning; all else is. */
static void test_lines_alike(void **state)
{
    static const char record[] = "1 @ 0x401001\n#\t0x401000\tmain.%s+0x%x\t%sdir/%s.go:%d\n\n";
    static const struct {
        const char *name, *tabs, *file;
        unsigned offset;
        int line, want; /* the first record of the same stack */
    } rows[] = {
        {"work", "", "file", 0x20, 10, 0},
        {"work", "\t\t", "file", 0x20, 10, 0},
        {"walk", "", "file", 0x20, 10, 2},
        {"work", "\t", "fine", 0x20, 10, 3},
        {"work", "", "file", 0x20, 11, 4},
        {"work", "", "file", 0x30, 10, 0},
        {"a_long_name_1", "", "file", 0x20, 9, 6},
        {"a_long_name_2", "", "file", 0x20, 9, 7},
        {"a_long_name_3", "", "file", 0x20, 9, 8},
        {"a_long_name_4", "", "file", 0x20, 9, 9},
        {"a_long_name_5", "", "file", 0x20, 9, 10},
        {"a_long_name_6", "", "file", 0x20, 9, 11},
        {"a_long_name_5", "\t", "file", 0x20, 9, 10},
        {"walk", "\t\t\t", "file", 0x20, 10, 2},
    };
    const size_t n = sizeof rows / sizeof *rows;
    char text[4096];
    struct text_result r;
    struct profile p;
    size_t at = (size_t)snprintf(text, sizeof text, "a profile: total %zu\n", n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, record, rows[i].name,
                               rows[i].offset, rows[i].tabs, rows[i].file, rows[i].line);
    assert_int_equal(parse_text(text, &p, &r), 0);
    assert_int_equal(p.samples.n, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            assert_int_equal(*sample_refs(&p, &p.samples.p[i]) ==
                                 *sample_refs(&p, &p.samples.p[j]),
                             rows[i].want == rows[j].want);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),       cmocka_unit_test(test_empty_pages),
        cmocka_unit_test(test_empty_stacks), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_labels),       cmocka_unit_test(test_digits),
        cmocka_unit_test(test_lines_alike),  cmocka_unit_test(test_tab_in_file),
        cmocka_unit_test(test_sniff),        cmocka_unit_test(test_stats_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
