/* Three days of a service with sixty stacks, sampled every ten seconds, through
 * the history and the detectors; and the same without the detectors. */
#include <time.h>

#include "tests/unit/detect/feed.h"

#define STACKS 60
#define RUN_MS (72 * HOUR_MS)

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two in three stacks stand still, the others swing; one leaks. */
static double run(bool detect, int *raised)
{
    static char names[STACKS][32];
    struct feed f;
    struct staircase s = {.seed = 3, .per_hour = 20, .every_ms = 10 * MINUTE_MS};
    if (feed_open(&f, ORIGIN_MS) != 0)
        exit(2);
    for (f.n = 0; f.n < STACKS; f.n++) {
        snprintf(names[f.n], sizeof(names[f.n]), "main.stack%zu", f.n);
        f.names[f.n] = names[f.n];
    }
    if (!detect)
        f.view.life_start_ms = INT64_MAX / 2; /* in its grace for ever */
    *raised = 0;
    double start = seconds_now();
    for (int64_t t_ms = 0; t_ms < RUN_MS; t_ms += 10000) {
        int64_t counts[STACKS];
        for (int i = 0; i < STACKS; i++)
            counts[i] = 20 + 3 * i + (i % 3 ? 0 : (int64_t)(40 * staircase_noise(&s)));
        int64_t base;
        staircase_at(&s, t_ms, &base, &counts[STACKS - 1]);
        *raised += feed_step(&f, ORIGIN_MS + t_ms, counts) == DETECT_RAISED;
    }
    double took = seconds_now() - start;
    feed_close(&f);
    return took;
}

int main(void)
{
    int raised;
    double all = run(true, &raised);
    double push = run(false, &(int){0});
    printf("72 h at 10 s, %d stacks: %.3f s, of which detectors %.3f s; %d verdict(s)\n",
           STACKS, all, all - push, raised);
    return raised == 1 ? 0 : 1;
}
