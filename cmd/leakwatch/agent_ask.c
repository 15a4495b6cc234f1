/* The agent's API over its Unix socket. */
#include <cjson/cJSON.h>

#include "cmd/leakwatch/folder.h"
#include "lib/host/client.h"

#define ANSWER_MS 10000

int agent_ask(const struct settings *s, const char *method, const char *path_and_query,
              struct str body, struct buf *out, int *status, struct errmsg *e)
{
    char path[SETTINGS_TEXT_MAX + 32];
    struct buf socket;

    buf_fixed(&socket, path, sizeof(path));
    buf_printf(&socket, "%s/leakwatch.sock", s->dir);
    return client_request(buf_cstr(&socket), method, path_and_query, body, ANSWER_MS, out,
                          status, e);
}

const char *agent_error(struct buf *answer, int status, struct errmsg *e)
{
    cJSON *root = cJSON_ParseWithLength(buf_cstr(answer), answer->len);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(root, "error");

    (void)err_set(e, ERR_HTTP, "the agent answers HTTP %d", status);
    if (cJSON_IsString(text))
        str_copy(e->text, sizeof(e->text), str_of(text->valuestring));
    cJSON_Delete(root);
    return e->text;
}

void query_put(struct buf *out, const char *value)
{
    for (; *value; value++) {
        char c = *value;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';

        if (plain)
            buf_putc(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned char)c);
    }
}
