/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rows.h"

#include <math.h>
#include <string.h>

#include "api/scan.h"

struct reading {
    const struct rows_reader *reader;
    struct scan scan;
    const char *key;       /* "instances" or "inputs" */
    struct cell *cells;    /* one row */
    bool *seen;            /* of one record */
    struct cell **columns; /* of a body in columns; NULL: a column that was not given */
    size_t rows, kept;
    bool begun;
};

static enum rc read_cell(struct scan *scan, struct cell *cell, struct why *why)
{
    char *text;
    size_t n;
    enum rc rc;
    *cell = (struct cell){ .kind = CELL_MISSING };
    switch (scan_peek(scan)) {
    case '"':
        rc = scan_string(scan, &text, &n, why);
        cell->kind = CELL_TEXT;
        cell->text = rc == RC_OK ? text : NULL;
        return rc;
    case 't':
        *cell = (struct cell){ .kind = CELL_BOOLEAN, .number = 1 };
        return scan_word(scan, "true", why);
    case 'f':
        cell->kind = CELL_BOOLEAN;
        return scan_word(scan, "false", why);
    case 'n': return scan_word(scan, "null", why);
    case '[':
    case '{': return why_fail(why, RC_INVALID, NULL, "must be a number, a string, true, false or null");
    default: break;
    }
    cell->kind = CELL_NUMBER;
    rc = scan_number(scan, &cell->number, why);
    if (rc == RC_OK && isinf(cell->number)) {
        return why_fail(why, RC_INVALID, NULL, "must be a finite number");
    }
    return rc;
}

static enum rc read_tensor(struct reading *it, struct why *why)
{
    const size_t want = it->reader->input_count;
    enum rc rc;
    size_t n = 0;
    for (bool more = scan_begin(&it->scan, '[', ']', &rc, why); more; more = scan_more(&it->scan, ']', &rc, why)) {
        if (n == want) {
            return why_fail(why, RC_INVALID, NULL, "must hold %zu values, one for each input, got more", want);
        }
        rc = read_cell(&it->scan, &it->cells[n], why);
        if (rc != RC_OK) {
            return why_under(why, rc, "[%zu]", n);
        }
        n++;
    }
    if (rc == RC_OK && n < want) {
        return why_fail(why, RC_INVALID, NULL, "must hold %zu values, one for each input, got %zu", want, n);
    }
    return rc;
}

/* The input that a key names; the scan stands behind the colon. */
static enum rc read_key(struct reading *it, const char **ret_name, size_t *ret_index, struct why *why)
{
    char *name;
    size_t n;
    enum rc rc = scan_string(&it->scan, &name, &n, why);
    rc = rc != RC_OK ? rc : scan_need(&it->scan, ':', why);
    if (rc != RC_OK) {
        return rc;
    }
    *ret_name = name;
    if (transform_input(it->reader->transform, name, ret_index) == NULL) {
        return why_fail(why, RC_UNKNOWN_KEY, name, "is not an input of the model");
    }
    return RC_OK;
}

static enum rc read_record(struct reading *it, struct why *why)
{
    enum rc rc;
    memset(it->seen, 0, it->reader->input_count * sizeof(*it->seen));
    for (size_t i = 0; i < it->reader->input_count; i++) {
        it->cells[i] = (struct cell){ .kind = CELL_MISSING };
    }
    for (bool more = scan_begin(&it->scan, '{', '}', &rc, why); more; more = scan_more(&it->scan, '}', &rc, why)) {
        const char *name = NULL;
        size_t index = 0;
        rc = read_key(it, &name, &index, why);
        if (rc != RC_OK) {
            return rc;
        }
        if (it->seen[index]) {
            return why_fail(why, RC_DUPLICATE_KEY, name, "is given twice");
        }
        it->seen[index] = true;
        rc = read_cell(&it->scan, &it->cells[index], why);
        if (rc != RC_OK) {
            return why_under(why, rc, "%s", name);
        }
    }
    return rc;
}

static enum rc read_row(struct reading *it, struct why *why)
{
    const char c = scan_peek(&it->scan);
    enum rc rc;
    if (c == '{') {
        rc = read_record(it, why);
    } else if (c == '[') {
        rc = read_tensor(it, why);
    } else if (it->reader->input_count == 1) {
        rc = read_cell(&it->scan, &it->cells[0], why);
    } else {
        return why_fail(why, RC_INVALID, NULL, "must be an object of columns or a list of %zu values", it->reader->input_count);
    }
    return rc != RC_OK ? rc : it->reader->row(it->reader->arg, c == '{' ? ROWS_RECORD : ROWS_TENSOR, it->cells, why);
}

static enum rc too_many(const struct reading *it, const char *path, struct why *why)
{
    return why_fail(why, RC_TOO_LARGE, path, "may hold at most %zu rows", it->reader->rows_max);
}

static enum rc read_rows(struct reading *it, struct why *why)
{
    enum rc rc;
    for (bool more = scan_begin(&it->scan, '[', ']', &rc, why); more; more = scan_more(&it->scan, ']', &rc, why)) {
        if (it->rows == it->reader->rows_max) {
            return too_many(it, it->key, why);
        }
        rc = read_row(it, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "%s[%zu]", it->key, it->rows);
        }
        it->rows++;
    }
    return rc;
}

/* One column; the first tells how many rows there are. */
static enum rc read_column(struct reading *it, size_t index, struct why *why)
{
    size_t n = 0, room = it->rows;
    struct cell *cells = room > 0 ? mem_array(room, sizeof(*cells)) : NULL;
    enum rc rc = room > 0 && cells == NULL ? RC_NO_MEMORY : RC_OK;
    for (bool more = rc == RC_OK && scan_begin(&it->scan, '[', ']', &rc, why); more; more = scan_more(&it->scan, ']', &rc, why)) {
        if (n == it->reader->rows_max || ++it->kept > ROWS_CELLS_MAX) {
            rc = too_many(it, NULL, why);
        }
        if (rc == RC_OK && n == room) {
            room = room == 0 ? 16 : room * 2;
            struct cell *grown = mem_resize(cells, room, sizeof(*cells));
            rc = grown == NULL ? RC_NO_MEMORY : RC_OK;
            cells = grown == NULL ? cells : grown;
        }
        rc = rc != RC_OK ? rc : read_cell(&it->scan, &cells[n], why);
        n++;
    }
    it->columns[index] = cells;
    if (rc == RC_OK && (cells == NULL || (it->rows > 0 && n != it->rows) || n == 0)) {
        return why_fail(why, RC_INVALID, NULL, "must hold as many values as the other columns, and at least one; got %zu", n);
    }
    it->rows = n;
    return rc;
}

static enum rc give_columns(struct reading *it, struct why *why)
{
    for (size_t row = 0; row < it->rows; row++) {
        for (size_t i = 0; i < it->reader->input_count; i++) {
            it->cells[i] = it->columns[i] == NULL ? (struct cell){ .kind = CELL_MISSING } : it->columns[i][row];
        }
        const enum rc rc = it->reader->row(it->reader->arg, ROWS_RECORD, it->cells, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "%s[%zu]", it->key, row);
        }
    }
    return RC_OK;
}

static enum rc read_columns(struct reading *it, struct why *why)
{
    enum rc rc;
    it->columns = mem_array(it->reader->input_count, sizeof(*it->columns));
    if (it->columns == NULL) {
        return RC_NO_MEMORY;
    }
    for (bool more = scan_begin(&it->scan, '{', '}', &rc, why); more; more = scan_more(&it->scan, '}', &rc, why)) {
        const char *name = NULL;
        size_t index = 0;
        rc = read_key(it, &name, &index, why);
        if (rc == RC_OK && it->columns[index] != NULL) {
            rc = why_fail(why, RC_DUPLICATE_KEY, name, "is given twice");
        } else if (rc == RC_OK) {
            rc = read_column(it, index, why);
            rc = rc == RC_OK ? rc : why_under(why, rc, "%s", name);
        }
        if (rc != RC_OK) {
            return why_under(why, rc, "%s", it->key);
        }
    }
    return rc != RC_OK ? rc : give_columns(it, why);
}

/* The value of "instances" or "inputs". */
static enum rc read_body(struct reading *it, const char *key, struct why *why)
{
    if (it->begun) {
        return why_fail(why, RC_INVALID, key, "must be one of instances and inputs, once");
    }
    it->begun = true;
    it->key = key;
    const bool columns = strcmp(key, "inputs") == 0;
    enum rc rc = it->reader->begin(it->reader->arg, columns, why);
    if (rc != RC_OK) {
        return rc;
    }
    const char c = scan_peek(&it->scan);
    if (c != '\0' && strchr(columns ? "\"tfn-0123456789" : "{\"tfn-0123456789", c) != NULL) { /* the beginning of another value */
        return why_fail(why, RC_INVALID, key, "must be a list of rows%s", columns ? ", or an object of columns" : "");
    }
    rc = c == '{' ? read_columns(it, why) : read_rows(it, why);
    if (rc == RC_OK && it->rows == 0) {
        return why_fail(why, RC_INVALID, key, "must hold at least one row");
    }
    return rc;
}

static enum rc read_object(struct reading *it, struct why *why)
{
    static const char *const keys[] = { "instances", "inputs" };
    enum rc rc;
    for (bool more = scan_begin(&it->scan, '{', '}', &rc, why); more; more = scan_more(&it->scan, '}', &rc, why)) {
        char *name;
        size_t n;
        const char *key = NULL;
        rc = scan_string(&it->scan, &name, &n, why);
        rc = rc != RC_OK ? rc : scan_need(&it->scan, ':', why);
        for (size_t i = 0; rc == RC_OK && i < COUNT_OF(keys); i++) {
            key = strcmp(name, keys[i]) == 0 ? keys[i] : key;
        }
        if (rc == RC_OK) {
            rc = key != NULL ? read_body(it, key, why) : scan_skip(&it->scan, why);
        }
    }
    rc = rc != RC_OK ? rc : scan_finish(&it->scan, why);
    if (rc == RC_OK && !it->begun) {
        return why_fail(why, RC_INVALID, NULL, "the body must hold instances (rows) or inputs (columns)");
    }
    return rc;
}

enum rc rows_read(const struct rows_reader *reader, char *text, size_t n, size_t *ret_rows, struct why *why)
{
    struct reading it = { .reader = reader };
    scan_init(&it.scan, text, n);
    it.cells = mem_array(reader->input_count, sizeof(*it.cells));
    it.seen = mem_array(reader->input_count, sizeof(*it.seen));
    enum rc rc = it.cells == NULL || it.seen == NULL ? RC_NO_MEMORY : read_object(&it, why);
    for (size_t i = 0; it.columns != NULL && i < reader->input_count; i++) {
        mem_free(it.columns[i]);
    }
    mem_free(it.columns);
    mem_free(it.seen);
    mem_free(it.cells);
    if (rc == RC_OK) {
        *ret_rows = it.rows;
    }
    return rc;
}
