/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_TRANSFORM_H
#define CORE_DATA_TRANSFORM_H

#include "core/data/table.h"

/*
 * From raw columns to the numbers that a network takes, the same way in
 * training and in serving. Fitted on the training rows alone, stored with the
 * version as transforms.json.
 *
 *   number    (x - mean) / std, one feature; a constant column gives 0
 *   category  one feature for each category of the training rows, sorted: 1 for
 *             the row's own, 0 for the others; unknown: all 0 and a flag
 *   boolean   0 or 1
 *
 * A column that lacked values in the training rows is filled when a value is
 * missing (mean, or the most frequent); any other missing value is an error.
 *
 * Invariants: features are finite; the inputs are in the order of the table
 * without the target and what is ignored. Constant once made.
 *
 * Threads: any. Memory: transform_destroy(). Logs: no.
 */

#define TRANSFORM_FEATURES_MAX 65536
#define TRANSFORM_VERSION      1

struct transform;

struct transform_input {
    const char *name;
    enum column_type type;
    size_t first, count;     /* its features */
    bool fills;              /* may be missing */
    bool constant;           /* numbers: one value in the training rows; the feature is 0 */
    const char **categories; /* categories: those that are known */
    size_t category_count;
    double min, max; /* numbers: of the training rows */
    double _mean, _std;
    double _fill;       /* numbers and booleans: in place of a missing value */
    size_t _fill_place; /* categories: the place of the one that is put in */
};

/* One cell of a raw record. */
enum cell_kind {
    CELL_MISSING,
    CELL_NUMBER,
    CELL_BOOLEAN,
    CELL_TEXT
};

struct cell {
    enum cell_kind kind;
    double number;    /* numbers; booleans: 0 or 1; NaN counts as missing */
    const char *text; /* closed by a NUL */
};

enum transform_flag {
    TRANSFORM_UNKNOWN_CATEGORY = 1, /* a category that training never saw */
    TRANSFORM_OUT_OF_RANGE = 2,     /* a number outside [min, max] of training */
};

/* Fits on n rows of the table; the target's column is left out. RC_UNPROCESSABLE: no column to learn
 * from; a column with no value in these rows; RC_TOO_LARGE: features; RC_NO_MEMORY. */
enum rc transform_fit(const struct table *table, const char *target, const uint32_t *rows, size_t n,
                      struct transform **ret, struct why *why) MUST_CHECK;

size_t transform_features(const struct transform *transform);
const struct transform_input *transform_inputs(const struct transform *transform, size_t *ret_count); /* borrowed */
const struct transform_input *transform_input(const struct transform *transform, const char *name, size_t *ret_index);

/* x[i * features + f] = feature f of row rows[i] (rows NULL: all in order); any table with these columns. RC_UNPROCESSABLE: a column
 * is absent, of another type, or lacks a value that is not filled; RC_NO_MEMORY. */
enum rc transform_table(const struct transform *transform, const struct table *table, const uint32_t *rows, size_t n,
                        float *x, struct why *why) MUST_CHECK;

/* x[f] for one record, cells in the order of the inputs; flags of enum transform_flag are added to
 * *flags. RC_INVALID: why->path is the column's name. Allocates nothing. */
enum rc transform_record(const struct transform *transform, const struct cell *cells,
                         float *x, unsigned *flags, struct why *why) MUST_CHECK;

/* transforms.json. NULL: no memory. RC_INVALID, RC_UNKNOWN_KEY, RC_UNSUPPORTED (a later version), RC_TOO_LARGE,
 * RC_NO_MEMORY; a document from outside cannot break an invariant. */
struct doc *transform_write(const struct transform *transform);
enum rc transform_read(const struct doc *doc, struct transform **ret, struct why *why) MUST_CHECK;

void transform_destroy(struct transform *transform);
DEFINE_AUTO_PTR(transform)

#endif
