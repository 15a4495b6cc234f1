/* gzip: whole, cut at every byte, damaged at every bit, larger than its bound. */
#include "tests/unit/profile/capture.h"

#include "lib/base/err.h"

#define NAME "cart-A.goroutine0.pb.gz"

static struct buf packed_capture(void)
{
    return capture_read(NAME);
}

static int inflate_within(const void *bytes, size_t n, size_t ceiling_bytes, size_t *n_out)
{
    struct buf out;
    buf_init(&out, ceiling_bytes);
    int r = gzip_inflate(&out, bytes, n);
    if (n_out)
        *n_out = out.len;
    buf_free(&out);
    return r;
}

static void test_round_trip(void **state)
{
    struct buf plain = capture_inflate("cart-B.heap0.pb.gz");
    (void)state;
    for (int level = 1; level <= 9; level++) {
        struct buf packed, again, back;
        buf_init(&packed, 1 << 20);
        buf_init(&again, 1 << 20);
        buf_init(&back, 1 << 20);
        assert_int_equal(gzip_deflate(&packed, plain.p, plain.len, level), 0);
        assert_int_equal(gzip_deflate(&again, plain.p, plain.len, level), 0);
        assert_true(gzip_sniff(packed.p, packed.len));
        assert_int_equal(packed.len, again.len);
        assert_memory_equal(packed.p, again.p, again.len); /* no time stamp */
        assert_int_equal(gzip_inflate(&back, packed.p, packed.len), 0);
        assert_int_equal(back.len, plain.len);
        assert_memory_equal(back.p, plain.p, plain.len);
        buf_free(&packed);
        buf_free(&again);
        buf_free(&back);
    }
    buf_free(&plain);
}

static void test_appends(void **state)
{
    struct buf packed, out;
    (void)state;
    buf_init(&packed, 1024);
    buf_init(&out, 1024);
    buf_puts(&packed, "x");
    assert_int_equal(gzip_deflate(&packed, "", 0, 6), 0);
    buf_puts(&out, "before ");
    assert_int_equal(gzip_inflate(&out, packed.p + 1, packed.len - 1), 0);
    assert_string_equal(buf_cstr(&out), "before ");
    buf_free(&packed);
    buf_free(&out);
}

static void test_joined_members(void **state)
{
    struct buf packed, out;
    (void)state;
    buf_init(&packed, 1024);
    buf_init(&out, 1024);
    assert_int_equal(gzip_deflate(&packed, "one ", 4, 6), 0);
    assert_int_equal(gzip_deflate(&packed, "two", 3, 6), 0);
    assert_int_equal(gzip_inflate(&out, packed.p, packed.len), 0);
    assert_string_equal(buf_cstr(&out), "one two");
    buf_puts(&packed, "garbage");
    assert_int_equal(inflate_within(packed.p, packed.len, 1024, NULL), ERR_CORRUPT);
    buf_free(&packed);
    buf_free(&out);
}

static void test_cut_at_every_byte(void **state)
{
    struct buf packed = packed_capture();
    (void)state;
    for (size_t n = 0; n < packed.len; n++)
        assert_int_equal(inflate_within(packed.p, n, 1 << 20, NULL), ERR_CUT);
    assert_int_equal(inflate_within(packed.p, packed.len, 1 << 20, NULL), 0);
    buf_free(&packed);
}

static void test_wrong_checksum_and_length(void **state)
{
    struct buf packed = packed_capture();
    (void)state;
    for (size_t back = 1; back <= 8; back++) {
        packed.p[packed.len - back] ^= 1;
        assert_int_equal(inflate_within(packed.p, packed.len, 1 << 20, NULL), ERR_CORRUPT);
        packed.p[packed.len - back] ^= 1;
    }
    buf_free(&packed);
}

/* A flipped bit behind the header is found, or did not matter: the few bits
 * that pad the last block to a byte. */
static void test_flipped_bits(void **state)
{
    struct buf packed = packed_capture(), plain = capture_inflate(NAME), out;
    int harmless = 0;
    (void)state;
    buf_init(&out, CAPTURE_CEILING_BYTES);
    for (size_t i = 10; i < packed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            packed.p[i] = (char)(packed.p[i] ^ 1 << bit);
            buf_reset(&out);
            if (gzip_inflate(&out, packed.p, packed.len) == 0) {
                assert_int_equal(out.len, plain.len);
                assert_memory_equal(out.p, plain.p, plain.len);
                harmless++;
            }
            packed.p[i] = (char)(packed.p[i] ^ 1 << bit);
        }
    }
    assert_in_range(harmless, 0, 7);
    buf_free(&packed);
    buf_free(&plain);
    buf_free(&out);
}

static void test_ceiling(void **state)
{
    struct buf packed = packed_capture(), small;
    size_t n, whole;
    (void)state;
    assert_int_equal(inflate_within(packed.p, packed.len, 1 << 20, &whole), 0);
    assert_int_equal(inflate_within(packed.p, packed.len, whole, &n), 0);
    assert_int_equal(n, whole);
    assert_int_equal(inflate_within(packed.p, packed.len, whole - 1, &n), ERR_LIMIT);
    assert_true(n <= whole - 1);
    buf_init(&small, 100);
    assert_int_equal(gzip_deflate(&small, packed.p, packed.len, 6), ERR_LIMIT);
    buf_free(&small);
    buf_free(&packed);
}

static void test_bomb(void **state)
{
    static char zeros[1 << 20];
    struct buf packed;
    size_t n;
    (void)state;
    buf_init(&packed, 1 << 16);
    assert_int_equal(gzip_deflate(&packed, zeros, sizeof zeros, 9), 0);
    assert_true(packed.len < 2048);
    assert_int_equal(inflate_within(packed.p, packed.len, 4096, &n), ERR_LIMIT);
    assert_true(n <= 4096);
    buf_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_joined_members),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_wrong_checksum_and_length),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
