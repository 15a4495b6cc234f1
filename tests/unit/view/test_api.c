/* The API as its users see it: routes, parameters, errors. */
#include <errno.h>

#include "lib/profile/proto.h"
#include "tests/unit/view/scene.h"

static int ask(struct scene *s, const char *method, const char *path, const char *query,
               const char *body)
{
    return api_handle(&s->api, str_of(method), str_of(path), str_of(query), str_of(body),
                      &s->out, &s->type);
}

static int get(struct scene *s, const char *path, const char *query)
{
    return ask(s, "GET", path, query, "");
}

static void assert_says(struct scene *s, const char *text)
{
    if (strstr(buf_cstr(&s->out), text) == NULL)
        fail_msg("no '%s' in: %s", text, buf_cstr(&s->out));
}

static void test_routes(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_int_equal(get(&s, "/healthz", ""), 200);
    assert_int_equal(get(&s, "/readyz", ""), 200);
    assert_int_equal(get(&s, "/api/v1/status", ""), 200);
    assert_string_equal(s.type, "application/json");
    assert_says(&s, "\"function\":\"main.leak\"");
    assert_says(&s, "\"started\":\"2026-02-02T02:40:00.000Z\"");
    assert_int_equal(get(&s, "/api/v2/status", ""), 404);
    assert_says(&s, "{\"error\":\"");
    assert_int_equal(get(&s, "/api/v1/dumpsters", ""), 404);
    assert_int_equal(ask(&s, "DELETE", "/api/v1/status", "", ""), 405);
    assert_int_equal(ask(&s, "DELETE", "/api/v1/dumps/x", "", ""), 405);
    s.api.metrics_only = true;
    assert_int_equal(get(&s, "/metrics", ""), 200);
    assert_int_equal(get(&s, "/healthz", ""), 200);
    assert_int_equal(get(&s, "/api/v1/status", ""), 404);
    assert_int_equal(get(&s, "/api/v1/dumps", ""), 404);
    scene_close(&s);
}

static void test_target_is_chosen(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_int_equal(get(&s, "/api/v1/stacks", ""), 400);
    assert_int_equal(get(&s, "/api/v1/stacks", "target=nobody"), 404);
    assert_int_equal(get(&s, "/api/v1/stacks", "x=1&target=web"), 200);
    assert_says(&s, "\"per_hour\":300");
    assert_int_equal(get(&s, "/api/v1/stacks", "target=w%65b&window=30m"), 200);
    assert_says(&s, "\"window_ms\":1800000");
    assert_int_equal(get(&s, "/api/v1/stacks", "target=web&window=never"), 400);
    assert_int_equal(get(&s, "/api/v1/stacks", "target=web&profile=cpu"), 400);
    scene_close(&s);
}

static void test_history(void **state)
{
    struct scene s;
    char query[128];

    (void)state;
    scene_open(&s);
    assert_int_equal(get(&s, "/api/v1/history", "target=web&from=-30m&step=1m"), 200);
    assert_says(&s, ",730,730,730]");
    assert_int_equal(get(&s, "/api/v1/history", "target=web&signal=memory_bytes"), 200);
    assert_int_equal(get(&s, "/api/v1/history", "target=web&signal=colour"), 400);
    assert_int_equal(get(&s, "/api/v1/history", "target=web&from=yesterday"), 400);
    assert_int_equal(get(&s, "/api/v1/history", "target=web&from=now&to=-1h"), 400);
    (void)snprintf(query, sizeof(query), "target=web&stack=%s",
                   history_fingerprint(s.history, history_find_key(s.history, 11)));
    assert_int_equal(get(&s, "/api/v1/history", query), 200);
    assert_says(&s, ",700,700,700]");
    assert_int_equal(get(&s, "/api/v1/history", "target=web&stack=0000000000"), 404);
    scene_close(&s);
}

static void test_diff(void **state)
{
    struct scene s;
    struct profile p;
    struct errmsg e;

    (void)state;
    scene_open(&s);
    assert_int_equal(get(&s, "/api/v1/diff", "target=web&from=-1h&to=now"), 200);
    assert_says(&s, "\"before\":430,\"now\":730,\"change\":300");
    /* By wall time, its + as forms have it. */
    assert_int_equal(
        get(&s, "/api/v1/diff", "target=web&from=2026-02-02T04:40:00+01:00&to=now"), 200);
    assert_says(&s, "\"before\":430,");
    assert_int_equal(get(&s, "/api/v1/diff", "target=web&from=-90d"), 404);
    assert_int_equal(get(&s, "/api/v1/diff", "target=web&format=text"), 200);
    assert_says(&s, "> main.leak  shop/main.go:40");
    assert_int_equal(profile_init(&p, 1 << 20), 0);
    assert_int_equal(get(&s, "/api/v1/diff", "target=web&format=proto&mode=diff_base"), 200);
    assert_string_equal(s.type, "application/octet-stream");
    assert_int_equal(proto_decode(&p, s.out.p, s.out.len, &e), 0);
    assert_int_equal(p.samples.n, 4); /* both stacks on both sides */
    assert_int_equal(profile_total(&p, 0), 300);
    assert_int_equal(get(&s, "/api/v1/diff", "target=web&format=proto"), 200);
    assert_int_equal(proto_decode(&p, s.out.p, s.out.len, &e), 0);
    assert_int_equal(p.samples.n, 1);
    profile_free(&p);
    scene_close(&s);
}

static void test_dumps(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_int_equal(get(&s, "/api/v1/dumps", ""), 200);
    assert_says(&s, "\"id\":\"20260202T024000Z-manual-web-7\"");
    assert_int_equal(get(&s, "/api/v1/dumps/20260202T024000Z-manual-web-7", ""), 200);
    assert_int_equal(get(&s, "/api/v1/dumps/other", ""), 404);
    assert_int_equal(get(&s, "/api/v1/dumps/2026/summary.txt", ""), 200);
    assert_string_equal(s.type, "text/plain; charset=utf-8");
    assert_int_equal(get(&s, "/api/v1/dumps/2026/native/goroutine.pb.gz", ""), 200);
    assert_string_equal(buf_cstr(&s.out), "native/goroutine.pb.gz");
    assert_int_equal(get(&s, "/api/v1/dumps/2026/none", ""), 404);
    assert_int_equal(get(&s, "/api/v1/dumps/latest/summary.txt", ""), 404);
    assert_int_equal(get(&s, "/api/v1/dumps/2026/../lock", ""), 400);
    assert_int_equal(get(&s, "/api/v1/dumps/../lock", ""), 400);
    assert_int_equal(get(&s, "/api/v1/dumps/.tmp-x/summary.txt", ""), 400);
    assert_int_equal(get(&s, "/api/v1/dumps/2026//etc/passwd", ""), 400);
    assert_int_equal(get(&s, "/api/v1/dumps/2026/%2e%2e", ""), 400);
    scene_close(&s);
}

static void test_dump_is_asked_for(void **state)
{
    struct scene s;
    char *large = calloc(1, API_BODY_MAX + 3);

    (void)state;
    scene_open(&s);
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", "{\"reason\":\"why not\"}"), 400);
    assert_int_equal(
        ask(&s, "POST", "/api/v1/dumps", "", "{\"reason\":\"why not\",\"target\":\"worker\"}"),
        202);
    assert_says(&s, "\"id\":\"20260202T024000Z-manual-web-7\",\"folder\":\"/leakwatch\"");
    assert_string_equal(s.asked, "why not");
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", "{\"target\":\"x\"}"), 404);
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", "reason=x"), 400);
    memset(large, ' ', API_BODY_MAX + 2);
    large[0] = '{';
    large[API_BODY_MAX + 1] = '}';
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", large), 400);
    s.ask_error = -EBUSY;
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", "{\"target\":\"web\"}"), 409);
    assert_says(&s, "one is under way");
    s.ask_error = -EAGAIN;
    assert_int_equal(ask(&s, "POST", "/api/v1/dumps", "", "{\"target\":\"web\"}"), 429);
    free(large);
    scene_close(&s);
}

/* Each line is a comment or a sample of the family that was announced last, and
 * each family is announced once. */
static void test_metrics(void **state)
{
    struct scene s;
    char family[80] = "";
    struct str rest, line;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    str_copy(s.watch->targets[1].spec.name, 64, STR("a\"b\\c"));
    assert_int_equal(get(&s, "/metrics", ""), 200);
    assert_non_null(strstr(s.type, "openmetrics-text; version=1.0.0"));
    assert_says(&s, "leakwatch_target_goroutines{target=\"web\"} 730\n");
    assert_says(&s, "leakwatch_verdict{target=\"web\",kind=\"drift\",grade=\"likely\"} 1\n");
    assert_says(&s, "leakwatch_oom_eta_seconds{target=\"web\"} 7500\n");
    assert_says(&s, "leakwatch_dumps_total{target=\"web\",trigger=\"verdict\"} 0\n");
    assert_says(&s, "{target=\"a\\\"b\\\\c\"}");
    assert_true(str_ends(buf_view(&s.out), "\n# EOF\n"));
    rest = buf_view(&s.out);
    while (str_split(&rest, '\n', &line) && rest.p) {
        struct str words = {line.p + 7, line.n - 7}, name;

        if (str_starts(line, "# TYPE ")) {
            char twice[100];

            (void)str_split(&words, ' ', &name);
            str_copy(family, sizeof(family), name);
            (void)snprintf(twice, sizeof(twice), "# TYPE %s ", family);
            assert_null(rest.n ? memmem(rest.p, rest.n, twice, strlen(twice)) : NULL);
        } else if (line.p[0] != '#') {
            assert_true(str_starts(line, family));
        }
    }
    scene_close(&s);
}

/* An answer that does not fit is an error, not half an answer. */
static void test_answer_too_large(void **state)
{
    struct scene s;
    char storage[200];

    (void)state;
    scene_open(&s);
    buf_free(&s.out);
    buf_fixed(&s.out, storage, sizeof(storage));
    assert_int_equal(get(&s, "/api/v1/status", ""), 500);
    assert_says(&s, "larger than 200 bytes");
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),  cmocka_unit_test(test_target_is_chosen),
        cmocka_unit_test(test_history), cmocka_unit_test(test_diff),
        cmocka_unit_test(test_dumps),   cmocka_unit_test(test_dump_is_asked_for),
        cmocka_unit_test(test_metrics), cmocka_unit_test(test_answer_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
