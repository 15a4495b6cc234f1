/* net/http/pprof's Symbol: "num_symbols: 1", then a line "0x48ab4e runtime.gopark"
 * for each address that is within a function, in the order asked; the others
 * have no line. The same since Go 1.0. */
#include <inttypes.h>

#include "lib/base/buf.h"
#include "lib/target/target.h"

#define PC_TEXT_MAX 20 /* "+0x" and 16 digits, and a zero */

_Static_assert(sizeof("symbol?") + SYMBOL_PCS_MAX * (size_t)PC_TEXT_MAX <= SYMBOL_PATH_MAX,
               "a request of SYMBOL_PCS_MAX addresses fits");

char *symbol_path(const uint64_t *pcs, size_t n, char out[SYMBOL_PATH_MAX])
{
    struct buf b;

    buf_fixed(&b, out, SYMBOL_PATH_MAX);
    buf_puts(&b, "symbol?");
    for (size_t i = 0; i < n && i < SYMBOL_PCS_MAX; i++)
        buf_printf(&b, "%s0x%" PRIx64, i ? "+" : "", pcs[i]);
    (void)buf_cstr(&b);
    return out;
}

static void name_at(uint64_t pc, struct str name, const uint64_t *pcs, size_t n,
                    struct str *names)
{
    for (size_t i = 0; i < n; i++)
        if (pcs[i] == pc && names[i].n == 0)
            names[i] = name;
}

int symbol_parse(struct str body, const uint64_t *pcs, size_t n, struct str *names)
{
    struct str line, head;
    uint64_t symbols, pc;

    for (size_t i = 0; i < n; i++)
        names[i] = (struct str){"", 0};
    if (!str_starts(body, "num_symbols: ") || !str_split(&body, '\n', &line))
        return ERR_NOT_PPROF;
    line = (struct str){line.p + 13, line.n - 13};
    if (str_u64(str_trim(line), &symbols) != 0 || symbols == 0)
        return ERR_NOT_PPROF;
    while (str_split(&body, '\n', &line))
        if (str_split(&line, ' ', &head) && line.p != NULL && str_starts(head, "0x") &&
            str_hex(head, &pc) == 0)
            name_at(pc, str_trim(line), pcs, n, names);
    return 0;
}
