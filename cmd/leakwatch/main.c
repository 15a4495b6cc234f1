/* The leakwatch command: a table of subcommands. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <zlib.h>

#include "cmd/leakwatch/cmd.h"

static const struct command commands[] = {
    {
        .name = "watch",
        .sentence = "the agent: watch Go services and dump before the OOM kill",
        .usage = "[--target [NAME=]URL]... [SETTING...]",
        .example = "leakwatch watch --target http://127.0.0.1:6060 --dir /leakwatch",
        .settings = true,
        .run = cmd_watch,
    },
    {
        .name = "status",
        .sentence = "what stands now; exit 1 when a leak is there",
        .usage = "[--target NAME] [-o text|json] [--dir DIR]",
        .options = "Asks the agent of --dir, and reads its files when none answers.\n\n"
                   "  --target NAME     one of several targets\n"
                   "  -o text|json\n"
                   "  --dir DIR         the agent's directory (/leakwatch)\n",
        .example = "leakwatch status --dir /leakwatch",
        .run = cmd_status,
    },
    {
        .name = "explain",
        .sentence = "why there is or is not a dump: every rule, and how far it is",
        .usage = "[--at MOMENT] [--all] [--target NAME] [-o text|json] [--dir DIR]",
        .options = "  --at MOMENT       of the past: -2h, 2026-03-01T04:05:06Z (now)\n"
                   "  --all             every comparison, not only the nearest of each rule\n"
                   "  --target NAME     one of several targets\n"
                   "  -o text|json\n"
                   "  --dir DIR         the agent's directory (/leakwatch)\n",
        .example = "leakwatch explain --at -2h",
        .run = cmd_explain,
    },
    {
        .name = "dump",
        .sentence = "take a dump now, wait until it is on disk, print its folder",
        .usage = "[--reason TEXT] [--target NAME] [-o text|json] [--dir DIR]",
        .options = "  --reason TEXT     goes into the manifest\n"
                   "  --target NAME     one of several targets\n"
                   "  -o text|json\n"
                   "  --dir DIR         the agent's directory (/leakwatch)\n",
        .example = "leakwatch dump --reason 'before the rollout'",
        .run = cmd_dump,
    },
    {
        .name = "dumps",
        .sentence = "list, show and remove dumps",
        .usage = "[list | show ID | rm ID...] [--target NAME] [-o text|json] [--dir DIR]",
        .options = "ID: a dump's id, the beginning of one, or latest.\n\n"
                   "  --target NAME     list those of one target\n"
                   "  -o text|json\n"
                   "  --dir DIR         the agent's directory (/leakwatch)\n",
        .example = "leakwatch dumps show latest",
        .run = cmd_dumps,
    },
    {
        .name = "diff",
        .sentence = "what changed between two profiles, dumps or moments",
        .usage = "A B [-o text|json|proto] [OPTION...]",
        .options =
            "A, B: debug=1 text or pprof files (gzipped too, - is stdin); dumps by folder, id "
            "or\n"
            "latest; or moments of the history: now, -6h, 2026-03-01T04:05:06Z. A dump alone "
            "is\n"
            "compared with its own baseline.\n\n"
            "  -o text|json|proto      proto is a .pb.gz for go tool pprof\n"
            "  --output FILE           where -o proto goes, instead of stdout\n"
            "  --mode base|diff_base   as go tool pprof's -base (equal stacks subtracted) or\n"
            "                          -diff_base (both sides kept); also --base, --diff-base\n"
            "  --fail-on-growth N      exit 1 when a stack grew by more than N\n"
            "  --profile goroutine|heap  which of a dump or of the history\n"
            "  --target NAME           whose history, where there are several targets\n"
            "  --type NAME             sample type, e.g. alloc_space; else goroutines or\n"
            "                          bytes in use\n"
            "  --top N                 how many functions and stacks to list (10)\n",
        .example = "leakwatch diff monday.txt tuesday.txt",
        .run = cmd_diff,
    },
    {
        .name = "convert",
        .sentence = "debug=1 text to a profile for go tool pprof, with names",
        .usage = "FILE [-o OUT] [--partial] | --from-log FILE [--id ID] [-o OUT]",
        .options =
            "FILE may be gzipped; - is stdin.\n\n"
            "  -o OUT            the profile's file, instead of stdout\n"
            "  --partial         of a page that was cut, write the whole records (the exit\n"
            "                    code stays 2)\n"
            "  --from-log FILE   the diff that the agent logged with its last dump, for\n"
            "                    when pod and volume are gone (- is stdin)\n"
            "  --id ID           of that dump instead of the last\n",
        .example = "leakwatch convert goroutines.txt > goroutines.pb.gz",
        .run = cmd_convert,
    },
    {
        .name = "replay",
        .sentence = "the detectors over a recorded series: what they would have said",
        .usage = "FILE [SETTING...]",
        .options =
            "FILE is CSV with a header (- is stdin), columns found by name: t (seconds),\n"
            "goroutines, heap_bytes (live heap), rss_bytes, limit, uptime, and s_NAME, the\n"
            "goroutines of stack NAME. Others are ignored; an empty field or a missing row is\n"
            "a missed scrape. A dump's history.csv is such a file.\n\n"
            "Writes a JSON object a line: verdict (when raised, and each hour while it\n"
            "stands), dump (when one would have been taken), clear.\n",
        .example = "leakwatch replay history.csv",
        .settings = true,
        .run = cmd_replay,
    },
    {
        .name = "doctor",
        .sentence = "does everything that watching needs work here; what to change",
        .usage = "[--target [NAME=]URL]... [-o text|json] [SETTING...]",
        .options =
            "Exit codes: 0 all well, 1 it works but something is to be changed, 2 it does\n"
            "not.\n",
        .example = "leakwatch doctor --target http://127.0.0.1:6060",
        .settings = true,
        .run = cmd_doctor,
    },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void help_all(struct buf *out)
{
    buf_puts(out, "leakwatch watches a Go program through pprof and has the evidence of a\n"
                  "leak on disk before the OOM kill.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        buf_printf(out, "  %-8s %s\n           $ %s\n", commands[i].name, commands[i].sentence,
                   commands[i].example);
    buf_puts(out,
             "\nleakwatch COMMAND --help tells more of one; leakwatch help settings lists\n"
             "the settings; leakwatch --version the versions.\n"
             "Exit codes: 0 fine, 1 a leak is there, 2 wrong usage or a failure.\n");
}

static void help_one(const struct command *c, struct buf *out)
{
    buf_printf(out, "%s\n\nUsage: leakwatch %s %s\n", c->sentence, c->name, c->usage);
    if (c->options)
        buf_printf(out, "\n%s", c->options);
    buf_printf(out, "\nExample:\n  $ %s\n", c->example);
    if (c->settings) {
        buf_puts(out, "\nSettings (each also from the environment):\n");
        settings_help(out);
    }
}

static void version(struct buf *out)
{
    buf_printf(out, "leakwatch %s\nlibuv %s\nlibcurl %s\nzlib %s\ncJSON %s\nlibmicrohttpd %s\n",
               LW_VERSION, uv_version_string(), curl_version(), zlibVersion(), cJSON_Version(),
               MHD_get_version());
}

/* Words that people type for a command that is there. */
static int unknown(const char *word)
{
    const struct command *near = NULL;

    for (size_t i = 0; i < COMMANDS && near == NULL; i++)
        if (strncmp(commands[i].name, word, 3) == 0)
            near = &commands[i];
    if (near)
        return cmd_fail("there is no command '%s'; did you mean '%s'?", word, near->name);
    (void)cmd_fail("there is no command '%s'; there are:", word);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(stderr, "  %-8s %s\n", commands[i].name, commands[i].sentence);
    return EXIT_BAD;
}

static int help(int argc, char **argv, struct buf *out)
{
    const struct command *c;

    if (argc == 0) {
        help_all(out);
        return EXIT_FINE;
    }
    if (strcmp(argv[0], "settings") == 0) {
        if (argc > 1 && strcmp(argv[1], "--markdown") == 0)
            settings_markdown(out);
        else
            settings_help(out);
        return EXIT_FINE;
    }
    c = command_find(argv[0]);
    if (c == NULL)
        return unknown(argv[0]);
    help_one(c, out);
    return EXIT_FINE;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

int main(int argc, char **argv, char **envp)
{
    const struct command *c = NULL;
    struct buf out;
    int code = EXIT_FINE;

    if (argc > 1)
        c = command_find(argv[1]);
    if (c && !wants_help(argc - 2, argv + 2))
        return c->run(argc - 2, argv + 2, envp);

    buf_init(&out, 1u << 20);
    if (c)
        help_one(c, &out);
    else if (argc < 2)
        help_all(&out);
    else if (is_one_of(argv[1], "--version", "-V", "version"))
        version(&out);
    else if (is_one_of(argv[1], "help", "--help", "-h"))
        code = help(argc - 2, argv + 2, &out);
    else
        code = unknown(argv[1]);
    if (out_text(&out) != EXIT_FINE || argc < 2)
        code = EXIT_BAD;
    buf_free(&out);
    return code;
}
