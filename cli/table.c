/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

#include "cli/text.h"
#include "core/base/clock.h"

#define DIGEST_SHOWN 12 /* characters of a digest in a table */

const struct doc *table_at(const struct doc *object, const char *path)
{
    char key[64];
    const struct doc *here = object;
    while (here != NULL && path[0] != '\0') {
        const size_t n = strcspn(path, ".");
        if (n >= sizeof(key)) {
            return NULL;
        }
        memcpy(key, path, n);
        key[n] = '\0';
        here = doc_get(here, key);
        path += n + (path[n] == '.');
    }
    return here;
}

static void add_number(struct buf *out, enum cell_kind kind, double x)
{
    switch (kind) {
    case CELL_COUNT: text_count(out, (int64_t)x); break;
    case CELL_BYTES: text_bytes(out, (int64_t)x); break;
    case CELL_TIME: text_ago(out, (int64_t)x, wall_seconds()); break;
    case CELL_DURATION: text_duration(out, (int64_t)x); break;
    case CELL_PERCENT: (void)buf_printf(out, "%.0f %%", x * 100.0); break;
    case CELL_SHARE: (void)buf_printf(out, "%.4f", x); break;
    case CELL_NUMBER:
    case CELL_DIGEST:
    case CELL_TEXT: text_number(out, x); break;
    }
}

static void add_list(struct buf *out, enum cell_kind kind, const struct doc *list)
{
    for (size_t i = 0; i < doc_count(list); i++) {
        (void)buf_text(out, i == 0 ? "" : ", ");
        table_cell(out, kind, doc_at(list, i));
    }
}

void table_cell(struct buf *out, enum cell_kind kind, const struct doc *value)
{
    double x = 0.0;
    bool yes = false;
    switch (doc_kind(value)) {
    case DOC_NULL: (void)buf_char(out, '-'); break;
    case DOC_BOOLEAN: (void)buf_text(out, doc_boolean(value, &yes) && yes ? "yes" : "no"); break;
    case DOC_INTEGER:
    case DOC_NUMBER:
        (void)doc_number(value, &x); /* the kind says that it is one */
        add_number(out, kind, x);
        break;
    case DOC_STRING: text_foreign(out, doc_string(value)); break;
    case DOC_LIST: add_list(out, kind, value); break;
    case DOC_OBJECT: (void)buf_text(out, "{...}"); break; /* --json shows what is inside */
    }
}

static char *cell_take(enum cell_kind kind, const struct doc *value, bool narrow)
{
    AUTO(buf) struct buf out;
    buf_init(&out, TABLE_CELL_MAX);
    table_cell(&out, kind, value);
    if (out.failed == RC_TOO_LARGE) {
        buf_clear(&out);
        (void)buf_text(&out, "(too long to show; see --json)");
    }
    if (narrow && kind == CELL_DIGEST && out.len > DIGEST_SHOWN) {
        out.data[DIGEST_SHOWN] = '\0';
    }
    return buf_take(&out, NULL);
}

/* Headings may be foreign too: names of classes and metrics. */
static char *heading_take(const char *heading)
{
    AUTO(buf) struct buf out;
    buf_init(&out, TABLE_CELL_MAX);
    text_foreign(&out, heading);
    return buf_take(&out, NULL);
}

static bool is_right(enum cell_kind kind)
{
    return kind == CELL_COUNT || kind == CELL_NUMBER || kind == CELL_BYTES || kind == CELL_PERCENT || kind == CELL_SHARE;
}

static void pad(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
    const size_t gap = width - text_width(text);
    if (right) {
        pad(out, gap);
    }
    fputs(text, out);
    if (!last) {
        pad(out, (right ? 0 : gap) + 2);
    }
}

struct grid {
    char **cells; /* rows * columns; row 0 is the headings */
    size_t rows, columns;
};

static void grid_free(struct grid *grid)
{
    for (size_t i = 0; grid->cells != NULL && i < grid->rows * grid->columns; i++) {
        mem_free(grid->cells[i]);
    }
    mem_free(grid->cells);
}

static enum rc grid_fill(struct grid *grid, const struct column *columns, const struct doc *list)
{
    for (size_t r = 0; r < grid->rows; r++) {
        for (size_t c = 0; c < grid->columns; c++) {
            const struct doc *value = r == 0 ? NULL : table_at(doc_at(list, r - 1), columns[c].path);
            char *text = r == 0 ? heading_take(columns[c].heading) : cell_take(columns[c].kind, value, true);
            if (text == NULL) {
                return RC_NO_MEMORY;
            }
            grid->cells[r * grid->columns + c] = text;
        }
    }
    return RC_OK;
}

static void grid_print(FILE *out, const struct grid *grid, const struct column *columns, bool headings)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    for (size_t i = 0; i < grid->rows * grid->columns; i++) {
        const size_t w = text_width(grid->cells[i]);
        size_t *width = &widths[i % grid->columns];
        *width = w > *width ? w : *width;
    }
    for (size_t r = headings ? 0 : 1; r < grid->rows; r++) {
        for (size_t c = 0; c < grid->columns; c++) {
            print_cell(out, grid->cells[r * grid->columns + c], widths[c], is_right(columns[c].kind), c + 1 == grid->columns);
        }
        fputc('\n', out);
    }
}

static enum rc print(FILE *out, const struct column *columns, const struct doc *list, bool headings)
{
    struct grid grid = { .rows = doc_count(list) + 1 };
    while (columns[grid.columns].heading != NULL) {
        grid.columns++;
    }
    MUST(grid.columns <= TABLE_COLUMNS_MAX);
    grid.cells = mem_array(grid.rows * grid.columns, sizeof(grid.cells[0]));
    if (grid.cells == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = grid_fill(&grid, columns, list);
    if (rc == RC_OK) {
        grid_print(out, &grid, columns, headings);
    }
    grid_free(&grid);
    return rc;
}

enum rc table_print(FILE *out, const struct column *columns, const struct doc *list)
{
    return print(out, columns, list, true);
}

enum rc table_print_more(FILE *out, const struct column *columns, const struct doc *list)
{
    return print(out, columns, list, false);
}

enum rc table_print_fields(FILE *out, const struct column *columns, const struct doc *object)
{
    size_t width = 0;
    for (const struct column *c = columns; c->heading != NULL; c++) {
        const size_t w = text_width(c->heading);
        width = table_at(object, c->path) != NULL && w > width ? w : width;
    }
    for (const struct column *c = columns; c->heading != NULL; c++) {
        const struct doc *value = table_at(object, c->path);
        if (doc_kind(value) == DOC_NULL) {
            continue;
        }
        AUTO_FREE char *heading = heading_take(c->heading);
        AUTO_FREE char *text = cell_take(c->kind, value, false);
        if (heading == NULL || text == NULL) {
            return RC_NO_MEMORY;
        }
        print_cell(out, heading, width, false, false);
        fprintf(out, "%s\n", text);
    }
    return RC_OK;
}
