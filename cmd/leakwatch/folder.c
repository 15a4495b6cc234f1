#include "cmd/leakwatch/folder.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/host/host.h"

#define HISTORY_FILE_MAX (256 << 20)

int folder_open(struct folder *f, const struct settings *s, struct errmsg *e)
{
    int error;

    *f = (struct folder){.settings = s};
    error = disk_posix_open(&f->disk, s->dir, false, e);
    f->open = error == 0;
    return error ? error : store_open_read(&f->store, &f->disk.disk, e);
}

void folder_close(struct folder *f)
{
    if (f->history)
        history_close(&f->history);
    free(f->block);
    if (!f->open)
        return;
    if (f->store.disk)
        store_close(&f->store);
    disk_posix_close(&f->disk);
    f->open = false;
}

int folder_history(struct folder *f, struct errmsg *e)
{
    int64_t bytes = store_history_size(&f->store);
    uint8_t boot_id[16];
    int error;

    if (bytes < 0)
        return err_set(e, (int)bytes, "no history in %s: %s", f->settings->dir,
                       err_text((int)bytes));
    if (bytes < HISTORY_BLOCK_MIN || bytes > HISTORY_FILE_MAX)
        return err_set(e, ERR_CORRUPT, "the history in %s is of no possible size",
                       f->settings->dir);
    f->block = calloc(1, (size_t)bytes);
    if (f->block == NULL)
        return err_set(e, -ENOMEM, "%s", err_text(-ENOMEM));
    error = store_read_history(&f->store, f->block, (size_t)bytes);
    if (error)
        return err_set(e, error, "the history in %s: %s", f->settings->dir, err_text(error));
    boot_id_read(boot_id);
    return history_load(&f->history, f->block, (size_t)bytes, NULL, 0, moment_now(), boot_id,
                        true, e);
}
