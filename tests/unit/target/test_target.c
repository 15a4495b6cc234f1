#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/target/target.h"

static void test_parse_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *url, *socket, *limit;
    } rows[] = {
        {"http://127.0.0.1:6060", "127.0.0.1-6060", "http://127.0.0.1:6060/debug/pprof/", "",
         ""},
        {"127.0.0.1:6060/", "127.0.0.1-6060", "http://127.0.0.1:6060/debug/pprof/", "", ""},
        {" :6060 ", "127.0.0.1-6060", "http://127.0.0.1:6060/debug/pprof/", "", ""},
        {"localhost:80/x/pprof", "localhost-80", "http://localhost:80/x/pprof/", "", ""},
        {"https://app.svc/p/", "app.svc-443", "https://app.svc/p/", "", ""},
        {"http://[::1]:6060", "1-6060", "http://[::1]:6060/debug/pprof/", "", ""},
        {"api=http://h:1,limit=1Gi", "api", "http://h:1/debug/pprof/", "", "1Gi"},
        {"h:1,limit=file:/etc/podinfo/l", "h-1", "http://h:1/debug/pprof/", "",
         "file:/etc/podinfo/l"},
        {"unix:///run/a.b.sock", "a.b", "http://localhost/debug/pprof/", "/run/a.b.sock", ""},
        {"w=unix:///run/x:/p", "w", "http://localhost/p/", "/run/x", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target_spec t;
        struct errmsg e = {""};
        if (target_parse(str_of(rows[i].text), &t, &e))
            fail_msg("%s: %s", rows[i].text, e.text);
        assert_int_equal(t.kind, TARGET_URL);
        assert_string_equal(t.name, rows[i].name);
        assert_string_equal(t.url, rows[i].url);
        assert_string_equal(t.unix_socket, rows[i].socket);
        assert_string_equal(t.limit, rows[i].limit);
    }
}

static void test_parse_auto(void **state)
{
    (void)state;
    struct target_spec t;
    assert_int_equal(target_parse(STR("auto"), &t, NULL), 0);
    assert_int_equal(t.kind, TARGET_AUTO);
    assert_string_equal(t.name, "target");
    assert_int_equal(target_parse(STR("api=auto-all,limit=64Mi"), &t, NULL), 0);
    assert_int_equal(t.kind, TARGET_AUTO_ALL);
    assert_string_equal(t.name, "api");
    assert_string_equal(t.limit, "64Mi");
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "host",
        "ftp://host:1/",
        "http://",
        "http://host:0",
        "http://host:65536",
        "http://host:1x",
        "http://user:secret@host:1",
        "http://host:1/p?debug=1",
        "http://host:1/p#x",
        "http://ho st:1",
        "http://[::1:6060",
        "http://[]:6060",
        "http://[::1]6060",
        ".hidden=http://h:1",
        "=http://h:1",
        "http://h:1,limit=",
        "http://h:1,limit=much",
        "unix://relative.sock",
        "unix://",
        "http://h:1/\n",
        "http://h:1/a\nb",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct target_spec t;
        struct errmsg e = {""};
        /* The trailing line end alone is trimmed away. */
        int expected = str_is(str_of(texts[i]), "http://h:1/\n") ? 0 : ERR_USAGE;
        if (target_parse(str_of(texts[i]), &t, &e) != expected)
            fail_msg("\"%s\" was not answered by %d", texts[i], expected);
        assert_int_equal(e.text[0] != 0, expected != 0);
    }
    char text[1024] = "http://h:1/";
    memset(text + 11, 'a', sizeof text - 12);
    struct target_spec t;
    assert_int_equal(target_parse(str_of(text), &t, NULL), ERR_USAGE);
}

static size_t file_read(const char *name, char *out, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s/target/%s", LW_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, cap, f);
    fclose(f);
    return n;
}

static void test_discover(void **state)
{
    (void)state;
    static char text[8192];
    struct listener l[16];
    size_t n = listeners_parse((struct str){text, file_read("tcp.txt", text, sizeof text)},
                               false, l, 16);
    assert_int_equal(n, 3);
    assert_string_equal(l[0].address, "127.0.0.1");
    assert_int_equal(l[0].port, 6060);
    assert_int_equal(l[0].inode, 40123);
    assert_int_equal(l[0].uid, 65532);
    assert_string_equal(l[2].address, "10.244.1.11");
    n += listeners_parse((struct str){text, file_read("tcp6.txt", text, sizeof text)}, true,
                         l + n, 16 - n);
    assert_int_equal(n, 6);
    assert_string_equal(l[3].address, "::");
    assert_true(l[3].v6);
    assert_string_equal(l[4].address, "127.0.0.1");
    assert_false(l[4].v6);
    assert_string_equal(l[5].address, "fe80::5054:ff:fe0a:1eac");

    static const uint16_t own[] = {8723};
    static const char *const known[] = {
        "http://127.0.0.1:6060", "http://127.0.0.1:6061", "http://[::1]:6061",
        "http://127.0.0.1:8080", "http://127.0.0.1:9090",
    };
    struct candidate c[16];
    n = candidates_rank(l, 6, false, own, 1, c, 16);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(c[i].origin, known[i]);
    assert_int_equal(c[1].inode, 50001);
    n = candidates_rank(l, 6, true, own, 1, c, 16);
    assert_int_equal(n, 6); /* 8723 is our own */
    assert_string_equal(c[5].origin, "http://[fe80::5054:ff:fe0a:1eac]:4444");
    assert_int_equal(candidates_rank(l, 6, true, own, 1, c, 2), 2);
    static const uint16_t all_known[] = {6060, 6061, 8080, 9090};
    assert_int_equal(candidates_rank(l, 6, false, all_known, 4, c, 16), 0);
}

static void test_listeners_damaged(void **state)
{
    (void)state;
    struct listener l[2];
    struct str text = STR("0: 0100007F:17AC 0:0 0A 0:0 0:0 0 0 0\n"
                          "0: 0100007:17AC 0:0 0A 0:0 0:0 0 0 0 5\n"
                          "0: 0100007F:1FFFF 0:0 0A 0:0 0:0 0 0 0 5\n"
                          "0: 0100007F 0:0 0A 0:0 0:0 0 0 0 5\n"
                          "0: 0100007F:17AC 0:0 0A 0:0 0:0 0 0 0 5\n");
    assert_int_equal(listeners_parse(text, false, l, 2), 1);
    assert_int_equal(l[0].inode, 5);
}

static void test_index(void **state)
{
    (void)state;
    static char text[8192];
    struct pprof_index x;
    size_t n = file_read("index.html", text, sizeof text);
    assert_int_equal(index_parse((struct str){text, n}, &x), 0);
    assert_int_equal(x.goroutines, 30518);
    assert_int_equal(x.heap_records, 13);
    assert_true(x.has_goroutineleak);
    /* Go 1.10 */
    assert_int_equal(
        index_parse(
            STR("<tr><td align=right>17<td><a href=\"goroutine?debug=1\">goroutine</a>\n"), &x),
        0);
    assert_int_equal(x.goroutines, 17);
    assert_int_equal(x.heap_records, -1);
    assert_false(x.has_goroutineleak);
    assert_int_equal(index_parse(STR("<html>Welcome</html>"), &x), ERR_NOT_PPROF);
    assert_int_equal(index_parse(STR(""), &x), ERR_NOT_PPROF);
    assert_int_equal(index_parse(STR("<a>goroutine</a>"), &x), ERR_SYNTAX);
}

/* As Go 1.26.8 answers: what is within no function has no line. */
static void test_symbol(void **state)
{
    const uint64_t pcs[] = {0x47a10d, 0x12, 0x40b1ed, 0x47a10d};
    char path[SYMBOL_PATH_MAX];
    struct str names[4];

    (void)state;
    assert_string_equal(symbol_path(pcs, 3, path), "symbol?0x47a10d+0x12+0x40b1ed");
    assert_int_equal(symbol_parse(STR("num_symbols: 1\n0x47a10d runtime.gopark\n"
                                      "0x40b1ed main.f[...].func1\n"),
                                  pcs, 4, names),
                     0);
    assert_true(str_is(names[0], "runtime.gopark"));
    assert_true(str_is(names[1], ""));
    assert_true(str_is(names[2], "main.f[...].func1"));
    assert_true(str_is(names[3], "runtime.gopark"));

    assert_int_equal(symbol_parse(STR("num_symbols: 1\n"), pcs, 4, names), 0);
    assert_true(str_is(names[0], ""));
    /* What was not asked for, twice, cut, or no line at all. */
    assert_int_equal(symbol_parse(STR("num_symbols: 1\r\n0x99 x\n0x47a10d a b\n0x47a10d c\n"
                                      "40b1ed y\n0x40b1ed\nreading request: EOF\n0x12 "),
                                  pcs, 4, names),
                     0);
    assert_true(str_is(names[0], "a b"));
    assert_true(str_is(names[1], ""));
    assert_true(str_is(names[2], ""));
    assert_int_equal(symbol_parse(STR("num_symbols: 0\n"), pcs, 4, names), ERR_NOT_PPROF);
    assert_int_equal(symbol_parse(STR("<html>"), pcs, 4, names), ERR_NOT_PPROF);
    assert_int_equal(symbol_parse(STR(""), pcs, 4, names), ERR_NOT_PPROF);
}

/* The longest request fits, and its path is whole. */
static void test_symbol_path(void **state)
{
    uint64_t pcs[SYMBOL_PCS_MAX];
    char path[SYMBOL_PATH_MAX];

    (void)state;
    memset(pcs, 0xff, sizeof pcs);
    symbol_path(pcs, SYMBOL_PCS_MAX, path);
    assert_int_equal(strlen(path), strlen("symbol?") + SYMBOL_PCS_MAX * 19 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_accepted),
        cmocka_unit_test(test_parse_auto),
        cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_discover),
        cmocka_unit_test(test_listeners_damaged),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_symbol),
        cmocka_unit_test(test_symbol_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
