#include "tests/unit/base/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/err.h"

static void test_sha256(void **state)
{
    (void)state;
    char out[SHA256_HEX_MAX];
    assert_string_equal(sha256_hex(NULL, 0, out),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(sha256_hex("abc", 3, out),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(crc32_of(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_of(crc32_of(0, "1234", 4), "56789", 5), 0xcbf43926);
    assert_int_equal(crc32_of(0x1234, NULL, 0), 0x1234);
}

static void test_base64_known(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},         {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"},  {"foob", "Zm9vYg=="}, {"\xff\xef\xbe", "/+++"},
        {"a\nb", "YQpi"}, {"fooba", "Zm9vYmE="}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 100);
        base64_encode(&b, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(buf_cstr(&b), rows[i][1]);
        buf_reset(&b);
        assert_int_equal(base64_decode(&b, str_of(rows[i][1])), 0);
        assert_string_equal(buf_cstr(&b), rows[i][0]);
        buf_free(&b);
    }
}

/* Every length around the chunks leads back, appended behind what was there. */
static void test_base64_back(void **state)
{
    (void)state;
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct buf text, back;
        buf_init(&text, 1000);
        buf_init(&back, n + 1); /* a ceiling that fits exactly */
        base64_encode(&text, bytes, n);
        assert_int_equal(text.len, (n + 2) / 3 * 4);
        buf_putc(&back, '>');
        assert_int_equal(base64_decode(&back, buf_view(&text)), 0);
        assert_int_equal(back.len, n + 1);
        assert_memory_equal(back.p + 1, bytes, n);
        buf_free(&text);
        buf_free(&back);
    }
}

static void test_base64_garbage(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Z",    "Zg",       "Zg=",    "Zg===", "Zm9vYg",   "====",     "=",
        "A===", "Zg==Zg==", "Zm9v\n", "Zm 9",  "Zm9v    ", "Zm9v\r\n", "Zm9\xff",
        "Zm-v", "Zm_v",     "=AAA",   "A=AA",  "Zm9vYg=A", "Zm\001v",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 100);
        buf_puts(&b, "kept");
        if (base64_decode(&b, str_of(rows[i])) != ERR_SYNTAX)
            fail_msg("\"%s\" is taken", rows[i]);
        assert_string_equal(buf_cstr(&b), "kept");
        buf_free(&b);
    }
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(base64_decode(&b, STR("Zm\0v")), ERR_SYNTAX);
    assert_int_equal(base64_decode(&b, str_of(NULL)), 0);
    buf_free(&b);
}

static void test_base64_bounds(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    base64_encode(&b, "foob", 4);
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_reset(&b);
    assert_int_equal(base64_decode(&b, STR("Zm9vYmFy")), ERR_LIMIT); /* six bytes */
    assert_int_equal(b.len, 0);
    assert_int_equal(base64_decode(&b, STR("Zm9vYmE=")), 0);
    assert_string_equal(buf_cstr(&b), "fooba");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),         cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_base64_known),   cmocka_unit_test(test_base64_back),
        cmocka_unit_test(test_base64_garbage), cmocka_unit_test(test_base64_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
