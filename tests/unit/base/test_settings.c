#include "tests/unit/base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/settings.h"

#define MIB 1048576

/* What a reading complained of. */
static char lines[8][512];
static int n_lines;

static void on_error(void *ctx, const char *line)
{
    assert_ptr_equal(ctx, lines);
    assert_true(n_lines < 8);
    (void)snprintf(lines[n_lines++], sizeof lines[0], "%s", line);
}

static struct settings settings;
static char *words[32];
static int n_words;

/* Reads an environment and arguments, each words with '~' between. */
static int read_all(const char *environment, const char *arguments)
{
    static char storage[2][4096];
    char *lists[2][33] = {{NULL}};
    const char *const texts[] = {environment, arguments};
    int counts[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(storage[i], sizeof storage[i], "%s", texts[i]);
        char *next = storage[i][0] ? storage[i] : NULL;
        while (next) {
            lists[i][counts[i]++] = next;
            next = strchr(next, '~');
            if (next)
                *next++ = '\0';
        }
    }
    n_lines = 0;
    settings_defaults(&settings);
    int n = settings_read(&settings, lists[0], counts[1], lists[1], &n_words, on_error, lines);
    memcpy(words, lists[1], sizeof words);
    assert_int_equal(n, n_lines);
    return n;
}

static void test_defaults(void **state)
{
    (void)state;
    memset(&settings, 0xff, sizeof settings);
    settings_defaults(&settings);
    assert_int_equal(settings.n_target, 1);
    assert_string_equal(settings.target[0], "auto");
    assert_int_equal(settings.n_allow_stack, 0);
    assert_string_equal(settings.dir, "/leakwatch");
    assert_int_equal(settings.dir_limit, 64 * MIB);
    assert_int_equal(settings.memory_interval, 500);
    assert_int_equal(settings.heap_interval, 60000);
    assert_int_equal(settings.time_scale, 1);
    assert_true(settings.dump_native);
    assert_true(settings.log_dump);
    assert_false(settings.strict);
    assert_int_equal(settings.given, 0);
    assert_true(str_is(settings_choice(&settings, "labels"), "keep"));
    assert_true(str_is(settings_choice(&settings, "memory-limit-scope"), "container"));
    assert_true(str_is(settings_choice(&settings, "log-level"), "info"));
}

/* The table itself: each default is accepted by its own row, each name fits. */
static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < settings_count; i++) {
        const struct setting_row *row = &settings_table[i];
        struct errmsg e;
        char env[SETTINGS_ENV_MAX];
        settings_defaults(&settings);
        if (row->fallback[0] && settings_set(&settings, row->flag, row->fallback, &e))
            fail_msg("default: %s", e.text);
        if (row->type != SETTING_TEXT && row->type != SETTING_LIST)
            assert_true(row->fallback[0]);
        assert_true(strlen(settings_env_name(row->flag, env)) < SETTINGS_ENV_MAX - 1);
        assert_int_equal(strspn(row->flag, "abcdefghijklmnopqrstuvwxyz0123456789-"),
                         strlen(row->flag));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(row->flag, settings_table[k].flag);
    }
}

static void test_set(void **state)
{
    (void)state;
    struct settings *s = &settings;
    struct errmsg e;
    settings_defaults(s);
    assert_false(settings_given(s, "dir-limit"));
    assert_int_equal(settings_set(s, "dir-limit", "1.5Gi", &e), 0);
    assert_int_equal(s->dir_limit, 1536 * MIB);
    assert_true(settings_given(s, "dir-limit"));
    assert_int_equal(settings_set(s, "heap-interval", "1m30s", &e), 0);
    assert_int_equal(s->heap_interval, 90000);
    assert_int_equal(settings_set(s, "labels", "drop", &e), 0);
    assert_int_equal(s->labels, 1);
    assert_true(str_is(settings_choice(s, "labels"), "drop"));
    assert_int_equal(settings_set(s, "log-level", "error", &e), 0);
    assert_true(str_is(settings_choice(s, "log-level"), "error"));
    assert_int_equal(settings_set(s, "strict", "yes", &e), 0);
    assert_true(s->strict);
    assert_int_equal(settings_set(s, "log-dump", "off", NULL), 0);
    assert_false(s->log_dump);
    assert_int_equal(settings_set(s, "listen", "", &e), 0);
    assert_string_equal(s->listen, "");
    assert_int_equal(settings_choice(s, "dir").n, 0);
    assert_int_equal(settings_choice(s, "nothing").n, 0);
    assert_false(settings_given(s, "nothing"));
}

/* Each line names the setting, the value and what is accepted. */
static void test_bad_values(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"dir-limit", "12x", "--dir-limit: \"12x\" is not valid; accepted: 4Mi to 1Ti"},
        {"dir-limit", "1Ki", "--dir-limit: \"1Ki\" is out of range; accepted: 4Mi to 1Ti"},
        {"dir-limit", "-1Gi", "--dir-limit: \"-1Gi\" is out of range; accepted: 4Mi to 1Ti"},
        {"dir-limit", "15Ei", "--dir-limit: \"15Ei\" is out of range; accepted: 4Mi to 1Ti"},
        {"dir-limit", "100m", "--dir-limit: \"100m\" is out of range; accepted: 4Mi to 1Ti"},
        {"heap-interval", "1ms",
         "--heap-interval: \"1ms\" is out of range; accepted: 1s to 1h"},
        {"heap-interval", "", "--heap-interval: \"\" is not valid; accepted: 1s to 1h"},
        {"time-scale", "0", "--time-scale: \"0\" is out of range; accepted: 1 to 100000"},
        {"time-scale", "1e3", "--time-scale: \"1e3\" is not valid; accepted: 1 to 100000"},
        {"labels", "kept", "--labels: \"kept\" is not valid; accepted: keep|drop"},
        {"labels", "", "--labels: \"\" is not valid; accepted: keep|drop"},
        {"labels", "keep|drop", "--labels: \"keep|drop\" is not valid; accepted: keep|drop"},
        {"strict", "True\n", "--strict: \"True?\" is not valid; accepted: true|false"},
        {"target", "", "--target: \"\" is not valid; accepted: [NAME=]URL[,limit=BYTES]"},
        {"nope", "1", "nope: no such setting"},
    };
    struct settings before;
    settings_defaults(&settings);
    before = settings;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct errmsg e;
        assert_int_equal(settings_set(&settings, rows[i][0], rows[i][1], &e), ERR_USAGE);
        assert_string_equal(e.text, rows[i][2]);
        assert_memory_equal(&settings, &before, sizeof before);
    }
}

static void test_long_values(void **state)
{
    (void)state;
    char text[SETTINGS_TEXT_MAX + 1];
    struct errmsg e;
    memset(text, 'x', sizeof text);
    text[SETTINGS_TEXT_MAX] = '\0';
    settings_defaults(&settings);
    const char *const flags[] = {"dir", "target"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settings_set(&settings, flags[i], text, &e), ERR_USAGE);
        assert_non_null(strstr(e.text, "xxx...\" is too long; accepted: up to 511 bytes"));
    }
    assert_string_equal(settings.dir, "/leakwatch");
    assert_string_equal(settings.target[0], "auto");
    text[SETTINGS_TEXT_MAX - 1] = '\0';
    assert_int_equal(settings_set(&settings, "dir", text, &e), 0);
    assert_string_equal(settings.dir, text);
}

static void test_list(void **state)
{
    (void)state;
    struct errmsg e;
    settings_defaults(&settings);
    assert_int_equal(settings_set(&settings, "target", "auto", &e), 0);
    for (int i = 1; i < SETTINGS_TARGETS_MAX; i++)
        assert_int_equal(settings_set(&settings, "target", "http://x,limit=1Gi", &e), 0);
    assert_int_equal(settings.n_target, SETTINGS_TARGETS_MAX);
    assert_string_equal(settings.target[0], "auto"); /* said, so it stays */
    assert_string_equal(settings.target[15], "http://x,limit=1Gi");
    assert_int_equal(settings_set(&settings, "target", "http://y", &e), ERR_USAGE);
    assert_string_equal(e.text, "--target: \"http://y\" is one too many; accepted: up to 16");
    assert_int_equal(settings.n_target, SETTINGS_TARGETS_MAX);
}

static void test_environment(void **state)
{
    (void)state;
    assert_int_equal(read_all("PATH=/bin~LEAKWATCH_DIR=/data~LEAKWATCH_DIR_LIMIT= 8Mi \n~"
                              "LEAKWATCH_STRICT=1~LEAKWATCH_HEAP_INTERVAL=~LEAKWATCH_LISTEN=~"
                              "LEAKWATCH_TARGET= a=http://x,limit=1Gi\n\tb=http://y ",
                              ""),
                     0);
    assert_string_equal(settings.dir, "/data");
    assert_int_equal(settings.dir_limit, 8 * MIB);
    assert_true(settings.strict);
    assert_int_equal(settings.heap_interval, 60000); /* empty: unset */
    assert_string_equal(settings.listen, "127.0.0.1:8723");
    assert_false(settings_given(&settings, "listen"));
    assert_int_equal(settings.n_target, 2);
    assert_string_equal(settings.target[0], "a=http://x,limit=1Gi");
    assert_string_equal(settings.target[1], "b=http://y");
}

static void test_environment_errors(void **state)
{
    (void)state;
    assert_int_equal(read_all("LEAKWATCH_DIR_LIMT=8Mi~LEAKWATCH_DIR_LIMIT=lots~LEAKWATCH_=1~"
                              "LEAKWATCH_LABELS~LEAKWATCHDOG=1",
                              ""),
                     3);
    assert_string_equal(lines[0], "LEAKWATCH_DIR_LIMT: no such setting");
    assert_string_equal(lines[1],
                        "LEAKWATCH_DIR_LIMIT: \"lots\" is not valid; accepted: 4Mi to 1Ti");
    assert_string_equal(lines[2], "LEAKWATCH_: no such setting");
    assert_int_equal(settings.dir_limit, 64 * MIB);
}

/* What fits of a list that is too long is kept. */
static void test_environment_list_too_long(void **state)
{
    (void)state;
    assert_int_equal(read_all("LEAKWATCH_TARGET=1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", ""),
                     1);
    assert_string_equal(lines[0],
                        "LEAKWATCH_TARGET: \"17\" is one too many; accepted: up to 16");
    assert_int_equal(settings.n_target, 16);
    assert_string_equal(settings.target[15], "16");
}

/* What Kubernetes sets for a Service of our name is no mistake of the user's. */
static void test_service_links(void **state)
{
    (void)state;
    assert_int_equal(read_all("LEAKWATCH_SERVICE_HOST=10.0.0.1~LEAKWATCH_SERVICE_PORT=80~"
                              "LEAKWATCH_SERVICE_PORT_HTTP=80~LEAKWATCH_PORT=tcp://10.0.0.1:80~"
                              "LEAKWATCH_PORT_80_TCP=tcp://10.0.0.1:80~"
                              "LEAKWATCH_PORT_80_TCP_ADDR=10.0.0.1~"
                              "LEAKWATCH_DEMO_SERVICE_HOST=10.0.0.2",
                              ""),
                     0);
}

static void test_flags(void **state)
{
    (void)state;
    assert_int_equal(read_all("", "watch~--dir~/data~--strict~now~--dump-native=false~"
                                  "--dir-limit=8Mi~-6h~--target=a=http://x~-~--~--dir~last"),
                     0);
    assert_string_equal(settings.dir, "/data");
    assert_true(settings.strict);
    assert_false(settings.dump_native);
    assert_int_equal(settings.dir_limit, 8 * MIB);
    assert_string_equal(settings.target[0], "a=http://x");
    assert_int_equal(n_words, 6);
    const char *const want[] = {"watch", "now", "-6h", "-", "--dir", "last"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(words[i], want[i]);
}

/* A word behind a BOOL is its value only when it reads as one. */
static void test_bool_flags(void **state)
{
    (void)state;
    assert_int_equal(read_all("", "--dump-native~off~--strict~on~--log-dump~offside"), 0);
    assert_false(settings.dump_native);
    assert_true(settings.strict);
    assert_true(settings.log_dump);
    assert_int_equal(n_words, 1);
    assert_string_equal(words[0], "offside");
}

static void test_flag_errors(void **state)
{
    (void)state;
    assert_int_equal(read_all("", "--drr=1~--dir~--strict=maybe~--=x~--labels"), 5);
    assert_string_equal(lines[0], "--drr: no such setting");
    assert_string_equal(lines[1], "--dir: needs a value");
    assert_string_equal(lines[2], "--strict: \"maybe\" is not valid; accepted: true|false");
    assert_string_equal(lines[3], "--: no such setting");
    assert_string_equal(lines[4], "--labels: needs a value");
    assert_int_equal(n_words, 0);
}

static void test_flag_beats_environment(void **state)
{
    (void)state;
    assert_int_equal(read_all("LEAKWATCH_DIR=/env~LEAKWATCH_TARGET=http://a http://b",
                              "--dir=/flag~--target~http://c~--target=http://d"),
                     0);
    assert_string_equal(settings.dir, "/flag");
    assert_int_equal(settings.n_target, 2);
    assert_string_equal(settings.target[0], "http://c");
    assert_string_equal(settings.target[1], "http://d");
    /* A bad flag leaves the environment's. */
    assert_int_equal(read_all("LEAKWATCH_DIR_LIMIT=8Mi~LEAKWATCH_TARGET=http://a http://b",
                              "--dir-limit=x~--target="),
                     2);
    assert_int_equal(settings.dir_limit, 8 * MIB);
    assert_int_equal(settings.n_target, 2);
}

static void test_read_without_listener(void **state)
{
    (void)state;
    char bad[] = "--nope", *argv[] = {bad};
    int n;
    settings_defaults(&settings);
    assert_int_equal(settings_read(&settings, NULL, 1, argv, &n, NULL, NULL), 1);
    assert_int_equal(n, 0);
    assert_int_equal(settings_read(&settings, NULL, 0, NULL, &n, NULL, NULL), 0);
}

static void test_env_name(void **state)
{
    (void)state;
    char out[SETTINGS_ENV_MAX], flag[200];
    assert_string_equal(settings_env_name("dir-limit", out), "LEAKWATCH_DIR_LIMIT");
    memset(flag, 'a', sizeof flag);
    flag[sizeof flag - 1] = '\0';
    assert_int_equal(strlen(settings_env_name(flag, out)), SETTINGS_ENV_MAX - 1);
}

/* 80 columns, and every setting with its default. */
static void test_help(void **state)
{
    (void)state;
    struct buf out;
    struct str rest, line;
    buf_init(&out, 65536);
    settings_help(&out);
    assert_int_equal(buf_status(&out), 0);
    rest = buf_view(&out);
    while (str_split(&rest, '\n', &line)) {
        assert_true(line.n <= 80);
        assert_false(str_ends(line, " "));
    }
    for (int i = 0; i < settings_count; i++) {
        char want[64];
        (void)snprintf(want, sizeof want, "\n  --%s", settings_table[i].flag);
        assert_true(str_contains(buf_view(&out), want));
    }
    assert_true(str_contains(buf_view(&out), "4Mi to 1Ti"));
    assert_true(str_contains(buf_view(&out), "(default /leakwatch)"));
    assert_true(str_contains(buf_view(&out), "  --strict[=true|false]\n"));
    buf_free(&out);
}

/* Every line is a row of the same width with the same cells. */
static void test_markdown(void **state)
{
    (void)state;
    struct buf out;
    struct str rest, line;
    int n = 0;
    size_t width = 0;
    buf_init(&out, 65536);
    settings_markdown(&out);
    assert_int_equal(buf_status(&out), 0);
    rest = buf_view(&out);
    while (str_split(&rest, '\n', &line) && line.n) {
        int bars = 0;
        for (size_t i = 0; i < line.n; i++)
            bars += line.p[i] == '|' && (i == 0 || line.p[i - 1] != '\\');
        assert_int_equal(bars, 5);
        assert_true(width == 0 || line.n == width);
        width = line.n;
        n++;
    }
    assert_int_equal(n, settings_count + 2);
    assert_true(str_contains(buf_view(&out), "| keep\\|drop "));
    buf_free(&out);
}

/* The files of the next test: "good" by name, and the bad ones. */
static int read_file(const char *path, struct buf *out)
{
    if (strcmp(path, "good") == 0)
        buf_puts(out, "# ours\n\n  shop/pool.(*Worker).run  # one a core\r\nmain.idle");
    else if (strcmp(path, "bad") == 0)
        buf_puts(out, "a b\nmain.kept\n@good\n\x01\n");
    else if (strcmp(path, "long") == 0)
        for (int i = 0; i < SETTINGS_TEXT_MAX; i++)
            buf_putc(out, 'x');
    else if (strcmp(path, "many") == 0)
        for (int i = 0; i < SETTINGS_ALLOW_MAX; i++)
            buf_puts(out, "f\n");
    else if (strcmp(path, "huge") == 0)
        while (!out->overflow)
            buf_puts(out, "#\n");
    else
        return -2;
    return 0;
}

static int include(const char *arguments)
{
    assert_int_equal(read_all("", arguments), 0);
    int n = settings_include(&settings, "allow-stack", read_file, on_error, lines);
    assert_int_equal(n, n_lines);
    return n;
}

static void test_include(void **state)
{
    (void)state;
    assert_int_equal(include("--allow-stack=main.a~--allow-stack=@good~--allow-stack=main.b"),
                     0);
    assert_int_equal(settings.n_allow_stack, 4);
    assert_string_equal(settings.allow_stack[0], "main.a");
    assert_string_equal(settings.allow_stack[1], "main.b");
    assert_string_equal(settings.allow_stack[2], "shop/pool.(*Worker).run");
    assert_string_equal(settings.allow_stack[3], "main.idle");
    assert_int_equal(include("--allow-stack=file:good~--allow-stack=@good"), 0);
    assert_int_equal(settings.n_allow_stack, 4);
    /* what is right in a bad file counts, what is wrong is told by its line */
    assert_int_equal(include("--allow-stack=@bad"), 3);
    assert_int_equal(settings.n_allow_stack, 1);
    assert_string_equal(settings.allow_stack[0], "main.kept");
    assert_non_null(strstr(lines[0], "--allow-stack: bad:1: more than one word"));
    assert_non_null(strstr(lines[1], "bad:3: a file in a file"));
    assert_non_null(strstr(lines[2], "bad:4: "));
    assert_int_equal(include("--allow-stack=@long"), 1);
    assert_non_null(strstr(lines[0], "long:1: \"xxx"));
    assert_int_equal(include("--allow-stack=main.a~--allow-stack=@many"), 1);
    assert_non_null(strstr(lines[0], "many:64: \"f\" is one too many"));
    assert_int_equal(settings.n_allow_stack, SETTINGS_ALLOW_MAX);
    assert_int_equal(include("--allow-stack=@none"), 1);
    assert_non_null(strstr(lines[0], "--allow-stack: none: No such file"));
    assert_int_equal(settings.n_allow_stack, 0);
    assert_int_equal(include("--allow-stack=file:huge"), 1);
    assert_non_null(strstr(lines[0], "huge: larger than"));
    assert_int_equal(settings_include(&settings, "dir", read_file, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_include),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_environment_errors),
        cmocka_unit_test(test_environment_list_too_long),
        cmocka_unit_test(test_service_links),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_bool_flags),
        cmocka_unit_test(test_flag_errors),
        cmocka_unit_test(test_flag_beats_environment),
        cmocka_unit_test(test_read_without_listener),
        cmocka_unit_test(test_env_name),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
