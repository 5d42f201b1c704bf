/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rows.h"

#include <errno.h>
#include <string.h>

#include "core/base/str.h"

static enum rc no_memory(struct why *why)
{
    return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
}

static enum rc begin_cell(struct rows *rows, struct why *why)
{
    if (rows->_count == ROWS_COLUMNS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "line %zu has more than %d columns", rows->line, ROWS_COLUMNS_MAX);
    }
    if (rows->_count == rows->_room) {
        const size_t room = rows->_room == 0 ? 64 : rows->_room * 2;
        size_t *starts = mem_resize(rows->_starts, room, sizeof(*starts));
        if (starts == NULL) {
            return no_memory(why);
        }
        rows->_starts = starts;
        rows->_room = room;
    }
    rows->_starts[rows->_count++] = rows->_text.len;
    return RC_OK;
}

/* The rest of a quoted cell, from behind its first quote to behind its last; *ret is the next character. */
static enum rc read_quoted(struct rows *rows, int *ret, struct why *why)
{
    for (;;) {
        int c = getc(rows->_file);
        if (c == EOF) {
            return why_fail(why, RC_INVALID, NULL, "line %zu: a quote is opened and never closed", rows->line);
        }
        if (c == '"') {
            c = getc(rows->_file);
            if (c != '"') {
                *ret = c;
                return RC_OK;
            }
        }
        rows->_lines += c == '\n';
        if (buf_char(&rows->_text, (char)c) != RC_OK) {
            return RC_OK; /* told by read_row(), which looks at the buffer */
        }
    }
}

/* One cell; *ret is the character that ended it: ',', '\n' or EOF. */
static enum rc read_cell(struct rows *rows, int c, int *ret, struct why *why)
{
    enum rc rc = begin_cell(rows, why);
    if (rc == RC_OK && c == '"') {
        rc = read_quoted(rows, &c, why);
    }
    while (rc == RC_OK && c != ',' && c != '\n' && c != EOF && rows->_text.failed == RC_OK) {
        const int next = getc(rows->_file);
        if (c != '\r' || next != '\n') { /* CR LF ends a line, a lone CR is text */
            (void)buf_char(&rows->_text, (char)c);
        }
        c = next;
    }
    (void)buf_char(&rows->_text, '\0');
    *ret = c;
    return rc;
}

static enum rc read_row(struct rows *rows, struct why *why)
{
    buf_clear(&rows->_text);
    rows->_count = 0;
    int c = getc(rows->_file);
    rows->line = rows->_lines + 1;
    if (c == EOF) {
        return ferror(rows->_file) ? why_fail(why, RC_INVALID, NULL, "the file cannot be read: %s", strerror(errno)) : RC_GONE;
    }
    for (;;) {
        const enum rc rc = read_cell(rows, c, &c, why);
        if (rc != RC_OK) {
            return rc;
        }
        if (rows->_text.failed == RC_TOO_LARGE) {
            return why_fail(why, RC_TOO_LARGE, NULL, "line %zu is longer than %d bytes", rows->line, ROWS_ROW_MAX);
        }
        if (rows->_text.failed != RC_OK) {
            return no_memory(why);
        }
        if (c != ',') {
            rows->_lines++;
            return str_is_utf8(rows->_text.data, rows->_text.len) ? RC_OK
                                                                  : why_fail(why, RC_INVALID, NULL, "line %zu is not valid UTF-8", rows->line);
        }
        c = getc(rows->_file);
    }
}

/* The first line, without the byte-order mark that spreadsheets write. */
static enum rc read_header(struct rows *rows, struct why *why)
{
    const enum rc rc = read_row(rows, why);
    if (rc == RC_GONE) {
        return why_fail(why, RC_INVALID, NULL, "the file is empty; its first line must name the columns");
    }
    if (rc != RC_OK) {
        return rc;
    }
    rows->columns = rows->_count;
    rows->names = mem_array(rows->columns, sizeof(rows->names[0]));
    rows->cells = mem_array(rows->columns, sizeof(rows->cells[0]));
    rows->_header = buf_take(&rows->_text, NULL);
    buf_init(&rows->_text, ROWS_ROW_MAX);
    if (rows->names == NULL || rows->cells == NULL || rows->_header == NULL) {
        return no_memory(why);
    }
    for (size_t i = 0; i < rows->columns; i++) {
        rows->names[i] = rows->_header + rows->_starts[i];
    }
    rows->names[0] += strncmp(rows->names[0], "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return RC_OK;
}

enum rc rows_open(struct rows *rows, const char *file, struct why *why)
{
    *rows = (struct rows){ 0 };
    rows->_file = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    if (rows->_file == NULL) {
        return why_fail(why, RC_INVALID, NULL, "the file \"%.100s\" cannot be read: %s", file, strerror(errno));
    }
    buf_init(&rows->_text, ROWS_ROW_MAX);
    const enum rc rc = read_header(rows, why);
    if (rc != RC_OK) {
        rows_close(rows);
    }
    return rc;
}

enum rc rows_next(struct rows *rows, struct why *why)
{
    enum rc rc;
    do {
        rc = read_row(rows, why);
    } while (rc == RC_OK && rows->columns > 1 && rows->_count == 1 && rows->_text.len == 1); /* a blank line */
    if (rc != RC_OK) {
        return rc;
    }
    if (rows->_count != rows->columns) {
        return why_fail(why, RC_INVALID, NULL, "line %zu has %zu cells, the first line names %zu columns",
                        rows->line, rows->_count, rows->columns);
    }
    for (size_t i = 0; i < rows->columns; i++) {
        rows->cells[i] = rows->_text.data + rows->_starts[i];
    }
    return RC_OK;
}

void rows_close(struct rows *rows)
{
    if (rows->_file != NULL && rows->_file != stdin) {
        (void)fclose(rows->_file); /* it was only read */
    }
    buf_finish(&rows->_text);
    mem_free(rows->_starts);
    mem_free(rows->names);
    mem_free(rows->cells);
    mem_free(rows->_header);
    *rows = (struct rows){ 0 };
}
