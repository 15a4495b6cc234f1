/* leakwatch explain: why there is or is not a dump, now or at a moment. */
#include <errno.h>
#include <stdlib.h>

#include "cmd/leakwatch/folder.h"
#include "lib/host/host.h"
#include "lib/view/difftext.h"
#include "lib/view/explain.h"
#include "lib/watch/watch.h"

struct wish {
    const char *at, *target;
    bool all, json;
};

static int explain_agent(const struct settings *s, const struct wish *w, struct buf *out,
                         struct errmsg *e)
{
    struct look look = out_look();
    struct buf query;
    int http = 0, error;

    buf_init(&query, 4096);
    buf_printf(&query, "/api/v1/explain?format=%s", w->json ? "json" : "text");
    buf_puts(&query, w->all ? "&all=1" : "");
    buf_puts(&query, look.colour ? "&colour=1" : "");
    buf_puts(&query, look.unicode ? "&unicode=1" : "");
    buf_puts(&query, "&at=");
    query_put(&query, w->at);
    if (w->target) {
        buf_puts(&query, "&target=");
        query_put(&query, w->target);
    }
    error = agent_ask(s, "GET", buf_cstr(&query), STR(""), out, &http, e);
    if (error == 0 && http != 200) {
        error = ERR_HTTP;
        agent_error(out, http, e);
    }
    buf_free(&query);
    return error;
}

static int each_dump(void *ctx, int (*each)(void *each_ctx, const struct store_dump *d),
                     void *each_ctx)
{
    struct folder *f = ctx;
    return store_list(&f->store, each, each_ctx);
}

/* The only target, or the one that is named; -1 after a message. */
static int target_find(const struct folder *f, const struct wish *w, struct errmsg *e)
{
    int target = 0;

    if (w->target)
        target = history_target_find(f->history, w->target);
    else if (history_targets(f->history) != 1)
        target = -1;
    if (target >= 0)
        return target;
    if (w->target)
        return err_set(e, ERR_USAGE, "the history has no target '%s'", w->target);
    return err_set(e, ERR_USAGE, "there are %d targets; say which is meant: --target %s",
                   history_targets(f->history), history_target_name(f->history, 0));
}

/* With the scale of time that the agent had, unless another is asked for. */
static struct settings settings_then(const struct folder *f, int target)
{
    struct settings s = *f->settings;
    struct watch_note note;

    if (!settings_given(&s, "time-scale") && watch_note_read(f->history, target, &note) &&
        note.time_scale > 0)
        s.time_scale = note.time_scale;
    return s;
}

static int explain_folder(struct folder *f, const struct wish *w, struct buf *out,
                          struct errmsg *e)
{
    int64_t t_ms = 0, newest_ms;
    struct settings then;
    int target = target_find(f, w, e);
    struct explain *x;
    int error;

    if (target < 0)
        return target;
    error = history_moment(f->history, moment_now(), str_of(w->at), &t_ms, e);
    if (error)
        return error;
    if (t_ms > history_time(f->history, moment_now()))
        return err_set(e, ERR_USAGE, "--at lies in the future; nothing is known of it");
    newest_ms = history_newest(f->history, target);
    then = settings_then(f, target);
    x = malloc(sizeof(*x));
    if (x == NULL)
        return err_set(e, -ENOMEM, "%s", err_text(-ENOMEM));
    explain_make(
        &(struct explain_input){
            .history = f->history,
            .target = target,
            .t_ms = t_ms < newest_ms ? t_ms : newest_ms, /* nothing was seen since */
            .now_ms = newest_ms,
            .settings = &then,
            .ctx = f,
            .each_dump = each_dump,
        },
        x);
    if (w->json)
        explain_json(x, out);
    else
        explain_text(x, w->all, out_look(), out);
    free(x);
    return 0;
}

static int explain_files(const struct settings *s, const struct wish *w, struct buf *out,
                         struct errmsg *e)
{
    struct folder f;
    int error = folder_open(&f, s, e);

    if (error == 0)
        error = folder_history(&f, e);
    if (error == 0)
        error = explain_folder(&f, w, out, e);
    folder_close(&f);
    return error;
}

static int explain_show(const struct settings *s, const struct wish *w)
{
    struct buf out;
    struct errmsg agent, e;
    int code, error;

    buf_init(&out, EXPLAIN_BYTES_MAX);
    error = explain_agent(s, w, &out, &agent);
    if (error == ERR_HTTP)
        code = cmd_fail("%s", agent.text);
    else {
        if (error && error != -ENOENT && error != -ECONNREFUSED)
            cmd_warn("%s; reading its files", agent.text);
        if (error) {
            buf_reset(&out);
            error = explain_files(s, w, &out, &e);
        }
        code =
            error ? cmd_fail("no agent answers, and of its files: %s (is --dir right?)", e.text)
                  : out_text(&out);
    }
    buf_free(&out);
    return code;
}

int cmd_explain(int argc, char **argv, char **envp)
{
    const char *form = NULL;
    struct wish w = {.at = "now"};
    const struct cmd_option options[] = {
        {"-o", &form, NULL},
        {"--at", &w.at, NULL},
        {"--target", &w.target, NULL},
        {"--all", NULL, &w.all},
    };
    struct settings s;
    int chosen;

    if (!cmd_options(&argc, argv, options, 4) || !cmd_settings(&s, &argc, argv, envp))
        return EXIT_BAD;
    chosen = cmd_choice("-o", form, "text|json");
    if (chosen < 0)
        return EXIT_BAD;
    if (argc > 0)
        return cmd_fail("explain takes no word '%s'; --at says when", argv[0]);
    w.json = chosen == 1;
    return explain_show(&s, &w);
}
