/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_TABLE_H
#define CORE_DATA_TABLE_H

#include "core/data/column.h"

/*
 * A table in memory, column by column.
 *
 * Invariants: every column that is not ignored has `rows` values; a code is
 * below category_count (booleans: 0 or 1) or TABLE_MISSING; a number is finite
 * or NaN (missing). Once read, a table is constant.
 *
 * Threads: any, once read; a reader one at a time. Memory: table_destroy(),
 * table_reader_destroy(). Logs: no.
 */

#define TABLE_MISSING  UINT32_MAX
#define TABLE_ROWS_MAX 100000000

struct table_column {
    const char *name;
    enum column_type type;
    float *numbers;          /* numbers: rows values */
    uint32_t *codes;         /* categories and booleans: rows values */
    const char **categories; /* categories, in the order of their bytes */
    size_t category_count;
};

struct table {
    size_t rows;
    struct table_column *columns;
    size_t column_count;
    struct field_list missing; /* of const char *: the tokens it was read with */
    struct region _region;
};

struct table_reader;

/* Reads a file whose columns are known (profile.h) and copied. bytes_max bounds the whole table.
 * missing without items: the default tokens. RC_NO_MEMORY. */
enum rc table_reader_create(const struct field_list *columns, const struct field_list *missing, size_t bytes_max,
                            struct table_reader **ret) MUST_CHECK;

/* RC_INVALID: also a header or a cell that does not fit the columns. RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc table_reader_push(struct table_reader *reader, const void *bytes, size_t n, struct why *why) MUST_CHECK;

/* No more bytes; *ret becomes the caller's. RC_UNPROCESSABLE: no rows. */
enum rc table_reader_end(struct table_reader *reader, struct table **ret, struct why *why) MUST_CHECK;
void table_reader_destroy(struct table_reader *reader);
DEFINE_AUTO_PTR(table_reader)

/* NULL: none of that name. */
const struct table_column *table_column(const struct table *table, const char *name);

void table_destroy(struct table *table);
DEFINE_AUTO_PTR(table)

#endif
