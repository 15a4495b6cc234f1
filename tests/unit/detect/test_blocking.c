/* What goroutines wait for: a real program's, of every kind. */
#include "tests/unit/detect/leaks.h"

/* Of the text with the hidden addresses known; without, "unknown" where only
 * they tell. */
static const struct {
    const char *leak, *function;
    enum blocking op;
    bool visible; /* the frames alone tell */
} waits[] = {
    {"channel-send", "main.fetchUserData.func1", BLOCKING_CHAN_SEND, false},
    {"channel-nil-send", "main.channelLeaks.func4", BLOCKING_CHAN_SEND, false},
    {"channel-nil", "main.channelLeaks.func3", BLOCKING_CHAN_RECEIVE, false},
    {"channel-send-select", "main.sendSelect.func1", BLOCKING_SELECT, false},
    {"context-range", "main.processQueue.func1", BLOCKING_CHAN_RECEIVE, false},
    {"context-never-cancelled", "main.awaitDone", BLOCKING_CHAN_RECEIVE, false},
    {"context-select", "main.awaitReply", BLOCKING_SELECT, false},
    {"context-sleep", "main.poll", BLOCKING_SLEEP, true},
    {"select-forever", "main.channelLeaks.func5", BLOCKING_NEVER, false},
    {"sync-mutex", "main.(*store).put", BLOCKING_MUTEX, true},
    {"sync-rlock", "main.(*store).get", BLOCKING_RWMUTEX, true},
    {"sync-lock", "main.(*store).set", BLOCKING_RWMUTEX, true},
    {"sync-waitgroup", "main.processAll", BLOCKING_WAIT_GROUP, true},
    {"sync-errgroup", "golang.org/x/sync/errgroup.(*Group).Wait", BLOCKING_WAIT_GROUP, true},
    {"sync-cond", "sync.(*Cond).Wait", BLOCKING_COND, true},
    {"sync-once", "sync.(*Mutex).Lock", BLOCKING_MUTEX, true},
    {"sync-semaphore", "golang.org/x/sync/semaphore.(*Weighted).Acquire", BLOCKING_SELECT,
     false},
    {"io-read", "main.readForEver", BLOCKING_IO_READ, true},
    {"sse-blocked", "main.handleFirehose", BLOCKING_IO_WRITE, true},
    {"ws-coder", "main.handleCoder", BLOCKING_IO_WRITE, true},
    {"sse-gone", "main.handleEvents", BLOCKING_SLEEP, true},
    {"http-body", "net/http.(*persistConn).readLoop", BLOCKING_SELECT, false},
    {"sql-tx", "database/sql.(*Tx).awaitDone", BLOCKING_CHAN_RECEIVE, false},
    {"grpc-conn", "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
     BLOCKING_CHAN_RECEIVE, false},
};

static void is(const char *where, const char *leak, enum blocking got, enum blocking want)
{
    if (got != want)
        fail_msg("%s, %s: %s instead of %s", leak, where, blocking_text(got),
                 blocking_text(want));
}

static void test_samples(void **state)
{
    struct frame frames[HISTORY_FRAMES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        const char *leak = waits[i].leak;
        const struct sample *s = leaks_stack(&leaks.text, leak, waits[i].function);
        enum blocking seen = waits[i].visible ? waits[i].op : BLOCKING_UNKNOWN;
        size_t n = sample_frames(&leaks.text, s, frames, HISTORY_FRAMES_MAX);

        is("text", leak, blocking_of_sample(&leaks.pcs, &leaks.text, s), waits[i].op);
        is("text alone", leak, blocking_of_sample(NULL, &leaks.text, s), seen);
        is("frames", leak, blocking_of_frames(frames, n), seen);
        s = leaks_stack(&leaks.proto, leak, waits[i].function);
        is("protobuf", leak, blocking_of_sample(NULL, &leaks.proto, s), waits[i].op);
    }
}

/* Every blocked goroutine of the program is told, and the one that wrote the
 * profile ran. */
static void test_none_is_unknown(void **state)
{
    struct frame frames[1];
    int running = 0;

    (void)state;
    for (size_t i = 0; i < leaks.text.samples.n; i++) {
        const struct sample *s = &leaks.text.samples.p[i];
        enum blocking op = blocking_of_sample(&leaks.pcs, &leaks.text, s);

        running += op == BLOCKING_RUNNING;
        if (op == BLOCKING_UNKNOWN && sample_frames(&leaks.text, s, frames, 1))
            fail_msg("%.*s is unknown", (int)frames[0].function.n, frames[0].function.p);
    }
    assert_int_equal(running, 1);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(blocking_of_runtime(STR("runtime.chanrecv2")), BLOCKING_CHAN_RECEIVE);
    assert_int_equal(blocking_of_runtime(STR("runtime.gopark")), BLOCKING_UNKNOWN);
    assert_int_equal(blocking_of_runtime(STR("runtime.goexit")), BLOCKING_UNKNOWN);
    assert_int_equal(blocking_of_runtime(STR("main.chansend1")), BLOCKING_UNKNOWN);
    assert_int_equal(blocking_of_runtime(STR("")), BLOCKING_UNKNOWN);
    assert_int_equal(blocking_of_state(STR("chan receive")), BLOCKING_CHAN_RECEIVE);
    assert_int_equal(blocking_of_state(STR("chan send (durable)")), BLOCKING_CHAN_SEND);
    assert_int_equal(blocking_of_state(STR("chan receive (nil chan)")), BLOCKING_NEVER);
    assert_int_equal(blocking_of_state(STR("select (no cases)")), BLOCKING_NEVER);
    assert_int_equal(blocking_of_state(STR("sync.WaitGroup.Wait")), BLOCKING_WAIT_GROUP);
    assert_int_equal(blocking_of_state(STR("GC worker (idle)")), BLOCKING_RUNTIME);
    assert_int_equal(blocking_of_state(STR("select, 5 minutes")), BLOCKING_UNKNOWN);
    assert_int_equal(blocking_of_state(STR("")), BLOCKING_UNKNOWN);
    for (int op = 0; op < BLOCKING_COUNT; op++) {
        assert_true(blocking_text((enum blocking)op)[0]);
        assert_true(blocking_words((enum blocking)op)[0]);
        for (int other = 0; other < op; other++)
            assert_string_not_equal(blocking_text((enum blocking)op),
                                    blocking_text((enum blocking)other));
    }
    assert_string_equal(blocking_text((enum blocking)99), "unknown");
}

static void test_older_programs(void **state)
{
    static const struct {
        const char *functions[4];
        enum blocking op;
    } older[] = {
        {{"sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock"},
         BLOCKING_MUTEX},
        {{"sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.f"}, BLOCKING_WAIT_GROUP},
        {{"sync.runtime_SemacquireMutex", "sync.(*RWMutex).Lock", "main.f"}, BLOCKING_RWMUTEX},
        {{"sync.runtime_Semacquire", "main.f"}, BLOCKING_SEMAPHORE},
        {{"internal/poll.runtime_pollWait", "main.f"}, BLOCKING_IO_WAIT},
        {{"syscall.Syscall", "syscall.read"}, BLOCKING_SYSCALL},
        {{"main.f", "sync.(*WaitGroup).Wait"}, BLOCKING_UNKNOWN},
        /* a lock further up is not what it waits for */
        {{"time.Sleep", "main.f", "sync.(*WaitGroup).Wait"}, BLOCKING_SLEEP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
        struct frame frames[4] = {0};
        size_t n = 0;
        for (; n < 4 && older[i].functions[n]; n++)
            frames[n].function = str_of(older[i].functions[n]);
        is("frames", older[i].functions[0], blocking_of_frames(frames, n), older[i].op);
    }
    assert_int_equal(blocking_of_frames(NULL, 0), BLOCKING_UNKNOWN);
}

static void test_learning(void **state)
{
    static struct blocking_pcs t;

    (void)state;
    assert_false(blocking_knows(NULL, 1));
    assert_false(blocking_knows(&t, 0));
    blocking_learn(&t, 1, STR("runtime.gopark")); /* neutral, but not asked again */
    assert_true(blocking_knows(&t, 1));
    blocking_learn(&t, 1, STR("runtime.selectgo"));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.op[0], BLOCKING_SELECT);
    for (uint64_t pc = 2; pc < 2 * BLOCKING_PCS_MAX; pc++)
        blocking_learn(&t, pc, STR("runtime.block"));
    assert_int_equal(t.n, BLOCKING_PCS_MAX);
    assert_false(blocking_knows(&t, BLOCKING_PCS_MAX + 1));
    blocking_learn(&t, 1, STR("runtime.chansend")); /* known ones still change */
    assert_int_equal(t.op[0], BLOCKING_CHAN_SEND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),  cmocka_unit_test(test_none_is_unknown),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_older_programs),
        cmocka_unit_test(test_learning),
    };
    return cmocka_run_group_tests(tests, leaks_set_up, leaks_tear_down);
}
