#include "lib/view/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *count_text(int64_t v, char out[NUMBER_TEXT_MAX])
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, v < 0 ? -(uint64_t)v : (uint64_t)v);
    char *at = out;

    if (v < 0)
        *at++ = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

char *bytes_text(int64_t v, char out[NUMBER_TEXT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = v < 0 ? -(double)v : (double)v;
    size_t unit = 0;

    /* 1023.95 would print as 1024.0. */
    while (size >= 1023.95 && unit < 6) {
        size /= 1024;
        unit++;
    }
    (void)snprintf(out, NUMBER_TEXT_MAX, "%s%.*f%s", v < 0 ? "-" : "", unit ? 1 : 0, size,
                   units[unit]);
    return out;
}

char *value_text(int64_t v, const char *unit, bool signed_, char out[NUMBER_TEXT_MAX])
{
    char *at = out;

    if (signed_ && v > 0)
        *at++ = '+';
    char number[NUMBER_TEXT_MAX];
    const char *text =
        strcmp(unit, "bytes") == 0 ? bytes_text(v, number) : count_text(v, number);
    str_copy(at, NUMBER_TEXT_MAX - 1, str_of(text));
    return out;
}

void text_put(struct buf *out, struct str text, size_t width, struct look look)
{
    if (width > 2 && text.n > width) {
        size_t mark = look.unicode ? 1 : 2;

        text.p += text.n - (width - mark);
        text.n = width - mark;
        buf_puts(out, look.unicode ? "…" : "..");
    }
    for (size_t i = 0; i < text.n; i++) {
        size_t length = str_utf8((struct str){text.p + i, text.n - i});
        bool control = (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f;

        /* C1 controls (U+0080 to U+009F) move a terminal too. */
        if (length == 2 && text.p[i] == '\xc2' && (unsigned char)text.p[i + 1] < 0xa0)
            control = true;
        if (length == 0 || control || (length > 1 && !look.unicode))
            buf_putc(out, '?');
        else
            buf_put(out, text.p + i, length);
        i += length > 1 ? length - 1 : 0;
    }
}

void spark_put(struct buf *out, const float *values, int n, struct look look)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char ascii[] = "_.:-=+*#";
    float least, most;

    if (n < 2)
        return;
    least = most = values[0];
    for (int i = 1; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    for (int i = 0; i < n; i++) {
        int height = most > least ? (int)((values[i] - least) / (most - least) * 7.99f) : 0;

        if (look.unicode)
            buf_puts(out, blocks[height]);
        else
            buf_putc(out, ascii[height]);
    }
}
