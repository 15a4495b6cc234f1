/* leakwatch status: what stands now; exit code 1 when a leak is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/leakwatch/folder.h"
#include "lib/host/host.h"
#include "lib/view/status.h"

static int add_dump(void *ctx, const struct store_dump *d)
{
    status_add_dump(ctx, d);
    return 0;
}

static int status_files(const struct settings *settings, struct status *s, struct errmsg *e)
{
    struct folder folder;
    int error = folder_open(&folder, settings, e);

    if (error == 0)
        error = folder_history(&folder, e);
    if (error == 0) {
        status_from_history(folder.history, moment_now(), s);
        (void)store_list(&folder.store, add_dump, s);
    }
    folder_close(&folder);
    return error;
}

static int status_agent(const struct settings *settings, struct status *s, struct errmsg *e)
{
    struct buf answer;
    int http = 0, error;

    buf_init(&answer, STATUS_BYTES_MAX);
    error = agent_ask(settings, "GET", "/api/v1/status", STR(""), &answer, &http, e);
    if (error == 0 && http != 200) {
        error = ERR_HTTP;
        agent_error(&answer, http, e);
    }
    if (error == 0)
        error = status_parse(s, buf_cstr(&answer), answer.len, e);
    buf_free(&answer);
    return error;
}

static int status_read(const struct settings *settings, struct status *s)
{
    struct errmsg agent, files;
    int error = status_agent(settings, s, &agent);

    if (error == 0)
        return EXIT_FINE;
    if (error != -ENOENT && error != -ECONNREFUSED)
        cmd_warn("%s; reading its files", agent.text);
    error = status_files(settings, s, &files);
    if (error == 0)
        return EXIT_FINE;
    return cmd_fail("no agent answers and its files cannot be read: %s (is --dir right?)",
                    files.text);
}

/* Keeps one target alone. */
static int status_choose(struct status *s, const char *target)
{
    int i = status_find(s, target);

    if (i < 0) {
        (void)cmd_fail("there is no target '%s'; there are:", target);
        for (i = 0; i < s->n_targets; i++)
            cmd_warn("  %s", s->targets[i].name);
        return EXIT_BAD;
    }
    memmove(&s->targets[0], &s->targets[i], sizeof(s->targets[0]));
    s->n_targets = 1;
    return EXIT_FINE;
}

static int status_show(const struct status *s, bool json)
{
    struct buf out;
    int code;

    buf_init(&out, STATUS_BYTES_MAX);
    if (json)
        status_json(s, &out);
    else
        status_text(s, s->n_targets == 1 ? 0 : -1, out_look(), &out);
    code = out_text(&out);
    buf_free(&out);
    if (code != EXIT_FINE)
        return code;
    return status_leaks(s) ? EXIT_LEAK : EXIT_FINE;
}

int cmd_status(int argc, char **argv, char **envp)
{
    const char *form = NULL, *target = NULL;
    const struct cmd_option options[] = {{"-o", &form, NULL}, {"--target", &target, NULL}};
    struct settings settings;
    struct status *s;
    int code, chosen;

    if (!cmd_options(&argc, argv, options, 2) || !cmd_settings(&settings, &argc, argv, envp))
        return EXIT_BAD;
    chosen = cmd_choice("-o", form, "text|json");
    if (chosen < 0 || argc > 0)
        return chosen < 0 ? EXIT_BAD : cmd_fail("status takes no word '%s'", argv[0]);
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return cmd_fail("%s", err_text(-ENOMEM));
    code = status_read(&settings, s);
    if (code == EXIT_FINE && target)
        code = status_choose(s, target);
    if (code == EXIT_FINE)
        code = status_show(s, chosen == 1);
    free(s);
    return code;
}
