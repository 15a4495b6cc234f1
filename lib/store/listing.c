/* Reading dumps, and what is learnt of them later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/files.h"

int store_read_manifest(struct store *s, const char *id, struct manifest *m, struct errmsg *e)
{
    char path[STORE_PATH_MAX];
    struct buf bytes;
    int rc;

    if (!dump_id_valid(id))
        return err_set(e, -EINVAL, "\"%.100s\" is not the id of a dump", id);
    buf_init(&bytes, MANIFEST_BYTES_MAX);
    rc = file_get(s, path_join(s, id, "manifest.json", path), &bytes);
    if (rc)
        err_set(e, rc, "%s: %s", path, err_text(rc));
    else
        rc = manifest_read(m, bytes.p ? bytes.p : "", bytes.len, e);
    buf_free(&bytes);
    if (!rc) /* the folder is what a dump is called, whatever its manifest says */
        str_copy(m->id, sizeof m->id, str_of(id));
    return rc;
}

int store_list(struct store *s, int (*each)(void *ctx, const struct store_dump *d), void *ctx)
{
    struct store_dump *dump = malloc(sizeof *dump);
    struct inventory inv = {0};
    int rc = dump ? inventory_read(s, false, &inv) : -ENOMEM;

    for (size_t i = inv.n; i-- > 0 && !rc;) {
        *dump = (struct store_dump){.bytes = inv.items[i].bytes};
        str_copy(dump->id, sizeof dump->id, str_of(inv.items[i].id));
        dump->readable = !store_read_manifest(s, dump->id, &dump->manifest, NULL);
        rc = each(ctx, dump);
    }
    inventory_free(&inv);
    free(dump);
    return rc;
}

int store_read_file(struct store *s, const char *id, const char *name, struct buf *out)
{
    char path[STORE_PATH_MAX];
    const char *last = str_starts(str_of(name), "native/") ? name + strlen("native/") : name;

    if (!dump_id_valid(id) || !name_valid(last))
        return -EINVAL;
    return file_get(s, path_join(s, id, name, path), out);
}

int store_resolve(struct store *s, const char *text, char id[DUMP_ID_MAX], struct errmsg *e)
{
    struct inventory inv;
    int rc = inventory_read(s, false, &inv);
    int found = 0;

    if (rc)
        return err_set(e, rc, "list dumps: %s", err_text(rc));
    bool latest = !strcmp(text, "latest");
    for (size_t i = inv.n; i-- > 0;) {
        const char *here = inv.items[i].id;
        bool exact = !strcmp(here, text);
        if (!latest && !exact && (!*text || !str_starts(str_of(here), text)))
            continue;
        str_copy(id, DUMP_ID_MAX, str_of(here));
        found = latest || exact ? 1 : found + 1;
        if (latest || exact)
            break;
    }
    inventory_free(&inv);
    if (found == 0)
        return err_set(e, -ENOENT, latest ? "there is no dump" : "no dump \"%.100s\"", text);
    if (found > 1)
        return err_set(e, ERR_MISMATCH, "\"%.100s\" begins the ids of %d dumps", text, found);
    return 0;
}

/* boot_ms cannot run backwards within a boot; across boots the wall is all
 * there is. */
static int64_t lead(const struct manifest *m, struct moment death)
{
    if (!m->durable_wall_ms)
        return 0;
    if (m->durable_boot_ms > 0 && death.boot_ms >= m->durable_boot_ms)
        return death.boot_ms - m->durable_boot_ms;
    return death.wall_ms - m->durable_wall_ms;
}

int store_stamp_outcome(struct store *s, const char *target, uint64_t life,
                        enum outcome_cause cause, int exit_code, const char *source,
                        struct moment death, struct errmsg *e)
{
    struct manifest *m = malloc(sizeof *m);
    struct inventory inv = {0};
    int rc = m ? inventory_read(s, false, &inv) : -ENOMEM, n = 0;

    if (rc)
        err_set(e, rc, "list dumps: %s", err_text(rc));
    for (size_t i = 0; i < inv.n; i++) {
        if (store_read_manifest(s, inv.items[i].id, m, NULL) || m->life != life ||
            strcmp(m->target, target) != 0 || m->outcome.cause != OUTCOME_NONE)
            continue;
        m->outcome.cause = cause;
        m->outcome.exit_code = exit_code;
        str_copy(m->outcome.source, sizeof m->outcome.source, str_of(source));
        m->outcome.death_wall_ms = death.wall_ms;
        m->outcome.lead_ms = lead(m, death);
        int failed = store_write_manifest(s, m, rc ? NULL : e);
        rc = rc ? rc : failed;
        n += !failed;
    }
    inventory_free(&inv);
    free(m);
    return rc ? rc : n;
}
