/* Detector A against its reference: series of the trace generator, one row a
 * minute with the least count of that minute, and the minute at which the
 * reference implementation fires first on the same rows (expected.csv). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/detect/feed.h"

#define COLUMNS 5
#define ROWS_MAX 2048

struct row {
    int64_t t_s;
    int64_t counts[COLUMNS];
    int64_t uptime_s;
};

struct trace {
    struct row rows[ROWS_MAX];
    size_t n;
};

/* What the reference says of a file. */
struct expected {
    char file[32];
    int64_t first_minute; /* -1: silent */
    int64_t block_minutes;
    char stack[16];
};

static const char *const columns[COLUMNS] = {"s_handler", "s_worker", "s_pool", "s_burst",
                                             "s_leak"};

static FILE *data_open(const char *file)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/traces/%s", LW_TEST_DATA, file);
    FILE *in = fopen(path, "r");
    if (!in)
        fail_msg("%s: cannot open", path);
    return in;
}

static void trace_read(struct trace *t, const char *file)
{
    char line[256];
    FILE *in = data_open(file);
    assert_non_null(fgets(line, sizeof(line), in));
    assert_string_equal(line, "t,s_handler,s_worker,s_pool,s_burst,s_leak,uptime\n");
    t->n = 0;
    while (fgets(line, sizeof(line), in)) {
        assert_in_range(t->n, 0, ROWS_MAX - 1);
        struct row *r = &t->rows[t->n++];
        struct str rest = str_trim(str_of(line)), cell;
        int64_t *cells[COLUMNS + 2] = {&r->t_s};
        for (int i = 0; i < COLUMNS; i++)
            cells[i + 1] = &r->counts[i];
        cells[COLUMNS + 1] = &r->uptime_s;
        for (int i = 0; i < COLUMNS + 2; i++) {
            assert_true(str_split(&rest, ',', &cell));
            assert_int_equal(str_i64(cell, cells[i]), 0);
        }
    }
    fclose(in);
}

static bool expected_read(FILE *in, struct expected *e)
{
    char line[256], kind[8];
    if (!fgets(line, sizeof(line), in))
        return false;
    struct str rest = str_trim(str_of(line)), cell[5];
    for (int i = 0; i < 5; i++)
        assert_true(str_split(&rest, ',', &cell[i]));
    str_copy(e->file, sizeof(e->file), cell[0]);
    str_copy(kind, sizeof(kind), cell[1]);
    str_copy(e->stack, sizeof(e->stack), cell[4]);
    e->first_minute = -1;
    e->block_minutes = 0;
    if (strcmp(kind, "leak") == 0) {
        assert_int_equal(str_i64(cell[2], &e->first_minute), 0);
        assert_int_equal(str_i64(cell[3], &e->block_minutes), 0);
    }
    return true;
}

/* How a trace is fed, and how far from the reference it may be, in minutes. */
struct way {
    int64_t origin_ms;
    bool primed;  /* every stack has its series from the start */
    bool a_block; /* else a minute */
};

/* The minute of the first verdict, or -1. */
static int64_t trace_verdict(const struct trace *t, const struct way *way, struct feed *f)
{
    static const char pool[][512] = {"s_pool"};
    static const int64_t enough[COLUMNS] = {HISTORY_STACK_MATTERS, HISTORY_STACK_MATTERS,
                                            HISTORY_STACK_MATTERS, HISTORY_STACK_MATTERS,
                                            HISTORY_STACK_MATTERS};
    assert_int_equal(feed_open(f, way->origin_ms), 0);
    memcpy(f->names, columns, sizeof(columns));
    f->n = COLUMNS;
    f->view.allow = pool;
    f->view.n_allow = 1;
    if (way->primed)
        feed_step(f, way->origin_ms - 10000, enough);
    for (size_t i = 0; i < t->n; i++) {
        const struct row *r = &t->rows[i];
        int64_t t_ms = way->origin_ms + r->t_s * 1000;
        if (i > 0 && r->uptime_s < t->rows[i - 1].uptime_s)
            f->view.life_start_ms = t_ms - r->uptime_s * 1000;
        if (feed_step(f, t_ms, r->counts) == DETECT_RAISED)
            return r->t_s / 60;
    }
    return -1;
}

static void leak_check(const struct expected *e, const struct way *way, int64_t minute,
                       const struct feed *f)
{
    const struct finding *found = &f->state.verdict.finding;
    int64_t late = way->a_block ? e->block_minutes : 1;
    int64_t earliest = way->primed ? e->first_minute - late : 120;
    if (minute < earliest || minute > e->first_minute + late)
        fail_msg("%s: minute %lld, the reference says %lld", e->file, (long long)minute,
                 (long long)e->first_minute);
    assert_int_equal(found->kind, e->block_minutes == 60 ? VERDICT_STEP : VERDICT_DRIFT);
    assert_int_equal(found->grade, GRADE_LIKELY);
    assert_string_equal(f->state.verdict.detector, "stack-ratchet");
    assert_true(feed_is(f, found->culprits[0].stack, e->stack));
    assert_in_range(found->culprits[0].now - found->culprits[0].before, 50, 100000);
}

static void trace_check(const struct expected *e, const struct way *way)
{
    static struct trace t;
    struct feed f;
    trace_read(&t, e->file);
    int64_t minute = trace_verdict(&t, way, &f);
    if (e->first_minute >= 0)
        leak_check(e, way, minute, &f);
    else if (minute >= 0)
        fail_msg("%s: verdict at minute %lld of a sound trace: %s", e->file, (long long)minute,
                 f.state.verdict.finding.evidence);
    feed_close(&f);
}

static void traces_check(const struct way *way)
{
    char line[256];
    struct expected e;
    FILE *in = data_open("expected.csv");
    assert_non_null(fgets(line, sizeof(line), in));
    int n = 0;
    for (; expected_read(in, &e); n++)
        trace_check(&e, way);
    fclose(in);
    assert_in_range(n, 8, 100);
}

/* The reference's blocks begin where the grace ends, ours at multiples of the
 * block in ring time. With an origin half past an hour both are the same; one
 * minute is left because the detector looks every two. */
static void test_agrees_with_reference(void **state)
{
    (void)state;
    traces_check(&(struct way){.origin_ms = ORIGIN_MS + 30 * MINUTE_MS, .primed = true});
}

/* Else the first block boundary at which a window fits is up to one block away. */
static void test_agrees_within_a_block(void **state)
{
    (void)state;
    static const int64_t minutes[] = {0, 7, 41};
    for (size_t i = 0; i < 3; i++)
        traces_check(&(struct way){
            .origin_ms = ORIGIN_MS + minutes[i] * MINUTE_MS, .primed = true, .a_block = true});
}

/* A small stack has no series until it matters and reads 0 before, so that a
 * rise can look up to HISTORY_STACK_MATTERS larger: earlier, never later, and
 * still silent on what is sound. */
static void test_small_stacks_come_earlier(void **state)
{
    (void)state;
    traces_check(&(struct way){.origin_ms = ORIGIN_MS + 30 * MINUTE_MS});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_reference),
        cmocka_unit_test(test_agrees_within_a_block),
        cmocka_unit_test(test_small_stacks_come_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
