/* Dumps as people and programs read them: a line each, or one in full.
 * Ownership: borrows; appends to out. */
#ifndef LW_VIEW_DUMPTEXT_H
#define LW_VIEW_DUMPTEXT_H

#include "lib/base/json.h"
#include "lib/store/store.h"
#include "lib/view/format.h"

/* One line: id, size, verdict, outcome. */
void dump_line(const struct store_dump *d, struct look look, struct buf *out);
/* One member of the list {"dumps":[…]}. */
void dump_json(const struct store_dump *d, struct json *j);
/* One dump: summary as the dump's own summary.txt has it, its files with sizes,
 * and the command to open it. folder: where it lies, NULL when not known. */
void dump_show(const struct manifest *m, const char *folder, struct look look, struct buf *out);

#endif
