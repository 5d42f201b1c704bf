/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_COLUMN_H
#define CORE_DATA_COLUMN_H

#include "core/base/field.h"

/*
 * What is known of a column of a table: its type and its statistics, as the
 * contract's `columns` shows them and as they are stored.
 *
 * Lists of columns are struct field_list of struct column *, so that the owner
 * of a JSON object puts `columns` into a field table with column_item.
 *
 * Threads: any. Memory: as core/base/field.h. Logs: no.
 */

/* Ceilings of what a column may hold; beyond them text is `ignored`. */
#define COLUMN_CATEGORIES_MAX     1000
#define COLUMN_CATEGORY_BYTES_MAX 256
#define COLUMN_MISSING_TOKENS_MAX 32

enum column_type {
    COLUMN_NUMBER,   /* float32, finite */
    COLUMN_CATEGORY, /* one of a list of texts */
    COLUMN_BOOLEAN,  /* true, false, yes, no, 1, 0, ignoring case */
    COLUMN_IGNORED,  /* kept in the file, never used */
};

extern const char *const column_types[]; /* by enum column_type; closed by NULL */

struct column {
    const char *name;
    int type;                     /* enum column_type */
    int64_t missing;              /* rows without a value */
    int64_t distinct;             /* values that differ; FIELD_ABSENT: more than could be counted */
    double min, max, mean, std;   /* numbers, of the rows with a value; std over n; NaN: does not apply */
    struct field_list categories; /* const char *, in the order of their bytes */
};

extern const struct schema column_schema;
extern const struct field column_item; /* of a FIELD_LIST `columns`, at most CSV_COLUMNS_MAX */
extern const struct field_list column_missing_default;
extern const char column_missing_fallback[];   /* JSON: the missing tokens where none are given */
extern const struct field column_missing_item; /* of a FIELD_LIST `missing`: const char * */

/* What a user says of a column: the value in `"columns":{"age":{"type":"number"}}`. */
struct column_choice {
    int type;
};

extern const struct schema column_choice_schema;
extern const struct field column_choice_item; /* of a FIELD_MAP: struct column_choice * */

/* The i-th column; the column of a name (NULL: none) with its place in *ret_index (NULL allowed). */
const struct column *column_at(const struct field_list *columns, size_t i);
const struct column *column_find(const struct field_list *columns, const char *name, size_t *ret_index);

/* Is the text one of the missing tokens (const char *)? */
bool column_is_missing(const struct field_list *tokens, const char *text);

/* The text for an error: at most 40 bytes, cut between characters, without control characters. */
#define COLUMN_QUOTE_BYTES 48
const char *column_quote(const char *text, char out[COLUMN_QUOTE_BYTES]);

/* "true", "Yes", "1" ... */
bool column_to_boolean(const char *text, bool *ret);

#endif
