/* The witnesses of E: what the GC proves, what ages and ids tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/confirm.h"
#include "tests/unit/detect/feed.h"

#define DEEP 60

static const char *const names[] = {"main.leak", "main.other", "main.deep"};

/* Stacks 0 and 1: hidden runtime frames aside, a leaf and main.serve. Stack 2 is
 * deep, and cut by debug=1 before its root. */
static size_t frames_of(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    size_t n = sample == 2 ? DEEP : 2;

    (void)ctx;
    for (size_t i = 0; i < n && i < max; i++)
        out[i] = (struct frame){.function = str_of(i == 0 ? names[sample] : "main.serve"),
                                .file = STR("main.go"),
                                .line = (int32_t)(10 * sample + i)};
    return n < max ? n : max;
}

struct fixture {
    struct feed feed;
    struct finding f;
    struct confirm_page page;
    struct confirm_ids none;
    char text[CONFIRM_TEXT_MAX];
};

/* 120 of the first culprit, 100 more than 90 minutes before; 30 of the second. */
static int setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct history_count counts[] = {{.key = 1, .value = 120, .sample = 0},
                                     {.key = 2, .value = 30, .sample = 1},
                                     {.key = 3, .value = 40, .sample = 2}};

    if (x == NULL || feed_open(&x->feed, ORIGIN_MS) != 0)
        return -1;
    history_push_stacks(x->feed.h, 0, HISTORY_STACKS, ORIGIN_MS, counts, 3, frames_of, NULL);
    x->f = (struct finding){.kind = VERDICT_DRIFT,
                            .grade = GRADE_LIKELY,
                            .window_ms = 90 * MINUTE_MS,
                            .n_culprits = 2,
                            .culprits = {{.before = 20, .now = 120, .share = 0.8},
                                         {.before = 10, .now = 30, .share = 0.2}}};
    for (int i = 0; i < 2; i++)
        x->f.culprits[i].stack = history_find_key(x->feed.h, (uint64_t)i + 1);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;

    feed_close(&x->feed);
    free(x);
    return 0;
}

/* ---- the GC ---- */

static void test_gc_proves(void **state)
{
    struct fixture *x = *state;
    int64_t proven[DETECT_CULPRITS_MAX] = {118, 10};

    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_PROVEN);
    assert_string_equal(x->text,
                        "the GC proves 118 of 120 goroutines leaked: 90 % of the growth");
    proven[0] = 130; /* the page is younger than the finding */
    proven[1] = 20;
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_PROVEN);
    assert_string_equal(x->text,
                        "the GC proves 130 of 130 goroutines leaked: 100 % of the growth");
    proven[0] = 0; /* the second culprit is one */
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_PROVEN);
    assert_string_equal(x->text,
                        "the GC proves 0 of 120 goroutines leaked: 20 % of the growth");
}

static void test_gc_proves_too_little(void **state)
{
    struct fixture *x = *state;
    int64_t proven[DETECT_CULPRITS_MAX] = {49, 9};

    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_NOTHING);
    assert_string_equal(x->text,
                        "the GC proves 49 of 120 goroutines leaked: 48 % of the growth");
    proven[0] = 50; /* half of the 100 */
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_PROVEN);
    proven[0] = proven[1] = 0;
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_NOTHING);
    assert_non_null(strstr(x->text, "proves none"));
}

static void test_gc_shares_unknown(void **state)
{
    struct fixture *x = *state;
    int64_t proven[DETECT_CULPRITS_MAX] = {100, 0};

    x->f.culprits[0].share = x->f.culprits[1].share = 0;
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_PROVEN);
    assert_string_equal(x->text,
                        "the GC proves 100 of 120 goroutines leaked: 50 % of the growth");
    x->f.n_culprits = 0;
    assert_int_equal(confirm_by_gc(&x->f, proven, x->text), CONFIRM_NOTHING);
}

static void test_applies(void **state)
{
    struct fixture *x = *state;

    assert_true(confirm_applies(&x->f));
    x->f.kind = VERDICT_HEAP; /* its culprits are sites */
    assert_false(confirm_applies(&x->f));
    x->f.kind = VERDICT_STEP;
    x->f.n_culprits = 0;
    assert_false(confirm_applies(&x->f));
}

/* ---- ages ---- */

/* n goroutines at stack `sample`, ids from first_id, as debug=2 shows them. */
static void add(struct confirm_page *p, int n, uint64_t first_id, uint32_t sample,
                int64_t minutes)
{
    static struct goroutine g;

    g = (struct goroutine){
        .state = STR("chan send"),
        .minutes = minutes,
        .created_by = {.function = STR("main.serve"), .file = STR("main.go"), .line = 7}};
    g.n_frames = frames_of(NULL, sample, g.frames, GOROUTINE_FRAMES_MAX);
    for (int i = 0; i < n; i++) {
        g.id = first_id + (uint64_t)i;
        confirm_page_add(p, &g);
    }
}

static enum confirm_result judge(struct fixture *x)
{
    return confirm_by_age(&x->page, &x->f, ORIGIN_MS + MINUTE_MS, x->text);
}

static void begin(struct fixture *x)
{
    confirm_page_begin(&x->page, x->feed.h, &x->f, &x->none);
}

static void test_ages_prove(void **state)
{
    struct fixture *x = *state;

    begin(x);
    add(&x->page, 96, 1, 0, 47); /* half of 90 minutes, and a GC's interval */
    add(&x->page, 24, 200, 0, -1);
    add(&x->page, 30, 300, 1, -1);
    assert_int_equal(judge(x), CONFIRM_PROVEN);
    assert_string_equal(x->text, "96 of 120 goroutines have waited 47 min or longer");
    assert_string_equal(x->page.buckets[0].origin.state, "chan send");
    assert_string_equal(x->page.buckets[0].origin.created_by, "main.serve");
    assert_string_equal(x->page.buckets[0].origin.created_file, "main.go");
    assert_int_equal(x->page.buckets[0].origin.created_line, 7);
    assert_int_equal(x->page.buckets[1].seen, 30);
}

static void test_ages_too_young(void **state)
{
    struct fixture *x = *state;

    begin(x);
    add(&x->page, 95, 1, 0, 47);
    add(&x->page, 25, 200, 0, 46);
    assert_int_equal(judge(x), CONFIRM_NOTHING); /* 79 % */
    assert_string_equal(x->text, "95 of 120 goroutines have waited 47 min or longer");
}

/* Without a GC there are no ages; with too few goroutines it is another moment. */
static void test_ages_say_nothing(void **state)
{
    struct fixture *x = *state;

    begin(x);
    add(&x->page, 120, 1, 0, -1);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
    assert_string_equal(x->text, "");
    begin(x);
    add(&x->page, 59, 1, 0, 100);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
    begin(x);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
}

static void test_ages_of_a_short_window(void **state)
{
    struct fixture *x = *state;

    x->f.window_ms = 119 * 1000;
    begin(x);
    add(&x->page, 120, 1, 0, 1000);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
    assert_non_null(strstr(x->text, "119 s is too short"));
    x->f.window_ms = 120 * 1000;
    begin(x);
    add(&x->page, 120, 1, 0, 3);
    assert_int_equal(judge(x), CONFIRM_PROVEN);
}

/* Proven by a GC before, they say no minutes. */
static void test_leaked_has_waited(void **state)
{
    struct fixture *x = *state;
    static struct goroutine g;

    begin(x);
    add(&x->page, 1, 900, 1, 2);
    g = (struct goroutine){.minutes = -1, .leaked = true};
    g.n_frames = frames_of(NULL, 0, g.frames, GOROUTINE_FRAMES_MAX);
    for (int i = 0; i < 120; i++)
        confirm_page_add(&x->page, &g);
    assert_int_equal(x->page.buckets[0].leaked, 120);
    assert_int_equal(judge(x), CONFIRM_PROVEN);
}

/* ---- ids ---- */

static void test_ids_stay(void **state)
{
    struct fixture *x = *state;
    struct confirm_ids before;

    begin(x);
    add(&x->page, 120, 1, 0, -1);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
    before = x->page.ids;
    assert_int_equal(before.n, 30); /* one in four */
    confirm_page_begin(&x->page, x->feed.h, &x->f, &before);
    add(&x->page, 120, 1, 0, -1);
    assert_int_equal(x->page.survivors, 30);
    assert_int_equal(judge(x), CONFIRM_NOTHING); /* a loop that wakes: young, and there */
}

static void test_ids_come_and_go(void **state)
{
    struct fixture *x = *state;
    struct confirm_ids before;

    begin(x);
    add(&x->page, 120, 1, 0, -1);
    judge(x);
    before = x->page.ids;
    before.t_ms = ORIGIN_MS - 9 * MINUTE_MS;
    confirm_page_begin(&x->page, x->feed.h, &x->f, &before);
    add(&x->page, 48, 1, 0, -1); /* 12 of 30, where 25 are expected */
    add(&x->page, 72, 1000, 0, -1);
    assert_int_equal(judge(x), CONFIRM_REFUTED);
    assert_string_equal(x->text, "they come and go: of 30 seen 600 s before 12 are left");
    confirm_page_begin(&x->page, x->feed.h, &x->f, &before);
    add(&x->page, 52, 1, 0, -1); /* 13: not clearly less than half */
    add(&x->page, 68, 1000, 0, -1);
    assert_int_equal(judge(x), CONFIRM_NOTHING);
}

/* A leak of 30 on a base of 90 that comes and goes: few stay, and that is it. */
static void test_ids_of_a_mixed_stack(void **state)
{
    struct fixture *x = *state;
    struct confirm_ids before;

    x->f.culprits[0].before = 90;
    begin(x);
    add(&x->page, 120, 1, 0, -1);
    judge(x);
    before = x->page.ids;
    confirm_page_begin(&x->page, x->feed.h, &x->f, &before);
    add(&x->page, 120, 1000, 0, -1); /* even none: too few are expected to speak of */
    assert_int_equal(judge(x), CONFIRM_NOTHING);
}

/* ---- stacks ---- */

/* Deep ones begin alike and end where each text cuts them; others must be equal. */
static void test_deep_stacks(void **state)
{
    struct fixture *x = *state;
    static struct goroutine g;

    x->f.culprits[0].stack = history_find_key(x->feed.h, 3);
    x->f.n_culprits = 1;
    begin(x);
    g = (struct goroutine){.minutes = -1, .elided = true};
    g.n_frames = frames_of(NULL, 2, g.frames, GOROUTINE_FRAMES_MAX);
    confirm_page_add(&x->page, &g);
    g.n_frames = 50;
    confirm_page_add(&x->page, &g);
    assert_int_equal(x->page.buckets[0].seen, 2);
    g.n_frames = CONFIRM_DEEP_FRAMES - 1;
    confirm_page_add(&x->page, &g);
    g.n_frames = 50;
    g.frames[30].line++;
    confirm_page_add(&x->page, &g);
    g.n_frames = 0;
    confirm_page_add(&x->page, &g);
    assert_int_equal(x->page.buckets[0].seen, 2);
}

/* Same functions, another line: another stack. The runtime's frames do not count. */
static void test_lines_and_runtime(void **state)
{
    struct fixture *x = *state;
    static struct goroutine g;

    begin(x);
    g.n_frames = frames_of(NULL, 0, g.frames, GOROUTINE_FRAMES_MAX);
    g.frames[2] = (struct frame){.function = STR("runtime.main"), .line = 283};
    g.n_frames = 3;
    confirm_page_add(&x->page, &g);
    assert_int_equal(x->page.buckets[0].seen, 1);
    g.frames[0].line++;
    confirm_page_add(&x->page, &g);
    assert_int_equal(x->page.buckets[0].seen, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_gc_proves),         T(test_gc_proves_too_little),
        T(test_gc_shares_unknown), T(test_applies),
        T(test_ages_prove),        T(test_ages_too_young),
        T(test_ages_say_nothing),  T(test_ages_of_a_short_window),
        T(test_leaked_has_waited), T(test_ids_stay),
        T(test_ids_come_and_go),   T(test_ids_of_a_mixed_stack),
        T(test_deep_stacks),       T(test_lines_and_runtime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
