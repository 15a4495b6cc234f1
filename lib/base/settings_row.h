/* Between the settings' own files: one row of the table at a time.
 * Ownership: rows are constants. */
#ifndef LW_BASE_SETTINGS_ROW_H
#define LW_BASE_SETTINGS_ROW_H

#include "lib/base/settings.h"

/* The row of "dir-limit" or "LEAKWATCH_DIR_LIMIT", or NULL. */
const struct setting_row *row_of_flag(struct str flag);
const struct setting_row *row_of_env(struct str name);

/* The row's bit in struct settings.given. */
uint64_t row_bit(const struct setting_row *row);

/* Sets a row, called name in e; 0 or ERR_USAGE, which changes nothing. */
int row_set(struct settings *s, const struct setting_row *row, const char *name,
            struct str value, struct errmsg *e);

/* "true", "on", "yes", "1" and their opposites; 0 or -EINVAL. */
int bool_read(struct str value, bool *out);

#endif
