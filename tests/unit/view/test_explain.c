/* Why there is or is not a dump: each standing of a rule, now and in the past. */
#include <cjson/cJSON.h>

#include "lib/view/explain.h"
#include "tests/unit/view/scene.h"

#define MINUTE_MS 60000LL
#define SERVICE_MINUTES 240

/* What the scene's first target did, minute by minute. */
struct service {
    int64_t leak_each_minute;
    bool swings; /* main.idle comes and goes, and grows as main.leak does */
    int64_t bytes_each;
};

struct fixture {
    struct scene scene;
    struct explain *x;
    struct explain_input in;
    struct store_dump dumps[4]; /* newest first */
    int n_dumps;
};

static int each_dump(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx)
{
    const struct fixture *f = ctx;
    int rc = 0;

    for (int i = 0; i < f->n_dumps && rc == 0; i++)
        rc = each(each_ctx, &f->dumps[i]);
    return rc;
}

static int64_t minute_ms(const struct fixture *f, int minute)
{
    return history_time(f->scene.history, (struct moment){1000, 0}) + minute * MINUTE_MS;
}

/* Goes on where the scene ended, after two hours. */
static void serve(struct fixture *f, const struct service *s, int from, int to)
{
    for (int minute = from; minute <= to; minute++) {
        int64_t leak = 100 + s->leak_each_minute * minute;
        int64_t idle = s->swings ? leak - leak / 9 * (minute % 3) : 30;
        const struct history_count counts[] = {{11, leak, 0}, {12, idle, 1}};
        const float signals[HISTORY_SIGNALS] = {
            [HISTORY_GOROUTINES] = (float)(leak + idle),
            [HISTORY_MEMORY_BYTES] = (float)(leak * s->bytes_each),
            [HISTORY_HEAP_BYTES] = NAN,
            [HISTORY_LIMIT_BYTES] = 128e6f,
        };

        history_push_signals(f->scene.history, 0, minute_ms(f, minute), signals);
        assert_int_equal(history_push_stacks(f->scene.history, 0, HISTORY_STACKS,
                                             minute_ms(f, minute), counts, 2, scene_frames,
                                             NULL),
                         0);
    }
}

/* Both targets live, since the scene's start. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->x = calloc(1, sizeof(*f->x));
    scene_open(&f->scene);
    for (int target = 0; target < 2; target++)
        history_push_life(f->scene.history, target,
                          &(struct history_life){.id = 3,
                                                 .start_ms = minute_ms(f, 0),
                                                 .seen_ms = minute_ms(f, 0)});
    f->in = (struct explain_input){
        .history = f->scene.history,
        .settings = &f->scene.settings,
        .now_ms = minute_ms(f, SERVICE_MINUTES),
        .ctx = f,
        .each_dump = each_dump,
    };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    scene_close(&f->scene);
    free(f->x);
    free(f);
    return 0;
}

static void explain_at(struct fixture *f, int64_t t_ms)
{
    f->in.t_ms = t_ms;
    explain_make(&f->in, f->x);
}

static const struct explain_rule *rule_of(const struct fixture *f, const char *name)
{
    for (int i = 0; i < f->x->n_rules; i++)
        if (strcmp(f->x->rules[i].name, name) == 0)
            return &f->x->rules[i];
    fail_msg("no rule %s", name);
    return NULL;
}

static void assert_standing(const struct fixture *f, const char *name,
                            enum rule_standing standing)
{
    assert_string_equal(rule_standing_text(rule_of(f, name)->standing),
                        rule_standing_text(standing));
}

static void assert_why(const struct fixture *f, const char *text)
{
    if (strstr(f->x->why, text) == NULL)
        fail_msg("no '%s' in: %s", text, f->x->why);
}

static void add_dump(struct fixture *f, const char *id, const char *trigger, int minute)
{
    struct store_dump *d = &f->dumps[f->n_dumps++];

    d->readable = true;
    str_copy(d->id, sizeof(d->id), str_of(id));
    str_copy(d->manifest.target, sizeof(d->manifest.target), STR("web"));
    str_copy(d->manifest.trigger, sizeof(d->manifest.trigger), str_of(trigger));
    str_copy(d->manifest.reason, sizeof(d->manifest.reason), STR("because"));
    d->manifest.life = 3;
    d->manifest.time_wall_ms = history_wall_ms(f->scene.history, minute_ms(f, minute));
}

/* ---- standings ---- */

static void test_nobody_lived(void **state)
{
    struct fixture *f = *state;
    int64_t before_ms = minute_ms(f, -24 * 60);

    explain_at(f, before_ms);
    assert_int_equal(f->x->n_rules, 0);
    assert_int_equal(f->x->life, 0);
    assert_why(
        f, "Nobody knows: the history does not reach back so far, it begins at 2026-02-02T");
    f->in.target = 1; /* nothing was ever seen of it */
    explain_at(f, before_ms);
    assert_string_equal(f->x->why, "No dump: the target was not seen alive.");
    f->in.target = 0; /* but a dump is there */
    add_dump(f, "old", "manual", -24 * 60 + 4);
    explain_at(f, before_ms);
    assert_string_equal(f->x->why, "A dump was taken: old, manual: because");
}

static void test_waiting(void **state)
{
    struct fixture *f = *state;

    explain_at(f, minute_ms(f, 29));
    for (int i = 0; i < detect_count; i++)
        assert_standing(f, detect_table[i].name, RULE_WAITING);
    assert_standing(f, "emergency", RULE_QUIET);
    assert_why(f, "No dump: nothing is judged in the first 30m of a life");
    /* A scale of time divides the grace. */
    f->scene.settings.time_scale = 2;
    explain_at(f, minute_ms(f, 29));
    assert_true(rule_of(f, "stack-ratchet")->standing != RULE_WAITING);
}

static void test_off_and_asked_for(void **state)
{
    struct fixture *f = *state;

    f->scene.settings.rule_ratio = true;
    explain_at(f, minute_ms(f, 59)); /* of this life */
    assert_string_equal(rule_of(f, "rule-ratio")->found, "there is no count of an hour ago");
    f->scene.settings.rule_ratio = false;
    explain_at(f, minute_ms(f, 120));
    assert_standing(f, "rule-goroutines", RULE_OFF);
    assert_standing(f, "rule-memory-percent", RULE_OFF);
    assert_standing(f, "rule-ratio", RULE_OFF);
    assert_string_equal(rule_of(f, "rule-goroutines")->found,
                        "--rule-goroutines N asks for it");
    f->scene.settings.rule_goroutines = 730;
    f->scene.settings.rule_memory_percent = 90;
    f->scene.settings.rule_ratio = true;
    explain_at(f, minute_ms(f, 120));
    assert_standing(f, "rule-goroutines", RULE_FIRES);
    assert_standing(f, "rule-memory-percent", RULE_QUIET);
    assert_standing(f, "rule-ratio", RULE_FIRES); /* 730 of 430 */
    f->scene.settings.rule_goroutines = 731;
    explain_at(f, minute_ms(f, 120));
    assert_standing(f, "rule-goroutines", RULE_QUIET);
    assert_in_range((int64_t)(1e4 * rule_of(f, "rule-goroutines")->nearness), 9986, 9987);
}

/* The second target has a life and nothing else. */
static void test_blind(void **state)
{
    struct fixture *f = *state;

    f->in.target = 1;
    f->scene.settings.rule_goroutines = 10;
    f->scene.settings.rule_memory_percent = 90;
    explain_at(f, minute_ms(f, 120));
    assert_standing(f, "emergency", RULE_BLIND);
    assert_non_null(strstr(rule_of(f, "emergency")->found, "--memory-limit"));
    assert_standing(f, "gc-bound", RULE_BLIND);
    assert_standing(f, "rule-goroutines", RULE_BLIND);
    assert_standing(f, "rule-memory-percent", RULE_BLIND);
    assert_int_equal(f->x->goroutines, -1);
}

static void test_quiet(void **state)
{
    struct fixture *f = *state;

    serve(f, &(struct service){.bytes_each = 100000}, 121, SERVICE_MINUTES);
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    for (int i = 0; i < f->x->n_rules; i++)
        assert_true(f->x->rules[i].standing <= RULE_QUIET);
    assert_why(f, "No dump: nothing fires. The nearest is ");
}

/* 70 of 128 MB are 55 %: 68 % of the way to the first call, less to the last. */
static void test_nearness(void **state)
{
    struct fixture *f = *state;
    const struct explain_rule *r;

    explain_at(f, minute_ms(f, SCENE_MINUTES));
    r = rule_of(f, "emergency");
    assert_int_equal(r->n, 2);
    assert_int_equal(r->near_n, 1);
    assert_string_equal(f->x->measures.p[r->near_first].subject, "memory, first call");
    assert_in_range((int64_t)(1e4 * r->nearness), 10000 * 70 / 128 * 100 / 80 - 2,
                    10000 * 70 / 128 * 100 / 80 + 2);
    /* Each rule's is that of its worst comparison in the best set, never above 1. */
    for (int i = 0; i < f->x->n_rules; i++)
        assert_true(f->x->rules[i].nearness >= 0 && f->x->rules[i].nearness <= 1);
}

/* ---- who fires, and since when ---- */

static void test_fires_since(void **state)
{
    struct fixture *f = *state;
    const struct explain_rule *r;
    int64_t since_ms, pace_ms = detect_table[0].every_ms;

    serve(f, &(struct service){.leak_each_minute = SCENE_LEAK_EACH_MINUTE, .bytes_each = 50000},
          121, SERVICE_MINUTES);
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    r = rule_of(f, "stack-ratchet");
    assert_int_equal(r->standing, RULE_FIRES);
    assert_true(r->nearness == 1);
    assert_true(r->found[0] != '\0');
    since_ms = r->since_ms;
    assert_in_range(since_ms, minute_ms(f, 60), minute_ms(f, SERVICE_MINUTES) - 1);
    assert_why(f, "stack-ratchet fires and there is no dump of this life");
    /* It fired then, and not a few of its steps before. */
    explain_at(f, since_ms);
    assert_standing(f, "stack-ratchet", RULE_FIRES);
    assert_true(f->x->past);
    explain_at(f, since_ms - 3 * pace_ms);
    assert_standing(f, "stack-ratchet", RULE_QUIET);
    assert_int_equal(rule_of(f, "stack-ratchet")->since_ms, 0);
}

static void test_suspects(void **state)
{
    struct fixture *f = *state;
    struct service s = {SCENE_LEAK_EACH_MINUTE, true, 50000};

    serve(f, &s, 121, SERVICE_MINUTES + 60);
    f->in.now_ms = minute_ms(f, SERVICE_MINUTES + 60);
    explain_at(f, f->in.now_ms);
    assert_standing(f, "stack-ratchet", RULE_SUSPECTS);
    assert_true(rule_of(f, "stack-ratchet")->since_ms > 0);
    assert_why(f, "No dump: stack-ratchet fires, but is no more than suspect");
}

/* What a page of debug=2 has seen to come and go is no leak, from then on. */
static void test_refuted(void **state)
{
    struct fixture *f = *state;

    serve(f, &(struct service){.leak_each_minute = SCENE_LEAK_EACH_MINUTE, .bytes_each = 50000},
          121, SERVICE_MINUTES);
    explain_at(f, f->in.now_ms);
    assert_standing(f, "stack-ratchet", RULE_FIRES);
    f->in.refuted =
        history_fingerprint(f->scene.history, history_find_key(f->scene.history, 11));
    explain_at(f, f->in.now_ms);
    assert_true(rule_of(f, "stack-ratchet")->standing != RULE_FIRES);
}

/* A verdict outlives the growth, which the agent alone knows, of now alone. */
static void test_verdict_stands(void **state)
{
    struct fixture *f = *state;
    struct verdict *v = &f->scene.watch->targets[0].judge.detect.verdict;

    serve(f, &(struct service){.bytes_each = 50000}, 121, SERVICE_MINUTES);
    scene_verdict(&f->scene);
    v->first_ms = f->in.now_ms - 180 * MINUTE_MS;
    v->last_growth_ms = f->in.now_ms - 120 * MINUTE_MS;
    explain_at(f, f->in.now_ms);
    assert_int_equal(f->x->verdict.kind, VERDICT_NONE);
    f->in.judge = &f->scene.watch->targets[0].judge;
    explain_at(f, f->in.now_ms);
    assert_why(f, "No dump: nothing fires");
    buf_reset(&f->scene.out);
    explain_text(f->x, false, (struct look){0}, &f->scene.out);
    assert_non_null(strstr(buf_cstr(&f->scene.out), "\nverdict  likely: drift, stands for 3h; "
                                                    "clears in 4h unless it grows on\n"));
    buf_reset(&f->scene.out);
    explain_json(f->x, &f->scene.out);
    assert_non_null(
        strstr(buf_cstr(&f->scene.out),
               "\"verdict\":{\"kind\":\"drift\",\"grade\":\"likely\",\"first\":\"2026"));
    explain_at(f, f->in.now_ms - 30 * MINUTE_MS);
    assert_int_equal(f->x->verdict.kind, VERDICT_NONE);
}

static void test_emergency_fires(void **state)
{
    struct fixture *f = *state;

    serve(f, &(struct service){.leak_each_minute = 5, .bytes_each = 150000}, 121, 130);
    explain_at(f, minute_ms(f, 130)); /* 112 of 128 MB */
    assert_standing(f, "emergency", RULE_FIRES);
    f->scene.watch->targets[0].judge.settled_percent = 90;
    f->in.judge = &f->scene.watch->targets[0].judge;
    f->in.now_ms = minute_ms(f, 130);
    explain_at(f, minute_ms(f, 130));
    assert_non_null(strstr(rule_of(f, "emergency")->found, "lives at 90 % of its limit"));
}

/* ---- dumps ---- */

static void test_dumps(void **state)
{
    struct fixture *f = *state;

    serve(f, &(struct service){.leak_each_minute = 5, .bytes_each = 50000}, 121,
          SERVICE_MINUTES);
    add_dump(f, "third", "doubling", 230);
    add_dump(f, "second", "verdict", 190);
    add_dump(f, "first", "manual", 90);
    add_dump(f, "foreign", "manual", 235);
    str_copy(f->dumps[3].manifest.target, 64, STR("worker"));
    /* now: none is of this moment, the last is named */
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    assert_false(f->x->past);
    assert_string_equal(f->x->at.id, "");
    assert_string_equal(f->x->before.id, "third");
    assert_int_equal(f->x->dumps_in_hour, 2);
    assert_why(f, "stack-ratchet fires; its dump is third (doubling, 10m before)");
    /* a moment near one, on either side */
    for (int minute = 187; minute <= 194; minute++) {
        explain_at(f, minute_ms(f, minute));
        assert_string_equal(f->x->at.id, "second");
        assert_string_equal(f->x->before.id, minute < 190 ? "first" : "second");
        assert_string_equal(f->x->why, "A dump was taken: second, verdict: because");
    }
    /* between two: the one before, none of the moment */
    explain_at(f, minute_ms(f, 210));
    assert_string_equal(f->x->at.id, "");
    assert_string_equal(f->x->before.id, "second");
    assert_int_equal(f->x->dumps_in_hour, 1);
    /* another life's is not this one's */
    f->dumps[0].manifest.life = f->dumps[1].manifest.life = f->dumps[2].manifest.life = 2;
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    assert_string_equal(f->x->before.id, "");
    /* an hour is shorter at a scale of time */
    f->scene.settings.time_scale = 2;
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    assert_int_equal(f->x->dumps_in_hour, 1);
}

/* ---- what is shown ---- */

/* Parsed, with the rules' names; the caller deletes it. */
static cJSON *json_of(struct fixture *f)
{
    cJSON *root;

    buf_reset(&f->scene.out);
    explain_json(f->x, &f->scene.out);
    assert_int_equal(buf_status(&f->scene.out), 0);
    root = cJSON_ParseWithLength(f->scene.out.p, f->scene.out.len);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "rules")), f->x->n_rules);
    return root;
}

static const char *text_of(struct fixture *f, bool all)
{
    buf_reset(&f->scene.out);
    explain_text(f->x, all, (struct look){0}, &f->scene.out);
    return buf_cstr(&f->scene.out);
}

static void test_shown(void **state)
{
    struct fixture *f = *state;
    const cJSON *rule, *comparison;
    cJSON *root;

    serve(f, &(struct service){.leak_each_minute = 5, .bytes_each = 50000}, 121,
          SERVICE_MINUTES);
    add_dump(f, "third", "doubling", 230);
    explain_at(f, minute_ms(f, SERVICE_MINUTES));
    root = json_of(f);
    rule = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "rules"), 0);
    assert_string_equal(cJSON_GetObjectItem(rule, "standing")->valuestring, "fires");
    assert_non_null(cJSON_GetObjectItem(rule, "since"));
    comparison = cJSON_GetArrayItem(cJSON_GetObjectItem(rule, "comparisons"), 0);
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(comparison, "value")));
    assert_non_null(cJSON_GetObjectItem(root, "dump_before"));
    assert_null(cJSON_GetObjectItem(root, "dump"));
    assert_int_equal(cJSON_GetObjectItem(root, "goroutines")->valuedouble, 1330);
    cJSON_Delete(root);
    const char *text = text_of(f, false);
    assert_true(str_starts(str_of(text), "web at 2026-02-02T06:40:00.000Z, life 3, 4h old\n"));
    assert_non_null(strstr(text, "known    1,330 goroutines, memory "));
    assert_non_null(strstr(text, "\nstack-ratchet        fires for "));
    assert_non_null(strstr(text, "\nrule-goroutines      off; "));
    size_t brief = strlen(text);
    assert_true(strlen(text_of(f, true)) > brief);
}

/* As much as there can be, of names that want to leave their quotes. */
static void fill_hostile(struct explain *x)
{
    static const char odd[] = "\"\\\x1b]0;x\x07\r\n\xff\xc2\x9b</script>";
    char *const texts[] = {x->target,     x->why,       x->at.id,        x->at.reason,
                           x->at.trigger, x->before.id, x->before.reason};
    const size_t caps[] = {sizeof x->target,       sizeof x->why,        sizeof x->at.id,
                           sizeof x->at.reason,    sizeof x->at.trigger, sizeof x->before.id,
                           sizeof x->before.reason};

    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++)
        for (size_t k = 0; k + 1 < caps[i]; k++)
            texts[i][k] = odd[k % (sizeof odd - 1)];
    x->at.time_wall_ms = x->before.time_wall_ms = 1;
    for (int i = 0; i < EXPLAIN_RULES_MAX; i++) {
        struct explain_rule *r = &x->rules[i];

        *r = (struct explain_rule){.name = "stack-ratchet", .sentence = "a sentence"};
        r->standing = RULE_FIRES;
        for (size_t k = 0; k + 1 < sizeof r->found; k++)
            r->found[k] = odd[k % (sizeof odd - 1)];
        r->first = i * MEASURES_MAX / EXPLAIN_RULES_MAX;
        r->n = (i + 1) * MEASURES_MAX / EXPLAIN_RULES_MAX - r->first;
    }
    x->n_rules = EXPLAIN_RULES_MAX;
    for (int i = 0; i < MEASURES_MAX; i++) {
        struct measure *m = &x->measures.p[i];

        *m = (struct measure){.what = "rise", .unit = "bytes", .window_ms = i};
        m->value = i % 3 ? -INFINITY : 1e300;
        m->bound = i % 2 ? NAN : 1e18;
        for (size_t k = 0; k + 1 < sizeof m->subject; k++)
            m->subject[k] = odd[k % (sizeof odd - 1)];
    }
    x->measures.n = MEASURES_MAX;
}

static void test_hostile_and_most(void **state)
{
    struct fixture *f = *state;
    struct buf out;

    explain_at(f, minute_ms(f, SCENE_MINUTES));
    fill_hostile(f->x);
    cJSON_Delete(json_of(f));
    buf_init(&out, EXPLAIN_BYTES_MAX);
    explain_json(f->x, &out);
    assert_int_equal(buf_status(&out), 0);
    buf_reset(&out);
    explain_text(f->x, true, (struct look){.unicode = true}, &out);
    assert_int_equal(buf_status(&out), 0);
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.p[i] == '\n' || (unsigned char)out.p[i] >= ' ');
    assert_null(memmem(out.p, out.len, "\xc2\x9b", 2));
    assert_null(memchr(out.p, 0xff, out.len));
    buf_free(&out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_nobody_lived),
        T(test_waiting),
        T(test_off_and_asked_for),
        T(test_blind),
        T(test_quiet),
        T(test_nearness),
        T(test_fires_since),
        T(test_suspects),
        T(test_refuted),
        T(test_verdict_stands),
        T(test_emergency_fires),
        T(test_dumps),
        T(test_shown),
        T(test_hostile_and_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
