/* What a dump says of a program that leaks in every way at once. */
#include "lib/dump/dump.h"
#include "lib/dump/naming.h"
#include "tests/unit/detect/leaks.h"

static struct manifest_culprit culprit_of(const char *leak, const char *function,
                                          struct naming_stack *where)
{
    struct frame frames[HISTORY_FRAMES_MAX];
    const struct sample *s = leaks_stack(&leaks.text, leak, function);
    size_t n = sample_frames(&leaks.text, s, frames, HISTORY_FRAMES_MAX);
    struct manifest_culprit c = {.now = s->values[0], .unit = "goroutines"};

    *where = (struct naming_stack){(uint32_t)(s - leaks.text.samples.p), NAMING_NONE};
    fingerprint_frames(frames, n, c.fingerprint);
    return c;
}

static const struct naming_sources *sources(void)
{
    static struct naming_sources in;

    in = (struct naming_sources){
        .goroutine = &leaks.text, .heap = &leaks.heap, .pcs = &leaks.pcs, .ranked = true};
    return &in;
}

/* The helpers of one connection, reader and writer, are one leak each; what
 * grows as fast by chance is not. */
static void test_one_leak_of_several_stacks(void **state)
{
    static const struct {
        const char *leak, *function, *pattern, *blocking, *at;
        int part_of;
    } all[] = {
        {"grpc-conn", "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
         "grpc", "chan-receive", "main.callPerRequest", -1},
        {"sync-mutex", "main.(*store).put", "sync", "mutex", "main.(*store).put", -1},
        {"grpc-conn", "google.golang.org/grpc/internal/transport.(*http2Client).reader", "grpc",
         "io-read", "main.callPerRequest", 0},
        {"http-body", "net/http.(*persistConn).writeLoop", "http-body", "select",
         "main.callUpstream", -1},
        {"http-body", "net/http.(*persistConn).readLoop", "http-body", "select",
         "main.callUpstream", 3},
        {"ws-gorilla", "main.gorillaWriter", "stream-write", "io-write", "main.gorillaWriter",
         -1},
        {"ws-gorilla", "main.gorillaReader", "stream-write", "io-read", "main.gorillaReader",
         5},
        {"channel-send", "main.fetchUserData.func1", "channel-send", "chan-send",
         "main.fetchUserData.func1", -1},
    };
    struct manifest_culprit c[8];
    struct naming_stack where[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        c[i] = culprit_of(all[i].leak, all[i].function, &where[i]);
    culprits_name(c, where, 8, sources());
    for (int i = 0; i < 8; i++) {
        assert_string_equal(c[i].pattern, all[i].pattern);
        assert_string_equal(c[i].blocking, all[i].blocking);
        assert_string_equal(c[i].function, all[i].at);
        assert_true(c[i].line > 0 && c[i].advice[0]);
        assert_string_equal(c[i].part_of,
                            all[i].part_of < 0 ? "" : c[all[i].part_of].fingerprint);
        assert_int_equal(c[i].helper[0] != '\0', strncmp(all[i].function, "main.", 5) != 0);
    }
}

/* Nothing is known of them: they stay as they are, and are not one leak. */
static void test_nowhere(void **state)
{
    struct manifest_culprit c[2] = {{.now = 9, .unit = "goroutines"},
                                    {.now = 9, .unit = "bytes"}};
    struct naming_stack where[2] = {{NAMING_NONE, NAMING_NONE}, {NAMING_NONE, NAMING_NONE}};
    struct naming_sources nothing = {0};

    (void)state;
    culprits_name(c, where, 2, sources());
    culprits_name(c, where, 2, &nothing);
    assert_string_equal(c[0].pattern, "");
    assert_string_equal(c[1].part_of, "");
    assert_string_equal(c[1].advice, "");
}

/* debug=2 tells who made a library's goroutine, and what one waits for whose hidden
 * frames nobody has asked for; which way its input goes the frames say better. */
static void test_origins(void **state)
{
    struct confirm_origin origins[DETECT_CULPRITS_MAX] = {{.stack = "0123456789"}};
    struct naming_sources in = {.goroutine = &leaks.text, .origins = origins};
    struct manifest_culprit c[3], known[3];
    struct naming_stack where[3];

    (void)state;
    c[0] = culprit_of("grpc-conn",
                      "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
                      &where[0]);
    c[1] = culprit_of("channel-send", "main.fetchUserData.func1", &where[1]);
    c[2] = culprit_of("ws-gorilla", "main.gorillaReader", &where[2]);
    memcpy(known, c, sizeof known);
    culprits_name(c, where, 3, &in);
    assert_true(strcmp(c[0].helper, c[0].function) == 0);
    assert_string_equal(c[1].pattern, "unknown");
    assert_string_equal(c[1].blocking, "unknown");
    origins[7] = (struct confirm_origin){.state = "select",
                                         .created_by = "main.dial",
                                         .created_file = "d.go",
                                         .created_line = 7};
    origins[2] = (struct confirm_origin){.state = "chan send"};
    origins[4] = (struct confirm_origin){.state = "IO wait"};
    str_copy(origins[7].stack, sizeof origins[7].stack, str_of(c[0].fingerprint));
    str_copy(origins[2].stack, sizeof origins[2].stack, str_of(c[1].fingerprint));
    str_copy(origins[4].stack, sizeof origins[4].stack, str_of(c[2].fingerprint));
    culprits_name(known, where, 3, &in);
    assert_string_equal(known[0].function, "main.dial");
    assert_string_equal(known[0].file, "d.go");
    assert_int_equal(known[0].line, 7);
    assert_non_null(strstr(known[0].advice, "main.dial (d.go:7) opens"));
    assert_string_equal(known[1].pattern, "channel-send");
    assert_string_equal(known[1].blocking, "chan-send");
    assert_string_equal(known[2].blocking, "io-read");
    /* what nothing can wake is the end of it, whatever the frames look like */
    str_copy(origins[2].state, sizeof origins[2].state, STR("chan send (nil chan)"));
    in.pcs = &leaks.pcs;
    culprits_name(c, where, 2, &in);
    assert_string_equal(c[1].blocking, "never");
}

static void test_summary(void **state)
{
    static struct manifest m;
    struct profile scratch[2];
    struct dump_input in = {.manifest = &m,
                            .goroutine = &leaks.text,
                            .pcs = &leaks.pcs,
                            .scratch = {&scratch[0], &scratch[1]}};
    struct buf heap = leaks_read("heap0.pb.gz");
    struct bundle b;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(profile_init(&scratch[i], LEAKS_CEILING_BYTES), 0);
    bundle_init(&b, LEAKS_CEILING_BYTES);
    in.heap_gz = heap.p;
    in.heap_gz_bytes = heap.len;
    str_copy(m.verdict.kind, sizeof m.verdict.kind, STR("drift"));
    assert_int_equal(dump_render(&in, &b), 0);
    assert_string_equal(m.culprits[0].pattern, "grpc");
    assert_string_equal(m.culprits[0].function, "main.callPerRequest");
    buf_reset(&heap);
    summary_write(&m, &heap);
    const char *text = buf_cstr(&heap);
    assert_non_null(strstr(text, "made there: "
                                 "google.golang.org/grpc/internal/grpcsync."
                                 "(*CallbackSerializer).run\n"));
    assert_non_null(strstr(text, "grpc: gRPC connections or streams left open, each receiving "
                                 "from a channel\n"));
    assert_non_null(strstr(text, "main.callPerRequest (grpc.go:"));
    assert_non_null(strstr(text, "share one per address, or defer"));
    assert_non_null(strstr(text, "-list 'main\\.callPerRequest' heap.diff.pb.gz"));
    for (int i = 0; i < 2; i++)
        profile_free(&scratch[i]);
    buf_free(&heap);
    bundle_free(&b);
}

#define READ                                                              \
    " @ 0x11 0x21\n#\t0x10\tinternal/poll.runtime_pollWait+0x1\tp.go:1\n" \
    "#\t0x20\tnet/http.(*connReader).backgroundRead+0x1\ts.go:1\n\n"
#define LOCK                                                                     \
    " @ 0x31 0x41\n#\t0x30\tinternal/sync.runtime_SemacquireMutex+0x1\ts.go:1\n" \
    "#\t0x40\tmain.take+0x1\tmain.go:7\n\n"

static const char *first_of(const char *text)
{
    static struct manifest m;
    struct profile now, scratch[2];
    struct text_parser *t = NULL;
    struct text_result r;
    struct bundle b;

    assert_int_equal(profile_init(&now, LEAKS_CEILING_BYTES), 0);
    assert_int_equal(text_new(&t, &now, (struct text_options){0}), 0);
    assert_int_equal(text_feed(t, text, strlen(text)), 0);
    assert_int_equal(text_end(t, &r), 0);
    text_free(&t);
    for (int i = 0; i < 2; i++)
        assert_int_equal(profile_init(&scratch[i], LEAKS_CEILING_BYTES), 0);
    bundle_init(&b, LEAKS_CEILING_BYTES);
    m = (struct manifest){.verdict = {.kind = "blowup"}};
    assert_int_equal(dump_render(&(struct dump_input){.manifest = &m,
                                                      .goroutine = &now,
                                                      .scratch = {&scratch[0], &scratch[1]}},
                                 &b),
                     0);
    bundle_free(&b);
    profile_free(&now);
    profile_free(&scratch[0]);
    profile_free(&scratch[1]);
    return m.culprits[0].function;
}

/* Handlers that hang come with the readers of their connections, which are more
 * by those of sound ones; many readers with a few of anything are clients. */
static void test_who_leads(void **state)
{
    (void)state;
    assert_string_equal(first_of("goroutine profile: total 400\n300" READ "100" LOCK),
                        "main.take");
    assert_string_equal(first_of("goroutine profile: total 340\n300" READ "40" LOCK),
                        "net/http.(*connReader).backgroundRead");
    assert_string_equal(first_of("goroutine profile: total 300\n300" READ),
                        "net/http.(*connReader).backgroundRead");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_leak_of_several_stacks),
        cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_who_leads),
    };
    return cmocka_run_group_tests(tests, leaks_set_up, leaks_tear_down);
}
