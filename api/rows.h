/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "core/base/why.h"
#include "core/data/transform.h"

/*
 * The rows of a prediction's body (TensorFlow Serving's REST form), read in one
 * pass and given on one after the other as cells in the order of the inputs.
 *
 *   {"instances":[{"age":42,"housing":"own"}, ...]}   records
 *   {"instances":[[42,"own"], ...]}                   tensors: raw columns in schema order
 *   {"instances":[1.0, 2.0]}                          of a model with one input
 *   {"inputs":{"age":[42,17],"housing":["own",null]}} columns
 *   {"inputs":[[42,"own"], ...]}                      as instances, answered as outputs
 *
 * Other keys are ignored, as that protocol demands; an unknown column is an
 * error, for leaving it out would answer another question. null, NaN and an
 * absent key are a missing value. The text is used up by the reading.
 *
 * Threads: one. Memory: cells and their texts are borrowed for the call. Logs: no.
 */

#define ROWS_CELLS_MAX (2u << 20) /* values of a body in columns, which are all kept */

enum rows_form {
    ROWS_RECORD,
    ROWS_TENSOR,
};

struct rows_reader {
    const struct transform *transform; /* names the inputs */
    size_t input_count;
    size_t rows_max;
    void *arg;
    /* Before the first row: is the answer called "outputs"? */
    enum rc (*begin)(void *arg, bool columns, struct why *why);
    enum rc (*row)(void *arg, enum rows_form form, const struct cell *cells, struct why *why);
};

/* RC_SYNTAX, RC_INVALID, RC_UNKNOWN_KEY, RC_DUPLICATE_KEY, RC_TOO_LARGE, RC_NO_MEMORY, what row() gives; why->path
 * is the place: "instances[3].age". *ret_rows: how many there were. */
enum rc rows_read(const struct rows_reader *reader, char *text, size_t n, size_t *ret_rows, struct why *why) MUST_CHECK;

#endif
