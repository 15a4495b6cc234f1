/* A status from an agent and from files, as JSON and back, in 24 lines. */
#include "tests/unit/view/scene.h"

static void test_from_watch(void **state)
{
    struct scene s;
    const struct status_target *t;

    (void)state;
    scene_open(&s);
    status_from_watch(s.watch, s.scratch);
    assert_int_equal(s.scratch->n_targets, 2);
    assert_string_equal(s.scratch->source, "agent");
    t = &s.scratch->targets[0];
    assert_string_equal(t->name, "web");
    assert_string_equal(t->state, "alive");
    assert_int_equal(t->goroutines_age_ms, 4000);
    assert_int_equal(t->life, 3);
    assert_int_equal(t->uptime_ms, SCENE_MINUTES * 60000LL);
    /* No verdict: what grew in the last hour, the user's own frame. */
    assert_int_equal(t->n_stacks, 1);
    assert_string_equal(t->stacks[0].function, "main.leak");
    assert_string_equal(t->stacks[0].file, "shop/main.go");
    assert_int_equal(t->stacks[0].line, 40);
    assert_int_equal(t->stacks[0].now, 100 + 5 * SCENE_MINUTES);
    assert_int_equal(t->stacks[0].now - t->stacks[0].before, 300);
    assert_true(fabs(t->stacks[0].per_hour - 300) < 1);
    assert_true(t->memory_series.n > 20);
    assert_true(t->memory_series.values[t->memory_series.n - 1] > t->memory_series.values[0]);
    assert_false(status_leaks(s.scratch));
    assert_string_equal(s.scratch->targets[1].state, "waiting");
    assert_int_equal(s.scratch->targets[1].goroutines, -1);

    scene_verdict(&s);
    status_from_watch(s.watch, s.scratch);
    assert_true(status_leaks(s.scratch));
    assert_string_equal(t->verdict.kind, "drift");
    assert_string_equal(t->verdict.grade, "likely");
    assert_int_equal(status_worst(s.scratch), 0);
    scene_close(&s);
}

static void test_suspect_is_no_leak(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    s.watch->targets[0].judge.detect.verdict.finding.grade = GRADE_SUSPECT;
    status_from_watch(s.watch, s.scratch);
    assert_false(status_leaks(s.scratch));
    scene_close(&s);
}

/* What is written is what is read, byte for byte. */
static void test_json_both_ways(void **state)
{
    struct scene s;
    struct buf again;
    struct errmsg e;
    struct status *back = calloc(1, sizeof(*back));

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    str_copy(s.watch->targets[0].problem, sizeof(s.watch->targets[0].problem),
             STR("refused \"here\"\n"));
    status_from_watch(s.watch, s.scratch);
    s.scratch->n_settings_problems = 1;
    str_copy(s.scratch->settings_problems[0], 256, STR("--dir-limit: '1' is too small"));
    status_json(s.scratch, &s.out);
    assert_int_equal(status_parse(back, s.out.p, s.out.len, &e), 0);
    buf_init(&again, STATUS_BYTES_MAX);
    status_json(back, &again);
    assert_string_equal(buf_cstr(&s.out), buf_cstr(&again));
    assert_int_equal(back->n_targets, 2);
    assert_int_equal(back->targets[1].goroutines, -1);
    assert_string_equal(back->targets[0].problem, "refused \"here\"\n");
    assert_string_equal(back->targets[1].verdict.kind, "");
    assert_true(back->targets[0].verdict.eta_high_s == 9000);
    buf_free(&again);
    free(back);
    scene_close(&s);
}

/* What the page of now leaves in the dark, the dump of this life may know. */
static void test_names_from_the_dump(void **state)
{
    struct scene s;
    struct manifest *m;
    struct manifest_culprit *known;
    const struct manifest_culprit *c;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    m = &s.watch->targets[0].dump.manifest;
    c = s.scratch->targets[0].stacks;
    known = &m->culprits[0];
    m->n_culprits = 1;
    m->life = 2; /* another life's */
    str_copy(known->fingerprint, sizeof(known->fingerprint),
             str_of(history_fingerprint(s.history, history_find_key(s.history, 11))));
    str_copy(known->pattern, sizeof(known->pattern), STR("grpc"));
    str_copy(known->function, sizeof(known->function), STR("main.dial"));
    str_copy(known->helper, sizeof(known->helper), STR("grpc.run"));
    status_from_watch(s.watch, s.scratch);
    assert_string_equal(c->pattern, "unknown");
    m->life = 3;
    status_from_watch(s.watch, s.scratch);
    assert_string_equal(c->pattern, "grpc");
    assert_string_equal(c->function, "main.dial");
    str_copy(known->helper, sizeof(known->helper), STR("main.dial")); /* knows no more */
    status_from_watch(s.watch, s.scratch);
    assert_string_equal(c->pattern, "unknown");
    assert_string_equal(c->function, "main.leak");
    scene_close(&s);
}

/* Every cut of the text is an error or a status, never a crash. */
static void test_json_cut(void **state)
{
    static const char odd[] = "{\"targets\":[1,{\"life\":7,\"stacks\":{}}]}";
    struct scene s;
    struct errmsg e;
    struct status *back = calloc(1, sizeof(*back));

    (void)state;
    scene_open(&s);
    status_from_watch(s.watch, s.scratch);
    status_json(s.scratch, &s.out);
    for (size_t n = 0; n < s.out.len - 2; n += 7)
        assert_int_equal(status_parse(back, s.out.p, n, &e), ERR_SYNTAX);
    assert_int_equal(status_parse(back, "[]", 2, &e), ERR_SYNTAX);
    assert_int_equal(status_parse(back, odd, sizeof(odd) - 1, &e), 0);
    assert_int_equal(back->n_targets, 2);
    free(back);
    scene_close(&s);
}

static void assert_fits(const struct buf *out, struct look look)
{
    struct str rest = buf_view(out), line;
    int lines = 0;

    while (str_split(&rest, '\n', &line) && rest.p) {
        size_t columns = 0;

        for (size_t i = 0; i < line.n; columns++) {
            size_t n = str_utf8((struct str){line.p + i, line.n - i});

            assert_true(n == 1 || (n > 1 && look.unicode));
            i += n;
        }
        assert_in_range(columns, 0, 80);
        lines++;
    }
    assert_in_range(lines, 8, 24);
}

/* Pattern and advice take the room of a stack, however long they are. */
static void test_text_names_the_leak(void **state)
{
    struct scene s;
    struct manifest_culprit *c;
    const char *text;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    status_from_watch(s.watch, s.scratch);
    c = s.scratch->targets[0].stacks;
    assert_string_equal(c->pattern, "unknown"); /* no page is there, io.Copy tells nothing */
    assert_non_null(strstr(c->advice, "main.leak (main.go:40)"));
    str_copy(c->pattern, sizeof(c->pattern), STR("context-ignored"));
    str_copy(c->blocking, sizeof(c->blocking), STR("chan-receive"));
    memset(c->advice, 'w', sizeof(c->advice) - 1);
    for (size_t i = 9; i < sizeof(c->advice) - 1; i += 10)
        c->advice[i] = ' ';
    for (int i = 1; i < STATUS_STACKS_MAX; i++)
        s.scratch->targets[0].stacks[i] = *c;
    s.scratch->targets[0].n_stacks = STATUS_STACKS_MAX;
    status_text(s.scratch, -1, (struct look){0}, &s.out);
    text = buf_cstr(&s.out);
    assert_non_null(strstr(text, "context-ignored  chan-receive: wwwwwwwww wwwwwwwww"));
    assert_fits(&s.out, (struct look){0});
    buf_reset(&s.out);
    memset(c->advice, 'w', sizeof(c->advice) - 1); /* one endless word */
    status_text(s.scratch, -1, (struct look){0}, &s.out);
    assert_fits(&s.out, (struct look){0});
    scene_close(&s);
}

/* The longest evidence, and all that can follow it, still leave 24 lines. */
static void test_text_says_why(void **state)
{
    struct scene s;
    struct status_target *t;
    struct culprit *c;
    const char *text;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    s.watch->targets[0].judge.detect.verdict.finding.grade = GRADE_SUSPECT;
    c = s.watch->targets[0].judge.detect.verdict.finding.culprits;
    c->bytes_each = 98304;
    c->explains = 0.955;
    status_from_watch(s.watch, s.scratch);
    t = &s.scratch->targets[0];
    for (size_t i = 0; i < sizeof(t->verdict.evidence) - 1; i++)
        t->verdict.evidence[i] = i % 7 ? 'e' : ' ';
    t->verdict.eta_high_s = 0;
    for (int i = 1; i < STATUS_STACKS_MAX; i++) {
        t->stacks[i] = t->stacks[0];
        str_copy(t->stacks[i].part_of, 11, str_of(t->stacks[0].fingerprint));
        memset(t->stacks[i].function, 'f', sizeof(t->stacks[i].function) - 1);
    }
    memset(t->stacks[0].advice, 'w', sizeof(t->stacks[0].advice) - 1);
    for (size_t i = 9; i < sizeof(t->stacks[0].advice) - 1; i += 10)
        t->stacks[0].advice[i] = ' ';
    t->n_stacks = STATUS_STACKS_MAX;
    status_text(s.scratch, -1, (struct look){0}, &s.out);
    text = buf_cstr(&s.out);
    assert_true(str_starts(str_of(text), "suspect: drift, growing for 1h; no alarm, since it "
                                         "may be none\neeeeee eeeeee"));
    assert_non_null(strstr(text, "out of memory in about 2h 05m (1h 40m at least)\n"));
    assert_non_null(strstr(text, "last 1h; 96.0KiB each, 96% of what memory grew by\n"));
    assert_fits(&s.out, (struct look){0});
    /* with room there are more of them */
    t->verdict.evidence[40] = t->stacks[0].advice[40] = '\0';
    buf_reset(&s.out);
    status_text(s.scratch, 0, (struct look){0}, &s.out);
    assert_non_null(strstr(buf_cstr(&s.out), "ff  (the same leak)\n"));
    assert_fits(&s.out, (struct look){0});
    /* a verdict without culprits accuses nobody */
    t->stacks[0].pattern[0] = '\0';
    buf_reset(&s.out);
    status_text(s.scratch, 0, (struct look){0}, &s.out);
    assert_non_null(strstr(buf_cstr(&s.out), "growing stacks, last 1h"));
    scene_close(&s);
}

static void test_text_of_a_rise(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    status_from_watch(s.watch, s.scratch);
    s.scratch->targets[0].memory_eta_s = 90;
    status_text(s.scratch, 0, (struct look){0}, &s.out);
    assert_true(str_starts(buf_view(&s.out), "no leak named yet, but memory is rising fast\n"
                                             "out of memory in about 1m 30s\n"));
    scene_close(&s);
}

static void test_text(void **state)
{
    struct scene s;
    const char *text;

    (void)state;
    scene_open(&s);
    scene_verdict(&s);
    status_from_watch(s.watch, s.scratch);
    status_text(s.scratch, -1, (struct look){0}, &s.out);
    text = buf_cstr(&s.out);
    assert_true(str_starts(str_of(text), "LEAK likely: drift"));
    assert_non_null(strstr(text, "out of memory in about 2h 05m (1h 40m to 2h 30m)"));
    assert_non_null(strstr(text, "main.leak\n"));
    assert_non_null(strstr(text, "shop/main.go:40  400 -> 700  +300/hour"));
    assert_non_null(strstr(text, "also        worker"));
    assert_non_null(strstr(text, "(54%)"));
    assert_fits(&s.out, (struct look){0});
    buf_reset(&s.out);
    status_text(s.scratch, 0, (struct look){.unicode = true}, &s.out);
    assert_fits(&s.out, (struct look){.unicode = true});
    scene_close(&s);
}

/* Names of others cannot drive a terminal. */
static void test_text_is_harmless(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    status_from_watch(s.watch, s.scratch);
    str_copy(s.scratch->targets[0].url, 64, STR("http://\x1b[2J\xc2\x9b/\r"));
    str_copy(s.scratch->targets[0].stacks[0].function, 64, STR("main.\x1b]0;x\x07\xff"));
    status_text(s.scratch, 0, (struct look){.unicode = true}, &s.out);
    assert_null(memchr(s.out.p, 0x1b, s.out.len));
    assert_null(memchr(s.out.p, '\r', s.out.len));
    assert_null(memmem(s.out.p, s.out.len, "\xc2\x9b", 2));
    assert_null(memchr(s.out.p, 0xff, s.out.len));
    scene_close(&s);
}

static void test_from_files(void **state)
{
    static struct store_dump d;
    struct scene s;
    const struct status_target *t;

    (void)state;
    scene_open(&s);
    history_push_life(s.history, 0,
                      &(struct history_life){.id = 3,
                                             .start_ms = history_oldest(s.history, 0),
                                             .seen_ms = history_oldest(s.history, 0)});
    status_from_history(s.history, s.api.now, s.scratch);
    t = &s.scratch->targets[0];
    assert_string_equal(s.scratch->source, "files");
    assert_int_equal(t->goroutines, 730);
    assert_int_equal(t->limit_bytes, 128000000);
    assert_int_equal(t->life, 3);
    assert_string_equal(t->stacks[0].function, "main.leak");
    assert_int_equal(s.scratch->targets[1].goroutines, -1);

    assert_int_equal(t->stacks_span_ms, 60 * 60000);
    s.watch->targets[0].note.time_scale = 60; /* what the agent kept there */
    history_note_set(s.history, 0, &s.watch->targets[0].note, sizeof(struct watch_note));
    status_from_history(s.history, s.api.now, s.scratch);
    assert_int_equal(t->stacks_span_ms, 60000);
    s.watch->targets[0].note.version++; /* another one's cannot be read */
    history_note_set(s.history, 0, &s.watch->targets[0].note, sizeof(struct watch_note));
    status_from_history(s.history, s.api.now, s.scratch);
    assert_int_equal(t->stacks_span_ms, 60 * 60000);

    d = (struct store_dump){.readable = true};
    str_copy(d.id, sizeof(d.id), STR("x"));
    str_copy(d.manifest.target, 64, STR("web"));
    str_copy(d.manifest.verdict.kind, 12, STR("drift"));
    str_copy(d.manifest.verdict.grade, 12, STR("confirmed"));
    d.manifest.life = 2; /* another life's verdict does not stand */
    status_add_dump(s.scratch, &d);
    assert_false(status_leaks(s.scratch));
    assert_string_equal(t->last_dump, "x");
    status_from_history(s.history, s.api.now, s.scratch);
    d.manifest.life = 3;
    status_add_dump(s.scratch, &d);
    assert_true(status_leaks(s.scratch));
    assert_int_equal(t->dumps, 1);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_watch),
        cmocka_unit_test(test_suspect_is_no_leak),
        cmocka_unit_test(test_json_both_ways),
        cmocka_unit_test(test_json_cut),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_names_the_leak),
        cmocka_unit_test(test_text_says_why),
        cmocka_unit_test(test_text_of_a_rise),
        cmocka_unit_test(test_names_from_the_dump),
        cmocka_unit_test(test_text_is_harmless),
        cmocka_unit_test(test_from_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
