/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/why.h"

/*
 * The rows of a CSV file (RFC 4180), one at a time, for predictions: the first
 * line names the columns. What the cells mean is decided by the model; the full
 * reader, with types and statistics, is the server's.
 *
 * Threads: one. Memory: rows_close(); cells are borrowed until the next row. Logs: no.
 */

#define ROWS_COLUMNS_MAX 65536
#define ROWS_ROW_MAX     (16 * 1024 * 1024) /* bytes of one row */

struct rows {
    char **names; /* the first line */
    size_t columns;
    char **cells; /* the row that rows_next() has read */
    size_t line;  /* where that row begins, from 1 */
    FILE *_file;
    struct buf _text;
    size_t *_starts; /* of each cell in _text */
    size_t _count, _room, _lines;
    char *_header;
};

/* "-": standard input. RC_INVALID (cannot be read, no header), RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc rows_open(struct rows *rows, const char *file, struct why *why) MUST_CHECK;
void rows_close(struct rows *rows);

/* RC_GONE: there are no more; RC_INVALID (ragged, an open quote) and RC_TOO_LARGE with the line. */
enum rc rows_next(struct rows *rows, struct why *why) MUST_CHECK;

#endif
