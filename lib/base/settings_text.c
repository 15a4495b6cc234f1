/* The table of settings as people read it: --help and the README's. */
#include <string.h>

#include "lib/base/settings.h"

#define HELP_COLUMNS 80
#define HELP_INDENT 6
#define CELL_MAX 256

/* What stands behind the flag in the help: "BYTES", "keep|drop". */
static void placeholder_put(struct buf *out, const struct setting_row *row)
{
    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_LIST:
    case SETTING_CHOICE: buf_printf(out, " %s", row->unit); return;
    case SETTING_COUNT: buf_puts(out, " number"); return;
    case SETTING_BYTES: buf_puts(out, " bytes"); return;
    case SETTING_SPAN: buf_puts(out, " time"); return;
    case SETTING_BOOL: buf_puts(out, "[=true|false]"); return;
    }
}

/* Appends text, broken between words, each line behind the indent. */
static void wrapped_put(struct buf *out, struct str text)
{
    struct str word;
    size_t column = 0;
    while (str_split(&text, ' ', &word)) {
        if (column && column + 1 + word.n > HELP_COLUMNS) {
            buf_putc(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_printf(out, "%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else {
            buf_putc(out, ' ');
            column++;
        }
        buf_str(out, word);
        column += word.n;
    }
    buf_putc(out, '\n');
}

static bool has_range(const struct setting_row *row)
{
    return row->type == SETTING_COUNT || row->type == SETTING_BYTES ||
           row->type == SETTING_SPAN;
}

void settings_help(struct buf *out)
{
    buf_puts(out, "Settings (--like-this VALUE, or LEAKWATCH_LIKE_THIS in the environment):\n");
    for (int i = 0; i < settings_count; i++) {
        const struct setting_row *row = &settings_table[i];
        char storage[512];
        struct buf text;
        buf_printf(out, "\n  --%s", row->flag);
        placeholder_put(out, row);
        buf_putc(out, '\n');
        buf_fixed(&text, storage, sizeof storage);
        buf_puts(&text, row->sentence);
        if (row->type == SETTING_LIST)
            buf_puts(&text, "; may be repeated");
        if (has_range(row)) {
            buf_puts(&text, "; ");
            settings_accepted(&text, row);
        }
        if (row->fallback[0])
            buf_printf(&text, " (default %s)", row->fallback);
        wrapped_put(out, buf_view(&text));
    }
}

enum column { COLUMN_FLAG, COLUMN_DEFAULT, COLUMN_ACCEPTED, COLUMN_MEANING, COLUMNS };

/* One cell of a row; row NULL is the heading. A '|' would end the cell. */
static struct str cell_make(char storage[CELL_MAX], const struct setting_row *row,
                            enum column column)
{
    static const char *const headings[] = {"Setting", "Default", "Accepted", "Meaning"};
    char plain[CELL_MAX];
    struct buf text, cell;
    buf_fixed(&text, plain, sizeof plain);
    buf_fixed(&cell, storage, CELL_MAX);
    if (!row)
        return str_of(headings[column]);
    switch (column) {
    case COLUMN_FLAG: buf_printf(&text, "`--%s`", row->flag); break;
    case COLUMN_DEFAULT:
        if (row->fallback[0])
            buf_printf(&text, "`%s`", row->fallback);
        break;
    case COLUMN_ACCEPTED: settings_accepted(&text, row); break;
    case COLUMN_MEANING: buf_puts(&text, row->sentence); break;
    case COLUMNS: break;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (plain[i] == '|')
            buf_putc(&cell, '\\');
        buf_putc(&cell, plain[i]);
    }
    return buf_view(&cell);
}

static void line_put(struct buf *out, const struct setting_row *row,
                     const size_t widths[COLUMNS])
{
    char storage[CELL_MAX];
    for (enum column c = 0; c < COLUMNS; c++) {
        struct str cell = cell_make(storage, row, c);
        buf_puts(out, "| ");
        buf_str(out, cell);
        buf_printf(out, "%*s", (int)(widths[c] - cell.n + 1), "");
    }
    buf_puts(out, "|\n");
}

void settings_markdown(struct buf *out)
{
    size_t widths[COLUMNS] = {0};
    char storage[CELL_MAX];
    for (int i = -1; i < settings_count; i++)
        for (enum column c = 0; c < COLUMNS; c++) {
            struct str cell = cell_make(storage, i < 0 ? NULL : &settings_table[i], c);
            if (cell.n > widths[c])
                widths[c] = cell.n;
        }
    line_put(out, NULL, widths);
    for (enum column c = 0; c < COLUMNS; c++) {
        buf_puts(out, "| ");
        for (size_t i = 0; i < widths[c]; i++)
            buf_putc(out, '-');
        buf_putc(out, ' ');
    }
    buf_puts(out, "|\n");
    for (int i = 0; i < settings_count; i++)
        line_put(out, &settings_table[i], widths);
}
