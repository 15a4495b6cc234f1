/* leakwatch diff: what changed between two profiles, dumps or moments. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "cmd/leakwatch/side.h"
#include "lib/profile/diff.h"
#include "lib/view/api.h"
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
    const char *file = heap ? "heap.pb.gz" : "goroutine.pb.gz";
    struct side base = {0}, now = {0};
    struct errmsg e;
    int code;

    if (from == NULL) /* a dump alone: against its own baseline */
        code = side_read(&base, to, heap ? "heap.base.pb.gz" : "goroutine.base.pb.gz", settings,
                         &e);
    else
        code = side_read(&base, from, file, settings, &e);
    if (code == 0)
        code = side_read(&now, to, file, settings, &e);
    code = code ? cmd_fail("%s", e.text) : diff_sides(&now, &base, w);
    side_free(&base);
    side_free(&now);
    return code;
}

/* ---- moments ---- */

/* Which target of the history is meant; -1 after a line. */
static int history_choose(const struct history *h, const char *target)
{
    int n = history_targets(h), i = target ? history_target_find(h, target) : 0;

    if (target ? i >= 0 : n == 1)
        return i;
    if (target)
        (void)cmd_fail("the history has no target '%s'; it has:", target);
    else
        (void)cmd_fail("the history has %d targets; say --target NAME:", n);
    for (i = 0; i < n; i++)
        cmd_warn("  %s", history_target_name(h, i));
    return -1;
}

static int diff_history(const char *from, const char *to, const struct diff_wish *w,
                        const struct settings *settings)
{
    struct side base = {0}, now = {0};
    struct folder f;
    struct errmsg e;
    int target, code = EXIT_BAD, error = folder_open(&f, settings, &e);

    if (error == 0)
        error = folder_history(&f, &e);
    if (error) {
        code = cmd_fail("no agent answers, and %s", e.text);
    } else if ((target = history_choose(f.history, w->target)) >= 0) {
        error = side_moment(&base, from, &f, target, w->class, &e);
        if (error == 0)
            error = side_moment(&now, to, &f, target, w->class, &e);
        code = error ? cmd_fail("%s", e.text) : diff_sides(&now, &base, w);
    }
    side_free(&base);
    side_free(&now);
    folder_close(&f);
    return code;
}

/* One answer of the agent in that form. 0 or a code with a message. */
static int agent_diff(const char *from, const char *to, const struct diff_wish *w,
                      const char *form, const struct settings *settings, struct buf *out,
                      struct errmsg *e)
{
    struct buf path;
    int status = 0, error;

    buf_init(&path, 4096);
    buf_puts(&path, "/api/v1/diff?from=");
    query_put(&path, from);
    buf_puts(&path, "&to=");
    query_put(&path, to);
    buf_printf(&path, "&format=%s&mode=%s&profile=%s&top=%zu", form,
               w->mode == DIFF_DIFF_BASE ? "diff_base" : "base",
               w->class == HISTORY_SITES ? "heap" : "goroutine", w->top);
    if (w->target) {
        buf_puts(&path, "&target=");
        query_put(&path, w->target);
    }
    error = agent_ask(settings, "GET", buf_cstr(&path), STR(""), out, &status, e);
    buf_free(&path);
    if (error == 0 && status != 200) {
        (void)agent_error(out, status, e);
        return ERR_HTTP;
    }
    return error;
}

/* The most any one stack grew, from the JSON, whose stacks come by change. */
static int agent_growth(const char *from, const char *to, const struct diff_wish *w,
                        const struct settings *settings, int64_t *rise, struct errmsg *e)
{
    struct diff_wish all = *w;
    const cJSON *stack;
    struct buf json;
    cJSON *root;
    int error;

    all.top = 100;
    *rise = 0;
    buf_init(&json, API_OUT_MAX);
    error = agent_diff(from, to, &all, "json", settings, &json, e);
    root = error ? NULL : cJSON_ParseWithLength(buf_cstr(&json), json.len);
    cJSON_ArrayForEach(stack, cJSON_GetObjectItemCaseSensitive(root, "stacks"))
    {
        const cJSON *change = cJSON_GetObjectItemCaseSensitive(stack, "change");

        if (cJSON_IsNumber(change) && change->valuedouble > (double)*rise)
            *rise = (int64_t)change->valuedouble;
    }
    cJSON_Delete(root);
    buf_free(&json);
    return error;
}

static int diff_moments(const char *from, const char *to, const struct diff_wish *w,
                        const struct settings *settings)
{
    static const char *const forms[] = {"text", "json", "proto"};
    struct errmsg e;
    struct buf out;
    int64_t rise = 0;
    int error, code;

    if (w->form == FORM_PROTO && w->to == NULL && out_is_terminal())
        return cmd_fail(
            "not writing a binary profile to a terminal; use > FILE or --output FILE");
    buf_init(&out, API_OUT_MAX);
    error = agent_diff(from, to, w, forms[w->form], settings, &out, &e);
    if (error == -ENOENT || error == -ECONNREFUSED) {
        code = diff_history(from, to, w, settings);
    } else {
        if (error == 0)
            error = output_write(w->form == FORM_PROTO ? w->to : NULL, buf_view(&out), &e);
        if (error == 0 && w->fail_on >= 0)
            error = agent_growth(from, to, w, settings, &rise, &e);
        code = error ? cmd_fail("%s", e.text) : EXIT_FINE;
        if (error == 0 && w->fail_on >= 0 && rise > w->fail_on)
            code = EXIT_LEAK;
    }
    buf_free(&out);
    return code;
}

int cmd_diff(int argc, char **argv, char **envp)
{
    struct diff_wish wish = {0};
    struct settings settings;
    const char *from, *to;
    bool from_moment, to_moment;

    if (!wish_read(&wish, &argc, argv) || !cmd_settings(&settings, &argc, argv, envp))
        return EXIT_BAD;
    if (argc < 1 || argc > 2)
        return cmd_fail("diff takes two sides, A and B; try leakwatch diff --help");
    from = argc == 2 ? argv[0] : NULL;
    to = argv[argc - 1];
    from_moment = from && side_kind(from) == SIDE_MOMENT;
    to_moment = side_kind(to) == SIDE_MOMENT;
    if (from == NULL && (to_moment || side_kind(to) == SIDE_FILE))
        return cmd_fail("one side alone can only be a dump, against its own baseline");
    if (from && from_moment != to_moment)
        return cmd_fail("a moment can only be compared with another moment: the history keeps "
                        "visible frames alone, so its stacks and a profile's would not cancel");
    if (to_moment)
        return diff_moments(from, to, &wish, &settings);
    return diff_files(from, to, &wish, &settings);
}
