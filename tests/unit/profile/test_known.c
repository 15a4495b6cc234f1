/* Records known from the pages before: every page reads as it does in a profile
 * that knows nothing. */
#include "tests/unit/profile/page.h"
#include "tests/unit/profile/render.h"

#include "lib/profile/index.h"

static const char *const files[] = {
    "zoo-go1.26.goroutine1.txt",
    "cart-B.goroutine1.txt",
    "churn-go1.26.goroutine1.txt",
    "cgo-go1.26.goroutine1.txt",
    "leak-go1.26.goroutineleak1.txt",
    "cart-B.heap1.txt",
    "big-8000-unique-labels-go1.26.goroutine1.txt.gz",
};
#define N_FILES (sizeof files / sizeof *files)

/* A parser that knows a page. */
struct knower {
    struct profile p;
    struct text_parser *t;
};

static int read_again(struct knower *k, struct page page, size_t chunk, struct text_options o,
                      struct text_result *r)
{
    text_restart(k->t, &k->p, o);
    return feed(k->t, page, chunk, r);
}

static void learn(struct knower *k, struct page page, struct text_options o)
{
    struct text_result r;

    assert_int_equal(profile_init(&k->p, CEILING), 0);
    assert_int_equal(text_new(&k->t, &k->p, o), 0);
    for (int i = 0; i < 2; i++) /* it keeps records from the second on */
        assert_int_equal(read_again(k, page, SIZE_MAX, o, &r), 0);
}

static void forget(struct knower *k)
{
    text_free(&k->t);
    profile_free(&k->p);
}

static void same_as_new(struct knower *k, struct page page, size_t chunk, struct text_options o)
{
    struct text_result r, want_r;
    struct profile want_p;
    char *want, *got;
    int rc = read_again(k, page, chunk, o, &r);

    assert_int_equal(rc, parse_in(page, chunk, o, CEILING, &want_p, &want_r));
    assert_string_equal(r.error.text, want_r.error.text);
    assert_memory_equal(&r, &want_r, sizeof r);
    want = render(&want_p);
    got = render(&k->p);
    assert_string_equal(got, want);
    free(want);
    free(got);
    profile_free(&want_p);
}

static uint32_t chance(uint32_t below)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % below);
}

/* Every byte of a page in turn another one: found out, wherever it is. */
static void test_any_byte(void **state)
{
    static const char bytes[] = "\n\t 0#@:1f\"\\";
    static const char text[] =
        "a profile: total 9\n"
        "4 @ 0x401001 0x402001 0x5\n#\t0x401000\tmain.f+0x10\t\ta.go:1\n"
        "#\t0x402000\tmain.long+0x20\ta.go:22\n\n"
        "3 @ 0x401001 0x402001 0x5\n# labels: {\"k\":\"v\", \"l\":\"w\"}\n"
        "#\t0x401000\tmain.f+0x10\t\ta.go:1\n#\t0x402000\tmain.long+0x20\ta.go:22\n\n"
        "1 @ 0x402001 0x401001 0x5\n#\t0x402000\tmain.long+0x20\ta.go:22\n"
        "#\t0x401000\tmain.f+0x10\t\ta.go:1\n\n"
        "1 @ 0x401001 0x402001 0x5\n#\t0x401000\tmain.f+0x10\tb.go:1\n\n";
    struct page page = {(char[sizeof text]){0}, sizeof text - 1};
    struct text_options o = {0};

    (void)state;
    memcpy(page.p, text, sizeof text);
    for (size_t i = 0; i < page.n; i++) {
        struct knower k;
        learn(&k, page, o);
        assert_true(k.p.index->known_records.n >= 3);
        for (const char *b = bytes; *b; b++) {
            page.p[i] = *b;
            same_as_new(&k, page, SIZE_MAX, o);
        }
        page.p[i] = text[i];
        same_as_new(&k, page, SIZE_MAX, o);
        same_as_new(&k, (struct page){page.p, i}, SIZE_MAX, o);
        forget(&k);
    }
}

struct record_span {
    const char *p;
    size_t n;
};

/* Where the page's records are; what is before and behind them stays. */
static size_t find_records(struct page page, struct record_span *spans, size_t max)
{
    const char *p = memchr(page.p, '\n', page.n), *end;
    size_t n = 0;

    for (p++; n < max && p < page.p + page.n && *p >= '0' && *p <= '9'; p = end) {
        end = memmem(p, page.n - (size_t)(p - page.p), "\n\n", 2);
        assert_non_null(end);
        end += 2;
        spans[n++] = (struct record_span){p, (size_t)(end - p)};
    }
    return n;
}

/* The page with its records in another order, some of one digit changed. */
static struct page shuffle(struct page page)
{
    static struct record_span spans[8192];
    struct page out = {malloc(page.n), 0};
    size_t n = find_records(page, spans, sizeof spans / sizeof *spans);
    size_t tail = (size_t)(spans[n - 1].p + spans[n - 1].n - page.p);

    out.n = (size_t)(spans[0].p - page.p);
    memcpy(out.p, page.p, out.n);
    for (size_t i = n; i > 1; i--) {
        size_t j = chance((uint32_t)i);
        struct record_span s = spans[i - 1];
        spans[i - 1] = spans[j];
        spans[j] = s;
    }
    for (size_t i = 0; i < n; i++) {
        char *copy = out.p + out.n;
        memcpy(copy, spans[i].p, spans[i].n);
        out.n += spans[i].n;
        size_t at = chance((uint32_t)spans[i].n);
        if (!chance(10) && copy[at] >= '1' && copy[at] <= '8' && at > 20)
            copy[at]++;
    }
    memcpy(out.p + out.n, page.p + tail, page.n - tail);
    out.n = page.n;
    return out;
}

static void test_shuffled(void **state)
{
    static const size_t chunks[] = {SIZE_MAX, 16384, 1000, 0, 64};
    struct text_options o = {0};

    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        struct page page = load(files[i]);
        struct knower k;
        learn(&k, page, o);
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            struct page other = shuffle(page);
            same_as_new(&k, other, chunks[c], o);
            free(other.p);
        }
        forget(&k);
        free(page.p);
    }
}

/* What is known was read under other options. */
static void test_options(void **state)
{
    static const struct text_options options[] = {
        {0},
        {.drop_labels = true},
        {.fold = true},
        {.stats_only = true},
        {.line_max = 100},
        {.line_max = 60},
        {.drop_labels = true, .fold = true, .line_max = 200},
    };
    const size_t n = sizeof options / sizeof *options;

    (void)state;
    for (size_t f = 0; f < N_FILES - 1; f++) {
        struct page page = load(files[f]);
        for (size_t i = 0; i < n; i++) {
            struct knower k;
            if (options[i].line_max)
                continue; /* such a page is no page to learn from */
            learn(&k, page, options[i]);
            for (size_t j = 0; j < n; j++)
                same_as_new(&k, page, 16384, options[j]);
            forget(&k);
        }
        free(page.p);
    }
}

/* A record is taken from what is known of it: a sample of the stack there. */
static void test_taken(void **state)
{
    struct page page = load("cart-B.goroutine1.txt");
    struct text_options o = {0};
    struct text_result r;
    struct knower k;

    (void)state;
    learn(&k, page, o);
    assert_int_equal(k.p.index->known_records.n, 5);
    for (size_t i = 0; i < 5; i++)
        k.p.index->known_records.p[i].stack = k.p.index->known_records.p[0].stack;
    assert_int_equal(read_again(&k, page, SIZE_MAX, o, &r), 0);
    assert_int_equal(k.p.index->known_records.n, 5);
    for (size_t i = 0; i < k.p.samples.n; i++)
        assert_int_equal(k.p.samples.p[i].first_ref, k.p.samples.p[0].first_ref);
    forget(&k);
    free(page.p);
}

/* Another parser has another secret: nothing is taken, nothing is wrong. */
static void test_other_secret(void **state)
{
    struct page page = load("cart-B.goroutine1.txt");
    struct text_options o = {.seed = 1};
    struct knower k;

    (void)state;
    learn(&k, page, o);
    text_free(&k.t);
    o.seed = 2;
    assert_int_equal(text_new(&k.t, &k.p, o), 0);
    for (int i = 0; i < 3; i++)
        same_as_new(&k, page, SIZE_MAX, o);
    forget(&k);
    free(page.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_byte),     cmocka_unit_test(test_shuffled),
        cmocka_unit_test(test_options),      cmocka_unit_test(test_taken),
        cmocka_unit_test(test_other_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
