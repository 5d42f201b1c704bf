/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_CSV_H
#define CORE_DATA_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * CSV (RFC 4180) in pieces: the one door to libcsv.
 *
 * Bytes are pushed as they arrive, cut anywhere; every complete row is handed
 * to the caller's functions. The first row is the header. What libcsv leaves
 * open is closed here: a UTF-8 byte order mark is skipped; lines end in LF, CRLF
 * or CR; text must be UTF-8 without NUL; quotes must be closed and placed as the
 * RFC says; every row has the header's number of fields; each growing thing has
 * a ceiling; errors name the line (the first is 1) on which the row begins.
 * A blank line is skipped, but in a table of one column it is an empty value.
 * Blanks around an unquoted field do not belong to it.
 *
 * Threads: one at a time. Memory: csv_destroy(); names and fields are borrowed
 * for the time of the call. Logs: no.
 */

#define CSV_FIELD_BYTES_MAX (1u << 20)
#define CSV_ROW_BYTES_MAX   (4u << 20)
#define CSV_COLUMNS_MAX     4096
#define CSV_NAME_BYTES_MAX  128

struct csv;

struct csv_field {
    const char *text; /* closed by a NUL that n does not count */
    size_t n;
};

struct csv_row {
    const struct csv_field *fields;
    size_t count;
    int64_t line;  /* where it begins, from 1 */
    int64_t index; /* among the data rows, from 0; the header has -1 */
};

/* What the caller does with the rows. Anything but RC_OK stops the reading with that code. */
struct csv_events {
    enum rc (*header)(void *arg, const struct csv_row *names, struct why *why);
    enum rc (*row)(void *arg, const struct csv_row *row, struct why *why);
    void *arg;
};

/* RC_NO_MEMORY. */
enum rc csv_create(const struct csv_events *events, struct csv **ret) MUST_CHECK;

/* RC_INVALID (malformed, ragged, a bad header), RC_TOO_LARGE (a ceiling), RC_NO_MEMORY, or what an
 * event function gave. After an error every later call gives the same code. */
enum rc csv_push(struct csv *csv, const void *bytes, size_t n, struct why *why) MUST_CHECK;

/* No more bytes: gives the last row. RC_INVALID: an unclosed quote, no header. */
enum rc csv_end(struct csv *csv, struct why *why) MUST_CHECK;

void csv_destroy(struct csv *csv);
DEFINE_AUTO_PTR(csv)

#endif
