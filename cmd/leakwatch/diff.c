/* leakwatch diff: what changed between two profiles, dumps or moments. */
#include <stdlib.h>
#include <string.h>

#include "cmd/leakwatch/side.h"
#include "lib/profile/diff.h"
#include "lib/view/difftext.h"

enum form { FORM_TEXT, FORM_JSON, FORM_PROTO };

struct diff_wish {
    enum form form;
    enum diff_mode mode;
    enum history_class class;
    const char *to;     /* -o proto: FILE of --output, or NULL */
    const char *type;   /* sample type, or NULL */
    const char *target; /* of moments, or NULL */
    const char *profile;
    int64_t fail_on; /* -1: never */
    size_t top;
};

static int diff_proto(const struct side *now, const struct side *base,
                      const struct diff_wish *w)
{
    struct profile out;
    struct errmsg e;
    int code = EXIT_BAD;
    int error = profile_init(&out, CMD_PROFILE_BYTES);

    if (error)
        return cmd_fail("%s", err_text(error));
    error = profile_diff(&out, &now->profile, &base->profile, w->mode, &e);
    code = error ? cmd_fail("%s", e.text) : profile_write(&out, w->to);
    profile_free(&out);
    return code;
}

static int diff_shown(const struct diff_view *v, const struct diff_wish *w)
{
    struct buf out;
    int error, code;

    buf_init(&out, CMD_FILE_BYTES);
    error = w->form == FORM_JSON ? diff_json(v, &out) : diff_text(v, &out);
    code = error ? cmd_fail("%s", err_text(error)) : out_text(&out);
    buf_free(&out);
    return code;
}

/* Text and protobuf of one moment name runtime frames and generics differently,
 * so their stacks would not cancel. */
static int diff_check(const struct side *now, const struct side *base,
                      const struct diff_wish *w, int *value)
{
    if (now->profile.from_text != base->profile.from_text && base->profile.samples.n &&
        now->profile.samples.n)
        return cmd_fail("%s and %s cannot be compared: one is debug=1 text, the other Go's "
                        "protobuf, and only the latter has runtime frames and full generic "
                        "names, so equal stacks would not cancel; take both sides alike",
                        base->name, now->name);
    *value = profile_value_index(&now->profile, w->type);
    if (*value < 0)
        return cmd_fail("%s has no sample type '%s'", now->name, w->type ? w->type : "");
    return EXIT_FINE;
}

static int diff_sides(const struct side *now, const struct side *base,
                      const struct diff_wish *w)
{
    struct diff_view v = {
        .now = &now->profile,
        .base = &base->profile,
        .now_name = now->name,
        .base_name = base->name,
        .functions_max = w->top,
        .stacks_max = w->top,
    };
    int64_t rise = 0;
    int error, code = diff_check(now, base, w, &v.value);

    if (code == EXIT_FINE)
        code = w->form == FORM_PROTO ? diff_proto(now, base, w) : diff_shown(&v, w);
    if (code != EXIT_FINE || w->fail_on < 0)
        return code;
    error = diff_growth(&v, &rise);
    if (error)
        return cmd_fail("%s", err_text(error));
    return rise > w->fail_on ? EXIT_LEAK : EXIT_FINE;
}

/* The word "base" or "diff_base" of --mode, or the flags pprof's users know. */
static bool wish_mode(struct diff_wish *w, const char *mode, bool base, bool diff_base)
{
    int chosen = cmd_choice("--mode", mode, "base|diff_base|diff-base");

    if (chosen < 0)
        return false;
    if (base && (diff_base || chosen > 0)) {
        cmd_warn("--base and --diff-base exclude each other");
        return false;
    }
    w->mode = diff_base || chosen > 0 ? DIFF_DIFF_BASE : DIFF_BASE;
    return true;
}

static bool wish_number(const char *option, const char *text, int64_t *out)
{
    if (text == NULL || (str_i64(str_of(text), out) == 0 && *out >= 0))
        return true;
    cmd_warn("%s: '%s' is not a whole number of 0 or more", option, text);
    return false;
}

/* Takes the options; false after a line on stderr. */
static bool wish_read(struct diff_wish *w, int *argc, char **argv)
{
    const char *form = NULL, *mode = NULL, *fail = NULL, *top = NULL;
    bool base = false, diff_base = false;
    int64_t n_top = 10;
    const struct cmd_option options[] = {
        {"-o", &form, NULL},
        {"--output", &w->to, NULL},
        {"--mode", &mode, NULL},
        {"--base", NULL, &base},
        {"--diff-base", NULL, &diff_base},
        {"--diff_base", NULL, &diff_base},
        {"--fail-on-growth", &fail, NULL},
        {"--top", &top, NULL},
        {"--type", &w->type, NULL},
        {"--target", &w->target, NULL},
        {"--profile", &w->profile, NULL},
    };
    int chosen;

    w->fail_on = -1;
    if (!cmd_options(argc, argv, options, sizeof(options) / sizeof(options[0])))
        return false;
    if (form && strcmp(form, "html") == 0) {
        cmd_warn("-o html comes with the report page; there are text, json and proto");
        return false;
    }
    chosen = cmd_choice("-o", form, "text|json|proto");
    if (chosen < 0 || !wish_mode(w, mode, base, diff_base) ||
        !wish_number("--fail-on-growth", fail, &w->fail_on) ||
        !wish_number("--top", top, &n_top))
        return false;
    w->form = (enum form)chosen;
    w->top = (size_t)n_top;
    chosen = cmd_choice("--profile", w->profile, "goroutine|heap");
    w->class = chosen == 1 ? HISTORY_SITES : HISTORY_STACKS;
    return chosen >= 0;
}

static int diff_files(const char *from, const char *to, const struct diff_wish *w,
                      const struct settings *settings)
{
    bool heap = w->class == HISTORY_SITES;
    struct side base, now;
    struct errmsg e;
    int code;

    memset(&base, 0, sizeof(base));
    memset(&now, 0, sizeof(now));
    if (side_read(&base, from, heap ? "heap.pb.gz" : "goroutine.pb.gz", settings, &e) ||
        side_read(&now, to, heap ? "heap.pb.gz" : "goroutine.pb.gz", settings, &e))
        code = cmd_fail("%s", e.text);
    else
        code = diff_sides(&now, &base, w);
    side_free(&base);
    side_free(&now);
    return code;
}

int cmd_diff(int argc, char **argv, char **envp)
{
    struct diff_wish wish = {0};
    struct settings settings;

    if (!wish_read(&wish, &argc, argv) || !cmd_settings(&settings, &argc, argv, envp))
        return EXIT_BAD;
    if (argc != 2)
        return cmd_fail("diff takes two sides, A and B; try leakwatch diff --help");
    return diff_files(argv[0], argv[1], &wish, &settings);
}
