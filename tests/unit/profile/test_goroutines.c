/* The parser of debug=2: every form Go 1.17 to 1.27 writes, chunks of any size,
 * bodies cut anywhere, and what its stacks have in common with debug=1's. */
#include "tests/unit/profile/capture.h"

#include "lib/profile/goroutines.h"
#include "lib/profile/text.h"

/* What was handed over, as lines of text. */
static void describe(void *ctx, const struct goroutine *g)
{
    struct buf *out = ctx;

    buf_printf(out, "%llu [%.*s]", (unsigned long long)g->id, (int)g->state.n, g->state.p);
    if (g->minutes >= 0)
        buf_printf(out, " %lld min", (long long)g->minutes);
    buf_printf(out, "%s%s%s", g->leaked ? " leaked" : "", g->locked ? " locked" : "",
               g->elided ? " elided" : "");
    for (size_t i = 0; i < g->n_frames; i++)
        buf_printf(out, " %.*s(%.*s:%d)", (int)g->frames[i].function.n, g->frames[i].function.p,
                   (int)g->frames[i].file.n, g->frames[i].file.p, (int)g->frames[i].line);
    if (g->created_by.function.n > 0)
        buf_printf(out, " by %.*s(%.*s:%d) in %llu", (int)g->created_by.function.n,
                   g->created_by.function.p, (int)g->created_by.file.n, g->created_by.file.p,
                   (int)g->created_by.line, (unsigned long long)g->creator);
    buf_putc(out, '\n');
}

static int read_chunks(struct str body, size_t chunk, struct buf *out)
{
    static struct goroutines_parser p;

    goroutines_begin(&p, describe, out);
    for (size_t i = 0; i < body.n; i += chunk) {
        size_t n = body.n - i < chunk ? body.n - i : chunk;
        char *copy = malloc(n); /* so that one byte too far is seen */

        memcpy(copy, body.p + i, n);
        goroutines_feed(&p, copy, n);
        free(copy);
    }
    return goroutines_end(&p);
}

/* To be freed by buf_free. */
static struct buf read_all(struct str body, int expect)
{
    struct buf out;

    buf_init(&out, CAPTURE_CEILING_BYTES);
    assert_int_equal(read_chunks(body, body.n + 1, &out), expect);
    buf_cstr(&out);
    return out;
}

static int count(const struct buf *b, const char *needle)
{
    int n = 0;

    for (const char *at = b->p; at != NULL && (at = strstr(at, needle)) != NULL; at++)
        n++;
    return n;
}

/* By grep over the files. */
static const struct {
    const char *name;
    int goroutines, leaked, minutes, locked, elided, created;
} captures[] = {
    {"zoo-go1.26.goroutine2.txt", 100, 0, 0, 1, 1, 98},
    {"zoo-go1.27.goroutine2.txt", 100, 0, 0, 1, 1, 98},
    {"zoo-go1.26.ancestors-labels.goroutine2.txt", 71, 0, 0, 1, 1, 69},
    {"leak-go1.26.leaked.goroutine2.txt", 30, 23, 4, 0, 0, 29},
    {"cgo-go1.26.goroutine2.txt", 6, 0, 0, 2, 0, 5},
    {"synctest-go1.26.goroutine2.txt", 9, 0, 0, 0, 0, 8},
    {"pair-go1.26.goroutine2.txt", 88, 0, 84, 2, 3, 87},
};
#define CAPTURES (sizeof captures / sizeof *captures)

static void test_captures(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buf body = capture_read(captures[i].name);
        struct buf out = read_all(buf_view(&body), 0);

        assert_int_equal(count(&out, "\n"), captures[i].goroutines);
        assert_int_equal(count(&out, "] leaked") + count(&out, "min leaked"),
                         captures[i].leaked);
        assert_int_equal(count(&out, " min"), captures[i].minutes);
        assert_int_equal(count(&out, " locked"), captures[i].locked);
        assert_int_equal(count(&out, " elided"), captures[i].elided);
        assert_int_equal(count(&out, " by "), captures[i].created);
        assert_int_equal(count(&out, "(:"), 0); /* every frame has its file */
        buf_free(&out);
        buf_free(&body);
    }
}

/* ---- the forms ---- */

static const struct {
    const char *text, *expect;
} forms[] = {
    {"goroutine 1 [running]:\nmain.main()\n\t/app/main.go:7 +0x1d\n",
     "1 [running] main.main(/app/main.go:7)\n"},
    /* 1.17: no "in goroutine", and the end of a deep stack */
    {"goroutine 6 [chan receive, 2 minutes]:\nmain.f(0xc000010000, 0x0)\n\t/a b/m.go:9 +0x2\n"
     "...additional frames elided...\ncreated by main.main\n\t/a b/m.go:5 +0x1\n",
     "6 [chan receive] 2 min elided main.f(/a b/m.go:9) by main.main(/a b/m.go:5) in 0\n"},
    {"goroutine 7 [chan receive (nil chan), 1234 minutes, locked to thread]:\n"
     "main.(*T[...]).f.func1(...)\n\tC:/x:y/a.go:3\ncreated by main.g[...] in goroutine 4\n"
     "\tC:/x:y/a.go:1 +0x5\n",
     "7 [chan receive (nil chan)] 1234 min locked main.(*T[...]).f.func1(C:/x:y/a.go:3) "
     "by main.g[...](C:/x:y/a.go:1) in 4\n"},
    {"goroutine 8 [chan send (leaked)]:\nmain.f()\n\ta.go:3 +0x1\n",
     "8 [chan send] leaked main.f(a.go:3)\n"},
    {"goroutine 8 [select (no cases) (leaked) (scan), locked to thread]:\n",
     "8 [select (no cases)] leaked locked\n"},
    {"goroutine 8 [sleep (durable), synctest bubble 1]:\n", "8 [sleep]\n"},
    /* 1.26 with tracebacklabels, 1.27 */
    {"goroutine 9 [select, 3 minutes labels:{\"a]\": \", 9 minutes]:\\\"[\", \"b\": \"c\"}]:\n",
     "9 [select] 3 min\n"},
    {"goroutine 9 [IO wait, 3 minutes] {a: \"]: [running]:\", b: c}:\nmain.f()\n\ta.go:3\n",
     "9 [IO wait] 3 min main.f(a.go:3)\n"},
    /* GOTRACEBACK=system */
    {"goroutine 1 gp=0xc000002380 m=0 mp=0x5f4b80 [running]:\nmain.f({0x1, 0x2}, {0x3, ...})\n"
     "\ta.go:3 +0x1 fp=0xc00009 sp=0xc00008 pc=0x47\n",
     "1 [running] main.f(a.go:3)\n"},
    {"goroutine 2 [running]:\n\tgoroutine running on other thread; stack unavailable\n"
     "created by main.main in goroutine 1\n\ta.go:1 +0x1\n",
     "2 [running] by main.main(a.go:1) in 1\n"},
    {"goroutine 3 [syscall, locked to thread]:\nnon-Go function at pc=0x6ce334\nc_sleep\n"
     "\tc.c:4 pc=0x12\nmain._Cfunc_c(0x1)\n\t_cgo_gotypes.go:58 +0x3a\n",
     "3 [syscall] locked c_sleep(c.c:4) main._Cfunc_c(_cgo_gotypes.go:58)\n"},
    {"goroutine 4 [select]:\nmain.a()\n\ta.go:1 +0x1\n...23 frames elided...\nmain.z()\n"
     "\ta.go:2 +0x1\ncreated by main.main in goroutine 1\n\ta.go:1 +0x1\n"
     "[originating from goroutine 1]:\nmain.main(...)\n\ta.go:9\n",
     "4 [select] elided main.a(a.go:1) by main.main(a.go:1) in 1\n"},
    /* two, and lines that nobody writes */
    {"goroutine 4 [select]:\n\n\nstray\ngoroutine x [y]:\n\ngoroutine 5 [sleep]:\n!\n\n",
     "4 [select]\n5 [sleep] !(:0)\n"},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct buf out = read_all(str_of(forms[i].text), 0);

        assert_string_equal(out.p, forms[i].expect);
        buf_free(&out);
    }
}

static void test_not_pprof(void **state)
{
    static const char *const bodies[] = {
        "<html>\n",
        "404 page not found\n",
        "goroutine profile: total 4\n1 @ 0x1\n\n",
        "goroutine [running]:\n",
        "goroutine 1 running:\n",
        "goroutine 1 [running\n",
        "goroutine 1 [running]\n",
        "goroutine -1 [running]:\n",
        "goroutine 99999999999999999999 [running]:\n",
        "goroutine 1 [running", /* cut, or something else: it cannot be told */
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct buf out = read_all(str_of(bodies[i]), ERR_NOT_PPROF);

        assert_int_equal(out.len, 0);
        buf_free(&out);
    }
    struct buf none = read_all(STR(""), ERR_CUT);
    buf_free(&none);
}

/* ---- cut anywhere, in chunks of any size ---- */

static void test_cut_everywhere(void **state)
{
    struct buf body = capture_read("leak-go1.26.leaked.goroutine2.txt");
    struct buf whole = read_all(buf_view(&body), 0);

    (void)state;
    for (size_t n = 0; n < body.len; n++) {
        static struct goroutines_parser p;
        struct buf out;

        buf_init(&out, CAPTURE_CEILING_BYTES);
        goroutines_begin(&p, describe, &out);
        goroutines_feed(&p, body.p, n);
        /* What was handed over before the end is whole. */
        assert_in_range(out.len, 0, whole.len);
        if (out.len > 0)
            assert_memory_equal(out.p, whole.p, out.len);
        int rc = goroutines_end(&p);
        if (n > 0 && body.p[n - 1] != '\n')
            assert_true(rc == ERR_CUT || (rc == ERR_NOT_PPROF && p.n == 0));
        buf_free(&out);
    }
    buf_free(&whole);
    buf_free(&body);
}

static void test_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buf body = capture_read(captures[i].name);
        struct buf whole = read_all(buf_view(&body), 0);

        for (size_t chunk = 1; chunk < 5000; chunk = chunk * 3 + 1) {
            struct buf out;

            buf_init(&out, CAPTURE_CEILING_BYTES);
            assert_int_equal(read_chunks(buf_view(&body), chunk, &out), 0);
            assert_int_equal(out.len, whole.len);
            assert_memory_equal(out.p, whole.p, out.len);
            buf_free(&out);
        }
        buf_free(&whole);
        buf_free(&body);
    }
}

/* ---- bounds ---- */

static void keep_last(void *ctx, const struct goroutine *g)
{
    *(struct goroutine *)ctx = *g;
}

static void test_bounds(void **state)
{
    static struct goroutines_parser p;
    static struct goroutine last;
    struct buf body;

    (void)state;
    buf_init(&body, CAPTURE_CEILING_BYTES);
    buf_puts(&body, "goroutine 1 [select]:\n");
    for (int i = 0; i < 1000; i++) /* more frames than there is room */
        buf_printf(&body, "main.f%d()\n\ta.go:%d +0x1\n", i, i);
    buf_puts(&body, "created by main.main in goroutine 1\n\ta.go:1 +0x1\n\n");
    goroutines_begin(&p, keep_last, &last);
    assert_int_equal(goroutines_feed(&p, body.p, body.len), 0);
    assert_int_equal(last.n_frames, GOROUTINE_FRAMES_MAX);
    assert_true(last.elided);
    assert_int_equal(last.created_by.function.n, strlen("main.main"));

    buf_reset(&body);
    buf_puts(&body, "goroutine 2 [select]:\n");
    for (int i = 0; i < 100; i++) { /* more text than there is room, longer lines */
        buf_puts(&body, "main.");
        for (int j = 0; j < 6000; j++)
            buf_putc(&body, 'x');
        buf_puts(&body, "()\n\ta.go:1\n");
    }
    buf_puts(&body, "\n");
    assert_int_equal(goroutines_feed(&p, body.p, body.len), 0);
    assert_int_equal(last.id, 2);
    assert_in_range(last.n_frames, 1, GOROUTINE_TEXT_MAX / GOROUTINES_LINE_MAX);
    assert_true(last.elided);
    assert_int_equal(goroutines_end(&p), 0);
    buf_free(&body);
}

/* ---- the same stacks in debug=1 and debug=2 ---- */

#define STACKS_MAX 256

struct counted {
    char id[FINGERPRINT_MAX];
    int text1, text2;
};
struct counts {
    struct counted rows[STACKS_MAX];
    int n;
};

/* Functions and lines; deep stacks by their first 32 frames, for debug=2 elides. */
static struct counted *row_of(struct counts *c, const struct frame *frames, size_t n)
{
    static struct frame named[PROFILE_STACK_MAX];
    static char names[PROFILE_STACK_MAX][512];
    char id[FINGERPRINT_MAX];

    memcpy(named, frames, n * sizeof *frames);
    n = frames_common(named, n);
    n = n < 32 ? n : 32;
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "%.*s %.*s:%d", (int)named[i].function.n,
                 named[i].function.p, (int)named[i].file.n, named[i].file.p,
                 (int)named[i].line);
        named[i].function = str_of(names[i]);
    }
    fingerprint_frames(named, n, id);
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->rows[i].id, id) == 0)
            return &c->rows[i];
    assert_in_range(c->n, 0, STACKS_MAX - 1);
    memcpy(c->rows[c->n].id, id, sizeof id);
    return &c->rows[c->n++];
}

static void count_text2(void *ctx, const struct goroutine *g)
{
    row_of(ctx, g->frames, g->n_frames)->text2++;
}

static void count_text1(struct counts *c, const char *name)
{
    struct buf body = capture_read(name);
    struct text_result r;
    struct text_parser *t;
    struct profile p;

    assert_int_equal(profile_init(&p, CAPTURE_CEILING_BYTES), 0);
    assert_int_equal(text_new(&t, &p, (struct text_options){0}), 0);
    text_feed(t, body.p, body.len);
    assert_int_equal(text_end(t, &r), 0);
    for (size_t i = 0; i < p.samples.n; i++) {
        static struct frame frames[PROFILE_STACK_MAX];
        size_t n = sample_frames(&p, &p.samples.p[i], frames, PROFILE_STACK_MAX);

        row_of(c, frames, n)->text1 += (int)p.samples.p[i].values[0];
    }
    text_free(&t);
    profile_free(&p);
    buf_free(&body);
}

/* Of one process at one moment: only the goroutine that writes differs. */
static void test_agrees(void **state)
{
    static const char *const programs[] = {"zoo-go1.26", "pair-go1.26"};
    static struct goroutines_parser p;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct counts c = {.n = 0};
        char name[64];
        int differ = 0;

        snprintf(name, sizeof name, "%s.goroutine1.txt", programs[i]);
        count_text1(&c, name);
        snprintf(name, sizeof name, "%s.goroutine2.txt", programs[i]);
        struct buf body = capture_read(name);
        goroutines_begin(&p, count_text2, &c);
        goroutines_feed(&p, body.p, body.len);
        assert_int_equal(goroutines_end(&p), 0);
        for (int j = 0; j < c.n; j++)
            differ += c.rows[j].text1 != c.rows[j].text2;
        assert_int_equal(differ, 2);
        assert_true(c.n > 30);
        buf_free(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures),  cmocka_unit_test(test_forms),
        cmocka_unit_test(test_not_pprof), cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_chunks),    cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
