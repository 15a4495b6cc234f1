/* What the server's doors answer: lib/view's API over the running agent.
 * Ownership: the agent and the problems are borrowed; answer_free frees the
 * scratch. */
#ifndef LW_HOST_ANSWER_H
#define LW_HOST_ANSWER_H

#include "lib/host/agent.h"
#include "lib/host/server.h"
#include "lib/view/api.h"

struct answer {
    struct agent *agent;
    struct api api;
};

/* 0 or -ENOMEM. problems: bad settings, one line each. */
int answer_init(struct answer *a, struct agent *agent, const char (*problems)[256],
                int n_problems);
void answer_free(struct answer *a);

/* The server's handle; ctx is the struct answer. */
void answer_request(void *ctx, const struct request *r, struct response *out);

#endif
