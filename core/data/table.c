/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/table.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/data/csv.h"

#define ROOM_FIRST       1024
#define NAMES_BYTES_MAX  (320u << 20) /* of all names and categories: what a profile can give */
#define BYTES_OF_A_VALUE sizeof(float)

struct table_reader {
    struct csv *csv;
    struct table *table;
    size_t room;     /* rows that the arrays hold */
    size_t rows_max; /* what bytes_max allows */
    size_t bytes_max;
};

const struct table_column *table_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

void table_destroy(struct table *table)
{
    if (table != NULL) {
        for (size_t i = 0; i < table->column_count; i++) {
            mem_free(table->columns[i].numbers);
            mem_free(table->columns[i].codes);
        }
        region_finish(&table->_region);
        mem_free(table);
    }
}

void table_reader_destroy(struct table_reader *reader)
{
    if (reader != NULL) {
        csv_destroy(reader->csv);
        table_destroy(reader->table);
        mem_free(reader);
    }
}

static enum rc copy_texts(struct region *region, const struct field_list *from, const char ***ret)
{
    const char **texts = region_alloc(region, from->count, sizeof(*texts));
    if (texts == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < from->count; i++) {
        texts[i] = region_strdup(region, ((const char *const *)from->items)[i]);
        if (texts[i] == NULL) {
            return RC_NO_MEMORY;
        }
    }
    *ret = texts;
    return RC_OK;
}

static enum rc copy_columns(struct table *table, const struct field_list *columns)
{
    table->columns = region_alloc(&table->_region, columns->count, sizeof(*table->columns));
    if (table->columns == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *from = column_at(columns, i);
        struct table_column *to = &table->columns[i];
        to->name = region_strdup(&table->_region, from->name);
        to->type = (enum column_type)from->type;
        to->category_count = from->categories.count;
        if (to->name == NULL || copy_texts(&table->_region, &from->categories, &to->categories) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    table->column_count = columns->count;
    return RC_OK;
}

/* How many rows fit the ceiling. */
static size_t rows_within(const struct table *table, size_t bytes_max)
{
    size_t used = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        used += table->columns[i].type != COLUMN_IGNORED;
    }
    const size_t rows = bytes_max / ((used == 0 ? 1 : used) * BYTES_OF_A_VALUE);
    return rows < TABLE_ROWS_MAX ? rows : TABLE_ROWS_MAX;
}

static enum rc on_header(void *arg, const struct csv_row *names, struct why *why)
{
    const struct table *table = ((struct table_reader *)arg)->table;
    if (names->count != table->column_count) {
        return why_fail(why, RC_INVALID, "", "the header has %zu columns, expected %zu", names->count, table->column_count);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->fields[i].text, table->columns[i].name) != 0) {
            return why_fail(why, RC_INVALID, "", "column %zu is not the expected one", i + 1);
        }
    }
    return RC_OK;
}

static enum rc grow(struct table_reader *reader, struct why *why)
{
    size_t room = reader->room == 0 ? ROOM_FIRST : reader->room * 2;
    room = room < reader->rows_max ? room : reader->rows_max;
    if (room <= reader->table->rows) {
        return why_fail(why, RC_TOO_LARGE, "", "the table has more than %zu rows: it does not fit %zu bytes of memory", reader->rows_max, reader->bytes_max);
    }
    for (size_t i = 0; i < reader->table->column_count; i++) {
        struct table_column *column = &reader->table->columns[i];
        if (column->type == COLUMN_IGNORED) {
            continue;
        }
        const bool number = column->type == COLUMN_NUMBER;
        void *values = mem_resize(number ? (void *)column->numbers : column->codes, room, BYTES_OF_A_VALUE);
        if (values == NULL) {
            return RC_NO_MEMORY;
        }
        *(number ? (void **)&column->numbers : (void **)&column->codes) = values;
    }
    reader->room = room;
    return RC_OK;
}

static int by_text(const void *text, const void *item)
{
    return strcmp(text, *(const char *const *)item);
}

/* False: the text is no value of this column. */
static bool set_code(struct table_column *column, size_t row, const char *text)
{
    bool yes = false;
    if (column->type == COLUMN_BOOLEAN) {
        const bool known = column_to_boolean(text, &yes);
        column->codes[row] = yes;
        return known;
    }
    const char **found = bsearch(text, column->categories, column->category_count, sizeof(*found), by_text);
    column->codes[row] = found == NULL ? TABLE_MISSING : (uint32_t)(found - column->categories);
    return found != NULL;
}

static enum rc on_row(void *arg, const struct csv_row *row, struct why *why)
{
    struct table_reader *reader = arg;
    struct table *table = reader->table;
    if (table->rows == reader->room) {
        const enum rc rc = grow(reader, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    for (size_t i = 0; i < table->column_count; i++) {
        struct table_column *column = &table->columns[i];
        const struct csv_field *cell = &row->fields[i];
        const bool missing = column->type != COLUMN_IGNORED && column_is_missing(&table->missing, cell->text);
        bool fits = true;
        if (missing && column->type == COLUMN_NUMBER) {
            column->numbers[table->rows] = NAN;
        } else if (missing) {
            column->codes[table->rows] = TABLE_MISSING;
        } else if (column->type == COLUMN_NUMBER) {
            fits = decimal_to_float(cell->text, cell->n, &column->numbers[table->rows]);
        } else if (column->type != COLUMN_IGNORED) {
            fits = set_code(column, table->rows, cell->text);
        }
        if (!fits) {
            char quote[COLUMN_QUOTE_BYTES], name[COLUMN_QUOTE_BYTES];
            return why_fail(why, RC_INVALID, "", "line %lld, column \"%s\": \"%s\" is not a value of this %s column", (long long)row->line,
                            column_quote(column->name, name), column_quote(cell->text, quote), column_types[column->type]);
        }
    }
    table->rows++;
    return RC_OK;
}

/* The table without rows. */
static enum rc start_table(const struct field_list *columns, const struct field_list *missing, struct table **ret)
{
    AUTO_PTR(table) struct table *table = mem_alloc(sizeof(*table));
    if (table == NULL) {
        return RC_NO_MEMORY;
    }
    region_init(&table->_region, NAMES_BYTES_MAX);
    const struct field_list *tokens = missing->items == NULL ? &column_missing_default : missing;
    const char **texts = NULL;
    enum rc rc = copy_texts(&table->_region, tokens, &texts);
    table->missing = (struct field_list){ texts, tokens->count };
    rc = rc != RC_OK ? rc : copy_columns(table, columns);
    if (rc == RC_OK) {
        *ret = TAKE(table);
    }
    return rc;
}

enum rc table_reader_create(const struct field_list *columns, const struct field_list *missing, size_t bytes_max,
                            struct table_reader **ret)
{
    AUTO_PTR(table_reader) struct table_reader *reader = mem_alloc(sizeof(*reader));
    if (reader == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = start_table(columns, missing, &reader->table);
    if (rc != RC_OK) {
        return rc;
    }
    reader->bytes_max = bytes_max;
    reader->rows_max = rows_within(reader->table, bytes_max);
    const struct csv_events events = { on_header, on_row, reader };
    rc = csv_create(&events, &reader->csv);
    if (rc == RC_OK) {
        *ret = TAKE(reader);
    }
    return rc;
}

enum rc table_reader_push(struct table_reader *reader, const void *bytes, size_t n, struct why *why)
{
    return csv_push(reader->csv, bytes, n, why);
}

enum rc table_reader_end(struct table_reader *reader, struct table **ret, struct why *why)
{
    const enum rc rc = csv_end(reader->csv, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (reader->table->rows == 0) {
        return why_fail(why, RC_UNPROCESSABLE, "", "the table has a header but no rows");
    }
    *ret = TAKE(reader->table);
    return RC_OK;
}
