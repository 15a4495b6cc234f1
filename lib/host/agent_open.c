/* Opening the agent: directory, history, baselines. What is damaged is set aside,
 * what cannot be used is said; only a lack of memory stops it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/host/agent_parts.h"

#define FLUSH_BYTES_MAX (256 * 1024)

static int open_history(struct agent *a, const struct target_spec *targets, int n_targets,
                        const uint8_t boot_id[16])
{
    const char *names[SETTINGS_TARGETS_MAX];
    struct moment now = a->io->now(a->io);
    struct errmsg e = {{0}};
    int error;

    for (int i = 0; i < n_targets; i++)
        names[i] = targets[i].name;
    error = a->store_open ? store_read_history(&a->store, a->block, a->block_bytes) : -ENOENT;
    if (error == 0)
        error = history_load(&a->history, a->block, a->block_bytes, names, n_targets, now,
                             boot_id, false, &e);
    if (error == 0)
        return 0;
    if (error == -ENOMEM)
        return error;
    if (error != -ENOENT) {
        store_quarantine_history(&a->store, now.wall_ms);
        agent_note_store(a, "the history was set aside", error, &e);
    }
    a->rewrite = true;
    memset(a->block, 0, a->block_bytes);
    return history_format(&a->history, a->block, a->block_bytes, names, n_targets, now,
                          boot_id);
}

static void restore_baseline(struct agent *a, int target)
{
    static const char *const kinds[] = {"text", "native", "heap"};
    struct str parts[3] = {{0}};
    size_t ends[4] = {0};

    buf_reset(&a->keep);
    for (int i = 0; i < 3; i++) {
        char name[DISK_NAME_MAX];
        struct buf text;

        buf_fixed(&text, name, sizeof(name));
        buf_printf(&text, "baseline-%s.%s.pb.gz", a->watch.targets[target].spec.name, kinds[i]);
        store_get(&a->store, name, &a->keep);
        ends[i + 1] = a->keep.len;
    }
    for (int i = 0; i < 3; i++)
        parts[i] = (struct str){a->keep.p + ends[i], ends[i + 1] - ends[i]};
    if (a->keep.len > 0)
        watch_restore_baseline(&a->watch, target, parts[0], parts[1], parts[2]);
}

int agent_open(struct agent *a, const struct settings *s, const struct target_spec *targets,
               int n_targets, struct io *io, struct disk *disk, const char *hostname,
               const uint8_t boot_id[16], struct log *log, struct errmsg *e)
{
    int error;

    memset(a, 0, sizeof(*a));
    a->settings = s;
    a->io = io;
    a->log = log;
    a->block_bytes = (size_t)s->history_bytes & ~(size_t)4095;
    bundle_init(&a->bundle, AGENT_BUNDLE_BYTES);
    buf_init(&a->keep, 3 * WATCH_BODY_BYTES);
    buf_init(&a->dirty, FLUSH_BYTES_MAX);
    a->block = calloc(1, a->block_bytes);
    if (a->block == NULL)
        return err_set(e, -ENOMEM, "no memory for a history of %zu bytes", a->block_bytes);
    a->disk = disk;
    str_copy(a->hostname, sizeof(a->hostname), str_of(hostname));
    if (disk != NULL)
        a->store_open = store_open(&a->store, disk, s->dir_limit, hostname, e) == 0;
    if (!a->store_open)
        agent_store_trouble(a, "the directory cannot be used", e->text);
    error = open_history(a, targets, n_targets, boot_id);
    if (error == 0)
        error = watch_init(&a->watch, s, targets, n_targets, a->history, log, io->now(io),
                           io->random(io));
    if (error != 0) {
        err_set(e, error, "cannot start: %s", err_text(error));
        agent_close(a);
        return error;
    }
    for (int i = 0; i < n_targets && a->store_open; i++)
        restore_baseline(a, i);
    return 0;
}

void agent_close(struct agent *a)
{
    if (a->watch.settings != NULL)
        watch_free(&a->watch);
    if (a->history != NULL)
        history_close(&a->history);
    if (a->store_open)
        store_close(&a->store);
    a->store_open = false;
    bundle_free(&a->bundle);
    buf_free(&a->keep);
    buf_free(&a->dirty);
    free(a->block);
    a->block = NULL;
}
