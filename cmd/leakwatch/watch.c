/* leakwatch watch: the agent, what the container runs. It must never keep a pod
 * from starting: what is wrong is said in the log and in status, and it goes on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/leakwatch/cmd.h"
#include "lib/host/agent.h"
#include "lib/host/answer.h"
#include "lib/host/disk_posix.h"
#include "lib/host/host.h"

struct watching {
    struct settings settings;
    struct target_spec targets[SETTINGS_TARGETS_MAX];
    int n_targets;
    struct host host;
    struct disk_posix disk;
    bool disk_open;
    struct agent agent;
    struct answer answer;
    struct server server;
    struct log log;
    char log_line[LOG_LINE_MAX];
    char problems[8][256]; /* bad settings, for status */
    int n_problems;
};

/* One write a line, so that lines of other writers do not come between. */
static void to_stderr(void *ctx, const char *line, size_t n)
{
    ssize_t written = write(STDERR_FILENO, line, n);

    (void)ctx;
    (void)written; /* a closed stderr is no reason to stop */
}

static void note_problem(void *ctx, const char *line)
{
    struct watching *w = ctx;

    if (w->n_problems < (int)(sizeof(w->problems) / sizeof(w->problems[0])))
        str_copy(w->problems[w->n_problems++], sizeof(w->problems[0]), str_of(line));
}

static void log_problems(struct watching *w)
{
    for (int i = 0; i < w->n_problems; i++) {
        log_begin(&w->log, moment_now().wall_ms, LOG_ERROR, "bad setting");
        log_cstr(&w->log, "why", w->problems[i]);
        log_end(&w->log);
    }
}

static bool name_taken(const struct watching *w, const char *name)
{
    for (int i = 0; i < w->n_targets; i++)
        if (strcmp(w->targets[i].name, name) == 0)
            return true;
    return false;
}

/* The targets that can be read; `auto` when none can. */
static void read_targets(struct watching *w)
{
    struct errmsg e;

    for (int i = 0; i < w->settings.n_target; i++) {
        struct target_spec *t = &w->targets[w->n_targets];

        if (target_parse(str_of(w->settings.target[i]), t, &e) != 0) {
            note_problem(w, e.text);
        } else if (name_taken(w, t->name)) {
            err_set(&e, ERR_USAGE,
                    "--target: two targets are called '%s'; name them apart: "
                    "NAME=URL",
                    t->name);
            note_problem(w, e.text);
        } else {
            w->n_targets++;
        }
    }
    if (w->n_targets == 0)
        w->n_targets = target_parse(STR("auto"), &w->targets[0], &e) == 0;
}

static void on_signal(struct host *h, int signum)
{
    struct watching *w = h->ctx;
    char id[DUMP_ID_MAX];

    if (signum == SIGUSR1)
        agent_dump(&w->agent, -1, TRIGGER_SIGNAL, "SIGUSR1", id);
    else if (signum == SIGTERM || signum == SIGINT)
        agent_stop(&w->agent);
}

static void on_stopped(struct agent *a)
{
    struct watching *w = a->ctx;

    server_close(&w->server);
    host_stop(&w->host);
}

/* A door that cannot be opened is reported: it is no reason not to watch. */
static void open_doors(struct watching *w)
{
    server_init(&w->server, &w->host.loop, answer_request, &w->answer);
    for (int kind = 0; kind < DOORS; kind++) {
        struct errmsg e;

        if (kind == DOOR_UNIX && !w->disk_open)
            continue;
        if (server_open(&w->server, &w->settings, (enum door_kind)kind, &e) != 0)
            note_problem(w, e.text);
    }
}

/* A second agent in the directory has its own folder there: its socket too, and
 * what it tells of its dumps. */
static void move_below(struct watching *w)
{
    const char *base = w->agent.store_open ? w->agent.store.base : "";
    char dir[SETTINGS_TEXT_MAX];
    struct buf text;

    if (base[0] == '\0')
        return;
    buf_fixed(&text, dir, sizeof(dir));
    buf_printf(&text, "%s/%s", w->settings.dir, base);
    str_copy(w->settings.dir, sizeof(w->settings.dir), str_of(buf_cstr(&text)));
}

static int start_agent(struct watching *w, struct errmsg *e)
{
    char hostname[DISK_NAME_MAX] = "leakwatch";
    uint8_t boot_id[16];
    int error;

    gethostname(hostname, sizeof(hostname) - 1);
    boot_id_read(boot_id);
    w->disk_open = disk_posix_open(&w->disk, w->settings.dir, true, e) == 0;
    error = agent_open(&w->agent, &w->settings, w->targets, w->n_targets, &w->host.io,
                       w->disk_open ? &w->disk.disk : NULL, hostname, boot_id, &w->log, e);
    if (error == 0) {
        move_below(w);
        w->agent.on_stopped = on_stopped;
        w->agent.ctx = w;
        w->host.on_signal = on_signal;
        w->host.ctx = w;
    }
    return error;
}

static int run(struct watching *w)
{
    struct errmsg e;

    if (host_init(&w->host, &w->settings, w->targets, w->n_targets, &e) != 0)
        return cmd_fail("%s", e.text);
    if (start_agent(w, &e) == 0) {
        if (answer_init(&w->answer, &w->agent, (const char(*)[256])w->problems, 0) == 0)
            open_doors(w);
        w->answer.api.n_settings_problems = w->n_problems;
        log_problems(w);
        log_begin(&w->log, moment_now().wall_ms, LOG_INFO, "watching");
        log_cstr(&w->log, "version", LW_VERSION);
        log_cstr(&w->log, "dir", w->settings.dir);
        log_i64(&w->log, "targets", w->n_targets);
        log_end(&w->log);
        agent_start(&w->agent);
        host_run(&w->host);
        if (w->agent.jobs_active > 0) /* a thread of the pool hangs in the disk */
            _exit(EXIT_FINE);
        agent_close(&w->agent);
        answer_free(&w->answer);
    } else {
        cmd_fail("%s", e.text);
    }
    if (w->disk_open)
        disk_posix_close(&w->disk);
    if (host_fini(&w->host, &e) != 0)
        cmd_warn("%s", e.text);
    return EXIT_FINE;
}

int cmd_watch(int argc, char **argv, char **envp)
{
    struct watching *w = calloc(1, sizeof(*w));
    int n_words = 0, code;

    /* Asked for a dump before there is anything to dump, or left by who read our
     * log, we go on. */
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);

    if (w == NULL)
        return cmd_fail("no memory");
    settings_defaults(&w->settings);
    (void)settings_read(&w->settings, envp, argc, argv, &n_words, note_problem, w);
    (void)cmd_setting_files(&w->settings, note_problem, w);
    for (int i = 0; i < n_words; i++) {
        struct errmsg e;

        err_set(&e, ERR_USAGE, "watch takes no word '%s'; settings begin with --", argv[i]);
        note_problem(w, e.text);
    }
    read_targets(w);
    log_init(&w->log, w->log_line, (enum log_level)w->settings.log_level,
             w->settings.log_format == 0 ? LOG_JSON : LOG_LOGFMT, to_stderr, NULL);
    if (w->settings.strict && w->n_problems > 0) {
        for (int i = 0; i < w->n_problems; i++)
            cmd_warn("%s", w->problems[i]);
        code = EXIT_BAD;
    } else {
        code = run(w);
    }
    free(w);
    return code;
}
