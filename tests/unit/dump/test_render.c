/* Dumps of real captures: what pprof will see, and what a person reads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/digest.h"
#include "lib/dump/dump.h"
#include "lib/profile/diff.h"
#include "lib/profile/proto.h"
#include "lib/profile/text.h"

#define CEILING (4u << 20)

struct fix {
    struct profile now, base, scratch[3], check;
    struct buf heap_now, heap_base, native_now, native_base;
    struct manifest m;
    struct bundle b;
    struct dump_input in;
};

static void slurp(const char *name, struct buf *out)
{
    char path[512], block[4096];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/captures/%s", LW_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf_init(out, 16u << 20);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_put(out, block, n);
    (void)fclose(f);
    assert_int_equal(buf_status(out), 0);
}

static void parse(const char *name, struct profile *p)
{
    struct buf text;
    struct text_parser *t;
    struct text_result r;

    slurp(name, &text);
    assert_int_equal(text_new(&t, p, (struct text_options){.fold = true}), 0);
    assert_int_equal(text_feed(t, text.p, text.len), 0);
    assert_int_equal(text_end(t, &r), 0);
    text_free(&t);
    buf_free(&text);
}

static int setup(void **state)
{
    static struct fix fix;
    struct fix *f = &fix;
    struct profile *all[] = {&f->now,        &f->base,       &f->scratch[0],
                             &f->scratch[1], &f->scratch[2], &f->check};

    for (size_t i = 0; i < 6; i++)
        assert_int_equal(profile_init(all[i], CEILING), 0);
    parse("cart-A.goroutine1.txt", &f->base);
    parse("cart-B.goroutine1.txt", &f->now);
    slurp("cart-A.heap0.pb.gz", &f->heap_base);
    slurp("cart-B.heap0.pb.gz", &f->heap_now);
    slurp("cart-A.goroutine0.pb.gz", &f->native_base);
    slurp("cart-B.goroutine0.pb.gz", &f->native_now);
    bundle_init(&f->b, 1 << 20);
    f->m = (struct manifest){.schema = MANIFEST_SCHEMA,
                             .seq = 1,
                             .time_wall_ms = 1772337906789,
                             .goroutines = 9318,
                             .goroutines_age_ms = 3000,
                             .outcome.exit_code = -1};
    str_copy(f->m.target, sizeof f->m.target, STR("cart"));
    str_copy(f->m.trigger, sizeof f->m.trigger, STR("verdict"));
    str_copy(f->m.baseline.kind, sizeof f->m.baseline.kind, STR("healthy"));
    f->m.baseline.age_ms = 2 * 3600000;
    f->m.baseline.goroutines = 343;
    manifest_name(&f->m);
    f->in = (struct dump_input){.manifest = &f->m,
                                .goroutine = &f->now,
                                .goroutine_base = &f->base,
                                .heap_gz = f->heap_now.p,
                                .heap_gz_bytes = f->heap_now.len,
                                .heap_base_gz = f->heap_base.p,
                                .heap_base_gz_bytes = f->heap_base.len,
                                .scratch = {&f->scratch[0], &f->scratch[1]}};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    struct profile *all[] = {&f->now,        &f->base,       &f->scratch[0],
                             &f->scratch[1], &f->scratch[2], &f->check};

    for (size_t i = 0; i < 6; i++)
        profile_free(all[i]);
    buf_free(&f->heap_now);
    buf_free(&f->heap_base);
    buf_free(&f->native_now);
    buf_free(&f->native_base);
    bundle_free(&f->b);
    return 0;
}

static struct str file_of(const struct fix *f, const char *name)
{
    for (int i = 0; i < f->b.n_files; i++)
        if (!strcmp(f->b.files[i].name, name))
            return (struct str){f->b.bytes.p + f->b.files[i].offset, f->b.files[i].bytes};
    return (struct str){NULL, 0};
}

static int64_t total_of(struct fix *f, const char *name, const char *type)
{
    struct str bytes = file_of(f, name);
    struct errmsg e = {""};

    assert_non_null(bytes.p);
    if (proto_decode(&f->check, bytes.p, bytes.n, &e))
        fail_msg("%s: %s", name, e.text);
    return profile_total(&f->check, profile_value_index(&f->check, type));
}

/* LEAKWATCH_TEST_OUT=DIR leaves the files there, for a look with go tool pprof. */
static void keep(const struct fix *f)
{
    const char *dir = getenv("LEAKWATCH_TEST_OUT");

    for (int i = 0; dir && i < f->b.n_files; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", dir, f->b.files[i].name);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        (void)fwrite(f->b.bytes.p + f->b.files[i].offset, 1, f->b.files[i].bytes, out);
        (void)fclose(out);
    }
}

static void test_phase_one(void **state)
{
    struct fix *f = *state;
    static const char *const order[] = {
        "goroutine.diff.pb.gz", "summary.txt", "heap.diff.pb.gz", "goroutine.pb.gz",
        "goroutine.base.pb.gz", "heap.pb.gz",  "heap.base.pb.gz"};

    assert_int_equal(dump_render(&f->in, &f->b), 0);
    keep(f);
    assert_string_equal(f->m.note, "");
    assert_int_equal(f->b.n_files, 7);
    for (int i = 0; i < 7; i++) {
        char hex[SHA256_HEX_MAX];
        struct str bytes = file_of(f, order[i]);
        assert_string_equal(f->b.files[i].name, order[i]);
        assert_string_equal(f->m.files[i].name, order[i]);
        assert_string_equal(f->m.files[i].sha256, sha256_hex(bytes.p, bytes.n, hex));
    }
    assert_int_equal(total_of(f, "goroutine.pb.gz", "goroutine"), 9318);
    assert_int_equal(total_of(f, "goroutine.base.pb.gz", "goroutine"), 343);
    assert_int_equal(total_of(f, "goroutine.diff.pb.gz", "goroutine"), 9318 - 343);
    int64_t grown = total_of(f, "heap.pb.gz", "inuse_space") -
                    total_of(f, "heap.base.pb.gz", "inuse_space");
    assert_true(grown > 13000000);
    assert_int_equal(total_of(f, "heap.diff.pb.gz", "inuse_space"), grown);
    assert_memory_equal(file_of(f, "heap.pb.gz").p, f->heap_now.p, f->heap_now.len);
    assert_int_equal(f->m.heap.inuse_bytes, total_of(f, "heap.pb.gz", "inuse_space"));
}

/* The base's samples are negative and labelled, as pprof -diff_base has them. */
static void test_diff_labels(void **state)
{
    struct fix *f = *state;
    int64_t base = 0;

    assert_int_equal(dump_render(&f->in, &f->b), 0);
    (void)total_of(f, "goroutine.diff.pb.gz", "goroutine");
    for (size_t i = 0; i < f->check.samples.n; i++) {
        const struct sample *s = &f->check.samples.p[i];
        const struct label *labels = sample_labels(&f->check, s);
        bool is_base = false;
        for (uint32_t k = 0; k < s->n_labels; k++)
            is_base |= str_is(profile_text(&f->check, labels[k].key), "pprof::base") &&
                       str_is(profile_text(&f->check, labels[k].str), "true");
        assert_true(is_base == (s->values[0] < 0));
        base += is_base ? s->values[0] : 0;
    }
    assert_int_equal(base, -343);
}

static void test_culprits(void **state)
{
    struct fix *f = *state;

    assert_int_equal(dump_render(&f->in, &f->b), 0);
    const struct manifest_culprit *c = &f->m.culprits[0];
    assert_string_equal(c->unit, "goroutines");
    assert_true(str_starts(str_of(c->function), "main."));
    assert_true(c->now - c->before >= 3000 && c->line > 0);
    assert_int_equal(strlen(c->fingerprint), 10);
    assert_true(c->share > 0.3 && c->share <= 1);
    assert_true(c->per_hour > 1400);
    int bytes = 0;
    for (int i = 0; i < f->m.n_culprits; i++)
        bytes += !strcmp(f->m.culprits[i].unit, "bytes");
    assert_true(bytes >= 3);
    /* A verdict on the heap puts the heap first; given culprits are kept. */
    str_copy(f->m.verdict.kind, sizeof f->m.verdict.kind, STR("heap"));
    f->m.n_culprits = 0;
    bundle_reset(&f->b);
    assert_int_equal(dump_render(&f->in, &f->b), 0);
    assert_string_equal(f->m.culprits[0].unit, "bytes");
    f->m.n_culprits = 1;
    str_copy(f->m.culprits[0].function, 256, STR("main.mine"));
    bundle_reset(&f->b);
    assert_int_equal(dump_render(&f->in, &f->b), 0);
    assert_int_equal(f->m.n_culprits, 1);
    assert_string_equal(f->m.culprits[0].function, "main.mine");
}

static void test_no_base(void **state)
{
    struct fix *f = *state;

    f->in.goroutine_base = NULL;
    f->in.heap_base_gz = NULL;
    f->in.heap_base_gz_bytes = 0;
    assert_int_equal(dump_render(&f->in, &f->b), 0);
    assert_int_equal(f->b.n_files, 7);
    assert_int_equal(total_of(f, "goroutine.diff.pb.gz", "goroutine"), 9318);
    assert_int_equal(total_of(f, "goroutine.base.pb.gz", "goroutine"), 0);
    assert_int_equal(f->check.n_sample_types, 1);
    assert_int_equal(total_of(f, "heap.base.pb.gz", "inuse_space"), 0);
    assert_int_equal(f->check.n_sample_types, 4);
}

static void test_bad_heap(void **state)
{
    struct fix *f = *state;

    f->in.heap_gz_bytes /= 2;
    assert_true(dump_render(&f->in, &f->b) < 0);
    assert_true(str_starts(str_of(f->m.note), "heap: "));
    assert_int_equal(total_of(f, "goroutine.diff.pb.gz", "goroutine"), 9318 - 343);
    assert_null(file_of(f, "heap.diff.pb.gz").p);
    f->in = (struct dump_input){.manifest = &f->m, .scratch = {f->scratch, f->scratch + 1}};
    f->m.note[0] = '\0';
    bundle_reset(&f->b);
    assert_int_equal(dump_render(&f->in, &f->b), -ENODATA);
    assert_int_equal(f->b.n_files, 1); /* the summary can always be made */
}

static void test_small_bundle(void **state)
{
    struct fix *f = *state;

    for (size_t ceiling = 0; ceiling < 20000; ceiling += 250) {
        bundle_free(&f->b);
        bundle_init(&f->b, ceiling);
        f->m.note[0] = '\0';
        f->m.n_culprits = 0;
        int rc = dump_render(&f->in, &f->b);
        assert_true(f->b.bytes.len <= ceiling);
        assert_true((rc == 0) == (f->m.note[0] == '\0'));
        for (int i = 0; i < f->b.n_files; i++)
            if (str_ends(str_of(f->b.files[i].name), ".pb.gz"))
                (void)total_of(f, f->b.files[i].name, NULL);
    }
    assert_int_equal(f->b.n_files, 7);
}

static void test_native(void **state)
{
    struct fix *f = *state;
    struct native_input in = {.goroutine_gz = f->native_now.p,
                              .goroutine_gz_bytes = f->native_now.len,
                              .goroutine_base_gz = f->native_base.p,
                              .goroutine_base_gz_bytes = f->native_base.len,
                              .stacks_text = "goroutine 1 [running]:\n",
                              .stacks_text_bytes = 23,
                              .scratch = {f->scratch, f->scratch + 1, f->scratch + 2}};

    assert_int_equal(dump_render_native(&in, &f->b), 0);
    assert_int_equal(f->b.n_files, 4);
    int64_t now = total_of(f, "goroutine.pb.gz", NULL);
    int64_t base = total_of(f, "goroutine.base.pb.gz", NULL);
    assert_int_equal(total_of(f, "goroutine.diff.pb.gz", NULL), now - base);
    in.goroutine_base_gz_bytes = 0;
    bundle_reset(&f->b);
    assert_int_equal(dump_render_native(&in, &f->b), 0);
    assert_int_equal(total_of(f, "goroutine.base.pb.gz", NULL), 0);
    assert_int_equal(total_of(f, "goroutine.diff.pb.gz", NULL), now);
    in.goroutine_gz_bytes = 100; /* cut: not kept, the rest is */
    bundle_reset(&f->b);
    assert_true(dump_render_native(&in, &f->b) < 0);
    assert_int_equal(f->b.n_files, 1);
}

static void test_summary(void **state)
{
    struct fix *f = *state;
    struct str line;

    str_copy(f->m.verdict.kind, sizeof f->m.verdict.kind, STR("drift"));
    str_copy(f->m.verdict.grade, sizeof f->m.verdict.grade, STR("likely"));
    str_copy(f->m.reason, sizeof f->m.reason, STR("first \x1b[31mlikely\n verdict"));
    f->m.memory.usage_bytes = 420 << 20;
    f->m.memory.limit_bytes = 512 << 20;
    f->m.memory.eta_s = 4800;
    f->m.outcome.cause = OUTCOME_OOM;
    f->m.outcome.exit_code = 137;
    f->m.outcome.lead_ms = 93000;
    f->m.outcome.death_wall_ms = 1772337999999;
    assert_int_equal(dump_render(&f->in, &f->b), 0);
    keep(f);
    struct str text = file_of(f, "summary.txt");
    static const char *const says[] = {
        "cart, likely: a goroutine leak",
        "killed it for memory (OOM), exit code 137",
        "1m 33s after this dump was on disk",
        "healthy baseline, 2h before, of 343 goroutines",
        "420.0 MiB of 512.0 MiB (82%)",
        "in about 1h 20m",
        "go tool pprof -top -cum -nodecount=8 goroutine.diff.pb.gz",
        "go tool pprof -base goroutine.base.pb.gz goroutine.pb.gz",
        "-list 'main\\.",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (!str_contains(text, says[i]))
            fail_msg("the summary lacks \"%s\":\n%.*s", says[i], (int)text.n, text.p);
    assert_false(str_contains(text, "\x1b"));
    while (str_split(&text, '\n', &line))
        assert_true(line.n <= 80 || str_starts(line, "  go tool") || str_starts(line, "    "));
}

/* ---- the log line ---- */

static void test_log_dump(void **state)
{
    struct fix *f = *state;
    struct profile *scratch[] = {&f->scratch[0], &f->scratch[1]};
    struct buf base64, gz, line;
    struct errmsg e = {""};

    assert_int_equal(dump_render(&f->in, &f->b), 0);
    struct str diff = file_of(f, "goroutine.diff.pb.gz");
    buf_init(&base64, 12288);
    buf_init(&gz, 65536);
    buf_init(&line, 65536);
    assert_int_equal(log_dump_write(diff.p, diff.n, 12288, scratch, &base64), 0);
    buf_printf(
        &line,
        "{\"msg\":\"start\"}\n"
        "2026-03-01T04:05:06.7Z stderr F {\"time\":\"t\",\"msg\":\"dump\",\"id\":\"one\","
        "\"reason\":\"id=two\",\"diff_base64\":\"%s\"}\n",
        buf_cstr(&base64));
    assert_int_equal(log_dump_read(buf_view(&line), NULL, &gz, &e), 0);
    assert_int_equal(proto_decode(&f->check, gz.p, gz.len, &e), 0);
    assert_int_equal(profile_total(&f->check, 0), 9318 - 343);
    for (size_t i = 0; i < f->check.samples.n; i++) { /* net: workers that were there cancel */
        const struct label *labels = sample_labels(&f->check, &f->check.samples.p[i]);
        for (uint32_t k = 0; k < f->check.samples.p[i].n_labels; k++)
            assert_false(str_is(profile_text(&f->check, labels[k].key), "pprof::base"));
    }
    assert_int_equal(log_dump_read(buf_view(&line), "two", &gz, &e), -ENOENT);
    assert_int_equal(log_dump_read(buf_view(&line), "one", &gz, &e), 0);
    /* Small: fewer stacks, the total stays; nothing at all is an error. */
    buf_reset(&base64);
    assert_int_equal(log_dump_write(diff.p, diff.n, 900, scratch, &base64), 0);
    assert_true(base64.len <= 900);
    buf_reset(&line);
    buf_reset(&gz);
    buf_printf(&line, "level=warn msg=dump id=x diff_base64=\"%s\" n=3", buf_cstr(&base64));
    assert_int_equal(log_dump_read(buf_view(&line), "x", &gz, &e), 0);
    assert_int_equal(proto_decode(&f->check, gz.p, gz.len, &e), 0);
    assert_int_equal(profile_total(&f->check, 0), 9318 - 343);
    buf_reset(&base64);
    assert_int_equal(log_dump_write(diff.p, diff.n, 40, scratch, &base64), ERR_LIMIT);
    buf_free(&base64);
    buf_free(&gz);
    buf_free(&line);
}

/* gzip of "hello", in every form a log may have; and none of the damaged ones. */
static void test_log_forms(void **state)
{
#define HELLO "H4sIAAAAAAACA8tIzcnJBwCGphA2BQAAAA=="
#define WORLD "H4sIAAAAAAACAyvPL8pJAQBDEXc6BQAAAA=="
    static const struct {
        const char *log, *id;
        int rc;
        const char *expect;
    } cases[] = {
        {"{\"msg\":\"dump\",\"id\":\"a\",\"diff_base64\":\"" HELLO "\"}", "a", 0, "hello"},
        {"msg=dump id=a diff_base64=\"" HELLO "\"", "a", 0, "hello"},
        {"2026-03-01T04:05:06Z stderr F msg=dump id=\"a\" diff_base64=" HELLO "\r\n", "a", 0,
         "hello"},
        {"{\"log\":\"{\\\"id\\\":\\\"a\\\",\\\"diff_base64\\\":\\\"" HELLO
         "\\\"}\\n\",\"stream\":\"stderr\",\"time\":\"2026\"}\n",
         "a", 0, "hello"},
        {"{\"log\":\"msg=dump id=a diff_base64=\\\"" HELLO "\\\"\\n\",\"stream\":\"stderr\"}",
         "a", 0, "hello"},
        {"id=a diff_base64=\"" HELLO "\"\nid=b diff_base64=\"" WORLD "\"\n", NULL, 0, "world"},
        {"id=a diff_base64=\"" HELLO "\"\nid=b diff_base64=\"" WORLD "\"\n", "a", 0, "hello"},
        {"id=a diff_base64=\"" HELLO "\"\nid=b diff_base64=\"H4sIAAAAAAAAAyvPL8", NULL, 0,
         "hello"},
        {"{\"id\":\"a\",\"diff_base64\":\"H4sIAAAAAAAAA8tIzcn", NULL, ERR_CUT, NULL},
        {"id=a diff_base64=\"H4sIAAAAAAACA8tIzcnJBwCGphE2BQAAAA==\"", NULL, ERR_CUT, NULL},
        {"id=a diff_base64=aGVsbG8=", NULL, ERR_CUT, NULL},
        {"id=a diff_base64=", NULL, ERR_CUT, NULL},
        {"diff_base64", NULL, ERR_CUT, NULL},
        {"{\"diff_base64\":7}", NULL, ERR_CUT, NULL},
        {"id=a diff_base64=\"" HELLO "\"", "b", -ENOENT, NULL},
        {"", NULL, -ENOENT, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf gz, text;
        struct errmsg e = {""};
        buf_init(&gz, 1000);
        buf_init(&text, 1000);
        int rc = log_dump_read(str_of(cases[i].log), cases[i].id, &gz, &e);
        if (rc != cases[i].rc)
            fail_msg("case %zu: %d (%s)", i, rc, e.text);
        if (cases[i].expect) {
            assert_int_equal(gzip_inflate(&text, gz.p, gz.len), 0);
            assert_string_equal(buf_cstr(&text), cases[i].expect);
        } else {
            assert_true(e.text[0] != '\0' && gz.len == 0);
        }
        buf_free(&gz);
        buf_free(&text);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_phase_one), T(test_diff_labels),
        T(test_culprits),  T(test_no_base),
        T(test_bad_heap),  T(test_small_bundle),
        T(test_native),    T(test_summary),
        T(test_log_dump),  cmocka_unit_test(test_log_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
