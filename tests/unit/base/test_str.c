#include "tests/unit/base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static void test_compare(void **state)
{
    (void)state;
    struct str none = str_of(NULL);
    assert_int_equal(none.n, 0);
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_is(STR("auto"), "auto"));
    assert_false(str_is(STR("auto"), "aut"));
    assert_true(str_is(none, ""));
}

static void test_ends(void **state)
{
    (void)state;
    struct str none = str_of(NULL);
    assert_true(str_starts(STR("goroutine 1"), "goroutine "));
    assert_false(str_starts(STR("go"), "gor"));
    assert_true(str_starts(none, ""));
    assert_false(str_starts(none, "a"));
    assert_true(str_ends(STR("heap.pb.gz"), ".gz"));
    assert_false(str_ends(STR("gz"), ".gz"));
    assert_true(str_ends(none, ""));
    assert_true(str_contains(STR("main.leak"), "n.l"));
    assert_true(str_contains(STR("abc"), "abc"));
    assert_false(str_contains(STR("abc"), "abcd"));
    assert_false(str_contains(none, "a"));
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t\r\n\v\fa b \n")), "a b"));
    assert_int_equal(str_trim(STR(" \t ")).n, 0);
    assert_int_equal(str_trim(str_of(NULL)).n, 0);
    assert_int_equal(str_trim(STR("\0")).n, 1); /* a zero is no space */
}

static void test_split(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,"), head;
    const char *const want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_split(&rest, ',', &head));
        assert_true(str_is(head, want[i]));
    }
    assert_false(str_split(&rest, ',', &head));
    rest = STR("");
    assert_true(str_split(&rest, ',', &head));
    assert_int_equal(head.n, 0);
    assert_false(str_split(&rest, ',', &head));
    rest = str_of(NULL);
    assert_false(str_split(&rest, ',', &head));
}

static void test_copy(void **state)
{
    (void)state;
    char out[4];
    assert_string_equal(str_copy(out, sizeof out, STR("abcdef")), "abc");
    assert_string_equal(str_copy(out, sizeof out, STR("abc")), "abc");
    assert_string_equal(str_copy(out, sizeof out, str_of(NULL)), "");
    assert_string_equal(str_copy(out, 1, STR("abc")), "");
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        size_t want;
    } rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xc3\xa9xyz", 2},
        {"", 0},
        {"\x80", 0},             /* a continuation */
        {"\xc0\x80", 0},         /* overlong */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xed\xbf\xbf", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3", 0},         /* cut */
        {"\xe2\x82", 0},     /* cut */
        {"\xf0\x9f\x98", 0}, /* cut */
        {"\xc3(", 0},
        {"\xe2\x82(", 0},
        {"\xf0\x9f\x98(", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(str_utf8(str_of(rows[i].z)), rows[i].want);
    assert_int_equal(str_utf8(str_of(NULL)), 0);
    assert_int_equal(str_utf8(STR("\0")), 1);
}

/* Hashes lie on disk: these may never change. */
static void test_hash_is_stable(void **state)
{
    (void)state;
    static const char text[] = "github.com/example/worker.(*Pool).run.func1";
    static const struct {
        size_t n;
        uint64_t seed, want;
    } rows[] = {
        {0, 0, 0x99ddb578db47df40},  {1, 1, 0x6dc469009fcb6051},  {3, 2, 0xa7ee1134389df4c8},
        {4, 0, 0x578d02ad9ee8b104},  {7, 1, 0x580a52afaa56a4ef},  {8, 2, 0xa84e3904cff0e11d},
        {15, 0, 0x6f424f8a464e1873}, {16, 1, 0x3f57ed121d6831e4}, {17, 2, 0xa948c83f4eb3ce5f},
        {32, 0, 0xc133870ef734e125}, {33, 1, 0x6e4f42aeabd5139e}, {43, 2, 0x92724d0d6a98de77},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(str_hash((struct str){text, rows[i].n}, rows[i].seed), rows[i].want);
}

/* Every bit of the bytes, their number and the seed count. */
static void test_hash_sees_every_bit(void **state)
{
    (void)state;
    char *bytes = calloc(1, 64); /* exact ends, for AddressSanitizer */
    for (size_t n = 0; n <= 64; n++) {
        struct str s = {bytes + 64 - n, n};
        uint64_t plain = str_hash(s, 0);
        assert_true(plain != str_hash(s, 1));
        assert_true(n == 0 || plain != str_hash((struct str){s.p, n - 1}, 0));
        for (size_t bit = 0; bit < n * 8; bit++) {
            char *byte = bytes + 64 - n + bit / 8;
            *byte = (char)(1 << bit % 8);
            assert_true(str_hash(s, 0) != plain);
            *byte = 0;
        }
    }
    free(bytes);
    assert_int_equal(str_hash(str_of(NULL), 7), str_hash(STR(""), 7));
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Names alike spread: no two equal, and the low bits fill a table evenly. */
static void test_hash_spreads(void **state)
{
    (void)state;
    enum { N = 1 << 16 };
    uint64_t *hashes = calloc(N, sizeof *hashes);
    unsigned char *slots = calloc(N, 1);
    int most = 0;
    for (int i = 0; i < N; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "main.worker.func%d", i);
        hashes[i] = str_hash((struct str){text, (size_t)n}, 0);
        int load = ++slots[hashes[i] % N];
        most = load > most ? load : most;
    }
    assert_true(most < 16); /* even chance gives 8 or 9 */
    qsort(hashes, N, sizeof *hashes, compare_u64);
    for (int i = 1; i < N; i++)
        assert_true(hashes[i] != hashes[i - 1]);
    free(slots);
    free(hashes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_trim),           cmocka_unit_test(test_split),
        cmocka_unit_test(test_copy),           cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_hash_is_stable), cmocka_unit_test(test_hash_sees_every_bit),
        cmocka_unit_test(test_hash_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
