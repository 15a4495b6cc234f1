/* GET /api/v1/explain: why there is or is not a dump. */
#include <stdlib.h>
#include <string.h>

#include "lib/view/api_parts.h"
#include "lib/view/explain.h"

static int each_dump(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx)
{
    const struct api *api = ctx;
    return api->each_dump(api->ctx, each, each_ctx);
}

static void render(struct request *r, const struct explain *x)
{
    char format[16], all[8], colour[8], unicode[8];

    (void)api_param(r->query, "format", format, sizeof(format));
    if (strcmp(format, "text") != 0) {
        explain_json(x, r->out);
        return;
    }
    struct look look = {.colour = api_param(r->query, "colour", colour, sizeof(colour)),
                        .unicode = api_param(r->query, "unicode", unicode, sizeof(unicode))};
    explain_text(x, api_param(r->query, "all", all, sizeof(all)), look, r->out);
    r->type = TYPE_TEXT;
}

int api_explain(struct request *r)
{
    const struct watch *w = r->api->watch;
    int status = 200, target = api_target(r, &status);
    int64_t t_ms, now_ms = history_time(w->history, r->api->now);
    const struct watched *t;
    struct explain *x;

    if (target < 0 || !api_moment(r, "at", "now", &t_ms, &status))
        return status;
    if (t_ms > now_ms)
        return api_error(r, 400, "at: lies in the future; nothing is known of it");
    t = &w->targets[target];
    x = malloc(sizeof(*x));
    if (x == NULL)
        return api_error(r, 503, "no memory");
    explain_make(
        &(struct explain_input){
            .history = w->history,
            .target = target,
            .t_ms = t_ms,
            .now_ms = now_ms,
            .settings = w->settings,
            .judge = &t->judge,
            .refuted = watch_refuted(w, target, t_ms),
            .ctx = r->api,
            .each_dump = each_dump,
        },
        x);
    render(r, x);
    free(x);
    return 200;
}
