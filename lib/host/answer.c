#include "lib/host/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int ask_dump(void *ctx, int target, const char *reason, char id[DUMP_ID_MAX],
                    struct errmsg *e)
{
    struct answer *a = ctx;
    int error = agent_dump(a->agent, target, TRIGGER_MANUAL, reason, id);

    switch (error) {
    case 0: return 0;
    case -EBUSY: return err_set(e, error, "a dump is being written; ask again in a moment");
    case -EAGAIN: return err_set(e, error, "six dumps were taken in the last hour");
    case -ENODATA: return err_set(e, error, "nothing has been seen of the target yet");
    default: return err_set(e, error, "%s", err_text(error));
    }
}

static int each_dump(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx)
{
    struct answer *a = ctx;

    return a->agent->store_open ? store_list(&a->agent->store, each, each_ctx) : -ENOENT;
}

/* Why a dump that was asked for will never be there; -ENOENT: it may still come. */
static int why_absent(const struct watch *w, const char *id, struct errmsg *e)
{
    for (int i = 0; i < w->n_targets; i++) {
        const struct watched *t = &w->targets[i];

        if (strcmp(t->dump.manifest.id, id) == 0 && t->dump.phase == DUMP_IDLE &&
            t->counters.last_error[0] != '\0')
            return err_set(e, -EIO, "%s could not be written: %s", id, t->counters.last_error);
    }
    return -ENOENT;
}

static int read_dump(void *ctx, const char *id, struct manifest *out, struct errmsg *e)
{
    struct answer *a = ctx;
    char whole[DUMP_ID_MAX];
    int error = -ENOENT;

    if (a->agent->store_open)
        error = store_resolve(&a->agent->store, id, whole, e);
    else
        err_set(e, error, "%s", a->agent->store_problem);
    if (error == -ENOENT)
        error = why_absent(&a->agent->watch, id, e);
    return error != 0 ? error : store_read_manifest(&a->agent->store, whole, out, e);
}

static int read_file(void *ctx, const char *id, const char *name, struct buf *out)
{
    struct answer *a = ctx;

    return a->agent->store_open ? store_read_file(&a->agent->store, id, name, out) : -ENOENT;
}

int answer_init(struct answer *a, struct agent *agent, const char (*problems)[256],
                int n_problems)
{
    *a = (struct answer){.agent = agent};
    a->api = (struct api){
        .watch = &agent->watch,
        .started_wall_ms = agent->watch.now.wall_ms,
        .store_problem = agent->store_problem,
        .settings_problems = problems,
        .n_settings_problems = n_problems,
        .folder = agent->settings->dir,
        .scratch = malloc(sizeof(struct status)),
        .ctx = a,
        .ask_dump = ask_dump,
        .each_dump = each_dump,
        .read_dump = read_dump,
        .read_file = read_file,
    };
    return a->api.scratch == NULL ? -ENOMEM : 0;
}

void answer_free(struct answer *a)
{
    free(a->api.scratch);
    a->api.scratch = NULL;
}

void answer_request(void *ctx, const struct request *r, struct response *out)
{
    struct answer *a = ctx;

    a->api.now = a->agent->io->now(a->agent->io);
    a->api.metrics_only = r->door == DOOR_METRICS;
    out->status = api_handle(&a->api, r->method, r->path, r->query, r->body, &out->body,
                             &out->content_type);
}
