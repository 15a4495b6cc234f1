/* What doctor found: shared by its two files. Ownership: plain values. */
#ifndef LW_CMD_DOCTOR_H
#define LW_CMD_DOCTOR_H

#include "cmd/leakwatch/cmd.h"

#define DOCTOR_FINDINGS_MAX 128

/* The exit codes: all well; works, but something is to be changed; does not. */
enum doctor_grade { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor_finding {
    enum doctor_grade grade;
    char subject[96];
    char text[512];
    char advice[256]; /* what to change; "" nothing */
};

struct doctor {
    const struct settings *settings;
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
    int n;
};

void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject,
                const char *advice, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Asks every target, reads its memory (doctor_targets.c). */
void doctor_targets(struct doctor *d);

#endif
