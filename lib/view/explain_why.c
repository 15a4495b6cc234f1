/* explain's answer: from the rules and the dumps to one or two sentences. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/view/explain_parts.h"

#define HOUR_MS 3600000LL
#define NEAR_MS (5 * 60000LL) /* a dump this close is the moment's */

struct dump_search {
    struct explain *x;
    int64_t life, near_ms, hour_ms;
};

static void dump_copy(struct explain_dump *out, const struct store_dump *d)
{
    str_copy(out->id, sizeof(out->id), str_of(d->id));
    str_copy(out->trigger, sizeof(out->trigger), str_of(d->manifest.trigger));
    str_copy(out->reason, sizeof(out->reason), str_of(d->manifest.reason));
    out->time_wall_ms = d->manifest.time_wall_ms;
}

static int dump_seen(void *ctx, const struct store_dump *d)
{
    struct dump_search *s = ctx;
    struct explain *x = s->x;
    int64_t ago_ms = x->wall_ms - d->manifest.time_wall_ms;

    if (!d->readable || strcmp(d->manifest.target, x->target) != 0)
        return 0;
    if (x->past && x->at.time_wall_ms == 0 && llabs(ago_ms) <= s->near_ms)
        dump_copy(&x->at, d);
    if (ago_ms < 0)
        return 0;
    if (x->before.time_wall_ms == 0 && (int64_t)d->manifest.life == s->life)
        dump_copy(&x->before, d);
    x->dumps_in_hour += ago_ms <= s->hour_ms;
    return 0;
}

static const struct explain_rule *nearest_rule(const struct explain *x)
{
    const struct explain_rule *best = NULL;
    for (int i = 0; i < x->n_rules; i++)
        if (x->rules[i].standing >= RULE_QUIET &&
            (best == NULL || x->rules[i].standing > best->standing ||
             (x->rules[i].standing == best->standing && x->rules[i].nearness > best->nearness)))
            best = &x->rules[i];
    return best;
}

static void why_no_dump(struct explain *x, const struct explain_rule *r)
{
    char ago[MOMENT_TEXT_MAX];
    if (x->rules[0].standing == RULE_WAITING && (r == NULL || r->standing == RULE_QUIET))
        snprintf(x->why, sizeof(x->why), "No dump: %s, and memory calls for none.",
                 x->rules[0].found);
    else if (r == NULL)
        snprintf(x->why, sizeof(x->why), "No dump: there is nothing to judge.");
    else if (r->standing == RULE_QUIET)
        snprintf(x->why, sizeof(x->why),
                 "No dump: nothing fires. The nearest is %s, %.0f %% of "
                 "the way there.",
                 r->name, 100 * r->nearness);
    else if (r->standing == RULE_SUSPECTS)
        snprintf(
            x->why, sizeof(x->why),
            "No dump: %s fires, but is no more than suspect; only likely and confirmed dump.",
            r->name);
    else if (x->before.time_wall_ms == 0)
        snprintf(x->why, sizeof(x->why),
                 "%s fires and there is no dump of this life: see the log and `leakwatch "
                 "status` for why it could not be written.",
                 r->name);
    else
        snprintf(
            x->why, sizeof(x->why),
            "%s fires; its dump is %s (%s, %s before). The next one comes when the culprit "
            "doubles or the limit is an hour away; one in ten minutes for each trigger, "
            "%d in the last hour of at most %d.",
            r->name, x->before.id, x->before.trigger,
            span_text(x->wall_ms - x->before.time_wall_ms, ago), x->dumps_in_hour,
            TRIGGER_HOURLY_MAX);
}

static void explain_why(struct explain *x, const struct history *h, int target)
{
    int64_t oldest_ms = history_oldest(h, target);
    char when[MOMENT_TEXT_MAX];

    if (x->at.time_wall_ms != 0)
        snprintf(x->why, sizeof(x->why), "A dump was taken: %s, %s: %s", x->at.id,
                 x->at.trigger, x->at.reason);
    else if (x->life == 0 && oldest_ms > 0 && x->at_ms < oldest_ms)
        snprintf(x->why, sizeof(x->why),
                 "Nobody knows: the history does not reach back so far, it begins at %s.",
                 moment_rfc3339(history_wall_ms(h, oldest_ms), when));
    else if (x->life == 0)
        snprintf(x->why, sizeof(x->why), "No dump: the target was not seen alive.");
    else
        why_no_dump(x, nearest_rule(x));
}

void explain_answer(struct explain *x, const struct explain_input *in)
{
    int64_t scale = in->settings->time_scale;
    struct dump_search search = {x, x->life, NEAR_MS / scale, HOUR_MS / scale};

    if (in->each_dump)
        (void)in->each_dump(in->ctx, dump_seen, &search);
    explain_why(x, in->history, in->target);
}
