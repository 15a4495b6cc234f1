/* A JSON writer onto a bounded buffer: commas and escapes are its business.
 * Strings may hold any bytes: what is not UTF-8 becomes U+FFFD.
 * Doubles print as the shortest decimal that reads back the same, null when not
 * finite. At the top level values follow each other without commas (lines).
 * Ownership: borrows the buf. */
#ifndef LW_BASE_JSON_H
#define LW_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct json {
    struct buf *out;
    bool comma; /* a value was written at this level */
    int depth;
};

void json_init(struct json *j, struct buf *out);
void json_open(struct json *j);        /* {  */
void json_close(struct json *j);       /* }  */
void json_open_array(struct json *j);  /* [  */
void json_close_array(struct json *j); /* ]  */
void json_key(struct json *j, const char *key);

void json_str(struct json *j, struct str s);
void json_cstr(struct json *j, const char *z); /* NULL writes null */
void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
void json_double(struct json *j, double v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_hex(struct json *j, uint64_t v);          /* "0x1f" */
void json_time_ms(struct json *j, int64_t wall_ms); /* RFC 3339, ms; null if 0 */

/* Key and value in one call, for the common case. */
void json_kstr(struct json *j, const char *key, struct str s);
void json_kcstr(struct json *j, const char *key, const char *z);
void json_ki64(struct json *j, const char *key, int64_t v);
void json_ku64(struct json *j, const char *key, uint64_t v);
void json_kdouble(struct json *j, const char *key, double v);
void json_kbool(struct json *j, const char *key, bool v);
void json_ktime(struct json *j, const char *key, int64_t wall_ms);

#endif
