/* leakwatch convert: debug=1 text, or the log of a pod that is gone, into a
 * profile that `go tool pprof` opens. */
#include <string.h>

#include "cmd/leakwatch/cmd.h"
#include "lib/dump/dump.h"

static int convert_log(const char *path, const char *id, const char *to)
{
    struct buf log, profile;
    struct errmsg e;
    int error;

    if (to == NULL && out_is_terminal())
        return cmd_fail("not writing a binary profile to a terminal; use > FILE or -o FILE");
    buf_init(&log, CMD_FILE_BYTES);
    buf_init(&profile, CMD_FILE_BYTES);
    error = input_read(path, &log, &e);
    if (error == 0)
        error = log_dump_read(buf_view(&log), id, &profile, &e);
    if (error == 0)
        error = output_write(to, buf_view(&profile), &e);
    buf_free(&log);
    buf_free(&profile);
    return error ? cmd_fail("%s", e.text) : EXIT_FINE;
}

/* What is whole of a page that was cut is written only when asked for. */
static int convert_file(const char *path, const char *to, bool partial)
{
    struct profile p;
    struct errmsg e;
    int error = profile_init(&p, CMD_PROFILE_BYTES), code = EXIT_FINE;

    if (error)
        return cmd_fail("%s", err_text(error));
    error = profile_read(&p, path, &e);
    if (error)
        code = cmd_fail("%s", e.text);
    if (error == ERR_CUT && p.samples.n && !partial)
        cmd_warn("%zu whole records come before the cut; --partial writes those", p.samples.n);
    if (error == 0 || (error == ERR_CUT && p.samples.n && partial)) {
        int written = profile_write(&p, to);

        code = written ? written : code;
    }
    profile_free(&p);
    return code;
}

int cmd_convert(int argc, char **argv, char **envp)
{
    const char *to = NULL, *log = NULL, *id = NULL;
    bool partial = false;
    const struct cmd_option options[] = {
        {"-o", &to, NULL},
        {"--from-log", &log, NULL},
        {"--id", &id, NULL},
        {"--partial", NULL, &partial},
    };

    (void)envp;
    if (!cmd_options(&argc, argv, options, 4) || !cmd_words(&argc, argv))
        return EXIT_BAD;
    if (to && strcmp(to, "-") == 0)
        to = NULL;
    if (log)
        return argc == 0 ? convert_log(log, id, to)
                         : cmd_fail("--from-log FILE takes no other file");
    if (argc != 1)
        return cmd_fail("convert takes one FILE (- is stdin); try leakwatch convert --help");
    return convert_file(argv[0], to, partial);
}
