/* An agent of two targets that has watched for two hours: what the tests of the
 * views look at. Ownership: scene_close frees all. */
#ifndef LW_TEST_SCENE_H
#define LW_TEST_SCENE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/view/api.h"
#include "lib/view/status.h"

#define SCENE_BYTES (1024 * 1024)
#define SCENE_START_MS 1770000000000LL
#define SCENE_MINUTES 120
#define SCENE_LEAK_EACH_MINUTE 5

struct scene {
    struct settings settings;
    struct history *history;
    void *block;
    struct watch *watch;
    struct status *scratch;
    struct api api;
    struct buf out;
    const char *type; /* of the last answer */
    char asked[256];  /* reason of the last dump asked for */
    int ask_error;
};

static const char *const scene_functions[] = {"main.leak", "main.idle"};

static size_t scene_frames(void *ctx, uint32_t sample, struct frame *out, size_t max)
{
    (void)ctx;
    if (max < 2)
        return 0;
    out[0] = (struct frame){.function = STR("io.Copy"), .file = STR("io/io.go"), .line = 7};
    out[1] = (struct frame){.function = str_of(scene_functions[sample]),
                            .file = STR("shop/main.go"),
                            .line = (int32_t)sample + 40};
    return 2;
}

/* main.leak grows by 5 a minute from 100, main.idle stays at 30. */
static void scene_minute(struct scene *s, int minute)
{
    int64_t t_ms = history_time(s->history, (struct moment){1000 + minute * 60000LL, 0});
    int64_t leak = 100 + SCENE_LEAK_EACH_MINUTE * minute;
    const struct history_count counts[] = {{11, leak, 0}, {12, 30, 1}};
    const float signals[HISTORY_SIGNALS] = {
        [HISTORY_GOROUTINES] = (float)(leak + 30),
        [HISTORY_MEMORY_BYTES] = (float)(leak * 100000),
        [HISTORY_HEAP_BYTES] = NAN,
        [HISTORY_LIMIT_BYTES] = 128e6f,
    };

    history_push_signals(s->history, 0, t_ms, signals);
    assert_int_equal(
        history_push_stacks(s->history, 0, HISTORY_STACKS, t_ms, counts, 2, scene_frames, NULL),
        0);
}

static int scene_ask(void *ctx, int target, const char *reason, char id[DUMP_ID_MAX],
                     struct errmsg *e)
{
    struct scene *s = ctx;

    assert_in_range(target, 0, 1);
    str_copy(s->asked, sizeof(s->asked), str_of(reason));
    str_copy(id, DUMP_ID_MAX, STR("20260202T024000Z-manual-web-7"));
    return s->ask_error ? err_set(e, s->ask_error, "one is under way") : 0;
}

static int scene_each(void *ctx, int (*each)(void *, const struct store_dump *), void *each_ctx)
{
    static struct store_dump d;

    (void)ctx;
    d = (struct store_dump){.bytes = 5000, .readable = true};
    str_copy(d.id, sizeof(d.id), STR("20260202T024000Z-manual-web-7"));
    str_copy(d.manifest.target, sizeof(d.manifest.target), STR("web"));
    return each(each_ctx, &d);
}

static int scene_read_dump(void *ctx, const char *id, struct manifest *out, struct errmsg *e)
{
    (void)ctx;
    memset(out, 0, sizeof(*out));
    str_copy(out->id, sizeof(out->id), str_of(id));
    out->schema = MANIFEST_SCHEMA;
    return str_starts(str_of(id), "2026") ? 0 : err_set(e, -2, "no dump %s", id);
}

static int scene_read_file(void *ctx, const char *id, const char *name, struct buf *out)
{
    (void)ctx;
    if (strcmp(id, "latest") == 0)
        return -22; /* as the store says of what is no id */
    if (strcmp(name, "summary.txt") != 0 && strcmp(name, "native/goroutine.pb.gz") != 0)
        return -2;
    buf_puts(out, name);
    return 0;
}

static void scene_open(struct scene *s)
{
    static const char *const names[] = {"web", "worker"};
    static const uint8_t boot_id[16] = {1};
    struct target_spec specs[2];
    struct moment start = {1000, SCENE_START_MS};
    struct moment now = {1000 + SCENE_MINUTES * 60000LL,
                         SCENE_START_MS + SCENE_MINUTES * 60000LL};
    struct watched *t;

    memset(s, 0, sizeof(*s));
    settings_defaults(&s->settings);
    s->block = aligned_alloc(8, SCENE_BYTES);
    s->watch = calloc(1, sizeof(*s->watch));
    s->scratch = calloc(1, sizeof(*s->scratch));
    assert_int_equal(
        history_format(&s->history, s->block, SCENE_BYTES, names, 2, start, boot_id), 0);
    assert_int_equal(target_parse(STR("web=http://127.0.0.1:6060"), &specs[0], NULL), 0);
    assert_int_equal(target_parse(STR("worker=http://127.0.0.1:6061"), &specs[1], NULL), 0);
    for (int minute = 0; minute <= SCENE_MINUTES; minute++)
        scene_minute(s, minute);
    assert_int_equal(watch_init(s->watch, &s->settings, specs, 2, s->history, NULL, now, 1), 0);
    t = &s->watch->targets[0];
    t->state = TARGET_ALIVE;
    t->goroutines = 730;
    t->goroutines_ms = now.boot_ms - 4000;
    t->usage_bytes = 70000000;
    t->limit_bytes = 128000000;
    t->memory_at_ms = now.boot_ms;
    t->tier = MEMORY_CGROUP2;
    t->life.record.id = 3;
    t->life.record.start_ms = t->life.record.seen_ms = history_time(s->history, start);
    s->api = (struct api){
        .watch = s->watch,
        .now = now,
        .started_wall_ms = SCENE_START_MS,
        .store_problem = "",
        .folder = "/leakwatch",
        .scratch = s->scratch,
        .ctx = s,
        .ask_dump = scene_ask,
        .each_dump = scene_each,
        .read_dump = scene_read_dump,
        .read_file = scene_read_file,
    };
    buf_init(&s->out, API_OUT_MAX);
}

static void scene_close(struct scene *s)
{
    buf_free(&s->out);
    watch_free(s->watch);
    history_close(&s->history);
    free(s->watch);
    free(s->block);
    free(s->scratch);
}

/* A standing verdict on main.leak. */
static inline void scene_verdict(struct scene *s)
{
    struct verdict *v = &s->watch->targets[0].judge.detect.verdict;

    v->finding = (struct finding){
        .kind = VERDICT_DRIFT,
        .grade = GRADE_LIKELY,
        .window_ms = 3600000,
        .since_ms = s->watch->t_ms - 3600000,
        .n_culprits = 1,
        .evidence = "main.leak rose from 400 to 700",
    };
    v->forecast = (struct forecast){.eta_s = 7500, .low_s = 6000, .high_s = 9000};
    v->finding.culprits[0] = (struct culprit){
        .stack = history_find_key(s->history, 11),
        .before = 400,
        .now = 700,
        .per_hour = 300,
        .share = 1,
    };
    str_copy(v->detector, sizeof(v->detector), STR("stack-ratchet"));
}

#endif
