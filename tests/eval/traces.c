/* Traces of Go services, leaking and sound, as `leakwatch replay` reads them.
 *
 *   traces --list                     one class a line: name, leak or ok, group,
 *                                     seconds between samples, hours, sentence
 *   traces --class NAME [--seed N]    one trace, CSV; the same bytes every time
 *
 * Columns: t (s since the first sample; a failed scrape is a missing row),
 * goroutines, heap_bytes (live heap, as of the last collection), rss_bytes,
 * limit, label (1 while a leak is active), s_NAME (goroutines of one stack),
 * uptime (s). A trace ends with the sample at which the kernel kills. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/eval/service.h"

static void list(void)
{
    for (int i = 0; i < class_count; i++) {
        const struct service_class *c = &class_table[i];
        printf("%s\t%s\t%s\t%.0f\t%.0f\t%s\n", c->name, class_leaks(c->group) ? "leak" : "ok",
               class_group_text(c->group), class_step_s(c), class_length_s(c) / 3600, c->what);
    }
}

static void print_head(const struct service_class *c)
{
    printf("t,goroutines,heap_bytes,rss_bytes,limit,label,s_handler,s_worker,s_pool,s_burst,"
           "s_leak");
    for (int i = 2; i <= class_stacks_leaking(c); i++)
        printf(",s_leak%d", i);
    printf("%s,uptime\n", c->subscribers ? ",s_subscriber" : "");
}

static void print_sample(const struct service_class *c, const struct sample *s)
{
    printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d", s->t_s,
           s->goroutines, s->live_bytes, s->resident_bytes, s->limit_bytes, s->leaking);
    printf(",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, s->handlers, s->workers, s->pool,
           s->burst);
    for (int i = 0; i < class_stacks_leaking(c); i++)
        printf(",%" PRId64, s->leaked[i]);
    if (c->subscribers)
        printf(",%" PRId64, s->subscribers);
    printf(",%" PRId64 "\n", s->uptime_s);
}

static int trace(const struct service_class *c, uint64_t seed)
{
    struct service service;
    struct sample sample;
    service_open(&service, c, seed);
    print_head(c);
    while (service_next(&service, &sample))
        if (sample.seen)
            print_sample(c, &sample);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int usage(const char *problem, const char *what)
{
    fprintf(stderr, "traces: %s%s\nusage: traces --list | --class NAME [--seed N]\n", problem,
            what);
    return 2;
}

int main(int argc, char **argv)
{
    const struct service_class *c = NULL;
    uint64_t seed = 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--class") == 0 && !(c = class_find(argv[i + 1])))
            return usage("there is no class ", argv[i + 1]);
        if (strcmp(argv[i], "--seed") == 0 && str_u64(str_of(argv[i + 1]), &seed) != 0)
            return usage("not a number: ", argv[i + 1]);
    }
    if (!c)
        return usage("", "name a class");
    return trace(c, seed);
}
