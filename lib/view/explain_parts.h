/* Shared by the two makers of an explain; nobody else includes it. */
#ifndef LW_VIEW_EXPLAIN_PARTS_H
#define LW_VIEW_EXPLAIN_PARTS_H

#include "lib/view/explain.h"

/* When the rules are judged: the dumps of the moment, and why. */
void explain_answer(struct explain *x, const struct explain_input *in);

#endif
