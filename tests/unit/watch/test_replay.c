/* Replay: what a recorded series makes the agent's judge say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/watch/replay.h"

#define HOUR_S 3600

struct run {
    struct settings settings;
    struct buf csv, events;
    struct errmsg e;
};

static void run_open(struct run *r, const char *columns)
{
    memset(r, 0, sizeof(*r));
    settings_defaults(&r->settings);
    buf_init(&r->csv, 64 << 20);
    buf_init(&r->events, 16 << 20);
    buf_puts(&r->csv, columns);
    buf_putc(&r->csv, '\n');
}

static void run_close(struct run *r)
{
    buf_free(&r->csv);
    buf_free(&r->events);
}

/* Replays it; the events as one string, the error of the replay. */
static const char *run_replay(struct run *r, int *error)
{
    struct replay replay;
    assert_int_equal(buf_status(&r->csv), 0);
    buf_reset(&r->events);
    assert_int_equal(replay_init(&replay, &r->settings, &r->events), 0);
    *error = replay_feed(&replay, r->csv.p, r->csv.len, &r->e);
    if (*error == 0)
        *error = replay_end(&replay, &r->e);
    replay_free(&replay);
    assert_int_equal(buf_status(&r->events), 0);
    return buf_cstr(&r->events);
}

static const char *run_events(struct run *r)
{
    int error;
    const char *events = run_replay(r, &error);
    if (error != 0)
        fail_msg("%s", r->e.text);
    return events;
}

static int count_of(const char *events, const char *part)
{
    int n = 0;
    for (const char *at = events; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* The t of the first event that has a part, or -1. */
static double t_of(const char *events, const char *part)
{
    struct str rest = str_of(events), line;
    double t = -1;
    while (t < 0 && str_split(&rest, '\n', &line))
        if (str_contains(line, part))
            assert_int_equal(sscanf(line.p, "{\"t\":%lf,", &t), 1);
    return t;
}

static int64_t handlers_at(int64_t t_s)
{
    return 200 + (int64_t)(80 * sin((double)t_s / 1100) * cos((double)t_s / 290));
}

/* ---- a leak ---- */

static void leak_rows(struct run *r, int64_t hours)
{
    run_open(r, "t,s_main.handle,s_main.leak");
    for (int64_t t = 0; t < hours * HOUR_S; t += 10)
        buf_printf(&r->csv, "%lld,%lld,%lld\n", (long long)t, (long long)handlers_at(t),
                   (long long)(20 + t / 36));
}

static void test_leak_is_found(void **state)
{
    (void)state;
    struct run r;
    leak_rows(&r, 5);
    const char *events = run_events(&r);
    double t = t_of(events, "\"event\":\"verdict\"");
    assert_true(t >= 2 * HOUR_S && t < 2.2 * HOUR_S); /* grace and the first window */
    assert_ptr_equal(strstr(events, "{\"t\":7200,\"event\":\"verdict\",\"kind\":\"drift\","
                                    "\"grade\":\"likely\",\"stack\":\"main.leak\","
                                    "\"detector\":\"stack-ratchet\",\"evidence\":\""),
                     events);
    assert_true(t_of(events, "\"event\":\"dump\",\"trigger\":\"verdict\"") == t);
    /* Told again each hour while it stands, and dumped again when it doubled. */
    assert_int_equal(count_of(events, "\"standing\":true"), 2);
    assert_int_equal(count_of(events, "\"trigger\":\"doubling\""), 1);
    assert_int_equal(count_of(events, "\n"), 5);
    run_close(&r);
}

static void test_sound_is_silent(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,goroutines,heap_bytes,rss_bytes,limit,s_main.handle");
    for (int64_t t = 0; t < 20 * HOUR_S; t += 30)
        buf_printf(&r.csv, "%lld,%lld,%lld,%lld,1000000000,%lld\n", (long long)t,
                   (long long)handlers_at(t), (long long)handlers_at(t) * 1000000,
                   (long long)handlers_at(t) * 2000000, (long long)handlers_at(t));
    assert_string_equal(run_events(&r), "");
    run_close(&r);
}

static void test_allowed_stack(void **state)
{
    (void)state;
    struct run r;
    leak_rows(&r, 4);
    str_copy(r.settings.allow_stack[0], sizeof(r.settings.allow_stack[0]), STR("main.leak"));
    r.settings.n_allow_stack = 1;
    assert_string_equal(run_events(&r), "");
    run_close(&r);
}

static void test_missed_scrapes(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,s_main.handle,s_main.leak");
    for (int64_t t = 0; t < 4 * HOUR_S; t += 10) {
        if (t % 70 == 0)
            continue; /* no row */
        if (t % 40 == 0)
            buf_printf(&r.csv, "%lld,,\n", (long long)t); /* no count at all */
        else if (t % 60 == 0)
            buf_printf(&r.csv, "%lld,,%lld\n", (long long)t, (long long)(20 + t / 36));
        else
            buf_printf(&r.csv, "%lld,%lld,%lld\n", (long long)t, (long long)handlers_at(t),
                       (long long)(20 + t / 36));
    }
    const char *events = run_events(&r);
    assert_true(t_of(events, "\"stack\":\"main.leak\"") < 2.2 * HOUR_S);
    assert_int_equal(count_of(events, "main.handle"), 0);
    run_close(&r);
}

/* ---- t ---- */

/* Rows at 10.01 s, so that milliseconds matter, from any moment on. */
static void leak_from(struct run *r, double start_s)
{
    run_open(r, "t,s_main.handle,s_main.leak");
    for (int64_t i = 0; i < 1200; i++)
        buf_printf(&r->csv, "%.3f,%lld,%lld\n", start_s + (double)i * 10.01,
                   (long long)handlers_at(10 * i), (long long)(20 + 10 * i / 36));
}

/* The events without their t. */
static void put_timeless(struct buf *out, const char *events)
{
    struct str rest = str_of(events), line;
    while (str_split(&rest, '\n', &line)) {
        const char *comma = memchr(line.p, ',', line.n);
        if (comma)
            buf_put(out, comma, line.n - (size_t)(comma - line.p));
        buf_putc(out, '\n');
    }
}

static void test_unix_seconds_and_fractions(void **state)
{
    (void)state;
    struct run a, b;
    struct buf from_0, from_now;
    buf_init(&from_0, 1 << 20);
    buf_init(&from_now, 1 << 20);
    leak_from(&a, 0);
    put_timeless(&from_0, run_events(&a));
    leak_from(&b, 1764110564.25);
    const char *events = run_events(&b);
    put_timeless(&from_now, events);
    assert_string_equal(buf_cstr(&from_now), buf_cstr(&from_0));
    assert_true(from_0.len > 100);
    double t = t_of(events, "verdict");
    assert_true(t > 1764110564 + 2 * HOUR_S && t < 1764110564 + 3 * HOUR_S);
    buf_free(&from_0);
    buf_free(&from_now);
    run_close(&a);
    run_close(&b);
}

/* In floating point 1.005 s are a little less than 1005 ms. */
static void test_milliseconds(void **state)
{
    (void)state;
    struct run r;
    struct replay replay;
    run_open(&r, "t,goroutines");
    buf_puts(&r.csv, "0,1\n1.005,1\n");
    assert_int_equal(replay_init(&replay, &r.settings, &r.events), 0);
    assert_int_equal(replay_feed(&replay, r.csv.p, r.csv.len, &r.e), 0);
    assert_int_equal(replay.t_ms - replay.life.start_ms, 1005);
    replay_free(&replay);
    run_close(&r);
}

/* A gap of thirty years is a gap. */
static void test_far_ahead(void **state)
{
    (void)state;
    struct run r;
    leak_rows(&r, 3);
    buf_puts(&r.csv, "1000000000,100,100\n99999999999,100,100\n");
    const char *events = run_events(&r);
    assert_int_equal(count_of(events, "\"event\":\"clear\""), 1);
    assert_true(t_of(events, "\"event\":\"clear\"") == 1000000000);
    run_close(&r);
}

/* ---- lives ---- */

static void test_uptime_that_falls_is_a_new_life(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,uptime,s_main.leak");
    for (int64_t t = 0; t < 5 * HOUR_S; t += 10) {
        int64_t up = t < 3 * HOUR_S ? t : t - 3 * HOUR_S;
        if (t % 50 == 0)
            buf_printf(&r.csv, "%lld,,%lld\n", (long long)t, (long long)(20 + up / 36));
        else
            buf_printf(&r.csv, "%lld,%lld,%lld\n", (long long)t, (long long)up,
                       (long long)(20 + up / 36));
    }
    const char *events = run_events(&r);
    double cleared = t_of(events, "\"event\":\"clear\"");
    assert_true(cleared >= 3 * HOUR_S && cleared <= 3 * HOUR_S + 10);
    /* Once in the first life; the second is within its grace and window. */
    assert_int_equal(count_of(events, "\"event\":\"dump\""), 1);
    run_close(&r);
}

/* What only the life before was seen with is not counted for the next. */
static void test_a_new_life_knows_nothing(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,uptime,rss_bytes,limit,s_main.a,s_main.b");
    r.settings.rule_goroutines = 1000000;
    for (int64_t t = 0; t < 3 * HOUR_S; t += 10)
        buf_printf(&r.csv, "%lld,%lld,960000000,1000000000,10,20\n", (long long)t,
                   (long long)t);
    for (int64_t t = 3 * HOUR_S; t < 6 * HOUR_S; t += 10) /* memory is not read any more */
        buf_printf(&r.csv, "%lld,%lld,,1000000000,10,\n", (long long)t,
                   (long long)(t - 3 * HOUR_S));
    buf_printf(&r.csv, "%d,0,500000000,1000000000,10,20\n", 6 * HOUR_S);
    struct replay replay;
    assert_int_equal(replay_init(&replay, &r.settings, &r.events), 0);
    assert_int_equal(replay_feed(&replay, r.csv.p, r.csv.len, &r.e), 0);
    assert_int_equal(replay_end(&replay, &r.e), 0);
    struct history_life lives[4];
    assert_int_equal(history_lives(replay.history, 0, lives, 4), 3);
    for (int i = 0; i < 3; i++) /* the first was at its limit, of the second nobody knows */
        assert_int_equal(lives[i].oom, lives[i].id == 1);
    struct history_value values[4];
    int64_t at_ms = replay.t_ms - HOUR_S * 1000;
    size_t n = history_at(replay.history, 0, HISTORY_STACKS, at_ms, values, 4, NULL);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i].value;
    assert_int_equal(sum, 10);
    replay_free(&replay);
    run_close(&r);
}

/* ---- emergencies and rules ---- */

static void blowup_rows(struct run *r, const char *limit)
{
    run_open(r, "t,rss_bytes,limit");
    for (int64_t t = 0; t < 200; t++) /* full in 20 s */
        buf_printf(&r->csv, "%lld,%lld,%s\n", (long long)t,
                   t < 180 ? 300000000LL : 300000000LL + (t - 180) * 35000000LL, limit);
}

static void test_blowup(void **state)
{
    (void)state;
    struct run r;
    blowup_rows(&r, "1000000000");
    const char *events = run_events(&r);
    assert_int_equal(count_of(events, "\"kind\":\"blowup\",\"grade\":\"likely\",\"eta_s\":"),
                     3);
    double first = t_of(events, "\"event\":\"dump\",\"trigger\":\"emergency\"");
    assert_true(first >= 185 && first <= 190); /* half full, and ten seconds left */
    run_close(&r);
    blowup_rows(&r, "0"); /* none known */
    assert_string_equal(run_events(&r), "");
    run_close(&r);
    blowup_rows(&r, "1000000000");
    r.settings.memory_limit_scope = 2;
    assert_string_equal(run_events(&r), "");
    run_close(&r);
}

static void test_rule_without_memory(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,goroutines");
    buf_puts(&r.csv, "1,10\n2,499\n3,500\n4,600\n");
    r.settings.rule_goroutines = 500;
    assert_string_equal(run_events(&r), "{\"t\":3,\"event\":\"dump\",\"trigger\":\"rule\","
                                        "\"reason\":\"500 goroutines, the rule's bound is "
                                        "500\"}\n");
    run_close(&r);
}

/* ---- bounds ---- */

static void test_error_keeps_what_was_said(void **state)
{
    (void)state;
    struct run r;
    int error;
    leak_rows(&r, 3);
    buf_puts(&r.csv, "5,1,1\n");
    assert_int_equal(count_of(run_replay(&r, &error), "\"event\":\"verdict\""), 1);
    assert_int_equal(error, ERR_SYNTAX);
    assert_string_equal(r.e.text,
                        "line 1082, column 1: t is 5, and 10790 before; it must rise");
    run_close(&r);
}

/* Thirty hours of five stacks: the default history forgets nothing that counts. */
static void test_bounded_history_says_the_same(void **state)
{
    (void)state;
    struct run r;
    run_open(&r, "t,goroutines,heap_bytes,rss_bytes,limit,uptime,s_a,s_b,s_c,s_d,s_leak");
    for (int64_t t = 0; t < 30 * HOUR_S; t += 30) {
        long long n = handlers_at(t), leak = 10 + t / 400;
        buf_printf(&r.csv, "%lld,%lld,%lld,%lld,1073741824,%lld,%lld,%lld,100,%lld,%lld\n",
                   (long long)t, 3 * n + 100 + leak, 100000000 + 4000 * (long long)t,
                   300000000 + 6000 * (long long)t, (long long)t, n, n / 2, n + (n * 7) % 13,
                   leak);
    }
    struct buf usual;
    buf_init(&usual, 16 << 20);
    buf_puts(&usual, run_events(&r));
    assert_true(count_of(buf_cstr(&usual), "\"event\":\"verdict\"") > 10);
    r.settings.history_bytes = 256 << 20;
    assert_string_equal(run_events(&r), buf_cstr(&usual));
    buf_free(&usual);
    run_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leak_is_found),
        cmocka_unit_test(test_sound_is_silent),
        cmocka_unit_test(test_allowed_stack),
        cmocka_unit_test(test_missed_scrapes),
        cmocka_unit_test(test_unix_seconds_and_fractions),
        cmocka_unit_test(test_milliseconds),
        cmocka_unit_test(test_far_ahead),
        cmocka_unit_test(test_uptime_that_falls_is_a_new_life),
        cmocka_unit_test(test_a_new_life_knows_nothing),
        cmocka_unit_test(test_blowup),
        cmocka_unit_test(test_rule_without_memory),
        cmocka_unit_test(test_error_keeps_what_was_said),
        cmocka_unit_test(test_bounded_history_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
