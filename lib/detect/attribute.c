/* What a leak weighs: memory's floor regressed on the culprits' floor, both as
 * block minima over the time they grew together. */
#include <math.h>

#include "lib/detect/detectors.h"
#include "lib/detect/fit.h"
#include "lib/detect/ratchet.h"

#define BLOCKS 24
#define BLOCK_LEAST_MS (2 * MINUTE_MS)
#define FOLLOWS 0.5 /* least r² that lets memory be called the culprits' */

/* The culprits' floors, summed; false where one was never seen. */
static bool culprits_read(const struct detect_view *v, const struct finding *f, int64_t end_ms,
                          int64_t block_ms, float *sum)
{
    float minima[DETECT_CULPRITS_MAX * BLOCKS];
    uint32_t stacks[DETECT_CULPRITS_MAX];
    for (int i = 0; i < f->n_culprits; i++)
        stacks[i] = f->culprits[i].stack;
    history_minima(v->history, v->target, HISTORY_STACKS, stacks, (size_t)f->n_culprits, end_ms,
                   block_ms, BLOCKS, minima);
    for (int b = 0; b < BLOCKS; b++)
        sum[b] = 0;
    for (int i = 0; i < f->n_culprits; i++) {
        if (!ratchet_fill(&minima[i * BLOCKS], BLOCKS))
            return false;
        for (int b = 0; b < BLOCKS; b++)
            sum[b] += minima[i * BLOCKS + b];
    }
    return true;
}

void culprit_attribute(const struct detect_view *v, int64_t from_ms, struct finding *f)
{
    float counts[BLOCKS], memory[BLOCKS];
    if (f->n_culprits == 0 || f->culprits[0].class != HISTORY_STACKS)
        return;
    if (from_ms < v->life_start_ms)
        from_ms = v->life_start_ms;
    int64_t block_ms = (v->t_ms - from_ms) / BLOCKS,
            least_ms = detect_scaled(v, BLOCK_LEAST_MS);
    block_ms = block_ms > least_ms ? block_ms / least_ms * least_ms : least_ms;
    int64_t end_ms = v->t_ms / block_ms * block_ms;
    window_least(v, HISTORY_MEMORY_BYTES, v->life_start_ms, end_ms,
                 block_ms * (v->time_scale > 1 ? v->time_scale : 1), BLOCKS, memory);
    if (!ratchet_fill(memory, BLOCKS) || !culprits_read(v, f, end_ms, block_ms, counts))
        return;
    struct line_fit line = fit_line(counts, memory, BLOCKS);
    double rise = (double)memory[BLOCKS - 1] - (double)memory[0];
    double climbed = (double)counts[BLOCKS - 1] - (double)counts[0];
    if (line.slope <= 0 || line.r2 < FOLLOWS || rise <= 0 || climbed <= 0)
        return;
    double share = fmin(1, line.slope * climbed / rise), grown = 0;
    for (int i = 0; i < f->n_culprits; i++)
        grown += fmax(0, (double)(f->culprits[i].now - f->culprits[i].before));
    for (int i = 0; i < f->n_culprits && grown > 0; i++) {
        struct culprit *c = &f->culprits[i];
        c->bytes_each = line.slope;
        c->explains = share * fmax(0, (double)(c->now - c->before)) / grown;
    }
}
