/* leakwatch doctor: does everything that watching needs work here, and if not,
 * what to change. Asks each target three cheap questions. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/leakwatch/doctor.h"
#include "cmd/leakwatch/folder.h"
#include "lib/base/json.h"
#include "lib/host/host.h"

static const char *const grade_words[] = {"ok", "warn", "bad"};

void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject,
                const char *advice, const char *fmt, ...)
{
    struct doctor_finding *f = &d->findings[d->n];
    struct buf text;
    va_list ap;

    if (d->n == DOCTOR_FINDINGS_MAX)
        return;
    d->n++;
    f->grade = grade;
    str_copy(f->subject, sizeof(f->subject), str_of(subject));
    str_copy(f->advice, sizeof(f->advice), str_of(advice));
    buf_fixed(&text, f->text, sizeof(f->text));
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    (void)buf_cstr(&text);
}

static void on_bad_setting(void *ctx, const char *line)
{
    doctor_say(ctx, DOCTOR_BAD, "settings",
               "mend it; watch would run on its default (leakwatch help settings)", "%s", line);
}

/* ---- the directory ---- */

/* Whether some agent holds the lock, without ever taking it: an agent that
 * starts at that moment must not find it taken. */
static bool lock_held(const struct folder *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(f->disk.dir_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return held;
}

static void check_agent(struct doctor *d, const struct folder *f)
{
    struct buf answer;
    struct errmsg e;
    int status = 0, error;
    bool held = lock_held(f);

    buf_init(&answer, 4096);
    error = agent_ask(d->settings, "GET", "/healthz", STR(""), &answer, &status, &e);
    buf_free(&answer);
    if (error == 0 && status == 200)
        doctor_say(d, DOCTOR_OK, "agent", "", "an agent answers at %s/leakwatch.sock%s",
                   d->settings->dir, held ? " and holds the lock" : "");
    else if (held)
        doctor_say(d, DOCTOR_WARN, "agent", "look into its log",
                   "the directory is locked by an agent that does not answer on its socket");
    else
        doctor_say(d, DOCTOR_WARN, "agent", "start one: leakwatch watch", "no agent runs on %s",
                   d->settings->dir);
}

static void check_writable(struct doctor *d, struct folder *f)
{
    struct disk *disk = &f->disk.disk;
    static const char probe[] = ".tmp-doctor";
    int handle, error;

    (void)disk->unlink(disk, probe);
    handle = disk->open(disk, probe, DISK_CREATE);
    error = handle < 0 ? handle : disk->write(disk, handle, 0, probe, sizeof(probe));
    if (error == 0)
        error = disk->sync(disk, handle);
    if (handle >= 0)
        (void)disk->close(disk, handle);
    (void)disk->unlink(disk, probe);
    if (error)
        doctor_say(d, DOCTOR_BAD, "directory",
                   "mount a writable volume there, or set --dir (in a pod: fsGroup, and a "
                   "readOnlyRootFilesystem needs an emptyDir)",
                   "%s cannot be written: %s", d->settings->dir, err_text(error));
    else
        doctor_say(d, DOCTOR_OK, "directory", "", "%s can be written", d->settings->dir);
}

static void check_space(struct doctor *d, struct folder *f)
{
    char free_text[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX], used_text[NUMBER_TEXT_MAX];
    struct disk *disk = &f->disk.disk;
    struct disk_space space;
    int64_t used = store_used_bytes(&f->store), wanted;
    int error = disk->space(disk, &space);

    if (error || used < 0) {
        doctor_say(d, DOCTOR_WARN, "space", "", "the room left cannot be read: %s",
                   err_text(error ? error : (int)used));
        return;
    }
    wanted = d->settings->dir_limit > used ? d->settings->dir_limit - used : 0;
    bytes_text(space.free_bytes, free_text);
    bytes_text(d->settings->dir_limit, limit);
    bytes_text(used, used_text);
    if (space.free_bytes < wanted)
        doctor_say(d, DOCTOR_WARN, "space", "free some, or lower --dir-limit",
                   "%s used, %s free on the volume: less than the limit of %s would take",
                   used_text, free_text, limit);
    else
        doctor_say(d, DOCTOR_OK, "space", "", "%s of at most %s used, %s free on the volume",
                   used_text, limit, free_text);
}

static void check_folder(struct doctor *d)
{
    struct folder f;
    struct errmsg e;

    if (folder_open(&f, d->settings, &e)) {
        doctor_say(d, DOCTOR_BAD, "directory", "mount a volume there, or set --dir", "%s",
                   e.text);
    } else {
        check_writable(d, &f);
        check_space(d, &f);
        check_agent(d, &f);
    }
    folder_close(&f);
}

/* ---- telling ---- */

static void tell_text(const struct doctor *d, struct look look, struct buf *out)
{
    static const char *const colours[] = {"32", "33", "31"};

    for (int i = 0; i < d->n; i++) {
        const struct doctor_finding *f = &d->findings[i];

        if (look.colour)
            buf_printf(out, "\033[%sm%-4s\033[0m  ", colours[f->grade], grade_words[f->grade]);
        else
            buf_printf(out, "%-4s  ", grade_words[f->grade]);
        text_put(out, str_of(f->subject), 0, look);
        buf_puts(out, ": ");
        text_put(out, str_of(f->text), 0, look);
        buf_putc(out, '\n');
        if (f->advice[0]) {
            buf_puts(out, "      -> ");
            text_put(out, str_of(f->advice), 0, look);
            buf_putc(out, '\n');
        }
    }
}

static void tell_json(const struct doctor *d, struct buf *out)
{
    struct json j;

    json_init(&j, out);
    json_open(&j);
    json_key(&j, "findings");
    json_open_array(&j);
    for (int i = 0; i < d->n; i++) {
        json_open(&j);
        json_kcstr(&j, "grade", grade_words[d->findings[i].grade]);
        json_kcstr(&j, "subject", d->findings[i].subject);
        json_kcstr(&j, "text", d->findings[i].text);
        json_kcstr(&j, "change", d->findings[i].advice[0] ? d->findings[i].advice : NULL);
        json_close(&j);
    }
    json_close_array(&j);
    json_close(&j);
    buf_putc(out, '\n');
}

static int tell(const struct doctor *d, bool json)
{
    enum doctor_grade worst = DOCTOR_OK;
    struct buf out;
    int code;

    for (int i = 0; i < d->n; i++)
        if (d->findings[i].grade > worst)
            worst = d->findings[i].grade;
    buf_init(&out, 256 * 1024);
    if (json)
        tell_json(d, &out);
    else
        tell_text(d, out_look(), &out);
    code = out_text(&out);
    buf_free(&out);
    return code ? code : (int)worst;
}

int cmd_doctor(int argc, char **argv, char **envp)
{
    const char *form = NULL;
    const struct cmd_option options[] = {{"-o", &form, NULL}};
    struct settings settings;
    struct doctor *d;
    int code, chosen, words = 0;

    if (!cmd_options(&argc, argv, options, 1))
        return EXIT_BAD;
    chosen = cmd_choice("-o", form, "text|json");
    d = chosen < 0 ? NULL : calloc(1, sizeof(*d));
    if (d == NULL)
        return EXIT_BAD;
    d->settings = &settings;
    settings_defaults(&settings);
    (void)settings_read(&settings, envp, argc, argv, &words, on_bad_setting, d);
    (void)cmd_setting_files(&settings, on_bad_setting, d);
    for (int i = 0; i < words; i++)
        doctor_say(d, DOCTOR_BAD, "settings", "settings begin with --", "a stray word '%s'",
                   argv[i]);
    doctor_targets(d);
    check_folder(d);
    code = tell(d, chosen == 1);
    free(d);
    return code;
}
