/* What a dump holds: from profiles, history and verdict to the bytes of its
 * files. Pure: nothing here writes them (lib/store does).
 *
 * Phase 1 is a *bundle*: all its files rendered one after the other into one
 * bounded buffer, in order of importance, so that a full disk can take a
 * prefix. Phase 2 makes a second bundle, the folder native/.
 * Ownership: the bundle owns its bytes; the inputs are borrowed for the call. */
#ifndef LW_DUMP_DUMP_H
#define LW_DUMP_DUMP_H

#include "lib/base/buf.h"
#include "lib/detect/blocking.h"
#include "lib/detect/confirm.h"
#include "lib/dump/manifest.h"
#include "lib/history/history.h"
#include "lib/profile/profile.h"

#define BUNDLE_FILES_MAX MANIFEST_FILES_MAX

struct bundle_file {
    char name[64];
    size_t offset, bytes;
};

struct bundle {
    struct buf bytes;
    struct bundle_file files[BUNDLE_FILES_MAX];
    int n_files;
};

void bundle_init(struct bundle *b, size_t ceiling_bytes);
void bundle_reset(struct bundle *b);
void bundle_free(struct bundle *b);
/* Begins a file: write to &b->bytes, then bundle_end. bundle_end returns 0, or
 * drops the file and returns ERR_LIMIT when it did not fit. */
void bundle_begin(struct bundle *b, const char *name);
int bundle_end(struct bundle *b);
/* Instead of bundle_end: forgets what was written since bundle_begin. */
void bundle_drop(struct bundle *b);

struct dump_input {
    struct manifest *manifest;            /* filled by the caller; files and open_set
                                             are completed here */
    const struct profile *goroutine;      /* from text; NULL: none seen */
    const struct profile *goroutine_base; /* from text; NULL: none */
    const void *heap_gz, *heap_base_gz;   /* Go's own bytes, as they came */
    size_t heap_gz_bytes, heap_base_gz_bytes;
    const struct blocking_pcs *pcs;       /* of this life; NULL: none known */
    const struct confirm_origin *origins; /* as naming.h; NULL: none known */
    const struct history *history;
    int target;
    int64_t t_ms;               /* ring time of the trigger */
    struct profile *scratch[2]; /* for diffs and decoding; contents lost */
};

/* Phase 1, in order: goroutine.diff.pb.gz, summary.txt, heap.diff.pb.gz,
 * goroutine.pb.gz, goroutine.base.pb.gz, heap.pb.gz, heap.base.pb.gz,
 * history.csv. The store renders manifest.json when it writes, since only then
 * is known what fitted. A side that was never seen is an empty profile of the
 * same type. A file that cannot be made is left out and said in the manifest's
 * note. Sets m->culprits when the caller left them empty: from the diff itself;
 * and names them: pattern, advice, the user's line (naming.h).
 * The caller may add files (report.html) and then lists the files again.
 * Returns 0 or the first error (the bundle is still usable). */
int dump_render(const struct dump_input *in, struct bundle *out);

/* Lists the bundle in m->files (name, size, sha256) in place of what was there
 * under that prefix, "" or "native/", and sets m->open_set to the folder whose
 * goroutine.diff.pb.gz to open: native when there is one. */
void dump_list_files(struct manifest *m, const struct bundle *b, const char *prefix);

/* native/: the bodies as they came, as goroutine{,.base,.diff}.pb.gz,
 * goroutineleak.pb.gz and goroutines.txt. */
struct native_input {
    const void *goroutine_gz, *goroutine_base_gz, *leak_gz, *stacks_text;
    size_t goroutine_gz_bytes, goroutine_base_gz_bytes, leak_gz_bytes, stacks_text_bytes;
    struct profile *scratch[3];
};
/* 0 or the first error (the bundle then holds what could be made). */
int dump_render_native(const struct native_input *in, struct bundle *out);

/* summary.txt of a manifest (what a person reads first), width 80. */
void summary_write(const struct manifest *m, struct buf *out);

/* history.csv in the form `replay` reads: t, goroutines, heap_bytes, rss_bytes,
 * limit, uptime and one s_NAME column for each of the most grown stacks (NAME =
 * fingerprint); steps widen so that the file stays below max_bytes. */
void history_csv_write(const struct history *h, int target, int64_t from_ms, int64_t to_ms,
                       size_t max_bytes, struct buf *out);

/* The diff for the log line: its top stacks as .pb.gz in base64, at most
 * max_bytes of base64 (fewer stacks until it fits). Equal stacks of both sides
 * are one here, as pprof -base would have it. The line carries it as the field
 * "diff_base64", beside msg "dump" and the dump's "id". 0 or an error. */
int log_dump_write(const void *diff_gz, size_t n, size_t max_bytes, struct profile *scratch[2],
                   struct buf *out);
/* Finds the last dump (or the last of that id; NULL: any) in log text, JSON or
 * logfmt, also behind the prefixes of container runtimes and inside docker's
 * json-file; lines that are cut or damaged are passed over. Appends its .pb.gz
 * bytes. 0; -ENOENT: none; ERR_CUT: only damaged ones; or what out answers. */
int log_dump_read(struct str log_text, const char *id, struct buf *out, struct errmsg *e);

#endif
