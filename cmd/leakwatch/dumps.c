/* leakwatch dumps: what is on disk. Reads the files; an agent is not needed. */
#include <stdlib.h>
#include <string.h>

#include "cmd/leakwatch/folder.h"
#include "lib/base/json.h"
#include "lib/view/dumptext.h"

struct listing {
    struct buf *out;
    struct json json;
    struct look look;
    const char *target; /* NULL: all */
    bool as_json;
    int n;
};

static int list_one(void *ctx, const struct store_dump *d)
{
    struct listing *l = ctx;

    if (l->target && (!d->readable || strcmp(d->manifest.target, l->target) != 0))
        return 0;
    if (l->as_json)
        dump_json(d, &l->json);
    else
        dump_line(d, l->look, l->out);
    l->n++;
    return 0;
}

static int dumps_list(struct folder *f, const char *target, bool as_json, struct buf *out)
{
    struct listing l = {.out = out, .look = out_look(), .target = target, .as_json = as_json};
    int error;

    json_init(&l.json, out);
    if (as_json) {
        json_open(&l.json);
        json_key(&l.json, "dumps");
        json_open_array(&l.json);
    }
    error = store_list(&f->store, list_one, &l);
    if (error)
        return cmd_fail("%s: %s", f->settings->dir, err_text(error));
    if (as_json) {
        json_close_array(&l.json);
        json_close(&l.json);
        buf_putc(out, '\n');
    } else if (l.n == 0) {
        buf_printf(out, "no dumps in %s; leakwatch dump takes one\n", f->settings->dir);
    }
    return EXIT_FINE;
}

static int dumps_show(struct folder *f, const char *text, bool as_json, struct buf *out)
{
    char id[DUMP_ID_MAX], path[SETTINGS_TEXT_MAX + DUMP_ID_MAX];
    struct manifest *m = calloc(1, sizeof(*m));
    struct errmsg e;
    struct buf where;
    int error = m ? store_resolve(&f->store, text, id, &e) : err_set(&e, -1, "no memory");

    if (error == 0)
        error = store_read_manifest(&f->store, id, m, &e);
    if (error == 0 && as_json) {
        manifest_write(m, out);
    } else if (error == 0) {
        buf_fixed(&where, path, sizeof(path));
        buf_printf(&where, "%s/%s", f->settings->dir, id);
        dump_show(m, buf_cstr(&where), out_look(), out);
    }
    free(m);
    return error ? cmd_fail("%s", e.text) : EXIT_FINE;
}

static int dumps_rm(struct folder *f, int n, char **ids, struct buf *out)
{
    /* Beside a running agent: removal is one rename and needs no lock. */
    f->store.read_only = false;
    for (int i = 0; i < n; i++) {
        char id[DUMP_ID_MAX];
        struct errmsg e;

        if (store_resolve(&f->store, ids[i], id, &e) || store_remove(&f->store, id, &e))
            return cmd_fail("%s", e.text);
        buf_printf(out, "removed %s\n", id);
    }
    return EXIT_FINE;
}

static int dumps_do(struct folder *f, int argc, char **argv, const char *target, bool as_json,
                    struct buf *out)
{
    const char *verb = argc ? argv[0] : "list";

    if (strcmp(verb, "list") == 0 && argc <= 1)
        return dumps_list(f, target, as_json, out);
    if (strcmp(verb, "show") == 0 && argc == 2)
        return dumps_show(f, argv[1], as_json, out);
    if (strcmp(verb, "rm") == 0 && argc >= 2)
        return dumps_rm(f, argc - 1, argv + 1, out);
    return cmd_fail("dumps knows list, show ID and rm ID…; an ID may be the beginning of one, "
                    "or 'latest'");
}

int cmd_dumps(int argc, char **argv, char **envp)
{
    const char *form = NULL, *target = NULL;
    const struct cmd_option options[] = {{"-o", &form, NULL}, {"--target", &target, NULL}};
    struct settings settings;
    struct folder folder;
    struct errmsg e;
    struct buf out;
    int code, chosen;

    if (!cmd_options(&argc, argv, options, 2) || !cmd_settings(&settings, &argc, argv, envp))
        return EXIT_BAD;
    chosen = cmd_choice("-o", form, "text|json");
    if (chosen < 0)
        return EXIT_BAD;
    buf_init(&out, 16u << 20);
    if (folder_open(&folder, &settings, &e))
        code = cmd_fail("%s (is --dir right?)", e.text);
    else
        code = dumps_do(&folder, argc, argv, target, chosen == 1, &out);
    if (out.len) {
        int written = out_text(&out);

        code = code ? code : written;
    }
    folder_close(&folder);
    buf_free(&out);
    return code;
}
