/* The environment first, the flags of the command line over it. */
#include <stdio.h>
#include <string.h>

#include "lib/base/settings_row.h"

#define ENV_PREFIX "LEAKWATCH_"

/* One reading: where it writes and whom it tells. */
struct reading {
    struct settings *s;
    void (*on_error)(void *ctx, const char *line);
    void *ctx;
    int n_errors;
    uint64_t from_flags; /* rows a flag has set */
};

static void reading_error(struct reading *r, const struct errmsg *e)
{
    r->n_errors++;
    if (r->on_error)
        r->on_error(r->ctx, e->text);
}

/* Kubernetes puts LEAKWATCH_SERVICE_HOST, LEAKWATCH_PORT_80_TCP and the like
 * into each container of a namespace with a Service of our name. */
static bool is_service_link(struct str name)
{
    return str_contains(name, "_SERVICE_HOST") || str_contains(name, "_SERVICE_PORT") ||
           str_contains(name, "_PORT_") || str_ends(name, "_PORT");
}

static void env_read(struct reading *r, struct str name, struct str value)
{
    struct errmsg e;
    char shown[SETTINGS_ENV_MAX];
    const struct setting_row *row = row_of_env(name);
    (void)str_copy(shown, sizeof shown, name);
    if (!row) {
        if (is_service_link(name))
            return;
        (void)err_set(&e, ERR_USAGE, "%s: no such setting", shown);
        reading_error(r, &e);
        return;
    }
    value = str_trim(value);
    if (row->type != SETTING_LIST) {
        if (value.n && row_set(r->s, row, shown, value, &e))
            reading_error(r, &e);
        return;
    }
    while (value.n) {
        struct str item = {value.p, 0};
        while (item.n < value.n && (unsigned char)item.p[item.n] > ' ')
            item.n++;
        value = str_trim((struct str){value.p + item.n, value.n - item.n});
        if (row_set(r->s, row, shown, item, &e))
            reading_error(r, &e);
    }
}

/* The first flag of a LIST empties what the environment put there. */
static void flag_set(struct reading *r, const struct setting_row *row, struct str value)
{
    struct errmsg e;
    char shown[SETTINGS_ENV_MAX];
    uint64_t given = r->s->given, bit = row_bit(row);
    (void)snprintf(shown, sizeof shown, "--%s", row->flag);
    if (!(r->from_flags & bit))
        r->s->given &= ~bit;
    if (row_set(r->s, row, shown, value, &e)) {
        r->s->given = given;
        reading_error(r, &e);
        return;
    }
    r->from_flags |= bit;
}

/* Reads the flag at word, with next (or NULL) behind it; whether it used next. */
static bool flag_read(struct reading *r, const char *word, const char *next)
{
    struct errmsg e;
    struct str value, flag;
    value = str_of(word + 2);
    (void)str_split(&value, '=', &flag);
    const struct setting_row *row = row_of_flag(flag);
    if (!row) {
        (void)err_set(&e, ERR_USAGE, "%.*s: no such setting",
                      (int)(flag.n < 60 ? flag.n + 2 : 60), word);
        reading_error(r, &e);
        return false;
    }
    if (value.p) {
        flag_set(r, row, value);
        return false;
    }
    if (row->type == SETTING_BOOL) {
        bool said = next && bool_read(str_of(next), &(bool){false}) == 0;
        flag_set(r, row, said ? str_of(next) : STR("true"));
        return said;
    }
    if (!next || str_starts(str_of(next), "--")) {
        (void)err_set(&e, ERR_USAGE, "--%s: needs a value", row->flag);
        reading_error(r, &e);
        return false;
    }
    flag_set(r, row, str_of(next));
    return true;
}

int settings_read(struct settings *s, char **environ_list, int argc, char **argv, int *n_words,
                  void (*on_error)(void *ctx, const char *line), void *ctx)
{
    struct reading r = {.s = s, .on_error = on_error, .ctx = ctx};
    for (; environ_list && *environ_list; environ_list++) {
        struct str value = str_of(*environ_list), name;
        if (str_starts(value, ENV_PREFIX) && str_split(&value, '=', &name) && value.p)
            env_read(&r, name, value);
    }
    int words = 0, i = 0;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!str_starts(str_of(argv[i]), "--"))
            argv[words++] = argv[i];
        else if (flag_read(&r, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
            i++;
    }
    for (i++; i < argc; i++)
        argv[words++] = argv[i];
    *n_words = words;
    return r.n_errors;
}
