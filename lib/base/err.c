#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Linux's errno values end below this; ours begin at 4001. */
#define ERRNO_MAX 4000

const char *err_text(int code)
{
    switch (code) {
    case 0: return "no error";
#define ERR_CASE(name, value, text) \
    case ERR_##name: return text;
        ERR_MAP(ERR_CASE)
#undef ERR_CASE
    }
    if (code < 0 && code > -ERRNO_MAX)
        return strerror(-code);
    return "unknown error";
}

int err_set(struct errmsg *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(e->text, sizeof e->text, fmt, ap) < 0)
        e->text[0] = '\0';
    va_end(ap);
    return code;
}
