/* A moment of the history, as a profile. */
#include <errno.h>
#include <stdlib.h>

#include "lib/view/difftext.h"

static int head_make(struct profile *out, enum history_class class)
{
    bool heap = class == HISTORY_SITES;
    uint32_t type = 0, unit = 0;
    int error = profile_string(out, heap ? STR("inuse_space") : STR("goroutine"), &type);

    if (error == 0)
        error = profile_string(out, heap ? STR("bytes") : STR("count"), &unit);
    out->sample_types[0] = out->period_type = (struct value_type){type, unit};
    out->n_sample_types = 1;
    out->period = 1;
    out->from_text = true; /* visible frames alone, as debug=1 has them */
    return error;
}

static int frame_location(struct profile *out, const struct frame *f, uint32_t *id)
{
    struct function function = {0};
    struct line line = {.line = f->line};
    int error = profile_string(out, f->function, &function.name);

    function.system_name = function.name;
    if (error == 0)
        error = profile_string(out, f->file, &function.file);
    if (error == 0)
        error = profile_function(out, function, &line.function);
    if (error == 0)
        error = profile_location(out, f->address, 0, &line, 1, false, id);
    return error;
}

static int stack_add(struct profile *out, const struct history *h,
                     const struct history_value *value)
{
    static const struct frame other = {.function = {"[other]", 7}, .file = {"", 0}};
    struct frame frames[HISTORY_FRAMES_MAX];
    uint32_t locations[HISTORY_FRAMES_MAX];
    int64_t values[PROFILE_VALUES_MAX] = {value->value};
    size_t n = 0;
    int error = 0;

    if (value->stack != HISTORY_OTHER)
        n = history_frames(h, value->stack, frames, HISTORY_FRAMES_MAX);
    if (n == 0)
        frames[n++] = other;
    for (size_t i = 0; i < n && error == 0; i++)
        error = frame_location(out, &frames[i], &locations[i]);
    return error ? error : profile_sample(out, locations, n, NULL, 0, values);
}

int profile_from_history(struct profile *out, const struct history *h, int target,
                         enum history_class class, int64_t t_ms, int64_t *at_ms)
{
    struct history_usage usage;
    struct history_value *values;
    size_t n, max;
    int error;

    profile_reset(out);
    history_usage(h, target, &usage);
    max = usage.stacks + 1;
    values = malloc(max * sizeof(*values));
    if (values == NULL)
        return -ENOMEM;
    n = history_at(h, target, class, t_ms, values, max, at_ms);
    error = n ? head_make(out, class) : -ENOENT;
    for (size_t i = 0; i < n && error == 0; i++)
        if (values[i].value != 0)
            error = stack_add(out, h, &values[i]);
    if (error == 0)
        out->time_nanos = history_wall_ms(h, *at_ms) * 1000000;
    free(values);
    return error;
}

bool history_moment_sniff(struct str text)
{
    int64_t ms;

    if (str_is(text, "now") || moment_parse(text, &ms) == 0)
        return true;
    return text.n > 1 && text.p[0] == '-' &&
           str_duration((struct str){text.p + 1, text.n - 1}, &ms) == 0;
}

int history_moment(const struct history *h, struct moment now, struct str text, int64_t *t_ms,
                   struct errmsg *e)
{
    int64_t now_ms = history_time(h, now), ms = 0;

    if (str_is(text, "now")) {
        *t_ms = now_ms;
        return 0;
    }
    if (text.n > 1 && text.p[0] == '-' &&
        str_duration((struct str){text.p + 1, text.n - 1}, &ms) == 0) {
        *t_ms = now_ms - ms;
        return 0;
    }
    if (moment_parse(text, &ms) != 0)
        return err_set(e, ERR_USAGE, "'%.*s' is no moment: now, -6h or 2026-03-01T04:05:06Z",
                       (int)(text.n < 60 ? text.n : 60), text.p);
    *t_ms = ms;
    /* Ring time and wall time differ by what the clock was set by. */
    for (int i = 0; i < 2; i++)
        *t_ms += ms - history_wall_ms(h, *t_ms);
    return 0;
}
