/* doctor's part about the targets: reach pprof, see memory and limit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/leakwatch/doctor.h"
#include "lib/host/host.h"
#include "lib/profile/text.h"

#define PAGE_BYTES (16u << 20)
#define CANDIDATES 32

/* One request, waited for. */
struct asking {
    struct host *host;
    struct fetch fetch;
    struct fetch_result result;
    struct buf body;
};

static int on_body(struct fetch *f, const void *bytes, size_t n)
{
    struct asking *a = f->ctx;

    buf_put(&a->body, bytes, n);
    return buf_status(&a->body);
}

static void on_done(struct fetch *f, const struct fetch_result *r)
{
    struct asking *a = f->ctx;

    a->result = *r;
    host_stop(a->host);
}

/* 0, or an error that result.why explains. */
static int ask(struct asking *a, int target, const char *path)
{
    const struct settings *s = a->host->settings;
    int error;

    buf_reset(&a->body);
    a->result = (struct fetch_result){0};
    a->fetch = (struct fetch){
        .target = target,
        .deadline_ms = s->fetch_timeout,
        .limit_bytes = s->fetch_limit,
        .on_body = on_body,
        .on_done = on_done,
        .ctx = a,
    };
    str_copy(a->fetch.path, sizeof(a->fetch.path), str_of(path));
    error = a->host->io.fetch(&a->host->io, &a->fetch);
    if (error)
        return err_set(&a->result.why, error, "%s", err_text(error));
    host_run(a->host);
    return a->result.error;
}

static const char *advice_for(const struct fetch_result *r)
{
    if (r->refused)
        return "nobody listens there: is the service up, and net/http/pprof imported and "
               "served?";
    if (r->status == 401 || r->status == 403)
        return "credentials are wanted: --target-bearer-file, --target-basic-file or "
               "--target-header-file";
    switch (r->error) {
    case -EPROTO:
        return "https: --target-ca-file names who signed its certificate, --target-cert-file "
               "and --target-key-file are ours; --target-insecure does without, in the pod";
    case ERR_TIMEOUT: return "is the address right, and the service not stuck? --fetch-timeout";
    case ERR_HTTP:
    case ERR_WRONG_PATH: return "give the whole URL up to /debug/pprof/";
    case ERR_NOT_PPROF: return "this port serves something else; name pprof's";
    default: return "check the URL of --target";
    }
}

/* What the pages tell of the Go version; pprof itself never says it. */
static void say_version(struct doctor *d, const char *subject, const struct pprof_index *index)
{
    doctor_say(
        d, DOCTOR_OK, subject, "", "pprof does not tell the Go version; goroutineleak is %s",
        index->has_goroutineleak ? "served: Go 1.26 with its experiment, or 1.27 and later"
                                 : "not served: before Go 1.27, or switched off");
}

static void check_page(struct doctor *d, struct asking *a, int target, const char *subject)
{
    struct text_parser *parser = NULL;
    struct text_result result;
    struct profile page;
    int error;

    if (ask(a, target, "goroutine?debug=1")) {
        doctor_say(d, DOCTOR_BAD, subject, advice_for(&a->result), "goroutine?debug=1: %s",
                   a->result.why.text);
        return;
    }
    if (profile_init(&page, CMD_PROFILE_BYTES))
        return;
    error = text_new(&parser, &page, (struct text_options){0});
    if (error == 0) {
        (void)text_feed(parser, a->body.p, a->body.len);
        error = text_end(parser, &result);
        text_free(&parser);
    }
    if (error)
        doctor_say(d, DOCTOR_BAD, subject, "report this page as a bug of leakwatch",
                   "goroutine?debug=1 cannot be read: %s", result.error.text);
    else
        doctor_say(d, DOCTOR_OK, subject, "",
                   "goroutine?debug=1: %lld goroutines in %llu stacks, %zu bytes, %lld ms",
                   (long long)result.total, (unsigned long long)result.records, a->body.len,
                   (long long)a->result.latency_ms);
    profile_free(&page);
}

static bool check_index(struct doctor *d, struct asking *a, int target, const char *subject,
                        bool quiet)
{
    struct pprof_index index;
    int error = ask(a, target, "");

    if (error == 0) {
        error = index_parse(buf_view(&a->body), &index);
        if (error && str_starts(str_of(a->result.content_type), "text/html"))
            error = ERR_WRONG_PATH;
        if (error)
            (void)err_set(&a->result.why, a->result.error = error, "%s", err_text(error));
    }
    if (a->result.status == 404 && ask(a, target, "goroutine?debug=1") == 0) {
        doctor_say(d, DOCTOR_OK, subject, "", "pprof answers in %lld ms, without its index",
                   (long long)a->result.latency_ms);
        return true;
    }
    if (error) {
        if (!quiet)
            doctor_say(d, DOCTOR_BAD, subject, advice_for(&a->result), "no pprof: %s",
                       a->result.why.text);
        return false;
    }
    doctor_say(d, DOCTOR_OK, subject, "", "pprof answers in %lld ms, %lld goroutines",
               (long long)a->result.latency_ms, (long long)index.goroutines);
    say_version(d, subject, &index);
    return true;
}

/* `auto`: the first candidate that answers. */
static bool find_target(struct doctor *d, struct asking *a, int target,
                        const struct target_spec *spec)
{
    struct io *io = &a->host->io;
    struct candidate candidates[CANDIDATES];
    size_t n = io->discover(io, spec->kind == TARGET_AUTO_ALL, candidates, CANDIDATES);

    for (size_t i = 0; i < n; i++) {
        io->retarget(io, target, candidates[i].origin);
        if (check_index(d, a, target, spec->name, true)) {
            doctor_say(d, DOCTOR_OK, spec->name, "", "found at %s", candidates[i].origin);
            return true;
        }
    }
    doctor_say(d, DOCTOR_BAD, spec->name,
               "serve net/http/pprof on a port of this pod and name it with --target, or try "
               "--target auto-all",
               "none of %zu listening ports of this network answers as pprof", n);
    return false;
}

static void check_memory(struct doctor *d, struct asking *a, int target, const char *subject)
{
    char usage[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX];
    struct io *io = &a->host->io;
    struct memory_sample sample = {.usage_bytes = -1};
    int64_t limit_bytes;
    int error;

    io->locate(io, target);
    error = io->sample(io, target, &sample);
    limit_bytes = !error && sample.limit_bytes ? sample.limit_bytes : io->limit(io, target);
    if (error || sample.usage_bytes < 0)
        doctor_say(
            d, DOCTOR_WARN, subject,
            "shareProcessNamespace: true in the pod lets leakwatch see the process and "
            "its cgroup",
            "memory: no process is visible, so it is read from the target itself by %s; %s",
            memory_tier_text(MEMORY_MEMSTATS), memory_tier_fastest_blowup(MEMORY_MEMSTATS));
    else
        doctor_say(d, DOCTOR_OK, subject, "", "memory: %s by %s; %s",
                   bytes_text(sample.usage_bytes, usage), memory_tier_text(sample.tier),
                   memory_tier_fastest_blowup(sample.tier));
    if (limit_bytes > 0)
        doctor_say(d, DOCTOR_OK, subject, "", "memory limit: %s",
                   bytes_text(limit_bytes, limit));
    else
        doctor_say(d, DOCTOR_WARN, subject,
                   "set a memory limit on the container, or LEAKWATCH_MEMORY_LIMIT",
                   "memory limit: unknown, so there are no forecasts");
}

static void check_target(struct doctor *d, struct asking *a, int target,
                         const struct target_spec *spec)
{
    bool found = spec->kind == TARGET_URL ? check_index(d, a, target, spec->name, false)
                                          : find_target(d, a, target, spec);

    if (found)
        check_page(d, a, target, spec->name);
    if (found || spec->kind == TARGET_URL)
        check_memory(d, a, target, spec->name);
}

void doctor_targets(struct doctor *d)
{
    struct target_spec specs[SETTINGS_TARGETS_MAX];
    struct host *host = calloc(1, sizeof(*host));
    struct asking a = {.host = host};
    struct errmsg e;
    int n = 0;

    for (int i = 0; i < d->settings->n_target; i++) {
        if (target_parse(str_of(d->settings->target[i]), &specs[n], &e) == 0)
            n++;
        else
            doctor_say(d, DOCTOR_BAD, "settings", "mend it", "%s", e.text);
    }
    if (host == NULL || host_init(host, d->settings, specs, n, &e)) {
        doctor_say(d, DOCTOR_BAD, "targets", "", "cannot ask: %s",
                   host ? e.text : err_text(-ENOMEM));
        free(host);
        return;
    }
    buf_init(&a.body, PAGE_BYTES);
    for (int i = 0; i < n; i++)
        check_target(d, &a, i, &specs[i]);
    buf_free(&a.body);
    if (host_fini(host, &e) == 0)
        free(host);
}
