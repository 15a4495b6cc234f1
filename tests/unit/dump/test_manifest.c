#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dump/manifest.h"

/* Every member gets a value of its own: what is written must come back. */
static void fill_culprit(struct manifest_culprit *c, int i)
{
    (void)snprintf(c->fingerprint, sizeof c->fingerprint, "000000000%c", '0' + i % 10);
    (void)snprintf(c->function, sizeof c->function, "main.(*Cart).w%d", i);
    str_copy(c->file, sizeof c->file, STR("/app/a \"b\".go"));
    str_copy(c->unit, sizeof c->unit, STR("goroutines"));
    c->line = 100 + i;
    c->before = -i;
    c->now = INT64_C(1) << 40;
    c->per_hour = 1.25;
    c->share = 1.0 / 3;
    c->bytes_each = 2622.5;
    c->explains = 0.75;
    str_copy(c->pattern, sizeof c->pattern, STR("channel-send"));
    str_copy(c->blocking, sizeof c->blocking, STR("chan-send"));
    str_copy(c->helper, sizeof c->helper, STR("net/http.(*persistConn).readLoop"));
    str_copy(c->part_of, sizeof c->part_of, STR("0000000001"));
    str_copy(c->advice, sizeof c->advice, STR("main.f (f.go:1) \"does\""));
}

static void fill(struct manifest *m)
{
    memset(m, 0, sizeof *m);
    m->schema = MANIFEST_SCHEMA;
#define SET(member, text) str_copy(m->member, sizeof m->member, STR(text))
    SET(id, "20260301T040506Z-eta-cart-7");
    SET(leakwatch_version, "1.2.3");
    SET(namespace_, "shop");
    SET(pod, "cart-0");
    SET(node, "n1");
    SET(container, "app");
    SET(version_label, "v2");
    SET(target, "cart");
    SET(url, "http://127.0.0.1:6060/debug/pprof/");
    SET(build_id, "abc");
    SET(trigger, "eta");
    SET(reason, "\"quoted\" and \n a line, \xc3\xa9");
    SET(baseline.kind, "healthy");
    SET(verdict.kind, "drift");
    SET(verdict.grade, "likely");
    SET(verdict.detector, "stack-ratchet");
    SET(verdict.evidence, "it climbs");
    SET(memory.source, "cgroup-v2");
    SET(open_set, "native");
    SET(note, "noted");
    SET(outcome.source, "cgroup");
    m->life = 9007199254740991u;
    m->life_start_wall_ms = 1772337906001;
    m->time_wall_ms = 1772337906789;
    m->seq = 7;
    m->phase = 2;
    m->partial = true;
    m->baseline.time_wall_ms = 1772337900000;
    m->baseline.age_ms = 6789;
    m->baseline.goroutines = 412;
    m->verdict.eta_s = 3600.5;
    m->verdict.eta_low_s = 0.1;
    m->verdict.eta_high_s = 1e15;
    m->verdict.since_wall_ms = 1772337000000;
    m->memory.usage_bytes = -1;
    m->memory.limit_bytes = 536870912;
    m->memory.eta_s = 12;
    m->goroutines = 9318;
    m->goroutines_age_ms = 12;
    m->heap.present = true;
    m->heap.age_ms = 41000;
    m->heap.inuse_bytes = 1 << 30;
    m->heap.num_gc = 99;
    m->heap.not_in_profile_bytes = -1;
    m->outcome.cause = OUTCOME_PROBABLE_OOM;
    m->outcome.exit_code = -1;
    m->outcome.death_wall_ms = 1772337999999;
    m->outcome.lead_ms = 93210;
    m->durable_wall_ms = 1772337906800;
    m->durable_boot_ms = 123456;
    m->n_culprits = MANIFEST_CULPRITS_MAX;
    for (int i = 0; i < m->n_culprits; i++) {
        fill_culprit(&m->culprits[i], i);
    }
    m->n_files = MANIFEST_FILES_MAX;
    for (int i = 0; i < m->n_files; i++) {
        (void)snprintf(m->files[i].name, sizeof m->files[i].name, "native/f%d.pb.gz", i);
        m->files[i].bytes = i * 1000;
        memset(m->files[i].sha256, 'a' + i % 6, SHA256_HEX_MAX - 1);
    }
}

static void test_round_trip(void **state)
{
    static struct manifest m, back;
    struct buf b;
    struct errmsg e = {""};

    (void)state;
    fill(&m);
    buf_init(&b, MANIFEST_BYTES_MAX);
    manifest_write(&m, &b);
    assert_int_equal(buf_status(&b), 0);
    memset(&back, 0x55, sizeof back);
    assert_int_equal(manifest_read(&back, b.p, b.len, &e), 0);
    struct buf again;
    buf_init(&again, MANIFEST_BYTES_MAX);
    manifest_write(&back, &again);
    assert_int_equal(b.len, again.len);
    assert_memory_equal(b.p, again.p, b.len);
    assert_string_equal(back.reason, m.reason);
    assert_true(back.life == m.life);
    assert_true(back.verdict.eta_low_s == m.verdict.eta_low_s);
    assert_int_equal(back.time_wall_ms, m.time_wall_ms);
    assert_int_equal(back.outcome.cause, OUTCOME_PROBABLE_OOM);
    assert_int_equal(back.memory.usage_bytes, -1);
    assert_memory_equal(back.culprits, m.culprits, sizeof m.culprits);
    assert_memory_equal(back.files, m.files, sizeof m.files);
    buf_free(&b);
    buf_free(&again);
}

/* As the first version wrote it, without what a culprit is. */
static void test_old_culprit(void **state)
{
    static struct manifest m;
    const char text[] = "{\"schema\":1,\"culprits\":[{\"function\":\"main.f\",\"now\":7}]}";

    (void)state;
    assert_int_equal(manifest_read(&m, text, strlen(text), NULL), 0);
    assert_int_equal(m.n_culprits, 1);
    assert_string_equal(m.culprits[0].function, "main.f");
    assert_string_equal(m.culprits[0].pattern, "");
    assert_string_equal(m.culprits[0].advice, "");
}

static void test_absent(void **state)
{
    static struct manifest m;
    const char text[] = "{\"schema\":1,\"new\":[{\"x\":null}],\"life\":3}";

    (void)state;
    assert_int_equal(manifest_read(&m, text, strlen(text), NULL), 0);
    assert_int_equal(m.life, 3);
    assert_int_equal(m.outcome.cause, OUTCOME_NONE);
    assert_int_equal(m.outcome.exit_code, -1);
    assert_int_equal(m.memory.usage_bytes, -1);
    assert_int_equal(m.n_files, 0);
}

static void test_bad(void **state)
{
    static struct manifest m;
    static const struct {
        const char *text;
        int rc;
        const char *says;
    } cases[] = {
        {"", ERR_SYNTAX, "not JSON at byte 0"},
        {"[]", ERR_SYNTAX, "top is not an object"},
        {"{\"schema\":1,", ERR_SYNTAX, "not JSON at byte"},
        {"{}", ERR_VERSION, "schema 0"},
        {"{\"schema\":2}", ERR_VERSION, "schema 2, this leakwatch reads 1"},
        {"{\"schema\":1,\"pod\":7}", ERR_SYNTAX, "top.pod"},
        {"{\"schema\":1,\"life\":-1}", ERR_SYNTAX, "top.life"},
        {"{\"schema\":1,\"life\":1e300}", ERR_SYNTAX, "top.life"},
        {"{\"schema\":1,\"phase\":3e9}", ERR_SYNTAX, "top.phase"},
        {"{\"schema\":1,\"time\":\"yesterday\"}", ERR_SYNTAX, "top.time"},
        {"{\"schema\":1,\"heap\":[]}", ERR_SYNTAX, "heap is not an object"},
        {"{\"schema\":1,\"heap\":{\"present\":1}}", ERR_SYNTAX, "heap.present"},
        {"{\"schema\":1,\"outcome\":{\"cause\":\"boredom\"}}", ERR_SYNTAX, "outcome.cause"},
        {"{\"schema\":1,\"outcome\":{}}", ERR_SYNTAX, "outcome.cause"},
        {"{\"schema\":1,\"files\":{}}", ERR_SYNTAX, "files is not an array"},
        {"{\"schema\":1,\"files\":[1]}", ERR_SYNTAX, "files is not an object"},
        {"{\"schema\":1,\"culprits\":[{},{},{},{},{},{},{},{},{}]}", ERR_LIMIT,
         "more than 8 culprits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct errmsg e = {""};
        assert_int_equal(manifest_read(&m, cases[i].text, strlen(cases[i].text), &e),
                         cases[i].rc);
        if (!strstr(e.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].text, e.text);
    }
    static char large[MANIFEST_BYTES_MAX + 1];
    memset(large, ' ', sizeof large);
    assert_int_equal(manifest_read(&m, large, sizeof large, NULL), ERR_LIMIT);
    memset(large, '[', sizeof large); /* nested as deep as can be */
    assert_int_equal(manifest_read(&m, large, MANIFEST_BYTES_MAX, NULL), ERR_SYNTAX);
}

/* No prefix of a manifest reads as a whole one, none crashes. */
static void test_cut(void **state)
{
    static struct manifest m, back;
    struct buf b;

    (void)state;
    fill(&m);
    m.n_files = m.n_culprits = 1;
    buf_init(&b, MANIFEST_BYTES_MAX);
    manifest_write(&m, &b);
    for (size_t n = 0; n < b.len - 2; n++)
        assert_int_equal(manifest_read(&back, b.p, n, NULL), ERR_SYNTAX);
    buf_free(&b);
}

static void test_name(void **state)
{
    static struct manifest m;

    (void)state;
    fill(&m);
    manifest_name(&m);
    assert_string_equal(m.id, "20260301T040506Z-eta-cart-7");
    str_copy(m.target, sizeof m.target, STR("../a b\xff"));
    manifest_name(&m);
    assert_string_equal(m.id, "20260301T040506Z-eta-.._a_b_-7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_old_culprit),
        cmocka_unit_test(test_absent),     cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut),        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
