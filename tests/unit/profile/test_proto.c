/* profile.proto: Go's own files there and back, hand-made oddities, damage. */
#include "tests/unit/profile/capture.h"

#include "lib/base/err.h"
#include "lib/profile/proto_fields.h"
#include "lib/profile/wire.h"

static const char *const captures[] = {
    "cart-A.goroutine0.pb.gz",
    "cart-B.goroutine0.pb.gz",
    "cart-A.heap0.pb.gz",
    "cart-B.heap0.pb.gz",
    "cart-base.goroutine.pb.gz",
    "cart-base.heap.pb.gz",
    "cart-diff_base.goroutine.pb.gz",
    "leak-go1.26.goroutineleak0.pb.gz",
    "zoo-go1.26.goroutine0.pb.gz",
};
#define N_CAPTURES (sizeof captures / sizeof *captures)

static struct profile profile_new(void)
{
    struct profile p;
    assert_int_equal(profile_init(&p, CAPTURE_CEILING_BYTES), 0);
    return p;
}

static struct buf buf_new(void)
{
    struct buf b;
    buf_init(&b, CAPTURE_CEILING_BYTES);
    return b;
}

/* Captures */

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CAPTURES; i++) {
        struct profile p = capture_profile(captures[i]), back = profile_new();
        struct buf plain = buf_new(), packed = buf_new(), inflated = buf_new();
        assert_int_equal(proto_encode(&p, &plain), 0);
        assert_int_equal(proto_encode_gzip(&p, &packed), 0);
        assert_int_equal(gzip_inflate(&inflated, packed.p, packed.len), 0);
        assert_int_equal(inflated.len, plain.len); /* staged or not, the same bytes */
        assert_memory_equal(inflated.p, plain.p, plain.len);
        assert_int_equal(proto_decode(&back, packed.p, packed.len, NULL), 0);
        assert_same_profile(&p, &back);
        assert_int_equal(back.n_mappings, p.n_mappings);
        assert_false(back.from_text);
        profile_free(&p);
        profile_free(&back);
        buf_free(&plain);
        buf_free(&packed);
        buf_free(&inflated);
    }
}

static void test_totals(void **state)
{
    struct profile goroutines = capture_profile("cart-B.goroutine0.pb.gz");
    struct profile heap = capture_profile("cart-B.heap0.pb.gz");
    (void)state;
    assert_int_equal(goroutines.n_sample_types, 1);
    assert_int_equal(profile_total(&goroutines, 0), 9318);
    assert_int_equal(heap.n_sample_types, 4);
    assert_int_equal(profile_value_index(&heap, "inuse_space"), 3);
    assert_int_equal(heap.period, 524288);
    profile_free(&goroutines);
    profile_free(&heap);
}

/* Cut anywhere it is an error or a smaller profile; never a crash, and after
 * an error nothing is left in the profile. */
static void test_cut_at_every_byte(void **state)
{
    struct buf plain = capture_inflate("cart-A.heap0.pb.gz");
    struct buf packed = capture_read("cart-A.heap0.pb.gz");
    struct profile p = profile_new();
    (void)state;
    for (size_t n = 0; n < plain.len; n++) {
        char *exact = malloc(n + 1); /* so that the sanitizer sees the end */
        struct errmsg e = {""};
        assert_non_null(exact);
        memcpy(exact, plain.p, n);
        int r = proto_decode(&p, exact, n, &e);
        assert_true(r == 0 || r == ERR_SYNTAX);
        if (r) {
            assert_int_equal(p.samples.n, 0);
            assert_non_null(strstr(e.text, "protobuf"));
        }
        free(exact);
    }
    for (size_t n = 2; n < packed.len; n++)
        assert_int_equal(proto_decode(&p, packed.p, n, NULL), ERR_CUT);
    packed.p[packed.len - 5] ^= 1;
    assert_int_equal(proto_decode(&p, packed.p, packed.len, NULL), ERR_CORRUPT);
    profile_free(&p);
    buf_free(&plain);
    buf_free(&packed);
}

static void test_flipped_bits(void **state)
{
    struct buf plain = capture_inflate("cart-A.goroutine0.pb.gz");
    struct profile p = profile_new();
    (void)state;
    for (size_t i = 0; i < plain.len; i++) {
        plain.p[i] = (char)(plain.p[i] ^ 1 << i % 8);
        int r = proto_decode(&p, plain.p, plain.len, NULL);
        assert_true(r == 0 || r == ERR_SYNTAX || r == ERR_LIMIT || r == ERR_CUT ||
                    r == ERR_CORRUPT);
        plain.p[i] = (char)(plain.p[i] ^ 1 << i % 8);
    }
    profile_free(&p);
    buf_free(&plain);
}

static void test_ceilings(void **state)
{
    struct buf packed = capture_read("zoo-go1.26.goroutine0.pb.gz"), small;
    struct profile p = capture_profile("zoo-go1.26.goroutine0.pb.gz"), tight;
    struct errmsg e;
    (void)state;
    for (size_t ceiling = 4096; ceiling < 65536; ceiling += 1000) {
        assert_int_equal(profile_init(&tight, ceiling), 0);
        int r = proto_decode(&tight, packed.p, packed.len, &e);
        assert_true(r == 0 || r == ERR_LIMIT);
        assert_true(tight.bytes <= ceiling);
        profile_free(&tight);
    }
    for (size_t ceiling = 0; ceiling < 4000; ceiling += 100) {
        buf_init(&small, ceiling);
        assert_int_equal(proto_encode(&p, &small), ERR_LIMIT);
        assert_int_equal(proto_encode_gzip(&p, &small), ERR_LIMIT);
        buf_free(&small);
    }
    profile_free(&p);
    buf_free(&packed);
}

/* Hand-made files */

/* A message of number fields, given in pairs and ended by a zero number. */
static void put_ints(struct buf *b, uint32_t number, const uint64_t *pairs)
{
    size_t start = wire_open(b, number);
    for (; *pairs; pairs += 2)
        wire_put_int(b, (uint32_t)pairs[0], pairs[1]);
    wire_close(b, start);
}
#define INTS(...) ((const uint64_t[]){__VA_ARGS__, 0, 0})

static void put_z(struct buf *b, const char *text)
{
    wire_put_bytes(b, PROFILE_STRING, text, strlen(text));
}

/* Strings 1 to 6 and one sample type: what the oddities start from. */
static struct buf file_start(void)
{
    struct buf b = buf_new();
    const char *texts[] = {"", "goroutine", "count", "main.f", "/src/f.go", "key", "value"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_z(&b, texts[i]);
    put_ints(&b, PROFILE_SAMPLE_TYPE, INTS(1, 1, 2, 2));
    return b;
}

static int file_decode(struct buf *b, struct profile *p, struct errmsg *e)
{
    assert_int_equal(buf_status(b), 0);
    int r = proto_decode(p, b->p, b->len, e);
    buf_free(b);
    return r;
}

/* Decodes, expects that code and those words in the message. */
static void assert_refused(struct buf b, int code, const char *words)
{
    struct profile p = profile_new();
    struct errmsg e = {""};
    assert_int_equal(file_decode(&b, &p, &e), code);
    if (!strstr(e.text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, e.text);
    profile_free(&p);
}

static void test_sparse_ids_in_any_order(void **state)
{
    struct buf b = buf_new(), strings = file_start();
    struct profile p = profile_new();
    struct frame f[4];
    (void)state;
    /* Samples first, the strings last; ids huge and falling. */
    put_ints(&b, PROFILE_SAMPLE, INTS(SAMPLE_LOCATION, UINT64_MAX, SAMPLE_VALUE, 7));
    put_ints(&b, PROFILE_SAMPLE,
             INTS(SAMPLE_LOCATION, 5, SAMPLE_LOCATION, UINT64_MAX, SAMPLE_VALUE, 1));
    for (int i = 0; i < 2; i++) {
        size_t location = wire_open(&b, PROFILE_LOCATION);
        wire_put_int(&b, LOCATION_ID, i ? 5 : UINT64_MAX);
        wire_put_int(&b, LOCATION_ADDRESS, 0x10u + (unsigned)i);
        put_ints(&b, LOCATION_LINE, INTS(LINE_FUNCTION, 1ull << 63, LINE_LINE, 42));
        wire_close(&b, location);
    }
    put_ints(&b, PROFILE_FUNCTION,
             INTS(FUNCTION_ID, 1ull << 63, FUNCTION_NAME, 3, FUNCTION_FILENAME, 4));
    buf_put(&b, strings.p, strings.len);
    buf_free(&strings);
    assert_int_equal(file_decode(&b, &p, NULL), 0);
    assert_int_equal(p.samples.n, 2);
    assert_int_equal(profile_total(&p, 0), 8);
    assert_int_equal(sample_frames(&p, &p.samples.p[1], f, 4), 2);
    assert_true(str_is(f[0].function, "main.f"));
    assert_true(str_is(f[0].file, "/src/f.go"));
    assert_int_equal(f[0].line, 42);
    assert_int_equal(f[0].address, 0x11);
    assert_int_equal(f[1].address, 0x10);
    profile_free(&p);
}

static void test_unknown_fields_are_skipped(void **state)
{
    struct buf b = file_start();
    struct profile p = profile_new();
    (void)state;
    buf_put(&b,
            "\xf9\x01"
            "12345678",
            10); /* field 31, fixed64 */
    buf_put(&b,
            "\xfd\x01"
            "1234",
            6); /* field 31, fixed32 */
    wire_put_bytes(&b, 100, "abc", 3);
    size_t sample = wire_open(&b, PROFILE_SAMPLE);
    wire_put_int(&b, SAMPLE_VALUE, (uint64_t)-3);
    wire_put_bytes(&b, 9, "\xff\xff", 2);
    wire_put_int(&b, 10, 1);
    wire_close(&b, sample);
    assert_int_equal(file_decode(&b, &p, NULL), 0);
    assert_int_equal(profile_total(&p, 0), -3);
    profile_free(&p);
}

static void test_labels(void **state)
{
    struct buf b = file_start();
    struct profile p = profile_new();
    (void)state;
    size_t sample = wire_open(&b, PROFILE_SAMPLE);
    wire_put_int(&b, SAMPLE_VALUE, 1);
    put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 5, LABEL_NUM, 4096, LABEL_UNIT, 2));
    put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 5, LABEL_STR, 6));
    put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 3)); /* neither text nor number: none */
    put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 2, LABEL_STR, 6));
    wire_close(&b, sample);
    assert_int_equal(file_decode(&b, &p, NULL), 0);
    const struct label *labels = sample_labels(&p, &p.samples.p[0]);
    assert_int_equal(p.samples.p[0].n_labels, 3);
    assert_int_equal(labels[0].num, 4096);
    assert_int_equal(labels[0].str, 0);
    assert_true(str_is(profile_text(&p, labels[0].unit), "count"));
    assert_true(str_is(profile_text(&p, labels[1].key), "key"));
    assert_true(str_is(profile_text(&p, labels[1].str), "value"));
    assert_true(str_is(profile_text(&p, labels[2].key), "count"));
    profile_free(&p);
}

static void test_raw_bytes_in_strings(void **state)
{
    struct buf b = file_start(), out = buf_new();
    struct profile p = profile_new(), back = profile_new();
    const char raw[] = "\xff\x00 \"\n\x80";
    (void)state;
    wire_put_bytes(&b, PROFILE_STRING, raw, sizeof raw - 1);
    size_t sample = wire_open(&b, PROFILE_SAMPLE);
    wire_put_int(&b, SAMPLE_VALUE, 1);
    put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 5, LABEL_STR, 7));
    wire_close(&b, sample);
    assert_int_equal(file_decode(&b, &p, NULL), 0);
    assert_int_equal(proto_encode(&p, &out), 0);
    assert_int_equal(file_decode(&out, &back, NULL), 0);
    struct str s = profile_text(&back, sample_labels(&back, &back.samples.p[0])->str);
    assert_int_equal(s.n, sizeof raw - 1);
    assert_memory_equal(s.p, raw, s.n);
    profile_free(&p);
    profile_free(&back);
}

static void test_more_mappings_than_kept(void **state)
{
    struct buf b = file_start();
    struct profile p = profile_new();
    (void)state;
    for (uint64_t i = 1; i <= PROFILE_MAPPINGS_MAX + 2; i++)
        put_ints(&b, PROFILE_MAPPING, INTS(MAPPING_ID, i, MAPPING_START, i << 20));
    for (uint64_t i = 1; i <= PROFILE_MAPPINGS_MAX + 2; i++)
        put_ints(&b, PROFILE_LOCATION,
                 INTS(LOCATION_ID, i, LOCATION_MAPPING, i, LOCATION_ADDRESS, i << 20));
    assert_int_equal(file_decode(&b, &p, NULL), 0);
    assert_int_equal(p.n_mappings, PROFILE_MAPPINGS_MAX);
    assert_int_equal(p.locations.p[PROFILE_MAPPINGS_MAX - 1].mapping, PROFILE_MAPPINGS_MAX);
    assert_int_equal(p.locations.p[PROFILE_MAPPINGS_MAX].mapping, 0);
    profile_free(&p);
}

/* Refusals */

static struct buf with(uint32_t number, const uint64_t *pairs)
{
    struct buf b = file_start();
    put_ints(&b, number, pairs);
    return b;
}

static struct buf with_bytes(const char *bytes, size_t n)
{
    struct buf b = file_start();
    buf_put(&b, bytes, n);
    return b;
}

static void test_refused_wire(void **state)
{
    struct buf b = buf_new();
    (void)state;
    assert_refused(b, ERR_SYNTAX, "empty");
    assert_refused(with_bytes("\x08", 1), ERR_SYNTAX, "malformed");          /* no value */
    assert_refused(with_bytes("\x12\x7f", 2), ERR_SYNTAX, "passes the end"); /* 127 bytes */
    assert_refused(with_bytes("\x0b", 1), ERR_SYNTAX, "malformed");          /* a group */
    assert_refused(with_bytes("\x00\x00", 2), ERR_SYNTAX, "malformed");      /* field 0 */
    assert_refused(with_bytes("\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11), ERR_SYNTAX,
                   "malformed"); /* 65 bits */
    assert_refused(with_bytes("\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),
                   ERR_SYNTAX, "malformed");
    assert_refused(with_bytes("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), ERR_SYNTAX,
                   "passes the end");                                         /* 2^64-1 bytes */
    assert_refused(with_bytes("\x10\x01", 2), ERR_SYNTAX, "wrong wire type"); /* sample = 1 */
    assert_refused(with_bytes("\x4a\x01\x01", 3), ERR_SYNTAX, "wrong wire type"); /* time */
    assert_refused(with_bytes("\x12\x05\x11"
                              "1234",
                              7),
                   ERR_SYNTAX, "malformed");
    assert_refused(with_bytes("\x12\x09\x11"
                              "12345678",
                              11),
                   ERR_SYNTAX, "wrong wire type");
    assert_refused(with_bytes("\x12\x03\x12\x01\x80", 5), ERR_SYNTAX, "packed");
}

static void test_refused_references(void **state)
{
    struct buf b;
    (void)state;
    assert_refused(with(PROFILE_FUNCTION, INTS(FUNCTION_ID, 1, FUNCTION_NAME, 7)), ERR_SYNTAX,
                   "string 7 of 7");
    assert_refused(with(PROFILE_FUNCTION, INTS(FUNCTION_ID, 1, FUNCTION_NAME, UINT64_MAX)),
                   ERR_SYNTAX, "of 7");
    assert_refused(with(PROFILE_FUNCTION, INTS(FUNCTION_NAME, 1)), ERR_SYNTAX,
                   "a function has the id 0");
    assert_refused(with(PROFILE_LOCATION, INTS(LOCATION_ADDRESS, 1)), ERR_SYNTAX,
                   "a location has the id 0");
    assert_refused(with(PROFILE_SAMPLE, INTS(SAMPLE_LOCATION, 9, SAMPLE_VALUE, 1)), ERR_SYNTAX,
                   "no location has the id 9");
    b = with(PROFILE_LOCATION, INTS(LOCATION_ID, 3));
    put_ints(&b, PROFILE_LOCATION, INTS(LOCATION_ID, 3));
    assert_refused(b, ERR_SYNTAX, "two locations have the id 3");
    b = file_start();
    size_t location = wire_open(&b, PROFILE_LOCATION);
    wire_put_int(&b, LOCATION_ID, 1);
    put_ints(&b, LOCATION_LINE, INTS(LINE_FUNCTION, 8));
    wire_close(&b, location);
    assert_refused(b, ERR_SYNTAX, "no function has the id 8");
    b = buf_new();
    put_z(&b, "not empty");
    assert_refused(b, ERR_SYNTAX, "first string");
    assert_refused(with_bytes("\x68\x63", 2), ERR_SYNTAX, "comment");
}

static void test_refused_counts(void **state)
{
    struct buf b;
    (void)state;
    assert_refused(with(PROFILE_SAMPLE, INTS(SAMPLE_VALUE, 1, SAMPLE_VALUE, 2)), ERR_SYNTAX,
                   "more values");
    assert_refused(with(PROFILE_SAMPLE, INTS(LABEL_KEY + 100, 1)), ERR_SYNTAX, "fewer values");
    b = buf_new();
    put_ints(&b, PROFILE_SAMPLE, INTS(LABEL_KEY + 100, 1));
    assert_refused(b, ERR_SYNTAX, "no sample types");
    b = file_start();
    for (int i = 0; i < PROFILE_VALUES_MAX; i++)
        put_ints(&b, PROFILE_SAMPLE_TYPE, INTS(1, 1));
    assert_refused(b, ERR_LIMIT, "4 sample types");
    b = file_start();
    put_ints(&b, PROFILE_LOCATION, INTS(LOCATION_ID, 1, LOCATION_ADDRESS, 1));
    size_t sample = wire_open(&b, PROFILE_SAMPLE);
    for (int i = 0; i <= PROFILE_STACK_MAX; i++)
        wire_put_int(&b, SAMPLE_LOCATION, 1);
    wire_close(&b, sample);
    assert_refused(b, ERR_LIMIT, "a stack of more");
    b = file_start();
    sample = wire_open(&b, PROFILE_SAMPLE);
    for (int i = 0; i < 300; i++)
        put_ints(&b, SAMPLE_LABEL, INTS(LABEL_KEY, 5, LABEL_STR, 6));
    wire_close(&b, sample);
    assert_refused(b, ERR_LIMIT, "labels");
    b = file_start();
    size_t location = wire_open(&b, PROFILE_LOCATION);
    put_ints(&b, LOCATION_LINE, INTS(LINE_FUNCTION, 1, LINE_LINE, 1ull << 31));
    wire_close(&b, location);
    assert_refused(b, ERR_LIMIT, "32 bits");
}

/* Encoding */

/* One sample of a hidden and a named location, one of hidden ones alone. */
static struct profile hidden_profile(bool from_text)
{
    struct profile p = profile_new();
    struct function f = {0};
    struct line line = {0, 3};
    uint32_t refs[2];
    int64_t one[PROFILE_VALUES_MAX] = {1};
    p.n_sample_types = 1;
    p.from_text = from_text;
    assert_int_equal(profile_string(&p, STR("goroutine"), &p.sample_types[0].type), 0);
    assert_int_equal(profile_string(&p, STR("main.f"), &f.name), 0);
    assert_int_equal(profile_function(&p, f, &line.function), 0);
    assert_int_equal(profile_location(&p, 0x10, 0, NULL, 0, false, &refs[0]), 0);
    assert_int_equal(profile_location(&p, 0x20, 0, &line, 1, false, &refs[1]), 0);
    assert_int_equal(profile_sample(&p, refs, 2, NULL, 0, one), 0);
    assert_int_equal(profile_sample(&p, refs, 1, NULL, 0, one), 0);
    assert_int_equal(profile_sample(&p, refs, 0, NULL, 0, one), 0);
    return p;
}

static void test_hidden_locations(void **state)
{
    (void)state;
    for (int text = 0; text <= 1; text++) {
        struct profile p = hidden_profile(text), back = profile_new();
        struct buf out = buf_new();
        assert_int_equal(proto_encode(&p, &out), 0);
        assert_int_equal(file_decode(&out, &back, NULL), 0);
        assert_int_equal(back.from_text, text);
        assert_int_equal(back.samples.p[0].n_refs, 1);
        assert_int_equal(back.locations.p[*sample_refs(&back, &back.samples.p[0])].n_lines, 1);
        assert_int_equal(back.samples.p[1].n_refs, 1);
        assert_int_equal(back.locations.p[*sample_refs(&back, &back.samples.p[1])].n_lines, 0);
        assert_int_equal(back.samples.p[2].n_refs, 0);
        if (text) {
            assert_int_equal(back.n_mappings, 0); /* none of its own */
        } else {
            assert_int_equal(back.n_mappings, 1);
            assert_true(back.mappings[0].has_functions);
            assert_int_equal(back.locations.p[0].mapping, 1);
            assert_int_equal(back.locations.p[1].mapping, 1);
        }
        profile_free(&p);
        profile_free(&back);
    }
}

/* Go marks a mapping only when it is sure of all frames of the profile. */
static void test_named_mappings_are_marked(void **state)
{
    (void)state;
    for (int hidden = 0; hidden <= 1; hidden++) {
        struct profile p = profile_new(), back = profile_new();
        struct buf b = file_start(), out = buf_new();
        put_ints(&b, PROFILE_MAPPING, INTS(MAPPING_ID, 1, MAPPING_START, 1));
        put_ints(&b, PROFILE_MAPPING, INTS(MAPPING_ID, 2, MAPPING_START, 2));
        put_ints(&b, PROFILE_FUNCTION, INTS(FUNCTION_ID, 1, FUNCTION_NAME, 3));
        size_t location = wire_open(&b, PROFILE_LOCATION);
        wire_put_int(&b, LOCATION_ID, 1);
        wire_put_int(&b, LOCATION_MAPPING, 1);
        put_ints(&b, LOCATION_LINE, INTS(LINE_FUNCTION, 1));
        wire_close(&b, location);
        put_ints(&b, PROFILE_LOCATION, INTS(LOCATION_ID, 2, LOCATION_MAPPING, 1));
        put_ints(&b, PROFILE_SAMPLE, INTS(SAMPLE_LOCATION, 1, SAMPLE_VALUE, 1));
        if (hidden)
            put_ints(&b, PROFILE_SAMPLE, INTS(SAMPLE_LOCATION, 2, SAMPLE_VALUE, 1));
        assert_int_equal(file_decode(&b, &p, NULL), 0);
        assert_int_equal(proto_encode(&p, &out), 0);
        assert_int_equal(file_decode(&out, &back, NULL), 0);
        assert_int_equal(back.n_mappings, 2);
        assert_int_equal(back.mappings[0].has_functions, !hidden);
        assert_false(back.mappings[1].has_functions); /* nothing in it */
        profile_free(&p);
        profile_free(&back);
    }
}

static void test_empty(void **state)
{
    struct profile p = profile_new(), back = profile_new();
    struct buf out = buf_new();
    (void)state;
    assert_int_equal(proto_encode(&p, &out), 0);
    assert_true(out.len > 0);
    assert_int_equal(file_decode(&out, &back, NULL), 0);
    assert_int_equal(back.samples.n, 0);
    profile_free(&p);
    profile_free(&back);
}

/* Long content, whose length needs several bytes, nested in another. */
static void test_wire_nesting(void **state)
{
    struct buf b = buf_new();
    struct wire w;
    struct wire_field f;
    static char content[20000];
    (void)state;
    size_t outer = wire_open(&b, 3);
    size_t inner = wire_open(&b, 4);
    buf_put(&b, content, sizeof content);
    wire_close(&b, inner);
    wire_put_int(&b, 5, UINT64_MAX);
    wire_close(&b, outer);
    w = (struct wire){(uint8_t *)b.p, (uint8_t *)b.p + b.len};
    assert_int_equal(wire_next(&w, &f), 1);
    assert_int_equal(f.number, 3);
    assert_int_equal(wire_next(&w, &(struct wire_field){0}), 0);
    w = f.bytes;
    assert_int_equal(wire_next(&w, &f), 1);
    assert_int_equal(f.number, 4);
    assert_int_equal(f.bytes.end - f.bytes.p, sizeof content);
    assert_int_equal(wire_next(&w, &f), 1);
    assert_true(f.value == UINT64_MAX);
    assert_int_equal(wire_next(&w, &f), 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_sparse_ids_in_any_order),
        cmocka_unit_test(test_unknown_fields_are_skipped),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_raw_bytes_in_strings),
        cmocka_unit_test(test_more_mappings_than_kept),
        cmocka_unit_test(test_refused_wire),
        cmocka_unit_test(test_refused_references),
        cmocka_unit_test(test_refused_counts),
        cmocka_unit_test(test_hidden_locations),
        cmocka_unit_test(test_named_mappings_are_marked),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_wire_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
