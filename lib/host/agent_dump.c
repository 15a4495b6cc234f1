#include "lib/host/agent_parts.h"

#include <errno.h>
#include <string.h>

#define LOG_DIFF_MAX (12 * 1024)

static struct dump_job *dump_of(struct agent *a, int target)
{
    return &a->watch.targets[target].dump;
}

/* What phase 1 came to, told to the step function and to who asked. */
static void tell_durable(struct agent *a, int target, int error, const char *why)
{
    struct actions next;

    if (a->on_durable != NULL)
        a->on_durable(a->ctx, dump_of(a, target)->manifest.id, error, why);
    watch_durable(&a->watch, target, error, why, a->io->now(a->io), &next);
    agent_perform(a, &next);
}

static void tell_native(struct agent *a, int target, int error, const char *why)
{
    struct actions next;

    watch_native_done(&a->watch, target, error, why, a->io->now(a->io), &next);
    agent_perform(a, &next);
}

static int submit(struct agent *a, enum job_kind kind, int target)
{
    struct job *j = job_take(a, kind, target);

    return j == NULL ? -EBUSY : job_submit(j, true);
}

static void log_dump(struct agent *a, const struct manifest *m, const char *why);

void agent_dump_begin(struct agent *a, int target)
{
    struct dump_input in;
    const char *why;
    int error;

    if (a->bundle_busy) {
        a->dump_waiting |= 1u << target;
        return;
    }
    bundle_reset(&a->bundle);
    watch_dump_input(&a->watch, target, &in);
    dump_render(&in, &a->bundle); /* what could not be made is in the note */
    dump_list_files(in.manifest, &a->bundle, "");
    a->manifest = *in.manifest;
    error = a->store_open ? submit(a, JOB_DUMP, target) : -EROFS;
    a->bundle_busy = error == 0;
    if (error == 0)
        return;
    why = a->store_open ? err_text(error) : a->store_problem;
    log_dump(a, &a->manifest, why);
    tell_durable(a, target, error, why);
}

void agent_native_begin(struct agent *a, int target)
{
    struct manifest *m = &dump_of(a, target)->manifest;
    struct native_input in;
    int error;

    if (a->bundle_busy) {
        a->native_waiting |= 1u << target;
        return;
    }
    bundle_reset(&a->bundle);
    watch_native_input(&a->watch, target, &in);
    error = dump_render_native(&in, &a->bundle);
    if (a->bundle.n_files > 0) { /* what could be made is worth having */
        dump_list_files(m, &a->bundle, "native/");
        a->manifest = *m;
        error = submit(a, JOB_NATIVE, target);
    }
    a->bundle_busy = error == 0;
    if (error != 0)
        tell_native(a, target, error, err_text(error));
}

void agent_bundle_free(struct agent *a)
{
    a->bundle_busy = false;
    for (int i = 0; i < a->watch.n_targets && !a->bundle_busy; i++) {
        uint32_t bit = 1u << i;

        if (a->dump_waiting & bit) {
            a->dump_waiting &= ~bit;
            agent_dump_begin(a, i);
        } else if (a->native_waiting & bit) {
            a->native_waiting &= ~bit;
            agent_native_begin(a, i);
        }
    }
    if (a->bundle_busy)
        return;
    bundle_free(&a->bundle);
    watch_rest(&a->watch);
}

/* ---- the log line of a dump: everything in it ---- */

static const struct bundle_file *file_of(const struct bundle *b, const char *name)
{
    for (int i = 0; i < b->n_files; i++)
        if (strcmp(b->files[i].name, name) == 0)
            return &b->files[i];
    return NULL;
}

static void log_diff(struct agent *a, const struct manifest *m)
{
    bool heap = m->n_culprits > 0 && strcmp(m->culprits[0].unit, "bytes") == 0;
    const struct bundle_file *f =
        file_of(&a->bundle, heap ? "heap.diff.pb.gz" : "goroutine.diff.pb.gz");
    struct profile *scratch[2] = {&a->watch.scratch[0], &a->watch.scratch[1]};
    char storage[LOG_DIFF_MAX + 1];
    struct buf out;

    buf_fixed(&out, storage, sizeof(storage));
    if (f == NULL || log_dump_write(a->bundle.bytes.p + f->offset, f->bytes, LOG_DIFF_MAX,
                                    scratch, &out) != 0)
        return;
    log_cstr(a->log, "diff_name", f->name);
    log_str(a->log, "diff_base64", buf_view(&out));
}

/* why: it could not be written (NULL: it was), so this line is all there is. */
static void log_dump(struct agent *a, const struct manifest *m, const char *why)
{
    log_begin(a->log, a->io->now(a->io).wall_ms, why ? LOG_ERROR : LOG_WARN,
              why ? "dump failed" : "dump");
    if (why)
        log_cstr(a->log, "why", why);
    log_cstr(a->log, "id", m->id);
    log_cstr(a->log, "target", m->target);
    log_cstr(a->log, "trigger", m->trigger);
    log_cstr(a->log, "reason", m->reason);
    log_i64(a->log, "goroutines", m->goroutines);
    log_i64(a->log, "memory_bytes", m->memory.usage_bytes);
    log_i64(a->log, "limit_bytes", m->memory.limit_bytes);
    if (m->memory.eta_s > 0 || m->verdict.eta_s > 0)
        log_double(a->log, "eta_s", m->memory.eta_s > 0 ? m->memory.eta_s : m->verdict.eta_s);
    if (m->verdict.kind[0] != '\0') {
        log_cstr(a->log, "verdict", m->verdict.kind);
        log_cstr(a->log, "grade", m->verdict.grade);
    }
    if (m->n_culprits > 0)
        watch_log_culprit(a->log, &m->culprits[0]);
    if (a->settings->log_dump)
        log_diff(a, m);
    log_end(a->log);
}

/* ---- results ---- */

void agent_dump_written(struct agent *a, struct job *j)
{
    struct moment now = a->io->now(a->io);
    int target = j->target;

    if (j->result.error != 0) {
        log_dump(a, &a->manifest, j->result.why.text);
        agent_bundle_free(a);
        tell_durable(a, target, j->result.error, j->result.why.text);
        return;
    }
    a->manifest.durable_wall_ms = now.wall_ms;
    a->manifest.durable_boot_ms = now.boot_ms;
    dump_of(a, target)->manifest = a->manifest;
    log_dump(a, &a->manifest, NULL);
    /* The moment it became durable goes into the manifest afterwards: only now
     * is it known. The bundle stays taken until then. */
    if (submit(a, JOB_MANIFEST, target) != 0)
        agent_bundle_free(a);
    tell_durable(a, target, 0, "");
}

void agent_native_written(struct agent *a, struct job *j)
{
    agent_bundle_free(a);
    tell_native(a, j->target, j->result.error, j->result.why.text);
}
