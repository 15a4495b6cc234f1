/* Interning under a ceiling, visible frames, keys, and text against Go's own
 * protobuf of the same process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/profile/proto.h"
#include "lib/profile/text.h"
#include "tests/unit/profile/render.h"

#define CEILING ((size_t)16 << 20)
#define FRAMES_MAX 256

static void load(const char *file, struct profile *p)
{
    char path[512];
    struct errmsg e;
    size_t n, cap = (size_t)8 << 20;
    char *bytes = malloc(cap);
    FILE *f;

    snprintf(path, sizeof path, "%s/captures/%s", LW_TEST_DATA, file);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(bytes, 1, cap, f);
    fclose(f);
    assert_int_equal(profile_init(p, CEILING), 0);
    if (text_sniff(bytes, n)) {
        struct text_result r;
        struct text_parser *t;
        assert_int_equal(text_new(&t, p, (struct text_options){0}), 0);
        assert_int_equal(text_feed(t, bytes, n), 0);
        assert_int_equal(text_end(t, &r), 0);
        text_free(&t);
    } else {
        assert_int_equal(proto_decode(p, bytes, n, &e), 0);
    }
    free(bytes);
}

static uint32_t add_function(struct profile *p, const char *name, const char *file)
{
    struct function f = {0};
    uint32_t id;

    assert_int_equal(profile_string(p, str_of(name), &f.name), 0);
    assert_int_equal(profile_string(p, str_of(file), &f.file), 0);
    f.system_name = f.name;
    assert_int_equal(profile_function(p, f, &id), 0);
    return id;
}

static uint32_t add_location(struct profile *p, uint64_t address, const char *name, int line)
{
    struct line l = {add_function(p, name, "a.go"), line};
    uint32_t id;

    assert_int_equal(profile_location(p, address, 0, &l, 1, false, &id), 0);
    return id;
}

static void test_intern(void **state)
{
    struct profile p;
    uint32_t a, b, ids[2000];

    (void)state;
    assert_int_equal(profile_init(&p, CEILING), 0);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 2000; i++) {
            char name[32];
            snprintf(name, sizeof name, "string %u", i);
            assert_int_equal(profile_string(&p, str_of(name), &a), 0);
            if (round)
                assert_int_equal(a, ids[i]);
            ids[i] = a;
        }
    }
    assert_int_equal(p.strings.n, 2001);
    assert_int_equal(profile_string(&p, STR(""), &a), 0);
    assert_int_equal(a, 0);
    assert_int_equal(profile_string(&p, (struct str){"a\0b", 3}, &a), 0);
    assert_int_equal(profile_string(&p, (struct str){"a\0c", 3}, &b), 0);
    assert_true(a != b);
    assert_int_equal(profile_text(&p, a).n, 3);
    assert_int_equal(add_function(&p, "f", "x"), add_function(&p, "f", "x"));
    assert_true(add_function(&p, "f", "x") != add_function(&p, "f", "y"));
    assert_int_equal(add_location(&p, 1, "f", 3), add_location(&p, 1, "f", 3));
    assert_true(add_location(&p, 1, "f", 3) != add_location(&p, 2, "f", 3));
    assert_true(add_location(&p, 1, "f", 3) != add_location(&p, 1, "f", 4));
    profile_reset(&p);
    assert_int_equal(p.strings.n, 1);
    assert_int_equal(p.locations.n, 0);
    profile_free(&p);
}

static void test_ceiling(void **state)
{
    int64_t values[PROFILE_VALUES_MAX] = {1};
    struct profile p;
    size_t strings, samples;
    uint32_t id;
    int rc = 0;

    (void)state;
    assert_int_equal(profile_init(&p, 32768), 0);
    for (int i = 0; !rc; i++) {
        char name[64];
        snprintf(name, sizeof name, "a string with some length, the %dth", i);
        strings = p.strings.n;
        rc = profile_string(&p, str_of(name), &id);
        assert_true(p.bytes <= 32768);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(p.strings.n, strings);
    assert_int_equal(profile_string(&p, STR("a string with some length, the 0th"), &id), 0);
    profile_reset(&p);
    for (rc = 0; !rc;) {
        samples = p.samples.n;
        rc = profile_sample(&p, NULL, 0, NULL, 0, values);
        assert_true(p.bytes <= 32768);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(p.samples.n, samples);
    assert_true(samples > 300); /* what the strings held was given back */
    profile_free(&p);
}

static void expect_frames(const struct profile *p, const struct sample *s, const char *want)
{
    struct frame frames[FRAMES_MAX];
    char got[1024];
    struct buf b;
    size_t n = sample_frames(p, s, frames, FRAMES_MAX);

    buf_fixed(&b, got, sizeof got);
    for (size_t i = 0; i < n; i++) {
        buf_str(&b, frames[i].function);
        buf_puts(&b, i + 1 < n ? " " : "");
    }
    assert_string_equal(buf_cstr(&b), want);
}

static void add_stack(struct profile *p, const char *names)
{
    static const int64_t values[PROFILE_VALUES_MAX] = {1};
    struct str rest = str_of(names), name;
    uint32_t refs[16];
    size_t n = 0;

    while (str_split(&rest, ' ', &name)) {
        char z[128];
        refs[n] = add_location(p, n + 1, str_copy(z, sizeof z, name), (int)n);
        n++;
    }
    assert_int_equal(profile_sample(p, refs, n, NULL, 0, values), 0);
}

static void test_visible_frames(void **state)
{
    static const struct {
        const char *stack, *visible;
    } rows[] = {
        {"runtime.gopark internal/runtime/maps.f main.f runtime.main runtime.goexit",
         "main.f runtime.main"},
        {"runtime.gopark runtime.bg runtime.goexit", "runtime.gopark runtime.bg"},
        {"runtime/pprof.f runtime.g main.h", "runtime/pprof.f runtime.g main.h"},
        {"main.Map[go.shape.[]int,go.shape.string].func1 main.f", "main.Map[...].func1 main.f"},
    };
    struct profile p;

    (void)state;
    assert_int_equal(profile_init(&p, CEILING), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add_stack(&p, rows[i].stack);
        expect_frames(&p, &p.samples.p[i], rows[i].visible);
    }
    assert_int_equal(sample_key(&p, &p.samples.p[0]), sample_key(&p, &p.samples.p[0]));
    assert_true(sample_key(&p, &p.samples.p[0]) != sample_key(&p, &p.samples.p[1]));
    profile_free(&p);
}

static void test_names(void **state)
{
    static const char *const rows[][2] = {
        {"main.f", "main.f"},
        {"main.F[int]", "main.F[...]"},
        {"main.F[...]", "main.F[...]"},
        {"main.(*T[go.shape.[]uint8]).m-fm", "main.(*T[...]).m-fm"},
        {"main.F[a].G[b].func1", "main.F[...].func1"}, /* as Go prints it */
        {"[other]", "[other]"},
        {"odd]name[", "odd]name["},
        {"", ""},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(generic_name(str_of(rows[i][0]), out, sizeof out), rows[i][1]);
    assert_string_equal(generic_name(STR("main.F[int]"), out, 4), "mai");
}

static void test_fingerprint(void **state)
{
    struct frame frames[] = {{.function = STR("main.F[int]"), .line = 3},
                             {.function = STR("main.main"), .file = STR("x.go")}};
    char out[FINGERPRINT_MAX];

    (void)state;
    /* printf 'main.F[...]\nmain.main\n' | sha256sum */
    assert_string_equal(fingerprint_frames(frames, 2, out), "1db3e6f77d");
    frames[0].function = STR("main.F[...]");
    frames[0].line = 4;
    assert_string_equal(fingerprint_frames(frames, 2, out), "1db3e6f77d");
}

static void render_lines(struct buf *b, const struct profile *p, const struct location *l)
{
    char name[512];

    for (uint32_t i = 0; i < l->n_lines; i++) {
        const struct line *line = &p->lines.p[l->first_line + i];
        const struct function *f = &p->functions.p[line->function];
        buf_puts(b, generic_name(profile_text(p, f->name), name, sizeof name));
        buf_printf(b, " %d, ", line->line);
    }
}

static const struct location *find_address(const struct profile *p, uint64_t address)
{
    for (size_t i = 0; i < p->locations.n; i++)
        if (p->locations.p[i].address == address)
            return &p->locations.p[i];
    return NULL;
}

/* Every location of the text that Go's protobuf has too holds the same lines:
 * calls inlined into one function are grouped as Go groups them. */
static void test_groups_as_go(void **state)
{
    static const struct {
        const char *text, *proto;
        int least;   /* locations in both */
        int inlined; /* of them, of more than one line */
    } rows[] = {
        {"cart-A.goroutine1.txt", "cart-A.goroutine0.pb.gz", 21, 3},
        {"cart-B.goroutine1.txt", "cart-B.goroutine0.pb.gz", 24, 3},
        {"cart-A.heap1.txt", "cart-A.heap0.pb.gz", 29, 5},
        {"cart-B.heap1.txt", "cart-B.heap0.pb.gz", 61, 9},
        {"leak-go1.26.goroutineleak1.txt", "leak-go1.26.goroutineleak0.pb.gz", 15, 1},
        {"zoo-go1.26.goroutine1.txt", "zoo-go1.26.goroutine0.pb.gz", 94, 11},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct profile text, proto;
        int both = 0, inlined = 0;
        load(rows[i].text, &text);
        load(rows[i].proto, &proto);
        for (size_t k = 0; k < text.locations.n; k++) {
            const struct location *a = &text.locations.p[k];
            const struct location *b = a->n_lines ? find_address(&proto, a->address) : NULL;
            char x[4096], y[4096];
            struct buf bx, by;
            if (!b)
                continue;
            buf_fixed(&bx, x, sizeof x);
            buf_fixed(&by, y, sizeof y);
            render_lines(&bx, &text, a);
            render_lines(&by, &proto, b);
            assert_string_equal(buf_cstr(&bx), buf_cstr(&by));
            both++;
            inlined += a->n_lines > 1;
        }
        assert_true(both >= rows[i].least);
        assert_true(inlined >= rows[i].inlined);
        profile_free(&text);
        profile_free(&proto);
    }
}

/* How many samples of a have one of equal key and values in b. */
static size_t matching(const struct profile *a, const struct profile *b)
{
    size_t n = 0;

    for (size_t i = 0; i < a->samples.n; i++) {
        const struct sample *s = &a->samples.p[i];
        uint64_t key = sample_key(a, s);
        for (size_t k = 0; k < b->samples.n; k++) {
            const struct sample *o = &b->samples.p[k];
            if (sample_key(b, o) == key && !memcmp(o->values, s->values, sizeof s->values)) {
                n++;
                break;
            }
        }
    }
    return n;
}

/* The same stacks with the same values, a few that moved on apart. */
static void test_samples_as_go(void **state)
{
    static const struct {
        const char *text, *proto;
        size_t least;
    } rows[] = {
        {"cart-A.goroutine1.txt", "cart-A.goroutine0.pb.gz", 7},
        {"cart-B.goroutine1.txt", "cart-B.goroutine0.pb.gz", 6},
        {"cart-A.heap1.txt", "cart-A.heap0.pb.gz", 9},
        {"cart-B.heap1.txt", "cart-B.heap0.pb.gz", 25},
        {"leak-go1.26.goroutineleak1.txt", "leak-go1.26.goroutineleak0.pb.gz", 12},
        {"zoo-go1.26.goroutine1.txt", "zoo-go1.26.goroutine0.pb.gz", 65},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct profile text, proto;
        size_t n;
        load(rows[i].text, &text);
        load(rows[i].proto, &proto);
        n = matching(&text, &proto);
        assert_true(n >= rows[i].least);
        profile_free(&text);
        profile_free(&proto);
    }
}

static void test_copy(void **state)
{
    static const char *const files[] = {"zoo-go1.26.goroutine1.txt",
                                        "zoo-go1.26.goroutine0.pb.gz", "cart-B.heap1.txt",
                                        "cart-B.heap0.pb.gz"};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct profile src, dst;
        char *want, *got;
        uint32_t id;
        load(files[i], &src);
        assert_int_equal(profile_init(&dst, CEILING), 0);
        for (int k = 0; k < 100; k++) { /* ids that are not the source's */
            char name[16];
            snprintf(name, sizeof name, "s%d", k);
            assert_int_equal(profile_string(&dst, str_of(name), &id), 0);
        }
        assert_int_equal(profile_copy_head(&dst, &src), 0);
        for (size_t k = 0; k < src.samples.n; k++)
            assert_int_equal(profile_copy_sample(&dst, &src, &src.samples.p[k],
                                                 src.samples.p[k].values, NULL),
                             0);
        want = render(&src);
        got = render(&dst);
        assert_string_equal(got, want);
        for (size_t k = 0; k < src.samples.n; k++)
            assert_int_equal(sample_key(&dst, &dst.samples.p[k]),
                             sample_key(&src, &src.samples.p[k]));
        free(want);
        free(got);
        profile_free(&src);
        profile_free(&dst);
    }
}

static void test_values(void **state)
{
    struct profile p;

    (void)state;
    load("cart-B.heap1.txt", &p);
    assert_true(profile_is_heap(&p));
    assert_int_equal(profile_value_index(&p, NULL), 3);
    assert_int_equal(profile_value_index(&p, "alloc_space"), 1);
    assert_int_equal(profile_value_index(&p, "nothing"), -1);
    assert_int_equal(profile_total(&p, -1), 0);
    assert_int_equal(p.period, 524288);
    profile_free(&p);
    load("cart-B.goroutine1.txt", &p);
    assert_false(profile_is_heap(&p));
    assert_int_equal(profile_value_index(&p, NULL), 0);
    profile_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intern),         cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_visible_frames), cmocka_unit_test(test_names),
        cmocka_unit_test(test_fingerprint),    cmocka_unit_test(test_groups_as_go),
        cmocka_unit_test(test_samples_as_go),  cmocka_unit_test(test_copy),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
