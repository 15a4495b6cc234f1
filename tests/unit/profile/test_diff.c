/* Differences against what Go's pprof made of the same files; ranks; cuts. */
#include <errno.h>

#include "tests/unit/profile/capture.h"

#include "lib/base/err.h"
#include "lib/profile/diff.h"
#include "lib/profile/text.h"

static struct profile profile_new(void)
{
    struct profile p;
    assert_int_equal(profile_init(&p, CAPTURE_CEILING_BYTES), 0);
    return p;
}

static void assert_diff(const char *base_name, const char *now_name, enum diff_mode mode,
                        const char *golden_name)
{
    struct profile base = capture_profile(base_name), now = capture_profile(now_name);
    struct profile golden = capture_profile(golden_name), out = profile_new();
    struct errmsg e = {""};
    assert_int_equal(profile_diff(&out, &now, &base, mode, &e), 0);
    assert_same_profile(&out, &golden);
    profile_free(&base);
    profile_free(&now);
    profile_free(&golden);
    profile_free(&out);
}

static void test_as_pprof(void **state)
{
    (void)state;
    assert_diff("cart-A.goroutine0.pb.gz", "cart-B.goroutine0.pb.gz", DIFF_BASE,
                "cart-base.goroutine.pb.gz");
    assert_diff("cart-A.goroutine0.pb.gz", "cart-B.goroutine0.pb.gz", DIFF_DIFF_BASE,
                "cart-diff_base.goroutine.pb.gz");
    assert_diff("cart-A.heap0.pb.gz", "cart-B.heap0.pb.gz", DIFF_BASE, "cart-base.heap.pb.gz");
}

static void test_nothing_remains_of_equals(void **state)
{
    struct profile p = capture_profile("zoo-go1.26.goroutine0.pb.gz"), out = profile_new();
    (void)state;
    assert_int_equal(profile_diff(&out, &p, &p, DIFF_BASE, NULL), 0);
    assert_int_equal(out.samples.n, 0);
    assert_int_equal(out.n_sample_types, p.n_sample_types);
    assert_int_equal(profile_diff(&out, &p, &p, DIFF_DIFF_BASE, NULL), 0);
    assert_int_equal(profile_total(&out, 0), 0);
    assert_true(out.samples.n > p.samples.n);
    profile_free(&p);
    profile_free(&out);
}

static void test_without_base(void **state)
{
    struct profile p = capture_profile("cart-B.goroutine0.pb.gz"), out = profile_new();
    struct profile empty = profile_new();
    (void)state;
    assert_int_equal(profile_diff(&out, &p, NULL, DIFF_BASE, NULL), 0);
    assert_same_profile(&out, &p);
    assert_int_equal(profile_diff(&out, &p, &empty, DIFF_DIFF_BASE, NULL), 0);
    assert_same_profile(&out, &p);
    assert_int_equal(profile_diff(&out, &empty, &p, DIFF_BASE, NULL), 0);
    assert_int_equal(out.samples.n, p.samples.n);
    assert_int_equal(profile_total(&out, 0), -profile_total(&p, 0));
    profile_free(&empty);
    profile_free(&p);
    profile_free(&out);
}

static void test_mismatch(void **state)
{
    struct profile a = capture_profile("cart-A.goroutine0.pb.gz");
    struct profile b = capture_profile("cart-B.goroutine0.pb.gz");
    struct profile heap = capture_profile("cart-A.heap0.pb.gz"), out = profile_new();
    struct errmsg e = {""};
    (void)state;
    assert_int_equal(profile_diff(&out, &b, &heap, DIFF_BASE, &e), ERR_MISMATCH);
    assert_non_null(strstr(e.text, "sample types"));
    a.from_text = true;
    assert_int_equal(profile_diff(&out, &b, &a, DIFF_BASE, &e), ERR_MISMATCH);
    assert_non_null(strstr(e.text, "text"));
    a.from_text = false;
    b.sample_types[0].unit = 0;
    assert_int_equal(profile_diff(&out, &b, &a, DIFF_BASE, &e), ERR_MISMATCH);
    profile_free(&a);
    profile_free(&b);
    profile_free(&heap);
    profile_free(&out);
}

/* A profile of one-frame stacks: "f0" with values[0], "f1" with values[1] … */
static struct profile stacks(const int64_t *values, size_t n, const struct label *label)
{
    struct profile p = profile_new();
    p.n_sample_types = 1;
    assert_int_equal(profile_string(&p, STR("goroutine"), &p.sample_types[0].type), 0);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        struct function f = {0};
        struct line line = {0, 7};
        uint32_t location;
        snprintf(name, sizeof name, "f%zu", i);
        assert_int_equal(profile_string(&p, str_of(name), &f.name), 0);
        assert_int_equal(profile_function(&p, f, &line.function), 0);
        assert_int_equal(profile_location(&p, 100 + i, 0, &line, 1, false, &location), 0);
        int64_t v[PROFILE_VALUES_MAX] = {values[i]};
        assert_int_equal(profile_sample(&p, &location, 1, label, label != NULL, v), 0);
    }
    return p;
}

static struct profile text_profile(const char *name)
{
    struct profile p = profile_new();
    struct buf b = capture_read(name);
    struct text_parser *t;
    struct text_result result;
    assert_int_equal(text_new(&t, &p, (struct text_options){0}), 0);
    text_feed(t, b.p, b.len);
    assert_int_equal(text_end(t, &result), 0);
    text_free(&t);
    buf_free(&b);
    return p;
}

/* A baseline read back from its file cancels against the scrape it was. */
static void test_against_its_own_file(void **state)
{
    const char *const names[] = {"cart-B.goroutine1.txt", "cart-B.heap1.txt",
                                 "cgo-go1.26.goroutine1.txt", "zoo-go1.26.goroutine1.txt"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct profile p = text_profile(names[i]), file = profile_new(), out = profile_new();
        struct buf b;
        buf_init(&b, CAPTURE_CEILING_BYTES);
        assert_int_equal(proto_encode_gzip(&p, &b), 0);
        assert_int_equal(proto_decode(&file, b.p, b.len, NULL), 0);
        assert_true(file.from_text);
        assert_int_equal(profile_diff(&out, &p, &file, DIFF_BASE, NULL), 0);
        assert_int_equal(out.samples.n, 0);
        profile_free(&p);
        profile_free(&file);
        profile_free(&out);
        buf_free(&b);
    }
}

static void test_labels_in_any_order(void **state)
{
    struct profile p = stacks((int64_t[]){5}, 1, NULL), q = stacks((int64_t[]){5}, 1, NULL);
    struct profile out = profile_new();
    struct profile *sides[] = {&p, &q};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct label l[3] = {{0}};
        int64_t one[PROFILE_VALUES_MAX] = {1};
        assert_int_equal(profile_string(sides[i], STR("a"), &l[i].key), 0);
        assert_int_equal(profile_string(sides[i], STR("b"), &l[1 - i].key), 0);
        assert_int_equal(profile_string(sides[i], STR("v"), &l[0].str), 0);
        l[1].str = l[0].str;
        l[2].key = l[0].key; /* without a value: none */
        assert_int_equal(profile_sample(sides[i], sample_refs(sides[i], sides[i]->samples.p), 1,
                                        l, i ? 2 : 3, one),
                         0);
    }
    assert_int_equal(profile_diff(&out, &p, &q, DIFF_BASE, NULL), 0);
    assert_int_equal(out.samples.n, 0);
    profile_free(&p);
    profile_free(&q);
    profile_free(&out);
}

static void test_own_base_label(void **state)
{
    struct profile p = stacks((int64_t[]){5}, 1, NULL), base = stacks((int64_t[]){2}, 1, NULL);
    struct profile out = profile_new();
    struct label own = {0};
    (void)state;
    assert_int_equal(profile_string(&p, STR("pprof::base"), &own.key), 0);
    assert_int_equal(profile_string(&p, STR("true"), &own.str), 0);
    int64_t v[PROFILE_VALUES_MAX] = {3};
    assert_int_equal(profile_sample(&p, sample_refs(&p, &p.samples.p[0]), 1, &own, 1, v), 0);
    assert_int_equal(profile_diff(&out, &p, &base, DIFF_DIFF_BASE, NULL), 0);
    assert_int_equal(out.samples.n, 2);
    assert_int_equal(out.samples.p[0].values[0], 8); /* both of ours, unlabelled */
    assert_int_equal(out.samples.p[0].n_labels, 0);
    assert_int_equal(out.samples.p[1].values[0], -2);
    assert_int_equal(out.samples.p[1].n_labels, 1);
    profile_free(&p);
    profile_free(&base);
    profile_free(&out);
}

static void test_extremes_do_not_overflow(void **state)
{
    struct profile low = stacks((int64_t[]){INT64_MIN, INT64_MAX}, 2, NULL);
    struct profile high = stacks((int64_t[]){INT64_MAX, INT64_MIN}, 2, NULL);
    struct profile out = profile_new();
    struct stack_delta deltas[4];
    (void)state;
    assert_int_equal(profile_diff(&out, &high, &low, DIFF_BASE, NULL), 0);
    assert_int_equal(profile_rank(&high, &low, 0, deltas, 4, NULL), 2);
    assert_int_equal(deltas[0].now, INT64_MAX); /* equal distances: by now */
    assert_int_equal(profile_cut(&out, &low, 0, 1), 0);
    assert_int_equal(out.samples.p[0].values[0], INT64_MIN);
    profile_free(&low);
    profile_free(&high);
    profile_free(&out);
}

static void test_rank(void **state)
{
    struct profile now = stacks((int64_t[]){10, 500, 40, 7}, 4, NULL);
    struct profile base = stacks((int64_t[]){10, 100, 90, 0, 3}, 5, NULL);
    struct stack_delta d[8];
    size_t total = 0;
    (void)state;
    assert_int_equal(profile_rank(&now, &base, 0, d, 8, &total), 5);
    assert_int_equal(total, 5);
    assert_int_equal(d[0].now_sample, 1);
    assert_int_equal(d[0].now, 500);
    assert_int_equal(d[0].base, 100);
    assert_int_equal(d[0].key, sample_key(&now, &now.samples.p[1]));
    assert_int_equal(d[1].now_sample, 2);
    assert_int_equal(d[2].now_sample, 3);
    assert_int_equal(d[3].now_sample, UINT32_MAX); /* only the base has f4 */
    assert_int_equal(d[3].base_sample, 4);
    assert_int_equal(d[4].now_sample, 0);
    assert_int_equal(profile_rank(&now, &base, 0, d, 2, &total), 2);
    assert_int_equal(total, 5);
    assert_int_equal(profile_rank(&now, NULL, 0, d, 8, NULL), 4);
    assert_int_equal(profile_rank(&now, &base, -1, d, 8, NULL), -EINVAL);
    profile_free(&now);
    profile_free(&base);
}

static void test_rank_of_captures(void **state)
{
    struct profile now = capture_profile("cart-B.goroutine0.pb.gz");
    struct profile base = capture_profile("cart-A.goroutine0.pb.gz");
    struct profile heap = capture_profile("cart-A.heap0.pb.gz");
    struct stack_delta d[2];
    struct frame frames[64];
    (void)state;
    assert_int_equal(profile_rank(&now, &base, 0, d, 2, NULL), 2);
    assert_int_equal(d[0].now - d[0].base, 9000); /* three tenants, labels summed away */
    assert_true(sample_frames(&now, &now.samples.p[d[0].now_sample], frames, 64) > 0);
    assert_true(str_is(frames[0].function, "main.(*order).waitPaid"));
    assert_int_equal(d[1].now - d[1].base, -25);
    assert_int_equal(profile_rank(&now, &heap, 0, d, 2, NULL), ERR_MISMATCH);
    profile_free(&now);
    profile_free(&base);
    profile_free(&heap);
}

static void test_cut(void **state)
{
    struct profile p = stacks((int64_t[]){1, -50, 3, 40, -2}, 5, NULL), out = profile_new();
    struct frame frame;
    (void)state;
    assert_int_equal(profile_cut(&out, &p, 0, 2), 0);
    assert_int_equal(out.samples.n, 3);
    assert_int_equal(out.samples.p[0].values[0], -50);
    assert_int_equal(out.samples.p[1].values[0], 40);
    assert_int_equal(out.samples.p[2].values[0], 2);
    assert_int_equal(sample_frames(&out, &out.samples.p[2], &frame, 1), 1);
    assert_true(str_is(frame.function, "[other]"));
    assert_int_equal(profile_cut(&out, &p, 0, 0), 0);
    assert_int_equal(out.samples.n, 1);
    assert_int_equal(profile_total(&out, 0), profile_total(&p, 0));
    assert_int_equal(profile_cut(&out, &p, 0, 5), 0);
    assert_same_profile(&out, &p);
    profile_free(&p);
    profile_free(&out);
}

static void test_ceiling(void **state)
{
    struct profile p = capture_profile("cart-B.heap0.pb.gz"), out;
    struct errmsg e = {""};
    (void)state;
    assert_int_equal(profile_init(&out, 8192), 0);
    assert_int_equal(profile_diff(&out, &p, NULL, DIFF_BASE, &e), ERR_LIMIT);
    assert_true(e.text[0] != '\0');
    assert_true(out.bytes <= 8192);
    profile_free(&p);
    profile_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_pprof),
        cmocka_unit_test(test_nothing_remains_of_equals),
        cmocka_unit_test(test_without_base),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_against_its_own_file),
        cmocka_unit_test(test_labels_in_any_order),
        cmocka_unit_test(test_own_base_label),
        cmocka_unit_test(test_extremes_do_not_overflow),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_rank_of_captures),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
