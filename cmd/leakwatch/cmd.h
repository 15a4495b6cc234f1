/* What the subcommands share. Each is one file with one cmd_NAME function and
 * one row in main.c's table; all they say about themselves is in that row.
 *
 * argv of a cmd_NAME holds what follows the command's name; the return value is
 * the exit code. Ownership: commands own what they open; argv is borrowed and
 * its order may change. */
#ifndef LW_CMD_CMD_H
#define LW_CMD_CMD_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/settings.h"
#include "lib/profile/profile.h"
#include "lib/view/format.h"

enum exit_code { EXIT_FINE = 0, EXIT_LEAK = 1, EXIT_BAD = 2 };

#define CMD_FILE_BYTES (256u << 20)    /* ceiling of a file read */
#define CMD_PROFILE_BYTES (512u << 20) /* ceiling of a profile made of it */

struct command {
    const char *name;
    const char *sentence;
    const char *usage;   /* behind the name: "A B [-o text|json|proto]" */
    const char *options; /* lines of --help, or NULL */
    const char *example;
    bool settings; /* --help lists the settings too */
    int (*run)(int argc, char **argv, char **envp);
};

int cmd_watch(int argc, char **argv, char **envp);
int cmd_status(int argc, char **argv, char **envp);
int cmd_dump(int argc, char **argv, char **envp);
int cmd_dumps(int argc, char **argv, char **envp);
int cmd_diff(int argc, char **argv, char **envp);
int cmd_convert(int argc, char **argv, char **envp);
int cmd_explain(int argc, char **argv, char **envp);
int cmd_replay(int argc, char **argv, char **envp);
int cmd_doctor(int argc, char **argv, char **envp);

/* ---- arguments (options.c) ---- */

struct cmd_option {
    const char *name;   /* "--reason" or "-o" */
    const char **value; /* where its value goes, or NULL: */
    bool *given;        /* a flag without one */
};

/* Takes the command's own options out of argv. false, with a line on stderr,
 * when one lacks its value. */
bool cmd_options(int *argc, char **argv, const struct cmd_option *options, int n);
/* Reads the settings out of what is left; argv then holds the words. false,
 * with a line on stderr for each, when a setting is unknown or bad. */
bool cmd_settings(struct settings *s, int *argc, char **argv, char **envp);
/* Reads the files that settings name in place of values (--allow-stack @FILE);
 * each mistake is told. Returns how many. For after settings_read. */
int cmd_setting_files(struct settings *s, void (*on_error)(void *ctx, const char *line),
                      void *ctx);
/* As cmd_settings for commands that need none: anything with "--" is a mistake. */
bool cmd_words(int *argc, char **argv);
/* Which of the words ("text|json") value is; -1, with a line, when none. NULL
 * is the first. */
int cmd_choice(const char *option, const char *value, const char *words);

/* A line on stderr, "leakwatch: …"; returns EXIT_BAD. */
int cmd_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cmd_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- the world (files.c) ---- */

/* Reads a file, or stdin for "-", up to the buffer's ceiling. */
int input_read(const char *path, struct buf *out, struct errmsg *e);
/* The same in pieces, however large; on_bytes stops it with a non-zero value,
 * which is returned and e left as it is. */
int input_stream(const char *path, int (*on_bytes)(void *ctx, const char *bytes, size_t n),
                 void *ctx, struct errmsg *e);
/* Writes a file anew (temporary beside it, then renamed), or stdout for NULL. */
int output_write(const char *path, struct str bytes, struct errmsg *e);
/* Whether stdout is a terminal, and what it shows. */
bool out_is_terminal(void);
struct look out_look(void);
/* Writes the buffer to stdout: EXIT_FINE, or EXIT_BAD with a line. */
int out_text(struct buf *b);

/* 16 bytes that name this boot of the machine; zeros where it has none. */
void boot_id_read(uint8_t out[16]);

/* A profile from debug=1 text or pprof's protobuf, gzipped or not; name is for
 * the messages. On ERR_CUT p holds the whole records before the cut and is
 * marked partial. */
int profile_load(struct profile *p, const char *name, struct str bytes, struct errmsg *e);
int profile_read(struct profile *p, const char *path, struct errmsg *e);
/* Writes .pb.gz to path, or to stdout unless that is a terminal; an exit code. */
int profile_write(const struct profile *p, const char *path);

#endif
