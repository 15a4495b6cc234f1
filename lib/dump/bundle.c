#include "lib/dump/dump.h"

#include <string.h>

void bundle_init(struct bundle *b, size_t ceiling_bytes)
{
    *b = (struct bundle){0};
    buf_init(&b->bytes, ceiling_bytes);
}

void bundle_reset(struct bundle *b)
{
    buf_reset(&b->bytes);
    b->n_files = 0;
}

void bundle_free(struct bundle *b)
{
    buf_free(&b->bytes);
    b->n_files = 0;
}

static size_t files_end(const struct bundle *b)
{
    if (!b->n_files)
        return 0;
    const struct bundle_file *last = &b->files[b->n_files - 1];
    return last->offset + last->bytes;
}

void bundle_begin(struct bundle *b, const char *name)
{
    b->bytes.len = files_end(b);
    b->bytes.overflow = b->n_files == BUNDLE_FILES_MAX;
    if (b->n_files < BUNDLE_FILES_MAX)
        str_copy(b->files[b->n_files].name, sizeof b->files[0].name, str_of(name));
}

int bundle_end(struct bundle *b)
{
    size_t start = files_end(b);

    if (b->bytes.overflow) {
        b->bytes.len = start;
        b->bytes.overflow = b->bytes.starved = false;
        return ERR_LIMIT;
    }
    b->files[b->n_files].offset = start;
    b->files[b->n_files].bytes = b->bytes.len - start;
    b->n_files++;
    return 0;
}

void bundle_drop(struct bundle *b)
{
    b->bytes.len = files_end(b);
    b->bytes.overflow = b->bytes.starved = false;
}

/* Keeps what other prefixes have. */
static void forget_files(struct manifest *m, const char *prefix)
{
    int kept = 0;

    for (int i = 0; i < m->n_files; i++) {
        struct str name = str_of(m->files[i].name);
        bool mine = *prefix ? str_starts(name, prefix) : !str_contains(name, "/");
        if (!mine)
            m->files[kept++] = m->files[i];
    }
    m->n_files = kept;
}

void dump_list_files(struct manifest *m, const struct bundle *b, const char *prefix)
{
    bool has_diff = false;

    forget_files(m, prefix);
    for (int i = 0; i < b->n_files && m->n_files < MANIFEST_FILES_MAX; i++) {
        const struct bundle_file *from = &b->files[i];
        struct manifest_file *to = &m->files[m->n_files++];
        struct buf name;
        buf_fixed(&name, to->name, sizeof to->name);
        buf_puts(&name, prefix);
        buf_puts(&name, from->name);
        (void)buf_cstr(&name);
        to->bytes = (int64_t)from->bytes;
        sha256_hex(b->bytes.p + from->offset, from->bytes, to->sha256);
        has_diff = has_diff || !strcmp(from->name, "goroutine.diff.pb.gz");
    }
    if (*prefix && has_diff)
        str_copy(m->open_set, sizeof m->open_set, (struct str){prefix, strcspn(prefix, "/")});
    else if (!*prefix && !m->open_set[0])
        str_copy(m->open_set, sizeof m->open_set, STR("."));
}
