/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_PROFILE_H
#define CORE_DATA_PROFILE_H

#include "core/data/column.h"

/*
 * First reading of a table: from CSV bytes to types and statistics of every column.
 *
 * One pass; each column keeps every type that its cells still allow, and the
 * narrowest of them is its type at the end: number, boolean, category, else
 * ignored (too many or too long texts, or a text of its own in every row of more
 * than 20: a name of the row, nothing to learn from). A type that the user chose is held to:
 * a cell that does not fit is an error with its line. A column without any value
 * is ignored. A column of 0 and 1 is a number; the words true, false, yes, no
 * make a boolean.
 *
 * Memory is bounded: texts by COLUMN_CATEGORIES_MAX and PROFILE_TEXT_BYTES_MAX,
 * the counting of distinct numbers by PROFILE_DISTINCT_BYTES_MAX.
 *
 * Threads: one at a time. Memory: profile_destroy(); results are borrowed from it. Logs: no.
 */

#define PROFILE_ROWS_MAX           100000000
#define PROFILE_CATEGORIES_MAX     65536 /* of all columns together: so many can be read back as JSON */
#define PROFILE_TEXT_BYTES_MAX     (256u << 20)
#define PROFILE_DISTINCT_BYTES_MAX (64u << 20)

struct profile;

struct profile_options {
    struct field_map columns;  /* of struct column_choice *: the user's types; may be empty */
    struct field_list missing; /* of const char *: what stands for "no value"; items NULL: the default list */
};

/* The options are copied, but what they point to is borrowed until profile_destroy(). RC_NO_MEMORY. */
enum rc profile_create(const struct profile_options *options, struct profile **ret) MUST_CHECK;

/* RC_INVALID, RC_TOO_LARGE, RC_NO_MEMORY as csv_push(), also a cell against the user's type. */
enum rc profile_push(struct profile *profile, const void *bytes, size_t n, struct why *why) MUST_CHECK;

/* No more bytes. RC_INVALID: also a chosen column that is not there; a number that no float32 holds;
 * RC_TOO_LARGE: categories of all columns; RC_UNPROCESSABLE: no rows. The results are then valid until profile_destroy(). */
enum rc profile_end(struct profile *profile, struct why *why) MUST_CHECK;

int64_t profile_rows(const struct profile *profile);
const struct field_list *profile_columns(const struct profile *profile); /* of struct column * */

void profile_destroy(struct profile *profile);
DEFINE_AUTO_PTR(profile)

#endif
