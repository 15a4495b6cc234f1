/* The dumps over the API. */
#include <cjson/cJSON.h>
#include <errno.h>

#include "lib/view/api_parts.h"
#include "lib/view/dumptext.h"

struct listing {
    struct json json;
};

static int list_one(void *ctx, const struct store_dump *d)
{
    struct listing *l = ctx;

    dump_json(d, &l->json);
    return l->json.out->overflow; /* stop when nothing more fits */
}

static int answer_list(struct request *r)
{
    struct listing l;
    int error;

    json_init(&l.json, r->out);
    json_open(&l.json);
    json_key(&l.json, "dumps");
    json_open_array(&l.json);
    error = r->api->each_dump(r->api->ctx, list_one, &l);
    if (error < 0)
        return api_error(r, 503, "the dumps cannot be listed: %s", err_text(error));
    json_close_array(&l.json);
    json_close(&l.json);
    buf_putc(r->out, '\n');
    return 200;
}

/* Ids and file names are of these characters alone: no path leaves the folder. */
static bool name_allowed(struct str s, bool slash)
{
    if (s.n == 0 || s.n >= DUMP_ID_MAX || s.p[0] == '.' || s.p[0] == '/' ||
        str_contains(s, "..") || str_contains(s, "//"))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!word && c != '.' && c != '_' && c != '-' && !(slash && c == '/'))
            return false;
    }
    return true;
}

static const char *type_of(struct str name)
{
    if (str_ends(name, ".json"))
        return TYPE_JSON;
    if (str_ends(name, ".txt") || str_ends(name, ".csv"))
        return TYPE_TEXT;
    return str_ends(name, ".html") ? "text/html; charset=utf-8" : TYPE_BINARY;
}

static int read_status(int error)
{
    return error == -ENOENT || error == -EINVAL ? 404 : 500;
}

static int answer_manifest(struct request *r, const char *id)
{
    struct manifest m;
    struct errmsg e;
    int error = r->api->read_dump(r->api->ctx, id, &m, &e);

    if (error)
        return api_error(r, read_status(error), "%s", e.text);
    manifest_write(&m, r->out);
    return 200;
}

static int answer_file(struct request *r, const char *id, struct str name)
{
    char file[DUMP_ID_MAX];
    int error;

    if (!name_allowed(name, true))
        return api_error(r, 400, "this is no name of a file");
    str_copy(file, sizeof(file), name);
    error = r->api->read_file(r->api->ctx, id, file, r->out);
    if (error)
        return api_error(r, read_status(error), "%s of %s: %s", file, id, err_text(error));
    r->type = type_of(name);
    return 200;
}

int api_dumps(struct request *r, struct str rest)
{
    char id[DUMP_ID_MAX];
    struct str name;

    if (rest.n <= 1)
        return answer_list(r);
    rest = (struct str){rest.p + 1, rest.n - 1};
    (void)str_split(&rest, '/', &name);
    if (!name_allowed(name, false))
        return api_error(r, 400, "this is no id of a dump");
    str_copy(id, sizeof(id), name);
    return rest.p && rest.n ? answer_file(r, id, rest) : answer_manifest(r, id);
}

static int status_of(int error)
{
    switch (error) {
    case -EBUSY: return 409;
    case -EAGAIN: return 429;
    default: return 503;
    }
}

/* Reads the body; false after an answer. */
static bool wish_read(struct request *r, int *target, char reason[256], int *status)
{
    const struct watch *w = r->api->watch;
    const cJSON *text, *name;
    cJSON *root = NULL;

    *target = w->n_targets == 1 ? 0 : -1;
    str_copy(reason, 256, STR("asked for"));
    if (str_trim(r->body).n == 0)
        return true;
    if (r->body.n <= API_BODY_MAX)
        root = cJSON_ParseWithLength(r->body.p, r->body.n);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        *status = api_error(r, 400,
                            "the body is {\"reason\":\"…\",\"target\":\"…\"}, at most "
                            "4096 bytes");
        return false;
    }
    text = cJSON_GetObjectItemCaseSensitive(root, "reason");
    if (cJSON_IsString(text) && text->valuestring[0])
        str_copy(reason, 256, str_of(text->valuestring));
    name = cJSON_GetObjectItemCaseSensitive(root, "target");
    *status = 0;
    if (cJSON_IsString(name) && name->valuestring[0]) {
        *target = -1;
        for (int i = 0; i < w->n_targets; i++)
            if (str_is(str_of(name->valuestring), w->targets[i].spec.name))
                *target = i;
        if (*target < 0)
            *status = api_error(r, 404, "there is no target '%.60s'", name->valuestring);
    }
    cJSON_Delete(root);
    return *status == 0;
}

int api_dump_ask(struct request *r)
{
    char reason[256], id[DUMP_ID_MAX];
    int target, status = 200, error;
    struct errmsg e = {.text = ""};
    struct json j;

    if (!wish_read(r, &target, reason, &status))
        return status;
    if (target < 0)
        return api_error(r, 400, "there are %d targets; say which in \"target\"",
                         r->api->watch->n_targets);
    error = r->api->ask_dump(r->api->ctx, target, reason, id, &e);
    if (error)
        return api_error(r, status_of(error), "%s", e.text[0] ? e.text : err_text(error));
    json_init(&j, r->out);
    json_open(&j);
    json_kcstr(&j, "id", id);
    if (r->api->folder && r->api->folder[0])
        json_kcstr(&j, "folder", r->api->folder);
    json_close(&j);
    buf_putc(r->out, '\n');
    return 202;
}
