/* Traces of Go services, leaking and sound, as `leakwatch replay` reads them.
 *
 *   traces --list                     one class a line: name, leak or ok, group,
 *                                     seconds between samples, hours, sentence
 *   traces --class NAME [--seed N] [--stacks N]
 *                                     one trace, CSV; the same bytes every time
 *
 * Columns: t (s since the first sample; a failed scrape is a missing row),
 * goroutines, heap_bytes (live heap, as of the last collection), rss_bytes,
 * limit, label (1 while a leak is active), s_NAME (goroutines of one stack),
 * uptime (s). A trace ends with the sample at which the kernel kills. --stacks
 * spreads the handlers over so many stacks more (s_handler2 …); all else stays. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/eval/service.h"

#define STACKS_MAX 4000

static void list(void)
{
    for (int i = 0; i < class_count; i++) {
        const struct service_class *c = &class_table[i];
        printf("%s\t%s\t%s\t%.0f\t%.0f\t%s\n", c->name, class_leaks(c->group) ? "leak" : "ok",
               class_group_text(c->group), class_step_s(c), class_length_s(c) / 3600, c->what);
    }
}

/* The handlers of one sample, spread over many stacks of Zipf's weights. Its
 * chance is its own, so that the trace is the same however many there are. */
struct spread {
    struct chance chance;
    int stacks; /* beside s_handler */
    double weights;
};

static struct spread spread_of(const char *class, uint64_t seed, int stacks)
{
    struct spread p = {chance_of(class, ~seed), stacks, 0};
    for (int i = 0; i <= stacks; i++)
        p.weights += 1.0 / (i + 1);
    return p;
}

/* Fills counts, of which the first takes what rounding leaves. */
static void spread(struct spread *p, int64_t handlers, int64_t *counts)
{
    int64_t left = handlers;
    for (int i = 1; i <= p->stacks; i++) {
        double mean = (double)handlers / (i + 1) / p->weights;
        double count = mean + sqrt(mean) * chance_gauss(&p->chance) + 0.5;
        counts[i] = (int64_t)fmin(fmax(0, count), (double)left);
        left -= counts[i];
    }
    counts[0] = left;
}

static void print_head(const struct service_class *c, int stacks)
{
    printf("t,goroutines,heap_bytes,rss_bytes,limit,label,s_handler");
    for (int i = 2; i <= stacks + 1; i++)
        printf(",s_handler%d", i);
    printf(",s_worker,s_pool,s_burst,s_leak");
    for (int i = 2; i <= class_stacks_leaking(c); i++)
        printf(",s_leak%d", i);
    printf("%s,uptime\n", c->subscribers ? ",s_subscriber" : "");
}

static void print_sample(const struct service_class *c, const struct sample *s,
                         struct spread *p)
{
    int64_t handlers[STACKS_MAX + 1];
    spread(p, s->handlers, handlers);
    printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d", s->t_s,
           s->goroutines, s->live_bytes, s->resident_bytes, s->limit_bytes, s->leaking);
    for (int i = 0; i <= p->stacks; i++)
        printf(",%" PRId64, handlers[i]);
    printf(",%" PRId64 ",%" PRId64 ",%" PRId64, s->workers, s->pool, s->burst);
    for (int i = 0; i < class_stacks_leaking(c); i++)
        printf(",%" PRId64, s->leaked[i]);
    if (c->subscribers)
        printf(",%" PRId64, s->subscribers);
    printf(",%" PRId64 "\n", s->uptime_s);
}

static int trace(const struct service_class *c, uint64_t seed, int stacks)
{
    struct service service;
    struct sample sample;
    struct spread p = spread_of(c->name, seed, stacks);
    service_open(&service, c, seed);
    print_head(c, stacks);
    while (service_next(&service, &sample))
        if (sample.seen)
            print_sample(c, &sample, &p);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int usage(const char *problem, const char *what)
{
    fprintf(stderr,
            "traces: %s%s\nusage: traces --list | --class NAME [--seed N] [--stacks N]\n",
            problem, what);
    return 2;
}

int main(int argc, char **argv)
{
    const struct service_class *c = NULL;
    uint64_t seed = 0, stacks = 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--class") == 0) {
            if (!(c = class_find(value)))
                return usage("there is no class ", value);
        } else if (strcmp(argv[i], "--seed") == 0) {
            if (str_u64(str_of(value), &seed) != 0)
                return usage("not a seed: ", value);
        } else if (strcmp(argv[i], "--stacks") == 0) {
            if (str_u64(str_of(value), &stacks) != 0 || stacks > STACKS_MAX)
                return usage("not a number of stacks: ", value);
        } else {
            return usage("what is ", argv[i]);
        }
    }
    if (!c)
        return usage("", "name a class");
    return trace(c, seed, (int)stacks);
}
