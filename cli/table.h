/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "core/base/doc.h"

/*
 * Aligned tables and field lists of the server's objects.
 *
 * A table of columns says which places of an object are shown and how; numbers
 * stand to the right. What is absent shows as "-".
 *
 * Threads: one. Memory: none kept. Logs: no.
 */

#define TABLE_COLUMNS_MAX 24
#define TABLE_CELL_MAX    4096 /* bytes of one cell */

enum cell_kind {
    CELL_TEXT,     /* strings, and whatever else as it comes */
    CELL_COUNT,    /* 12,288 */
    CELL_NUMBER,   /* four digits */
    CELL_BYTES,    /* 119.2 KiB */
    CELL_TIME,     /* 3 min ago */
    CELL_PERCENT,  /* a fraction as 62 % */
    CELL_SHARE,    /* a fraction with four decimals, so that a column lines up */
    CELL_DIGEST,   /* its first characters in a table, whole in a field list */
    CELL_DURATION, /* 1 min 20 s */
};

struct column {
    const char *heading; /* NULL closes a table of columns */
    const char *path;    /* "progress.fraction" */
    enum cell_kind kind;
};

/* The value at a dotted path; NULL: absent. */
const struct doc *table_at(const struct doc *object, const char *path);

/* One line per object of the list under a line of headings. RC_NO_MEMORY. */
enum rc table_print(FILE *out, const struct column *columns, const struct doc *list) MUST_CHECK;

/* The same without the headings: the table goes on. */
enum rc table_print_more(FILE *out, const struct column *columns, const struct doc *list) MUST_CHECK;

/* "heading  value" per line; what is absent is left out. RC_NO_MEMORY. */
enum rc table_print_fields(FILE *out, const struct column *columns, const struct doc *object) MUST_CHECK;

/* Appends one value. */
void table_cell(struct buf *out, enum cell_kind kind, const struct doc *value);

#endif
