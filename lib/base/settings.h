/* The settings: one table row each feeds the parser, --help, the README's
 * table and the chart's schema. Flag --like-this = LEAKWATCH_LIKE_THIS; a flag
 * beats the environment. Pure: argv and the environment are handed in.
 * Ownership: struct settings owns copies of all its strings, in fixed fields. */
#ifndef LW_BASE_SETTINGS_H
#define LW_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define SETTINGS_TARGETS_MAX 16
#define SETTINGS_ALLOW_MAX 64
#define SETTINGS_TEXT_MAX 512

/* SETTING(TYPE(field), "flag-name", "default", min, max, "unit", "sentence")
 * TYPE: TEXT | LIST (repeatable) | COUNT | BYTES | SPAN (ms) | BOOL | CHOICE
 * For CHOICE, "unit" holds the accepted words, "keep|drop", and the field the
 * index of the word. */
struct settings {
#define TEXT(field) char field[SETTINGS_TEXT_MAX];
#define LIST(field, max)                \
    char field[max][SETTINGS_TEXT_MAX]; \
    int n_##field;
#define COUNT(field) int64_t field;
#define BYTES(field) int64_t field;
#define SPAN(field) int64_t field;
#define BOOL(field) bool field;
#define CHOICE(field) int field;
#define SETTING(decl, flag, fallback, min, max, unit, sentence) decl
#include "lib/base/settings.def"
#undef SETTING
#undef TEXT
#undef LIST
#undef COUNT
#undef BYTES
#undef SPAN
#undef BOOL
#undef CHOICE
    uint64_t given; /* bit i: row i was set; else it holds its default */
};

enum setting_type {
    SETTING_TEXT,
    SETTING_LIST,
    SETTING_COUNT,
    SETTING_BYTES,
    SETTING_SPAN,
    SETTING_BOOL,
    SETTING_CHOICE
};

struct setting_row {
    enum setting_type type;
    size_t offset;
    size_t count_offset; /* of LIST: its n_ field */
    int list_max;
    const char *flag;     /* "dir-limit" */
    const char *fallback; /* default, as text */
    int64_t min, max;     /* of COUNT, BYTES, SPAN */
    const char *unit;     /* or the words of a CHOICE */
    const char *sentence;
};

extern const struct setting_row settings_table[];
extern const int settings_count;

/* All defaults. */
void settings_defaults(struct settings *s);

/* Sets one by its flag name; a LIST grows by one, the first value replacing its
 * default. 0, or ERR_USAGE with a line that names the setting, the value and
 * what is accepted; the setting then keeps what it had. */
int settings_set(struct settings *s, const char *flag, const char *value, struct errmsg *e);

/* Every LEAKWATCH_* of the environment (NAME=VALUE, NULL-terminated), then the
 * flags of argv (--flag value, --flag=value; a BOOL without one is true; all after
 * "--" are words). argv starts behind the program's name. An empty environment
 * value counts as unset; one of a LIST may be several, with white space
 * between; flags of a LIST replace the environment's. Words that are no flags
 * are moved to the front of argv, *n_words of them. An unknown or bad one is
 * handed to on_error (which may be NULL) and keeps its default; the number of
 * them is returned. LEAKWATCH_* names that no row has are bad too, except those
 * that Kubernetes makes of a Service named leakwatch (…_SERVICE_HOST, …_PORT). */
int settings_read(struct settings *s, char **environ_list, int argc, char **argv, int *n_words,
                  void (*on_error)(void *ctx, const char *line), void *ctx);

/* Puts the lines of a file in place of each value "file:PATH" or "@PATH" of a
 * LIST: one value a line, # begins a comment. read hands a file over (0 or a
 * negative code; up to the buffer's ceiling of 64 KiB). A file that cannot be
 * read and a bad line are told as above, the line by its number, and left out;
 * the number of them is returned. */
int settings_include(struct settings *s, const char *flag,
                     int (*read_file)(const char *path, struct buf *out),
                     void (*on_error)(void *ctx, const char *line), void *ctx);

/* Whether it was set, by flag, environment or settings_set. */
bool settings_given(const struct settings *s, const char *flag);
/* The word of a CHOICE; empty for any other flag. */
struct str settings_choice(const struct settings *s, const char *flag);
/* What a row accepts, for people: "4Mi to 1Ti", "keep|drop", "true|false". */
void settings_accepted(struct buf *out, const struct setting_row *row);

#define SETTINGS_ENV_MAX 64
/* "LEAKWATCH_DIR_LIMIT" of "dir-limit"; returns out. */
char *settings_env_name(const char *flag, char out[SETTINGS_ENV_MAX]);
void settings_help(struct buf *out);     /* for --help, 80 columns */
void settings_markdown(struct buf *out); /* the README's table */

#endif
