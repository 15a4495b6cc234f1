/* What the history answers over the API: growth, series, differences. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/profile/diff.h"
#include "lib/profile/proto.h"
#include "lib/view/api_parts.h"
#include "lib/view/difftext.h"
#include "lib/view/status_make.h"

#define STACKS_MAX 100
#define POINTS_MAX 1000
#define DIFF_PROFILE_BYTES (2u << 20)

/* "goroutine" or "heap" of ?profile=; false after an answer. */
static bool class_param(struct request *r, enum history_class *class, int *status)
{
    char text[16];

    *class = HISTORY_STACKS;
    if (!api_param(r->query, "profile", text, sizeof(text)) || strcmp(text, "goroutine") == 0)
        return true;
    *class = HISTORY_SITES;
    if (strcmp(text, "heap") == 0)
        return true;
    *status = api_error(r, 400, "profile is goroutine or heap");
    return false;
}

static bool span_param(struct request *r, const char *key, int64_t fallback_ms, int64_t *ms,
                       int *status)
{
    char text[32];

    *ms = fallback_ms;
    if (!api_param(r->query, key, text, sizeof(text)) ||
        (str_duration(str_of(text), ms) == 0 && *ms > 0))
        return true;
    *status = api_error(r, 400, "%s is a duration like 1h", key);
    return false;
}

static size_t top_param(struct request *r, size_t fallback)
{
    char text[16];
    uint64_t n;

    if (!api_param(r->query, "top", text, sizeof(text)) || str_u64(str_of(text), &n) != 0)
        return fallback;
    return n < STACKS_MAX ? (size_t)n : STACKS_MAX;
}

bool api_moment(struct request *r, const char *key, const char *fallback, int64_t *t_ms,
                int *status)
{
    char text[48];
    struct errmsg e;

    if (!api_param(r->query, key, text, sizeof(text)))
        str_copy(text, sizeof(text), str_of(fallback));
    /* A plus sign of an offset came as a space. */
    for (char *c = text; *c; c++)
        *c = *c == ' ' ? '+' : *c;
    if (history_moment(r->api->watch->history, r->api->now, str_of(text), t_ms, &e) == 0)
        return true;
    *status = api_error(r, 400, "%s: %s", key, e.text);
    return false;
}

/* ---- stacks ---- */

static void stack_json(struct json *j, const struct history *h, const struct history_growth *g,
                       double hours)
{
    struct manifest_culprit c;

    if (g->stack == HISTORY_OTHER)
        return;
    status_name_stack(h, g->stack, &c);
    json_open(j);
    json_kcstr(j, "fingerprint", c.fingerprint);
    json_kcstr(j, "function", c.function);
    json_kcstr(j, "file", c.file);
    json_ki64(j, "line", c.line);
    json_ki64(j, "before", g->before);
    json_ki64(j, "now", g->now);
    json_kdouble(j, "per_hour", (double)(g->now - g->before) / hours);
    json_close(j);
}

int api_stacks(struct request *r)
{
    const struct history *h = r->api->watch->history;
    struct history_growth grown[STACKS_MAX];
    enum history_class class;
    int64_t window_ms, now_ms = history_time(h, r->api->now);
    int status = 200, target = api_target(r, &status);
    struct json j;
    size_t n;

    if (target < 0 || !class_param(r, &class, &status) ||
        !span_param(r, "window", 3600000, &window_ms, &status))
        return status;
    n = history_grown(h, target, class, now_ms - window_ms, now_ms, 1, grown, top_param(r, 20));
    json_init(&j, r->out);
    json_open(&j);
    json_kcstr(&j, "target", history_target_name(h, target));
    json_kcstr(&j, "unit", class == HISTORY_SITES ? "bytes" : "goroutines");
    json_ki64(&j, "window_ms", window_ms);
    json_key(&j, "stacks");
    json_open_array(&j);
    for (size_t i = 0; i < n; i++)
        stack_json(&j, h, &grown[i], (double)window_ms / 3600e3);
    json_close_array(&j);
    json_close(&j);
    buf_putc(r->out, '\n');
    return 200;
}

/* ---- history ---- */

static const char *const signals[HISTORY_SIGNALS] = {
    [HISTORY_GOROUTINES] = "goroutines",
    [HISTORY_MEMORY_BYTES] = "memory_bytes",
    [HISTORY_HEAP_BYTES] = "heap_bytes",
    [HISTORY_LIMIT_BYTES] = "limit_bytes",
};

/* The series asked for: a signal, or a stack by its fingerprint. Returns how
 * many points, or -1 after an answer. */
static int64_t points_read(struct request *r, int target, int64_t from_ms, int64_t to_ms,
                           int64_t step_ms, struct history_point *points, int *status)
{
    const struct history *h = r->api->watch->history;
    char name[24];
    uint32_t stack;

    if (api_param(r->query, "stack", name, sizeof(name))) {
        enum history_class class;

        if (!class_param(r, &class, status))
            return -1;
        stack = history_find_fingerprint(h, name);
        if (stack != HISTORY_OTHER || strcmp(name, "other") == 0)
            return (int64_t)history_series(h, target, class, stack, from_ms, to_ms, step_ms,
                                           points, POINTS_MAX);
        *status = api_error(r, 404, "the history has no stack %s", name);
        return -1;
    }
    if (!api_param(r->query, "signal", name, sizeof(name)))
        str_copy(name, sizeof(name), STR("goroutines"));
    for (int i = 0; i < HISTORY_SIGNALS; i++)
        if (strcmp(name, signals[i]) == 0)
            return (int64_t)history_signal(h, target, (enum history_signal)i, from_ms, to_ms,
                                           step_ms, points, POINTS_MAX);
    *status =
        api_error(r, 400, "signal is goroutines, memory_bytes, heap_bytes or limit_bytes");
    return -1;
}

static int history_answer(struct request *r, int target, struct history_point *points)
{
    const struct history *h = r->api->watch->history;
    int64_t from_ms, to_ms, step_ms = 0, n;
    int status = 200;
    struct json j;

    if (!api_moment(r, "from", "-1h", &from_ms, &status) ||
        !api_moment(r, "to", "now", &to_ms, &status))
        return status;
    if (to_ms < from_ms)
        return api_error(r, 400, "from comes after to");
    if (!span_param(r, "step", (to_ms - from_ms) / POINTS_MAX + 1, &step_ms, &status))
        return status;
    n = points_read(r, target, from_ms, to_ms + 1, step_ms, points, &status);
    if (n < 0)
        return status;
    json_init(&j, r->out);
    json_open(&j);
    json_kcstr(&j, "target", history_target_name(h, target));
    json_key(&j, "points"); /* time in ms, min, mean, max */
    json_open_array(&j);
    for (int64_t i = 0; i < n; i++) {
        json_open_array(&j);
        json_i64(&j, history_wall_ms(h, points[i].t_ms));
        json_double(&j, (double)points[i].min);
        json_double(&j, (double)points[i].mean);
        json_double(&j, (double)points[i].max);
        json_close_array(&j);
    }
    json_close_array(&j);
    json_close(&j);
    buf_putc(r->out, '\n');
    return 200;
}

int api_history(struct request *r)
{
    int status = 200, target = api_target(r, &status);
    struct history_point *points;

    if (target < 0)
        return status;
    points = malloc(POINTS_MAX * sizeof(*points));
    if (points == NULL)
        return api_error(r, 503, "no memory");
    status = history_answer(r, target, points);
    free(points);
    return status;
}

/* ---- diff ---- */

struct difference {
    struct profile now, base, diff;
    int64_t from_ms, to_ms, base_at_ms, now_at_ms;
    char from[MOMENT_TEXT_MAX], to[MOMENT_TEXT_MAX];
};

static int diff_render(struct request *r, struct difference *d)
{
    struct diff_view v = {
        .now = &d->now,
        .base = &d->base,
        .now_name = d->to,
        .base_name = d->from,
        .functions_max = top_param(r, 10),
        .stacks_max = top_param(r, 10),
    };
    char format[16], mode[16];
    struct errmsg e;
    int error;

    (void)api_param(r->query, "format", format, sizeof(format));
    (void)api_param(r->query, "mode", mode, sizeof(mode));
    if (strcmp(format, "proto") == 0) {
        bool both = strcmp(mode, "diff_base") == 0 || strcmp(mode, "diff-base") == 0;

        error =
            profile_diff(&d->diff, &d->now, &d->base, both ? DIFF_DIFF_BASE : DIFF_BASE, &e);
        if (error == 0)
            error = proto_encode_gzip(&d->diff, r->out);
        r->type = TYPE_BINARY;
    } else if (strcmp(format, "text") == 0) {
        error = diff_text(&v, r->out);
        r->type = TYPE_TEXT;
    } else {
        error = diff_json(&v, r->out);
    }
    return error ? api_error(r, 500, "%s", err_text(error)) : 200;
}

static int diff_answer(struct request *r, int target, struct difference *d)
{
    const struct history *h = r->api->watch->history;
    enum history_class class;
    int status = 200, error;

    if (!class_param(r, &class, &status) ||
        !api_moment(r, "from", "-1h", &d->from_ms, &status) ||
        !api_moment(r, "to", "now", &d->to_ms, &status))
        return status;
    error = profile_from_history(&d->base, h, target, class, d->from_ms, &d->base_at_ms);
    if (error == 0)
        error = profile_from_history(&d->now, h, target, class, d->to_ms, &d->now_at_ms);
    if (error == -ENOENT)
        return api_error(r, 404, "the history does not reach back that far");
    if (error)
        return api_error(r, 503, "%s", err_text(error));
    moment_rfc3339(history_wall_ms(h, d->base_at_ms), d->from);
    moment_rfc3339(history_wall_ms(h, d->now_at_ms), d->to);
    return diff_render(r, d);
}

int api_diff(struct request *r)
{
    int status = 200, target = api_target(r, &status);
    struct difference *d;

    if (target < 0)
        return status;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return api_error(r, 503, "no memory");
    if (profile_init(&d->now, DIFF_PROFILE_BYTES) ||
        profile_init(&d->base, DIFF_PROFILE_BYTES) ||
        profile_init(&d->diff, DIFF_PROFILE_BYTES))
        status = api_error(r, 503, "no memory");
    else
        status = diff_answer(r, target, d);
    profile_free(&d->now);
    profile_free(&d->base);
    profile_free(&d->diff);
    free(d);
    return status;
}
