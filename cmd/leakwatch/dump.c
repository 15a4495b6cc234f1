/* leakwatch dump: asks the agent for one, and waits until it is on disk. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/leakwatch/folder.h"
#include "lib/base/json.h"
#include "lib/dump/manifest.h"

#define WAIT_MS 30000
#define POLL_MS 100

static int no_agent(const struct settings *s, int error, const struct errmsg *e)
{
    if (error == -ENOENT || error == -ECONNREFUSED)
        return cmd_fail("no agent answers at %s/leakwatch.sock; a dump needs one: is leakwatch "
                        "watch running, and is --dir right?",
                        s->dir);
    return cmd_fail("%s", e->text);
}

static int dump_ask(const struct settings *s, const char *reason, const char *target,
                    char id[DUMP_ID_MAX], char folder[SETTINGS_TEXT_MAX])
{
    struct buf body, answer;
    struct json j;
    struct errmsg e;
    int status = 0, error, code = EXIT_FINE;
    cJSON *root;
    const cJSON *item;

    buf_init(&body, 4096);
    buf_init(&answer, 65536);
    json_init(&j, &body);
    json_open(&j);
    if (reason)
        json_kcstr(&j, "reason", reason);
    if (target)
        json_kcstr(&j, "target", target);
    json_close(&j);
    error = agent_ask(s, "POST", "/api/v1/dumps", buf_view(&body), &answer, &status, &e);
    if (error)
        code = no_agent(s, error, &e);
    else if (status != 202)
        code = cmd_fail("%s", agent_error(&answer, status, &e));
    root = code ? NULL : cJSON_ParseWithLength(buf_cstr(&answer), answer.len);
    item = cJSON_GetObjectItemCaseSensitive(root, "id");
    if (cJSON_IsString(item))
        str_copy(id, DUMP_ID_MAX, str_of(item->valuestring));
    else if (code == EXIT_FINE)
        code = cmd_fail("the agent's answer names no dump");
    item = cJSON_GetObjectItemCaseSensitive(root, "folder");
    str_copy(folder, SETTINGS_TEXT_MAX,
             str_of(cJSON_IsString(item) ? item->valuestring : s->dir));
    cJSON_Delete(root);
    buf_free(&body);
    buf_free(&answer);
    return code;
}

static int64_t steady_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It is there once its manifest is: a dump appears whole or not at all. 404 is
 * not yet, anything else says why it will not come. */
static int dump_wait(const struct settings *s, const char *id)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t until_ms = steady_ms() + WAIT_MS;
    int code = EXIT_BAD;
    char path[DUMP_ID_MAX + 32];
    struct buf text, answer;

    buf_fixed(&text, path, sizeof(path));
    buf_printf(&text, "/api/v1/dumps/%s", id);
    buf_init(&answer, 2 * MANIFEST_BYTES_MAX);
    while (steady_ms() < until_ms) {
        struct errmsg e;
        int status = 0;

        buf_reset(&answer);
        int error = agent_ask(s, "GET", buf_cstr(&text), STR(""), &answer, &status, &e);
        if (error)
            code = no_agent(s, error, &e);
        else if (status == 200)
            code = EXIT_FINE;
        else if (status != 404)
            code = cmd_fail("%s", agent_error(&answer, status, &e));
        if (error || status != 404)
            goto out;
        (void)nanosleep(&pause, NULL);
    }
    code =
        cmd_fail("%s was asked for but is not on disk after %d s; leakwatch status may say why",
                 id, WAIT_MS / 1000);
out:
    buf_free(&answer);
    return code;
}

static int dump_tell(const char *id, const char *folder, bool json)
{
    struct buf out;
    struct json j;
    int code;

    buf_init(&out, 8192);
    if (json) {
        char path[SETTINGS_TEXT_MAX + DUMP_ID_MAX];
        struct buf text;

        buf_fixed(&text, path, sizeof(path));
        buf_printf(&text, "%s/%s", folder, id);
        json_init(&j, &out);
        json_open(&j);
        json_kcstr(&j, "id", id);
        json_kcstr(&j, "folder", buf_cstr(&text));
        json_close(&j);
        buf_putc(&out, '\n');
    } else {
        buf_printf(&out, "%s/%s\n", folder, id);
    }
    code = out_text(&out);
    buf_free(&out);
    return code;
}

int cmd_dump(int argc, char **argv, char **envp)
{
    const char *form = NULL, *target = NULL, *reason = NULL;
    const struct cmd_option options[] = {
        {"-o", &form, NULL}, {"--target", &target, NULL}, {"--reason", &reason, NULL}};
    char id[DUMP_ID_MAX] = "", folder[SETTINGS_TEXT_MAX] = "";
    struct settings settings;
    int code, chosen;

    if (!cmd_options(&argc, argv, options, 3) || !cmd_settings(&settings, &argc, argv, envp))
        return EXIT_BAD;
    chosen = cmd_choice("-o", form, "text|json");
    if (chosen < 0 || argc > 0)
        return chosen < 0 ? EXIT_BAD
                          : cmd_fail("dump takes no word '%s'; did you mean dumps?", argv[0]);
    code = dump_ask(&settings, reason, target, id, folder);
    if (code == EXIT_FINE)
        code = dump_wait(&settings, id);
    return code == EXIT_FINE ? dump_tell(id, folder, chosen == 1) : code;
}
