/* The memory ratchet (B), the daily floor (C) and the forecast (D) against their
 * reference, on the series of tests/data/traces/memory.
 *
 * The reference only says whether; ours also says how sure it is, and calls a
 * climb that slows down, or that traffic explains, no more than suspect. So the
 * agreement is on firing at all, and on when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detectors.h"
#include "tests/unit/detect/feed.h"

#define ROWS_MAX 512

struct row {
    int64_t t_s, goroutines, heap_bytes, rss_bytes, limit_bytes;
};
struct trace {
    struct row rows[ROWS_MAX];
    size_t n;
};

static FILE *data_open(const char *file)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/traces/memory/%s", LW_TEST_DATA, file);
    FILE *in = fopen(path, "r");
    if (!in)
        fail_msg("%s: cannot open", path);
    return in;
}

/* The next line's cells; an empty cell is -1. False at the end of the file. */
static bool cells_read(FILE *in, char *file, size_t n_file, int64_t *cells, int n)
{
    char line[256];
    if (!fgets(line, sizeof(line), in))
        return false;
    struct str rest = str_trim(str_of(line)), cell;
    if (file) {
        assert_true(str_split(&rest, ',', &cell));
        str_copy(file, n_file, cell);
    }
    for (int i = 0; i < n; i++) {
        assert_true(str_split(&rest, ',', &cell));
        cells[i] = -1;
        if (cell.n > 0)
            assert_int_equal(str_i64(cell, &cells[i]), 0);
    }
    return true;
}

static FILE *table_open(const char *file, const char *head)
{
    char line[256];
    FILE *in = data_open(file);
    assert_non_null(fgets(line, sizeof(line), in));
    assert_string_equal(line, head);
    return in;
}

static void trace_read(struct trace *t, const char *file)
{
    FILE *in = table_open(file, "t,goroutines,heap_bytes,rss_bytes,limit\n");
    int64_t c[5];
    for (t->n = 0; cells_read(in, NULL, 0, c, 5); t->n++) {
        assert_in_range(t->n, 0, ROWS_MAX - 1);
        t->rows[t->n] = (struct row){c[0], c[1], c[2], c[3], c[4]};
    }
    fclose(in);
}

/* What is fed of a row; the other signals are not read. */
enum { GOROUTINES = 1, HEAP = 2, MEMORY = 4 };

static void row_feed(struct feed *f, const struct row *r, int signals)
{
    f->view.limit_bytes = r->limit_bytes;
    feed_reading(f, ORIGIN_MS + r->t_s * 1000,
                 signals & GOROUTINES ? (double)r->goroutines : NAN,
                 signals & HEAP ? (double)r->heap_bytes : NAN,
                 signals & MEMORY ? (double)r->rss_bytes : NAN);
}

/* ---- B and C ---- */

/* The reference's blocks begin where its grace ends, at half an hour and at an
 * hour; ours at multiples of the block. A life that begins with an hour makes
 * them the same. The reference counts the last minute of a block, and we look
 * when it is over. */
static int64_t first_minute(const struct trace *t, int signal,
                            void (*run)(const struct detect_view *, struct finding *),
                            struct finding *found)
{
    struct feed f;
    int64_t minute = -1;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (size_t i = 0; i < t->n && minute < 0; i++) {
        *found = (struct finding){0};
        row_feed(&f, &t->rows[i], signal);
        run(&f.view, found);
        if (found->kind != VERDICT_NONE)
            minute = t->rows[i].t_s / 60 - 1;
    }
    feed_close(&f);
    return minute;
}

/* As the columns of expected.csv. */
static const struct {
    const char *name;
    int signal;
    void (*run)(const struct detect_view *, struct finding *);
    enum verdict_kind kind;
} columns[] = {
    {"ratchet_heap", HEAP, memory_ratchet_run, VERDICT_HEAP},
    {"ratchet_memory", MEMORY, memory_ratchet_run, VERDICT_MEMORY},
    {"floor_goroutines", GOROUTINES, daily_floor_run, VERDICT_DRIFT},
    {"floor_heap", HEAP, daily_floor_run, VERDICT_HEAP},
    {"floor_memory", MEMORY, daily_floor_run, VERDICT_MEMORY},
};
#define COLUMNS 5

static void test_fires_when_the_reference_does(void **state)
{
    (void)state;
    static struct trace t;
    char file[32];
    int64_t want[COLUMNS];
    int fired[COLUMNS] = {0}, n = 0;
    FILE *in = table_open("expected.csv", "file,ratchet_heap,ratchet_memory,floor_goroutines,"
                                          "floor_heap,floor_memory\n");
    for (; cells_read(in, file, sizeof(file), want, COLUMNS); n++) {
        trace_read(&t, file);
        for (int i = 0; i < COLUMNS; i++) {
            struct finding found;
            int64_t minute = first_minute(&t, columns[i].signal, columns[i].run, &found);
            if (minute != want[i])
                fail_msg("%s, %s: minute %lld, the reference says %lld", file, columns[i].name,
                         (long long)minute, (long long)want[i]);
            if (minute < 0)
                continue;
            fired[i]++;
            assert_int_equal(found.kind, columns[i].kind);
            assert_in_range(found.grade, GRADE_SUSPECT, GRADE_LIKELY);
        }
    }
    fclose(in);
    assert_int_equal(n, 9);
    for (int i = 0; i < COLUMNS; i++) /* each was seen to fire, and to be silent */
        assert_in_range(fired[i], 1, n - 1);
}

/* ---- D ---- */

static double forecast_at(const struct trace *t, int64_t minute, int signals)
{
    struct feed f;
    assert_int_equal(feed_open(&f, ORIGIN_MS), 0);
    for (size_t i = 0; i < t->n && t->rows[i].t_s <= minute * 60; i++)
        row_feed(&f, &t->rows[i], signals);
    f.view.t_ms = ORIGIN_MS + (minute + 1) * MINUTE_MS - 1;
    double eta_s = detect_forecast(&f.view).eta_s;
    feed_close(&f);
    return eta_s;
}

/* Within a percent: the history keeps single precision. -1: never, our 0. */
static void eta_check(const char *what, const char *file, int64_t minute, double eta_s,
                      int64_t want_s)
{
    double want = want_s < 0 ? 0 : (double)want_s;
    if (fabs(eta_s - want) > 0.01 * want)
        fail_msg("%s at minute %lld: %s in %.0f s, the reference says %lld", file,
                 (long long)minute, what, eta_s, (long long)want_s);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void test_forecasts_as_the_reference(void **state)
{
    (void)state;
    static struct trace t;
    char file[32];
    int64_t c[3];
    int n = 0, heap_first = 0;
    FILE *in = table_open("forecast.csv", "file,minute,memory_s,heap_s\n");
    for (; cells_read(in, file, sizeof(file), c, 3); n++) {
        trace_read(&t, file);
        eta_check("memory", file, c[0], forecast_at(&t, c[0], MEMORY), c[1]);
        eta_check("heap", file, c[0], forecast_at(&t, c[0], GOROUTINES | HEAP), c[2]);
        /* Not the earlier but the heap's where memory has just come to be held: the
         * reference goes on by a climb that is over. */
        bool held = strcmp(file, "memlimit.csv") == 0;
        eta_check("both", file, c[0], forecast_at(&t, c[0], GOROUTINES | HEAP | MEMORY),
                  held ? c[2] : earlier(c[1], c[2]));
        heap_first += c[2] >= 0 && earlier(c[1], c[2]) == c[2];
    }
    fclose(in);
    assert_int_equal(n, 15);
    assert_in_range(heap_first, 1, n - 1); /* GOMEMLIMIT: memory is level, the heap climbs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_when_the_reference_does),
        cmocka_unit_test(test_forecasts_as_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
