/* Detector E in the whole agent: what is asked when, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/service.h"

#define MINUTE 60000LL
#define HOUR (60 * MINUTE)
#define DUMPS_MAX 64

/* 100 goroutines an hour on a base of 300; the limit is far. */
static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return -1;
    world_init(w, 100, 72);
    w->service.serves_symbols = w->service.serves_stacks = true;
    w->service.percent_proven = 90;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_fini(*state);
    free(*state);
    return 0;
}

static struct watched *watched(struct world *w)
{
    return &w->agent.watch.targets[0];
}

static const struct finding *finding(struct world *w)
{
    return &watched(w)->judge.detect.verdict.finding;
}

static int dumps_of(struct world *w, const char *trigger)
{
    struct manifest *m = calloc(DUMPS_MAX, sizeof(*m));
    size_t n = world_dumps(w, m, DUMPS_MAX);
    int found = 0;

    for (size_t i = 0; i < n; i++)
        found += strcmp(m[i].trigger, trigger) == 0;
    free(m);
    return found;
}

/* Nothing is asked before a verdict stands. */
static void test_gc_proves(void **state)
{
    struct world *w = *state;

    w->service.serves_leaks = true;
    world_open(w);
    io_fake_pass(&w->io, HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_NONE);
    assert_int_equal(w->service.asked.leaks + w->service.asked.stacks, 0);
    io_fake_pass(&w->io, 2 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_int_equal(finding(w)->grade, GRADE_CONFIRMED);
    assert_non_null(strstr(finding(w)->evidence, "the GC proves "));
    assert_non_null(strstr(finding(w)->evidence, "% of the growth"));
    assert_int_equal(dumps_of(w, "confirmed"), 1);
    assert_int_equal(world_logged(w, "\"grade\":\"confirmed\""), 1 + 1); /* and the dump */
    /* A verdict's line has all of it: the symbols were learnt long before. */
    static const char all[] =
        "\"function\":\"main.fetchUserData.func1\",\"file\":\"/app/users.go\","
        "\"line\":42,\"before\":";
    assert_int_equal(world_logged(w, "\"msg\":\"verdict\""), 2);
    assert_int_equal(world_logged(w, all), 2 + world_logged(w, "\"msg\":\"dump\""));
    assert_true(
        world_logged(
            w, "\"pattern\":\"channel-send\",\"blocking\":\"chan-send\",\"advice\":\"") >= 2);
    /* What is proven is not asked again; the creator once. */
    assert_true(w->service.asked.leaks <= 1);
    int stacks = w->service.asked.stacks;
    io_fake_pass(&w->io, 3 * HOUR);
    assert_int_equal(finding(w)->grade, GRADE_CONFIRMED);
    assert_true(w->service.asked.leaks <= 1);
    assert_int_equal(w->service.asked.stacks, stacks + dumps_of(w, "doubling"));
    assert_int_equal(dumps_of(w, "confirmed"), 1);
    assert_string_equal(watched(w)->origins[0].created_by, "main.handle");
    assert_string_equal(watched(w)->origins[0].state, "chan send");
}

/* Each leaked goroutine has the label of its request, so that a page has none of
 * them twice: they are one stack all the same. */
static void test_labels(void **state)
{
    struct world *w = *state;

    w->service.labelled = true;
    world_open(w);
    io_fake_pass(&w->io, 3 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_int_equal(finding(w)->grade, GRADE_LIKELY);
    assert_true(finding(w)->culprits[0].now > 150);
    assert_int_equal(
        history_last(w->agent.history, 0, HISTORY_STACKS, finding(w)->culprits[0].stack),
        service_leaked(&w->service, watched(w)->page_ms));
}

/* The GC proves nothing of it, which is no refutation; and ages do not overrule. */
static void test_gc_proves_nothing(void **state)
{
    struct world *w = *state;

    w->service.serves_leaks = true;
    w->service.percent_proven = 0;
    world_open(w);
    io_fake_pass(&w->io, 12 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_true(finding(w)->grade < GRADE_CONFIRMED);
    assert_non_null(strstr(finding(w)->evidence, "the GC proves none leaked"));
    assert_int_equal(dumps_of(w, "confirmed"), 0);
    assert_int_equal(watched(w)->refuted_ms, 0);
    /* Ever less often: at 0, 10, 30, 70, 150, 310 minutes at most, and per dump. */
    assert_in_range(w->service.asked.leaks, 2, 6);
}

/* Without goroutineleak: asked once a life, then ages prove when 80 % are old. */
static void test_ages_prove(void **state)
{
    struct world *w = *state;

    world_open(w);
    io_fake_pass(&w->io, 3 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_true(finding(w)->grade < GRADE_CONFIRMED);
    assert_non_null(strstr(finding(w)->evidence, "goroutines have waited 47 min or longer"));
    assert_int_equal(w->service.asked.leaks + w->service.asked.native_leaks, 1);
    assert_in_range(w->service.asked.stacks, 2, 5);
    io_fake_pass(&w->io, 5 * HOUR);
    assert_int_equal(finding(w)->grade, GRADE_CONFIRMED);
    assert_int_equal(dumps_of(w, "confirmed"), 1);
    assert_int_equal(w->service.asked.leaks + w->service.asked.native_leaks, 1);
}

/* Ever more that come and go. */
static void test_refuted(void **state)
{
    struct world *w = *state;

    w->service.passing = true;
    world_open(w);
    io_fake_pass(&w->io, 5 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_true(finding(w)->grade < GRADE_CONFIRMED);
    assert_true(watched(w)->refuted_ms > 0);
    assert_non_null(strstr(finding(w)->evidence, "they come and go"));
}

/* Memory so near the limit that neither a GC nor the text fits. */
static void test_no_headroom(void **state)
{
    struct world *w = *state;

    w->service.serves_leaks = true;
    w->service.bytes_per_leak = 0;
    w->service.limit_bytes = w->service.base_bytes + (900 << 10);
    world_open(w);
    io_fake_pass(&w->io, 6 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_int_equal(w->service.asked.leaks + w->service.asked.native_leaks, 0);
    assert_int_equal(w->service.asked.stacks, 0);
    assert_true(watched(w)->counters.skipped_headroom > 0);
    assert_true(w->service.asked.symbols > 0); /* these cost nothing */
}

/* debug=2 stops the world: not of so many, neither for proof nor for a dump. */
static void test_too_many_goroutines(void **state)
{
    struct world *w = *state;
    char id[DUMP_ID_MAX];

    w->service.base_goroutines = 2200;
    world_open(w);
    io_fake_pass(&w->io, 4 * HOUR);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_int_equal(agent_dump(&w->agent, 0, TRIGGER_MANUAL, "to see", id), 0);
    io_fake_pass(&w->io, MINUTE);
    assert_int_equal(w->service.asked.stacks, 0);
    assert_int_equal(w->service.asked.leaks + w->service.asked.native_leaks, 1);
}

/* Each hidden address once a life, also the one that nobody knows. */
static void test_symbols(void **state)
{
    struct world *w = *state;

    w->service.restart_after_ms = 2000;
    world_open(w);
    io_fake_pass(&w->io, 30 * MINUTE);
    assert_int_equal(w->service.asked.symbols, 1);
    assert_string_equal(w->service.asked.symbols_path, "symbol?0x48ab4d+0x41a58d+0x492420");
    assert_true(blocking_knows(&watched(w)->pcs, 0x48ab4d));
    assert_true(blocking_knows(&watched(w)->pcs, 0x492420));
    w->service.dead = true;
    w->service.died_ms = w->io.now.boot_ms;
    io_fake_pass(&w->io, 5 * MINUTE);
    assert_int_equal(watched(w)->life.record.id, 2);
    assert_int_equal(w->service.asked.symbols, 2);
    /* Not served: asked once in the life, and no trouble of the target's. */
    w->service.serves_symbols = false;
    w->service.dead = true;
    w->service.died_ms = w->io.now.boot_ms;
    io_fake_pass(&w->io, 30 * MINUTE);
    assert_int_equal(w->service.asked.symbols, 3);
    assert_string_equal(watched(w)->problem, "");
}

/* Where the next page is always due by the time one has come, as at a high time
 * scale, the other questions still have their turn. */
static void test_pages_always_due(void **state)
{
    struct world *w = *state;

    w->settings.time_scale = 300;
    w->service.latency_ms = 50; /* a page is due every 33 ms */
    w->service.leak_per_hour *= 300;
    world_open(w);
    io_fake_pass(&w->io, 10 * 1000);
    assert_int_equal(w->service.asked.symbols, 1);
    io_fake_pass(&w->io, 50 * 1000);
    assert_int_equal(finding(w)->kind, VERDICT_DRIFT);
    assert_true(w->service.asked.stacks > 0);
}

static const struct manifest_file *file_of(const struct manifest *m, const char *name)
{
    for (int i = 0; i < m->n_files; i++)
        if (strcmp(m->files[i].name, name) == 0)
            return &m->files[i];
    return NULL;
}

/* Phase 2's folder, of a dump taken by hand; returns which of the three are there. */
static int native_files(struct world *w)
{
    struct manifest *m = calloc(DUMPS_MAX, sizeof(*m));
    char id[DUMP_ID_MAX];
    int found = 0;

    assert_int_equal(agent_dump(&w->agent, 0, TRIGGER_MANUAL, "to see", id), 0);
    io_fake_pass(&w->io, MINUTE);
    size_t n = world_dumps(w, m, DUMPS_MAX);
    assert_true(n > 0);
    assert_int_equal(m[n - 1].phase, 2);
    found |= file_of(&m[n - 1], "native/goroutine.pb.gz") != NULL ? 1 : 0;
    found |= file_of(&m[n - 1], "native/goroutineleak.pb.gz") != NULL ? 2 : 0;
    found |= file_of(&m[n - 1], "native/goroutines.txt") != NULL ? 4 : 0;
    assert_string_equal(m[n - 1].open_set, found & 1 ? "native" : ".");
    free(m);
    return found;
}

static void test_native_files(void **state)
{
    struct world *w = *state;

    w->service.serves_leaks = true;
    world_open(w);
    io_fake_pass(&w->io, 10 * MINUTE);
    assert_int_equal(native_files(w), 1 | 2 | 4);
    w->service.serves_leaks = false;
    assert_int_equal(native_files(w), 1 | 4);
    assert_int_equal(native_files(w), 1 | 4);
    assert_int_equal(w->service.asked.native_leaks, 2); /* the refusal is remembered */
}

/* One that fails does not lose the others. */
static void test_native_garbled(void **state)
{
    struct world *w = *state;

    w->service.serves_leaks = w->service.garbled_leaks = true;
    world_open(w);
    io_fake_pass(&w->io, 10 * MINUTE);
    assert_int_equal(native_files(w), 1 | 4);
    assert_string_equal(watched(w)->problem, "");
    assert_int_equal(watched(w)->state, TARGET_ALIVE);
}

/* The text is kept up to its bound, of whole goroutines, and the manifest says so. */
static void test_native_text_is_bounded(void **state)
{
    struct world *w = *state;
    struct manifest *m = calloc(DUMPS_MAX, sizeof(*m));
    static const char end[] = "\t/app/main.go:7 +0x31\n";
    struct buf text;
    size_t n;

    w->service.base_goroutines = 1900;
    w->service.padding = 10;
    world_open(w);
    io_fake_pass(&w->io, 10 * MINUTE);
    assert_int_equal(native_files(w), 1 | 4);
    n = world_dumps(w, m, DUMPS_MAX);
    assert_non_null(strstr(m[n - 1].note, "native/goroutines.txt: cut at 512 KiB"));
    buf_init(&text, 1 << 20);
    assert_int_equal(
        store_read_file(&w->agent.store, m[n - 1].id, "native/goroutines.txt", &text), 0);
    assert_in_range(text.len, WATCH_STACKS_BYTES - 1000, WATCH_STACKS_BYTES);
    assert_memory_equal(text.p + text.len - strlen(end), end, strlen(end));
    buf_free(&text);
    free(m);
}

/* An emergency has no time for them; dropped labels must not come in by them. */
static void test_native_without(void **state)
{
    struct world *w = *state;
    struct manifest *m = calloc(DUMPS_MAX, sizeof(*m));
    size_t n;

    w->service.serves_leaks = true;
    w->settings.labels = 1;
    world_open(w);
    io_fake_pass(&w->io, 10 * MINUTE);
    assert_int_equal(native_files(w), 1);
    w->settings.labels = 0;
    w->service.base_bytes = w->service.limit_bytes / 100 * 93;
    io_fake_pass(&w->io, MINUTE);
    n = world_dumps(w, m, DUMPS_MAX);
    assert_string_equal(m[n - 1].trigger, "emergency");
    assert_int_equal(m[n - 1].phase, 2);
    assert_int_equal(w->service.asked.native_leaks + w->service.asked.stacks, 0);
    free(m);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* An argument runs the tests of that name alone. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(test_gc_proves),           T(test_labels),         T(test_gc_proves_nothing),
        T(test_ages_prove),          T(test_refuted),        T(test_no_headroom),
        T(test_too_many_goroutines), T(test_symbols),        T(test_native_files),
        T(test_native_without),      T(test_native_garbled), T(test_native_text_is_bounded),
        T(test_pages_always_due),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
