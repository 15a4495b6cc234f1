#include "tests/unit/base/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"

#define WALL_MS 1772337906789

/* A sink that keeps the last line and counts all. */
struct sink {
    char line[LOG_LINE_MAX + 1];
    size_t n;
    int lines;
};

static void on_line(void *ctx, const char *line, size_t n)
{
    struct sink *s = ctx;
    assert_true(n > 0 && n <= LOG_LINE_MAX);
    assert_int_equal(line[n - 1], '\n');
    assert_null(memchr(line, '\n', n - 1));
    memcpy(s->line, line, n);
    s->line[n] = '\0';
    s->n = n;
    s->lines++;
}

static char storage[LOG_LINE_MAX];
static struct sink sink;
static struct log log_;

static void log_new(enum log_format format)
{
    sink = (struct sink){.n = 0};
    log_init(&log_, storage, LOG_INFO, format, on_line, &sink);
}

static void write_event(void)
{
    log_begin(&log_, WALL_MS, LOG_WARN, "leak found");
    log_cstr(&log_, "kind", "goroutine");
    log_str(&log_, "stack", STR("main.(*T).f a=\"1\""));
    log_cstr(&log_, "none", NULL);
    log_i64(&log_, "count", -5);
    log_double(&log_, "rate", 0.25);
    log_double(&log_, "eta", NAN);
    log_end(&log_);
}

static void test_json(void **state)
{
    (void)state;
    log_new(LOG_JSON);
    write_event();
    assert_string_equal(sink.line, "{\"time\":\"2026-03-01T04:05:06.789Z\",\"level\":\"warn\","
                                   "\"msg\":\"leak found\",\"kind\":\"goroutine\","
                                   "\"stack\":\"main.(*T).f a=\\\"1\\\"\",\"none\":\"\","
                                   "\"count\":-5,\"rate\":0.25,\"eta\":null}\n");
}

static void test_logfmt(void **state)
{
    (void)state;
    log_new(LOG_LOGFMT);
    write_event();
    assert_string_equal(sink.line,
                        "time=2026-03-01T04:05:06.789Z level=warn msg=\"leak found\" "
                        "kind=goroutine stack=\"main.(*T).f a=\\\"1\\\"\" none=\"\" count=-5 "
                        "rate=0.25 eta=null\n");
}

static void test_logfmt_quotes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"a/b:c", "a/b:c"},     {"a b", "\"a b\""},
                                          {"a\nb", "\"a\\nb\""},  {"a=b", "\"a=b\""},
                                          {"a\\b", "\"a\\\\b\""}, {"\xff", "\"\xef\xbf\xbd\""},
                                          {"\x7f", "\"\x7f\""}};
    log_new(LOG_LOGFMT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        log_begin(&log_, 0, LOG_INFO, "m");
        log_cstr(&log_, "k", rows[i][0]);
        log_end(&log_);
        char want[128];
        (void)snprintf(want, sizeof want,
                       "time=1970-01-01T00:00:00.000Z level=info msg=m k=%s\n", rows[i][1]);
        assert_string_equal(sink.line, want);
    }
}

static void test_levels(void **state)
{
    (void)state;
    log_new(LOG_JSON);
    log_begin(&log_, WALL_MS, LOG_DEBUG, "hidden");
    log_cstr(&log_, "k", "v");
    log_i64(&log_, "n", 1);
    log_double(&log_, "d", 1);
    log_end(&log_);
    assert_int_equal(sink.lines, 0);
    log_say(&log_, WALL_MS, LOG_INFO, "%d dumps", 3);
    assert_non_null(strstr(sink.line, "\"level\":\"info\",\"msg\":\"3 dumps\"}\n"));
    log_say(&log_, WALL_MS, LOG_ERROR, "x");
    assert_non_null(strstr(sink.line, "\"level\":\"error\""));
    assert_int_equal(sink.lines, 2);
    log_end(&log_); /* no line is open */
    assert_int_equal(sink.lines, 2);
}

static void test_newlines_stay_inside(void **state)
{
    (void)state;
    for (int format = LOG_JSON; format <= LOG_LOGFMT; format++) {
        log_new((enum log_format)format);
        log_say(&log_, WALL_MS, LOG_INFO, "a\nb\"} forged");
        assert_int_equal(sink.lines, 1); /* on_line checks the rest */
    }
}

/* The byte behind the JSON string that begins at p, or NULL when it is none. */
static const char *json_string_end(const char *p)
{
    if (*p++ != '"')
        return NULL;
    while (*p != '"') {
        size_t n = str_utf8(str_of(p));
        if (n == 0 || (unsigned char)*p < ' ')
            return NULL;
        if (*p == '\\') {
            p++;
            size_t hex = *p == 'u' ? strspn(p + 1, "0123456789abcdef") : 0;
            if (!strchr("\"\\nrtu", *p) || (*p == 'u' && hex < 4))
                return NULL;
            n = *p == 'u' ? 5 : 1;
        }
        p += n;
    }
    return p + 1;
}

/* Whatever the last field's bytes and wherever the line ends, it is cut into a
 * whole line that says so, and little room is lost. */
static void test_cut(void **state)
{
    (void)state;
    static char value[2 * LOG_LINE_MAX];
    static const char *const units[] = {"x",   "\"", "\x01", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "\xff"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at + unit <= sizeof value; at += unit)
            memcpy(value + at, units[i], unit);
        for (size_t shift = 0; shift < 8; shift++) {
            log_new(LOG_JSON);
            log_begin(&log_, WALL_MS, LOG_INFO, "m");
            log_str(&log_, "p", (struct str){"pppppppp", shift});
            log_str(&log_, "v", (struct str){value, sizeof value / unit * unit});
            log_i64(&log_, "dropped", 1);
            log_cstr(&log_, "dropped", "x");
            log_double(&log_, "dropped", 1);
            log_end(&log_);
            const char *end = json_string_end(strstr(sink.line, ",\"v\":") + 5);
            assert_non_null(end);
            assert_string_equal(end, ",\"cut\":true}\n");
            assert_true(sink.n + 16 >= LOG_LINE_MAX);
        }
    }
}

static void test_cut_logfmt(void **state)
{
    (void)state;
    static char value[2 * LOG_LINE_MAX];
    memset(value, 'x', sizeof value);
    log_new(LOG_LOGFMT);
    log_begin(&log_, WALL_MS, LOG_INFO, "m");
    log_str(&log_, "v", (struct str){value, sizeof value});
    log_end(&log_);
    assert_string_equal(strchr(sink.line, 'x') + strspn(strchr(sink.line, 'x'), "x"),
                        " cut=true\n");
    value[sizeof value / 4] = ' '; /* now it needs quotes */
    log_begin(&log_, WALL_MS, LOG_INFO, "m");
    log_str(&log_, "v", (struct str){value, sizeof value});
    log_end(&log_);
    const char *end = json_string_end(strstr(sink.line, " v=") + 3);
    assert_non_null(end);
    assert_string_equal(end, " cut=true\n");
}

/* A field of which not even the key fits is left out; numbers are never cut. */
static void test_cut_at_every_place(void **state)
{
    (void)state;
    static char value[LOG_LINE_MAX];
    memset(value, 'x', sizeof value);
    for (size_t n = LOG_LINE_MAX - 140; n < LOG_LINE_MAX - 60; n++) {
        log_new(LOG_JSON);
        log_begin(&log_, WALL_MS, LOG_INFO, "m");
        log_str(&log_, "v", (struct str){value, n});
        log_i64(&log_, "number", 1234567890);
        log_cstr(&log_, "text", "abc");
        log_end(&log_);
        const char *end = json_string_end(strstr(sink.line, ",\"v\":") + 5);
        assert_non_null(end);
        if (strncmp(end, ",\"number\":1234567890", 20) == 0) {
            end += 20;
            if (strncmp(end, ",\"text\":", 8) == 0)
                end = json_string_end(end + 8);
        }
        assert_non_null(end);
        if (strcmp(end, "}\n") != 0)
            assert_string_equal(end, ",\"cut\":true}\n");
    }
}

/* A dump's excerpt, 12 KiB as base64, fits with its frame. */
static void test_dump_fits(void **state)
{
    (void)state;
    static char value[12288];
    memset(value, 'A', sizeof value);
    log_new(LOG_JSON);
    log_begin(&log_, WALL_MS, LOG_INFO, "dump");
    log_str(&log_, "diff", (struct str){value, sizeof value});
    log_end(&log_);
    assert_null(strstr(sink.line, "cut"));
}

static void test_say_cuts(void **state)
{
    (void)state;
    log_new(LOG_LOGFMT);
    log_say(&log_, WALL_MS, LOG_INFO, "%5000d", 1);
    assert_true(sink.n > 2048 && sink.n < 2048 + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_logfmt),
        cmocka_unit_test(test_logfmt_quotes),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_newlines_stay_inside),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_logfmt),
        cmocka_unit_test(test_cut_at_every_place),
        cmocka_unit_test(test_dump_fits),
        cmocka_unit_test(test_say_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
