#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/leakwatch/cmd.h"
#include "lib/host/file.h"

static void say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void say(const char *fmt, va_list ap)
{
    (void)fputs("leakwatch: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
}

int cmd_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    return EXIT_BAD;
}

void cmd_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

/* The option that arg is; *value points behind "=" where there is one. */
static const struct cmd_option *option_find(const struct cmd_option *options, int n,
                                            const char *arg, const char **value)
{
    for (int i = 0; i < n; i++) {
        size_t length = strlen(options[i].name);

        if (strncmp(arg, options[i].name, length) != 0)
            continue;
        *value = arg[length] == '=' ? arg + length + 1 : NULL;
        if (arg[length] == '\0' || *value)
            return &options[i];
    }
    return NULL;
}

bool cmd_options(int *argc, char **argv, const struct cmd_option *options, int n)
{
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        const struct cmd_option *o = option_find(options, n, argv[i], &value);

        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
        } else if (o == NULL) {
            argv[kept++] = argv[i];
        } else if (o->value == NULL) {
            if (value)
                return cmd_warn("%s takes no value", o->name), false;
            *o->given = true;
        } else {
            if (value == NULL && i + 1 < *argc)
                value = argv[++i];
            if (value == NULL)
                return cmd_warn("%s needs a value", o->name), false;
            *o->value = value;
        }
    }
    *argc = kept;
    return true;
}

static void on_bad_setting(void *ctx, const char *line)
{
    (void)ctx;
    cmd_warn("%s", line);
}

int cmd_setting_files(struct settings *s, void (*on_error)(void *ctx, const char *line),
                      void *ctx)
{
    return settings_include(s, "allow-stack", file_read, on_error, ctx);
}

bool cmd_settings(struct settings *s, int *argc, char **argv, char **envp)
{
    settings_defaults(s);
    int bad = settings_read(s, envp, *argc, argv, argc, on_bad_setting, NULL);
    return bad + cmd_setting_files(s, on_bad_setting, NULL) == 0;
}

bool cmd_words(int *argc, char **argv)
{
    int kept = 0;
    bool words_only = false;

    for (int i = 0; i < *argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else if (!words_only && strncmp(argv[i], "--", 2) == 0) {
            cmd_warn("unknown option %s; try --help", argv[i]);
            return false;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return true;
}

int cmd_choice(const char *option, const char *value, const char *words)
{
    struct str rest = str_of(words), word;

    if (value == NULL)
        return 0;
    for (int i = 0; str_split(&rest, '|', &word); i++)
        if (str_is(word, value))
            return i;
    cmd_warn("%s: '%s' is not one of %s", option, value, words);
    return -1;
}
