/* The heap sites behind a climb of live heap. */
#include "lib/detect/detectors.h"

#define SHARE_LEAST 0.02 /* of the growth; what is below is noise of the sampling */

void culprit_sites(const struct detect_view *v, int64_t from_ms, struct finding *out)
{
    struct history_growth grown[DETECT_CANDIDATES_MAX];
    size_t n = history_grown(v->history, v->target, HISTORY_SITES, from_ms, v->t_ms, 1, grown,
                             DETECT_CANDIDATES_MAX);
    double all = 0, hours = (double)(v->t_ms - from_ms) / (double)HOUR_MS;

    for (size_t i = 0; i < n; i++)
        all += (double)(grown[i].now - grown[i].before);
    for (size_t i = 0; i < n && out->n_culprits < DETECT_CULPRITS_MAX; i++) {
        double rise = (double)(grown[i].now - grown[i].before);
        if (grown[i].stack == HISTORY_OTHER || rise < SHARE_LEAST * all)
            continue;
        out->culprits[out->n_culprits++] = (struct culprit){
            .class = HISTORY_SITES,
            .stack = grown[i].stack,
            .before = grown[i].before,
            .now = grown[i].now,
            .per_hour = rise / hours,
            .share = rise / all,
        };
    }
}
