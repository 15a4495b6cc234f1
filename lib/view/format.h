/* Numbers as people read them, and text that a terminal may be given.
 * Ownership: the caller's storage; every function returns its out. */
#ifndef LW_VIEW_FORMAT_H
#define LW_VIEW_FORMAT_H

#include "lib/base/buf.h"

#define NUMBER_TEXT_MAX 32

/* How a text may look: colours and Unicode only where the reader shows them. */
struct look {
    bool colour, unicode;
};

/* "9,318", "-25". */
char *count_text(int64_t v, char out[NUMBER_TEXT_MAX]);
/* "101.2MiB", "512B"; "-" before a negative one. */
char *bytes_text(int64_t v, char out[NUMBER_TEXT_MAX]);
/* Either, by the unit of a profile's value ("bytes"), with a sign when signed_. */
char *value_text(int64_t v, const char *unit, bool signed_, char out[NUMBER_TEXT_MAX]);

/* What came from elsewhere (names, problems) with control bytes as '?', cut to
 * width columns at its front ("…tail" keeps the end of a long name; the mark is
 * ".." without Unicode). Width 0: whole. */
void text_put(struct buf *out, struct str text, size_t width, struct look look);

/* A line of eight heights (or of .:-=+*#%@ without Unicode), from 0 or from the
 * least value to the largest; nothing for fewer than two values. */
void spark_put(struct buf *out, const float *values, int n, struct look look);

#endif
