#include "lib/view/api.h"

#include <stdarg.h>

#include "lib/base/json.h"
#include "lib/view/api_parts.h"
#include "lib/view/metrics.h"

int api_error(struct request *r, int status, const char *fmt, ...)
{
    char text[512];
    struct buf message;
    struct json j;
    va_list ap;

    buf_fixed(&message, text, sizeof(text));
    va_start(ap, fmt);
    buf_vprintf(&message, fmt, ap);
    va_end(ap);
    buf_reset(r->out);
    json_init(&j, r->out);
    json_open(&j);
    json_kstr(&j, "error", buf_view(&message));
    json_close(&j);
    buf_putc(r->out, '\n');
    r->type = TYPE_JSON;
    return status;
}

/* "%2B" and "+" as forms have them. */
static void decode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        uint64_t byte;

        if (text.p[i] == '%' && i + 2 < text.n &&
            str_hex((struct str){text.p + i + 1, 2}, &byte) == 0 && byte != 0) {
            buf_putc(out, (char)byte);
            i += 2;
        } else {
            buf_putc(out, text.p[i] == '+' ? ' ' : text.p[i]);
        }
    }
}

bool api_param(struct str query, const char *key, char *out, size_t cap)
{
    struct str pair, name;

    out[0] = '\0';
    while (str_split(&query, '&', &pair)) {
        struct buf value;

        if (!str_split(&pair, '=', &name) || !str_is(name, key))
            continue;
        buf_fixed(&value, out, cap);
        if (pair.p)
            decode(pair, &value);
        (void)buf_cstr(&value);
        return true;
    }
    return false;
}

int api_target(struct request *r, int *status)
{
    const struct watch *w = r->api->watch;
    char name[HISTORY_TARGET_NAME_MAX];

    if (!api_param(r->query, "target", name, sizeof(name)) || name[0] == '\0') {
        if (w->n_targets == 1)
            return 0;
        *status = api_error(r, 400, "there are %d targets; say which is meant: target=%s",
                            w->n_targets, w->targets[0].spec.name);
        return -1;
    }
    for (int i = 0; i < w->n_targets; i++)
        if (str_is(str_of(name), w->targets[i].spec.name))
            return i;
    *status = api_error(r, 404, "there is no target '%s'", name);
    return -1;
}

static int answer_text(struct request *r, const char *text)
{
    buf_puts(r->out, text);
    r->type = TYPE_TEXT;
    return 200;
}

static int answer_metrics(struct request *r)
{
    const struct api *a = r->api;

    metrics_write(a->watch, a->n_settings_problems, a->store_problem && a->store_problem[0],
                  r->out);
    r->type = METRICS_CONTENT_TYPE;
    return 200;
}

static int answer_status(struct request *r)
{
    const struct api *a = r->api;
    struct status *s = a->scratch;

    status_from_watch(a->watch, s);
    s->started_wall_ms = a->started_wall_ms;
    str_copy(s->store_problem, sizeof(s->store_problem), str_of(a->store_problem));
    for (int i = 0; i < a->n_settings_problems && i < STATUS_PROBLEMS_MAX; i++)
        str_copy(s->settings_problems[s->n_settings_problems++],
                 sizeof(s->settings_problems[0]), str_of(a->settings_problems[i]));
    status_json(s, r->out);
    return 200;
}

static int answer_ready(struct request *r)
{
    return answer_text(r, "ok\n");
}

struct route {
    const char *path;
    int (*answer)(struct request *r);
    bool metrics; /* served where metrics alone are */
};

static const struct route routes[] = {
    {"/healthz", answer_ready, true},      {"/metrics", answer_metrics, true},
    {"/readyz", answer_ready, false},      {"/api/v1/status", answer_status, false},
    {"/api/v1/stacks", api_stacks, false}, {"/api/v1/history", api_history, false},
    {"/api/v1/diff", api_diff, false},     {"/api/v1/explain", api_explain, false},
};

static int answer(struct request *r)
{
    static const char dumps[] = "/api/v1/dumps";
    bool get = str_is(r->method, "GET") || str_is(r->method, "HEAD");

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!str_is(r->path, routes[i].path))
            continue;
        if (r->api->metrics_only && !routes[i].metrics)
            break;
        return get ? routes[i].answer(r) : api_error(r, 405, "only GET is known here");
    }
    if (!r->api->metrics_only && str_starts(r->path, dumps)) {
        struct str rest = {r->path.p + sizeof(dumps) - 1, r->path.n - (sizeof(dumps) - 1)};

        if (rest.n == 0 && str_is(r->method, "POST"))
            return api_dump_ask(r);
        if (rest.n == 0 || rest.p[0] == '/')
            return get ? api_dumps(r, rest)
                       : api_error(r, 405, "only GET, and POST of /api/v1/dumps, are known");
    }
    return api_error(r, 404, "there is no %.*s here", (int)(r->path.n < 200 ? r->path.n : 200),
                     r->path.p);
}

int api_handle(struct api *api, struct str method, struct str path, struct str query,
               struct str body, struct buf *out, const char **content_type)
{
    struct request r = {api, method, path, query, body, out, TYPE_JSON};
    int status;

    buf_reset(out);
    status = answer(&r);
    if (buf_status(out) != 0)
        status = api_error(&r, 500, "the answer is larger than %zu bytes", out->ceiling);
    *content_type = r.type;
    return status;
}
