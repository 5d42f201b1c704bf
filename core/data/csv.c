/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/csv.h"

#include <csv.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/str.h"

/*
 * DESIGN. libcsv is fed one line, or SEGMENT bytes of one, at a time. So the line
 * number is known at every row, a ceiling is noticed at most SEGMENT bytes late,
 * and the LF of a CRLF that ended a row is kept from it (it would count as a
 * blank line). libcsv cannot be stopped from its callbacks: the first failure
 * is kept and what follows in the segment ignored.
 */

#define SEGMENT     65536
#define FIELD_BLOCK 4096 /* libcsv's buffer grows in steps of this */

struct csv {
    struct csv_parser parser;
    struct csv_events events;
    struct buf text;               /* the fields of the present row, each closed by a NUL */
    size_t *starts;                /* where in it each begins */
    struct csv_field *fields;      /* the same as pointers, made when the row is complete */
    size_t count, room;            /* fields of the present row; room in both arrays */
    size_t columns;                /* of the header; 0: not seen yet */
    int64_t line, row_line, index; /* of the next byte; where the row begins; the next row's */
    size_t row_bytes;              /* pushed since the row began */
    size_t start_bytes;            /* of the byte order mark seen so far; 3 once the text has begun */
    bool row_open;                 /* a byte of the present row has been seen */
    bool after_cr;                 /* the last byte was a CR that ended a row */
    bool counted_cr;               /* the last byte was a CR, already counted as a line */
    enum rc failed;
    struct why why;
};

static void *grow(void *old, size_t size)
{
    return mem_resize(old, size, 1);
}

static enum rc reserve(struct csv *csv)
{
    if (csv->count < csv->room) {
        return RC_OK;
    }
    const size_t room = csv->room == 0 ? 64 : csv->room * 2;
    size_t *starts = mem_resize(csv->starts, room, sizeof(*starts));
    if (starts == NULL) {
        return RC_NO_MEMORY;
    }
    csv->starts = starts;
    struct csv_field *fields = mem_resize(csv->fields, room, sizeof(*fields));
    if (fields == NULL) {
        return RC_NO_MEMORY;
    }
    csv->fields = fields;
    csv->room = room;
    return RC_OK;
}

static enum rc add_field(struct csv *csv, const char *text, size_t n)
{
    struct why *why = &csv->why;
    if (csv->count == CSV_COLUMNS_MAX) {
        return why_fail(why, RC_TOO_LARGE, "", "line %lld: more than %d columns", (long long)csv->row_line, CSV_COLUMNS_MAX);
    }
    if (n > CSV_FIELD_BYTES_MAX) {
        return why_fail(why, RC_TOO_LARGE, "", "line %lld: field %zu is longer than %u bytes", (long long)csv->row_line, csv->count + 1, CSV_FIELD_BYTES_MAX);
    }
    if (!str_is_utf8(text, n)) {
        return why_fail(why, RC_INVALID, "", "line %lld: field %zu is not UTF-8 text", (long long)csv->row_line, csv->count + 1);
    }
    const enum rc rc = reserve(csv);
    if (rc != RC_OK) {
        return rc;
    }
    csv->starts[csv->count++] = csv->text.len;
    if (buf_append(&csv->text, text, n) != RC_OK || buf_append(&csv->text, "", 1) != RC_OK) {
        return csv->text.failed == RC_NO_MEMORY
                   ? RC_NO_MEMORY
                   : why_fail(why, RC_TOO_LARGE, "", "line %lld: the row is longer than %u bytes", (long long)csv->row_line, CSV_ROW_BYTES_MAX);
    }
    return RC_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct csv_field *)a)->text, ((const struct csv_field *)b)->text);
}

static enum rc check_name(const struct csv_field *name, size_t i, struct why *why)
{
    if (name->n == 0) {
        return why_fail(why, RC_INVALID, "", "column %zu has no name in the header", i + 1);
    }
    if (name->n > CSV_NAME_BYTES_MAX) {
        return why_fail(why, RC_INVALID, "", "the name of column %zu is longer than %d bytes", i + 1, CSV_NAME_BYTES_MAX);
    }
    for (const char *p = name->text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return why_fail(why, RC_INVALID, "", "the name of column %zu holds a control character", i + 1);
        }
    }
    return RC_OK;
}

/* The header's names: present, short, printable, and no two the same. One name with a foreign
 * separator in it would make a table of one useless column. */
static enum rc check_header(struct csv *csv)
{
    if (csv->count == 1 && strpbrk(csv->fields[0].text, ";\t") != NULL) {
        return why_fail(&csv->why, RC_INVALID, "", "the header seems to be separated by semicolons or tabs; cells must be separated by commas");
    }
    for (size_t i = 0; i < csv->count; i++) {
        const enum rc rc = check_name(&csv->fields[i], i, &csv->why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    AUTO_FREE struct csv_field *sorted = mem_array(csv->count, sizeof(*sorted));
    if (sorted == NULL) {
        return RC_NO_MEMORY;
    }
    memcpy(sorted, csv->fields, csv->count * sizeof(*sorted));
    qsort(sorted, csv->count, sizeof(*sorted), by_text);
    for (size_t i = 1; i < csv->count; i++) {
        if (by_text(&sorted[i - 1], &sorted[i]) == 0) {
            return why_fail(&csv->why, RC_INVALID, "", "the header names \"%s\" twice", sorted[i].text);
        }
    }
    return RC_OK;
}

static enum rc give_row(struct csv *csv)
{
    for (size_t i = 0; i < csv->count; i++) {
        const size_t end = i + 1 < csv->count ? csv->starts[i + 1] : csv->text.len;
        csv->fields[i] = (struct csv_field){ csv->text.data + csv->starts[i], end - csv->starts[i] - 1 };
    }
    const struct csv_row row = { csv->fields, csv->count, csv->row_line, csv->index };
    if (csv->columns == 0) {
        const enum rc rc = check_header(csv);
        if (rc != RC_OK) {
            return rc;
        }
        csv->columns = csv->count;
        csv->index = 0;
        return csv->events.header(csv->events.arg, &row, &csv->why);
    }
    if (csv->count != csv->columns) {
        return why_fail(&csv->why, RC_INVALID, "", "line %lld has %zu fields, the header has %zu", (long long)csv->row_line, csv->count, csv->columns);
    }
    csv->index++;
    return csv->events.row(csv->events.arg, &row, &csv->why);
}

static void on_field(void *text, size_t n, void *arg)
{
    struct csv *csv = arg;
    if (csv->failed == RC_OK) {
        csv->failed = add_field(csv, text == NULL ? "" : text, n);
    }
}

static void on_row(int end, void *arg)
{
    struct csv *csv = arg;
    if (csv->failed == RC_OK && csv->count == 0 && csv->columns == 1) {
        csv->failed = add_field(csv, "", 0); /* a blank line of a one-column table is a missing value */
    }
    if (csv->failed == RC_OK && csv->count > 0) {
        csv->failed = give_row(csv);
    }
    buf_clear(&csv->text);
    csv->count = 0;
    csv->row_bytes = 0;
    csv->row_open = false;
}

enum rc csv_create(const struct csv_events *events, struct csv **ret)
{
    AUTO_PTR(csv) struct csv *csv = mem_alloc(sizeof(*csv));
    if (csv == NULL) {
        return RC_NO_MEMORY;
    }
    csv->events = *events;
    csv->line = 1;
    csv->index = -1;
    buf_init(&csv->text, CSV_ROW_BYTES_MAX + CSV_COLUMNS_MAX);                  /* a NUL for each field */
    (void)csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL); /* fails for NULL alone */
    csv_set_realloc_func(&csv->parser, grow);
    csv_set_free_func(&csv->parser, mem_free);
    csv_set_blk_size(&csv->parser, FIELD_BLOCK);
    *ret = TAKE(csv);
    return RC_OK;
}

void csv_destroy(struct csv *csv)
{
    if (csv != NULL) {
        csv_free(&csv->parser);
        buf_finish(&csv->text);
        mem_free(csv->starts);
        mem_free(csv->fields);
        mem_free(csv);
    }
}

static enum rc parser_failed(struct csv *csv)
{
    if (csv_error(&csv->parser) == CSV_ENOMEM) {
        return RC_NO_MEMORY;
    }
    return why_fail(&csv->why, RC_INVALID, "", "line %lld: a quote stands inside a field; a field that holds quotes must be quoted, each written twice", (long long)csv->row_line);
}

static enum rc check_ceilings(struct csv *csv)
{
    if (csv->parser.entry_pos > CSV_FIELD_BYTES_MAX) {
        return why_fail(&csv->why, RC_TOO_LARGE, "", "the row of line %lld: field %zu is longer than %u bytes (or its quote is never closed)",
                        (long long)csv->row_line, csv->count + 1, CSV_FIELD_BYTES_MAX);
    }
    if (csv->row_bytes > CSV_ROW_BYTES_MAX) {
        return why_fail(&csv->why, RC_TOO_LARGE, "", "the row of line %lld is longer than %u bytes", (long long)csv->row_line, CSV_ROW_BYTES_MAX);
    }
    return RC_OK;
}

/* One line with its end, or a piece of one. */
static void feed(struct csv *csv, const char *bytes, size_t n)
{
    if (!csv->row_open) {
        csv->row_open = true;
        csv->row_line = csv->line;
    }
    csv->row_bytes += n;
    if (memchr(bytes, '\0', n) != NULL) {
        csv->failed = why_fail(&csv->why, RC_INVALID, "", "line %lld holds a NUL byte: this is not CSV text", (long long)csv->line);
        return;
    }
    const size_t taken = csv_parse(&csv->parser, bytes, n, on_field, on_row, csv);
    if (csv->failed == RC_OK && taken != n) {
        csv->failed = parser_failed(csv);
    }
    if (csv->failed == RC_OK) {
        csv->failed = check_ceilings(csv);
    }
}

/* The bytes up to and with the first CR or LF, at most SEGMENT. */
static size_t segment(const char *bytes, size_t n)
{
    n = n < SEGMENT ? n : SEGMENT;
    const char *lf = memchr(bytes, '\n', n);
    n = lf == NULL ? n : (size_t)(lf - bytes) + 1;
    const char *cr = memchr(bytes, '\r', n);
    return cr == NULL ? n : (size_t)(cr - bytes) + 1;
}

static void take(struct csv *csv, const char *bytes, size_t n)
{
    while (n > 0 && csv->failed == RC_OK) {
        const size_t len = segment(bytes, n);
        const char last = bytes[len - 1];
        const bool second = last == '\n' && len == 1 && csv->counted_cr; /* the LF of a CRLF */
        if (!(second && csv->after_cr)) {
            feed(csv, bytes, len);
        }
        csv->line += (last == '\n' || last == '\r') && !second;
        csv->counted_cr = last == '\r';
        csv->after_cr = last == '\r' && !csv->row_open;
        bytes += len;
        n -= len;
    }
}

/* Holds back the first bytes while they could be a byte order mark. */
static void skip_mark(struct csv *csv, const char **bytes, size_t *n)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (csv->start_bytes < 3 && *n > 0) {
        if (**bytes != mark[csv->start_bytes]) {
            take(csv, mark, csv->start_bytes);
            csv->start_bytes = 3;
            return;
        }
        csv->start_bytes++;
        (*bytes)++;
        (*n)--;
    }
}

/* The first failure, its words copied out. */
static enum rc outcome(const struct csv *csv, struct why *why)
{
    if (csv->failed != RC_OK && why != NULL) {
        *why = csv->why;
    }
    return csv->failed;
}

enum rc csv_push(struct csv *csv, const void *bytes, size_t n, struct why *why)
{
    const char *p = bytes;
    skip_mark(csv, &p, &n);
    take(csv, p, n);
    return outcome(csv, why);
}

enum rc csv_end(struct csv *csv, struct why *why)
{
    if (csv->failed == RC_OK && csv->start_bytes < 3) {
        take(csv, "\xef\xbb\xbf", csv->start_bytes); /* cut: it was no mark, and is no UTF-8 either */
    }
    if (csv->failed == RC_OK && csv_fini(&csv->parser, on_field, on_row, csv) != 0) {
        csv->failed = csv_error(&csv->parser) == CSV_ENOMEM
                          ? RC_NO_MEMORY
                          : why_fail(&csv->why, RC_INVALID, "", "the file ends within a quoted field of the row that begins on line %lld", (long long)csv->row_line);
    }
    if (csv->failed == RC_OK && csv->columns == 0) {
        csv->failed = why_fail(&csv->why, RC_INVALID, "", "the file is empty: a header row with the names of the columns is needed");
    }
    return outcome(csv, why);
}
