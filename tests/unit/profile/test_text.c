/* The parser of debug=1 text on real captures: whole, cut, in pieces, again and
 * under a ceiling. */
#include "tests/unit/profile/page.h"
#include "tests/unit/profile/render.h"

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
        if (i > 1) { /* the second page grew what is known of records */
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

/* Under any ceiling the total stays, the profile keeps within, and the biggest
 * groups, which come first, are there by name. */
static void test_fold(void **state)
{
    struct page page = load("zoo-go1.26.goroutine1.txt");
    uint64_t folded = UINT64_MAX;

    (void)state;
    for (size_t ceiling = 8 * 1024; ceiling < 128 * 1024; ceiling += 512) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_steady_state_grows_nothing),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_garbage_behind),
        cmocka_unit_test(test_line_max),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_room_after_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
