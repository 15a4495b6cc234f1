/* Which stacks may grow: real stacks of Go programs, leaf first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/detect/detect.h"

#define FRAMES_MAX 8

static bool exempt(const char *const functions[FRAMES_MAX], const char (*allow)[512],
                   int n_allow)
{
    struct frame frames[FRAMES_MAX] = {0};
    size_t n = 0;
    for (; n < FRAMES_MAX && functions[n]; n++)
        frames[n].function = str_of(functions[n]);
    return detect_exempt(frames, n, allow, n_allow);
}

static const char *const may_grow[][FRAMES_MAX] = {
    {"internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait",
     "internal/poll.(*pollDesc).waitRead", "internal/poll.(*FD).Read", "net.(*netFD).Read",
     "net.(*conn).Read", "net/http.(*connReader).backgroundRead"},
    {"internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait",
     "internal/poll.(*pollDesc).waitRead", "internal/poll.(*FD).Accept", "net.(*netFD).accept"},
    {"internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait",
     "internal/poll.(*pollDesc).waitRead", "internal/poll.(*FD).Read", "net.(*netFD).Read",
     "net.(*conn).Read", "net/http.(*persistConn).Read", "bufio.(*Reader).fill"},
    {"net/http.(*persistConn).writeLoop"},
    {"net/http.(*http2serverConn).serve", "net/http.(*http2Server).serveConn"},
    {"google.golang.org/grpc/internal/transport.(*controlBuffer).get",
     "google.golang.org/grpc/internal/transport.(*loopyWriter).run"},
    {"syscall.Syscall", "syscall.read", "syscall.Read", "main.main.func9"},
    {"runtime/pprof.writeRuntimeProfile", "runtime/pprof.writeGoroutine"},
    {"os/signal.signal_recv", "os/signal.loop"},
    {"github.com/IBM/sarama.(*Broker).responseReceiver", "github.com/IBM/sarama.withRecover"},
    /* ANY_FUNCTION: wherever it stands */
    {"time.Sleep", "go.opencensus.io/stats/view.(*worker).start"},
};

static const char *const may_not[][FRAMES_MAX] = {
    {"main.fetchUserData.func1"},
    /* a body nobody closed: readLoop itself waits */
    {"net/http.(*persistConn).readLoop"},
    /* a peer that does not read */
    {"internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait",
     "internal/poll.(*pollDesc).waitWrite", "internal/poll.(*FD).Write", "net.(*netFD).Write"},
    {"time.Sleep", "main.handleEvents"},
    {"sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "main.put"},
    {"sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait"},
    {"database/sql.(*DB).connectionOpener"},
    {"github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck",
     "github.com/jackc/pgx/v5/pgxpool.NewWithConfig.func5"},
    {"database/sql.(*Rows).awaitDone"},
    {"database/sql.(*Tx).awaitDone"},
    {"google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"},
    {"google.golang.org/grpc.newClientStreamWithParams.func4"},
    /* the start of a row's name is not the row */
    {"net/http.(*persistConn).writeLoopX"},
    {"syscallx.Read"},
    {"syscall."},
    /* an exempt function further up does not count */
    {"main.send", "net/http.(*persistConn).writeLoop"},
    {""},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(may_grow) / sizeof(may_grow[0]); i++)
        if (!exempt(may_grow[i], NULL, 0))
            fail_msg("%s is not exempt", may_grow[i][0]);
    for (size_t i = 0; i < sizeof(may_not) / sizeof(may_not[0]); i++)
        if (exempt(may_not[i], NULL, 0))
            fail_msg("%s is exempt", may_not[i][0]);
    assert_false(detect_exempt(NULL, 0, NULL, 0));
}

static void test_allow_list(void **state)
{
    (void)state;
    static const char allow[][512] = {"", "worker).loop", "pgxpool."};
    static const char *const pool[FRAMES_MAX] = {"sync.(*Cond).Wait", "main.(*worker).loop"};
    static const char *const leak[FRAMES_MAX] = {"sync.(*Cond).Wait", "main.(*worker).lost"};
    assert_true(exempt(pool, allow, 3));
    assert_false(exempt(pool, allow, 1)); /* an empty pattern matches nothing */
    assert_false(exempt(leak, allow, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_allow_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
