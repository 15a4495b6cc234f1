/* The names of leaks: a real program's, all of them leaking at once. */
#include "lib/detect/owner.h"
#include "tests/unit/detect/leaks.h"

struct of_profile {
    const struct profile *p;
    uint32_t samples[LEAKS_SITES_MAX];
    uint32_t n;
};

static size_t frames_of(void *ctx, uint32_t i, struct frame *out, size_t max)
{
    struct of_profile *of = ctx;
    return sample_frames(of->p, &of->p->samples.p[of->samples[i]], out, max);
}

/* The other stacks of the same leak grow beside it, and two whose callers still
 * wait; any heap site may be its maker's. */
static bool forget_what_is_in_use;

static struct classification name_stack(const char *leak, const struct sample *s,
                                        const struct blocking_pcs *pcs)
{
    static struct of_profile beside, sites;
    static struct frame frames[HISTORY_FRAMES_MAX];
    uint32_t samples[LEAKS_STACKS_MAX], n = leaks_of(&leaks.text, leak, samples);
    struct classification c;

    beside.p = &leaks.text;
    beside.n = leaks_of(&leaks.text, "http-slow", beside.samples);
    beside.n += leaks_of(&leaks.text, "grpc-recv", beside.samples + beside.n);
    for (uint32_t i = 0; i < n; i++)
        if (&leaks.text.samples.p[samples[i]] != s)
            beside.samples[beside.n++] = samples[i];
    sites.p = &leaks.heap;
    sites.n = leaks.n_sites;
    memcpy(sites.samples, leaks.sites, sizeof leaks.sites);
    struct classify_input in = {
        .class = HISTORY_STACKS,
        .blocking = blocking_of_sample(pcs, &leaks.text, s),
        .frames = frames,
        .n = sample_frames(&leaks.text, s, frames, HISTORY_FRAMES_MAX),
        .beside = {frames_of, &beside, beside.n},
        .sites = {frames_of, &sites, forget_what_is_in_use ? 0 : sites.n},
        .allocs = {frames_of, &sites, sites.n},
    };
    classify(&in, &c);
    return c;
}

#define SERIALIZER "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"
#define GRPC_READER "google.golang.org/grpc/internal/transport.(*http2Client).reader"
#define GRPC_LOOPY "google.golang.org/grpc/internal/transport.(*loopyWriter).run"
#define GRPC_STREAM "google.golang.org/grpc.newClientStreamWithParams.func4"
#define READ_LOOP "net/http.(*persistConn).readLoop"
#define WRITE_LOOP "net/http.(*persistConn).writeLoop"
#define HEALTH_CHECK "github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"

static const struct {
    const char *leak, *through;
    enum pattern pattern;
    const char *at; /* the user's function */
} stacks[] = {
    {"channel-send", "main.fetchUserData.func1", PATTERN_CHANNEL_SEND,
     "main.fetchUserData.func1"},
    {"context-range", "main.processQueue.func1", PATTERN_CONTEXT_IGNORED,
     "main.processQueue.func1"},
    {"context-select", "main.awaitReply", PATTERN_CONTEXT_IGNORED, "main.awaitReply"},
    {"context-sleep", "main.poll", PATTERN_CONTEXT_IGNORED, "main.poll"},
    {"context-never-cancelled", "main.awaitDone", PATTERN_CONTEXT_IGNORED, "main.awaitDone"},
    {"select-forever", "main.channelLeaks.func5", PATTERN_CONTEXT_IGNORED,
     "main.channelLeaks.func5"},
    {"grpc-conn", SERIALIZER, PATTERN_GRPC, "main.callPerRequest"},
    {"grpc-conn", GRPC_READER, PATTERN_GRPC, "main.callPerRequest"},
    {"grpc-conn", GRPC_LOOPY, PATTERN_GRPC, "main.callPerRequest"},
    {"grpc-stream", GRPC_STREAM, PATTERN_GRPC, "main.readOne"},
    {"grpc-recv", "main.readAll", PATTERN_GRPC, "main.readAll"},
    {"grpc-unary", "main.callHung", PATTERN_GRPC, "main.callHung"},
    {"sql-rows", "database/sql.(*Rows).awaitDone", PATTERN_DATABASE, "main.fetchStats"},
    {"sql-tx", "database/sql.(*Tx).awaitDone", PATTERN_DATABASE, "main.beginOrder"},
    {"sql-rows-pq", "github.com/lib/pq.(*conn).watchCancel.func1", PATTERN_DATABASE,
     "main.fetchStats"},
    {"sql-tx-pq", "github.com/lib/pq.(*conn).watchCancel.func1", PATTERN_DATABASE,
     "main.beginOrder"},
    {"sql-open", "database/sql.(*DB).connectionOpener", PATTERN_DATABASE,
     "main.openPerRequest"},
    {"sql-starved", "main.queryStarved", PATTERN_DATABASE, "main.queryStarved"},
    {"sql-slow", "main.slowQuery", PATTERN_DATABASE, "main.slowQuery"},
    {"pgx-acquire", "main.acquire", PATTERN_DATABASE, "main.acquire"},
    {"pgx-pool", HEALTH_CHECK, PATTERN_DATABASE, "main.poolPerRequest"},
    {"sse-gone", "main.handleEvents", PATTERN_STREAM_WRITE, "main.handleEvents"},
    {"sse-blocked", "main.handleFirehose", PATTERN_STREAM_WRITE, "main.handleFirehose"},
    {"ws-gorilla", "main.gorillaWriter", PATTERN_STREAM_WRITE, "main.gorillaWriter"},
    {"ws-gorilla", "main.gorillaReader", PATTERN_STREAM_WRITE, "main.gorillaReader"},
    {"ws-gorilla-feed", "main.handleFeed", PATTERN_STREAM_WRITE, "main.handleFeed"},
    {"ws-coder", "main.handleCoder", PATTERN_STREAM_WRITE, "main.handleCoder"},
    {"sync-mutex", "main.(*store).put", PATTERN_SYNC, "main.(*store).put"},
    {"sync-rlock", "main.(*store).get", PATTERN_SYNC, "main.(*store).get"},
    {"sync-lock", "main.(*store).set", PATTERN_SYNC, "main.(*store).set"},
    {"sync-waitgroup", "main.processAll", PATTERN_SYNC, "main.processAll"},
    {"sync-cond", "main.syncLeaks.func5", PATTERN_SYNC, "main.syncLeaks.func5"},
    {"sync-semaphore", "main.syncLeaks.func6", PATTERN_SYNC, "main.syncLeaks.func6"},
    {"sync-errgroup", "golang.org/x/sync/errgroup.(*Group).Wait", PATTERN_SYNC,
     "main.syncLeaks.func8"},
    {"timer-ticker", "main.watchTicks", PATTERN_TIMER, "main.watchTicks"},
    {"http-body", READ_LOOP, PATTERN_HTTP_BODY, "main.callUpstream"},
    {"http-body", WRITE_LOOP, PATTERN_HTTP_BODY, "main.callUpstream"},
    {"http2-body", "net/http.(*http2ClientConn).readLoop", PATTERN_HTTP_BODY,
     "main.callUpstream"},
    {"http-slow", "main.callSlow", PATTERN_IO_WAIT, "main.callSlow"},
    {"io-read", "main.readForEver", PATTERN_IO_WAIT, "main.readForEver"},
};

static void test_stacks(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        const struct sample *s = leaks_stack(&leaks.text, stacks[i].leak, stacks[i].through);
        struct classification c = name_stack(stacks[i].leak, s, &leaks.pcs);

        if (c.pattern != stacks[i].pattern || !str_is(c.at.function, stacks[i].at)) {
            print_error("%s through %s: %s at %.*s instead of %s at %s\n  %s\n", stacks[i].leak,
                        stacks[i].through, pattern_text(c.pattern), (int)c.at.function.n,
                        c.at.function.p, pattern_text(stacks[i].pattern), stacks[i].at,
                        c.advice);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* The biggest heap site below a function, with the goroutines of a leak beside. */
static struct classification name_site(const char *function, const char *leak)
{
    static struct of_profile beside, sites;
    struct frame frames[HISTORY_FRAMES_MAX];
    struct classification c = {0};

    beside.p = &leaks.text;
    beside.n = leaks_of(&leaks.text, leak, beside.samples);
    sites.p = &leaks.heap;
    for (uint32_t i = 0; i < leaks.n_sites; i++) {
        size_t n = sample_frames(&leaks.heap, &leaks.heap.samples.p[leaks.sites[i]], frames,
                                 HISTORY_FRAMES_MAX);
        size_t user = owner_frame(frames, n, NULL);
        struct classify_input in = {.class = HISTORY_SITES,
                                    .frames = frames,
                                    .n = n,
                                    .beside = {frames_of, &beside, beside.n},
                                    .sites = {frames_of, &sites, 0}};

        if (!n || !str_is(frames[user].function, function))
            continue;
        classify(&in, &c);
        return c;
    }
    fail_msg("no heap site below %s", function);
    return c;
}

static void test_sites(void **state)
{
    static const struct {
        const char *function, *beside;
        enum pattern pattern;
    } sites[] = {
        {"main.hotLoop", "", PATTERN_TIMER},
        {"main.keepTickers", "", PATTERN_TIMER},
        {"main.cacheForEver", "", PATTERN_UNKNOWN},
        {"main.callPerRequest", "grpc-conn", PATTERN_GRPC},
        /* the same connection, but no goroutine says that it leaks */
        {"main.callPerRequest", "", PATTERN_UNKNOWN},
        {"main.beginOrder", "sql-tx", PATTERN_DATABASE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        struct classification c = name_site(sites[i].function, sites[i].beside);

        if (c.pattern != sites[i].pattern || !str_is(c.at.function, sites[i].function))
            fail_msg("%s beside '%s': %s, %s", sites[i].function, sites[i].beside,
                     pattern_text(c.pattern), c.advice);
    }
}

static void test_advice(void **state)
{
    const struct sample *s =
        leaks_stack(&leaks.text, "channel-send", "main.fetchUserData.func1");
    struct classification c = name_stack("channel-send", s, &leaks.pcs);
    struct frame frames[2] = {{.function = STR(SERIALIZER)}};
    struct classify_input in = {.frames = frames, .n = 1};

    (void)state;
    assert_non_null(strstr(c.advice, "main.fetchUserData.func1 (channel.go:"));
    assert_true(c.own && !c.elsewhere);
    /* the runtime's names are not known yet: no pattern, but the same line */
    c = name_stack("channel-send", s, NULL);
    assert_int_equal(c.pattern, PATTERN_UNKNOWN);
    assert_true(str_is(c.at.function, "main.fetchUserData.func1"));
    /* found where it is made */
    s = leaks_stack(&leaks.text, "grpc-conn", SERIALIZER);
    c = name_stack("grpc-conn", s, &leaks.pcs);
    assert_true(c.own && c.elsewhere);
    assert_true(str_ends(c.at.file, "grpc.go"));
    /* nobody shows who makes it */
    classify(&in, &c);
    assert_int_equal(c.pattern, PATTERN_GRPC);
    assert_false(c.own);
    assert_non_null(strstr(c.advice, "whoever calls grpc.NewClient opens a grpc.ClientConn"));
    /* but debug=2 knows who created it */
    in.created_by =
        (struct frame){.function = STR("main.dial"), .file = STR("d.go"), .line = 7};
    classify(&in, &c);
    assert_true(c.own && c.elsewhere);
    assert_non_null(strstr(c.advice, "main.dial (d.go:7) opens"));
    in.created_by.function = STR("google.golang.org/grpc.newClient");
    classify(&in, &c);
    assert_false(c.own);
    /* a library of which no rule speaks */
    frames[0].function = STR("example.org/cache.(*janitor).run");
    frames[0].file = STR("example.org/cache@v2.1.0/janitor.go");
    classify(&in, &c);
    assert_int_equal(c.pattern, PATTERN_UNKNOWN);
    assert_non_null(strstr(c.advice, "cache.(*janitor).run"));
    in.n = 0;
    classify(&in, &c);
    assert_int_equal(c.pattern, PATTERN_UNKNOWN);
    assert_string_equal(c.advice, "");
}

static size_t ticker_site(void *ctx, uint32_t i, struct frame *out, size_t max)
{
    (void)ctx;
    (void)i;
    if (max < 2)
        return 0;
    out[0] = (struct frame){.function = STR("time.NewTicker"), .file = STR("sleep.go")};
    out[1] = (struct frame){.function = STR("main.newPoller"), .file = STR("poll.go")};
    return 2;
}

/* newPoller makes the ticker and starts run, which waits for it. */
static void test_ticker_of_who_started(void **state)
{
    struct frame run = {.function = STR("main.(*poller).run"), .file = STR("poll.go")};
    struct classify_input in = {.blocking = BLOCKING_CHAN_RECEIVE,
                                .frames = &run,
                                .n = 1,
                                .sites = {.frames_of = ticker_site, .n = 1}};
    struct classification c;

    (void)state;
    classify(&in, &c);
    assert_int_equal(c.pattern, PATTERN_CONTEXT_IGNORED);
    in.created_by = (struct frame){.function = STR("main.newPoller"), .file = STR("poll.go")};
    classify(&in, &c);
    assert_int_equal(c.pattern, PATTERN_TIMER);
    assert_true(str_is(c.at.function, "main.(*poller).run"));
}

/* Who merely allocated is named only where nobody else did. */
static void test_who_allocated(void **state)
{
    struct classification c;

    (void)state;
    forget_what_is_in_use = true;
    c = name_stack("sql-tx", leaks_stack(&leaks.text, "sql-tx", "database/sql.(*Tx).awaitDone"),
                   &leaks.pcs);
    assert_true(c.own && c.elsewhere);
    assert_true(str_is(c.at.function, "main.beginOrder"));
    c = name_stack("http-body", leaks_stack(&leaks.text, "http-body", READ_LOOP), &leaks.pcs);
    forget_what_is_in_use = false;
    assert_int_equal(c.pattern, PATTERN_HTTP_BODY);
    assert_false(c.own);
    assert_true(str_is(c.at.function, READ_LOOP));
    assert_true(str_starts(str_of(c.advice), "one of main.call"));
    assert_non_null(strstr(c.advice, "main.callUpstream (http.go:"));
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(pattern_text(PATTERN_CHANNEL_SEND), "channel-send");
    assert_string_equal(pattern_text((enum pattern)99), "unknown");
    for (int p = 0; p < PATTERNS; p++) {
        assert_true(pattern_text((enum pattern)p)[0]);
        assert_true(pattern_words((enum pattern)p)[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stacks), cmocka_unit_test(test_sites),
        cmocka_unit_test(test_advice), cmocka_unit_test(test_who_allocated),
        cmocka_unit_test(test_texts),  cmocka_unit_test(test_ticker_of_who_started),
    };
    return cmocka_run_group_tests(tests, leaks_set_up, leaks_tear_down);
}
