#include "lib/view/status.h"

#include <string.h>

int status_find(const struct status *s, const char *target)
{
    for (int i = 0; i < s->n_targets; i++)
        if (strcmp(s->targets[i].name, target) == 0)
            return i;
    return -1;
}

static int grade_rank(const struct status_target *t)
{
    for (int g = GRADE_CONFIRMED; g > GRADE_NONE && t->verdict.kind[0]; g--)
        if (strcmp(t->verdict.grade, verdict_grade_text((enum verdict_grade)g)) == 0)
            return g;
    return GRADE_NONE;
}

static double eta_of(const struct status_target *t)
{
    double eta_s = t->verdict.eta_s;

    if (t->memory_eta_s > 0 && (eta_s <= 0 || t->memory_eta_s < eta_s))
        eta_s = t->memory_eta_s;
    return eta_s > 0 ? eta_s : 1e18;
}

int status_worst(const struct status *s)
{
    int worst = s->n_targets ? 0 : -1;

    for (int i = 1; i < s->n_targets; i++) {
        int rank = grade_rank(&s->targets[i]), most = grade_rank(&s->targets[worst]);

        if (rank > most ||
            (rank == most && eta_of(&s->targets[i]) < eta_of(&s->targets[worst])))
            worst = i;
    }
    return worst;
}

bool status_leaks(const struct status *s)
{
    for (int i = 0; i < s->n_targets; i++)
        if (grade_rank(&s->targets[i]) >= GRADE_LIKELY)
            return true;
    return false;
}
