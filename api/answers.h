/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ANSWERS_H
#define API_ANSWERS_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/data/target.h"

/*
 * Predictions as JSON text: one answer a row.
 *
 *   record, classes     {"label":"good","probability":0.93,"probabilities":{"bad":0.07,"good":0.93}}
 *   record, regression  a number
 *   tensor              the outputs as they are: [0.93], [0.1,0.2,0.7]
 *
 * Threads: any. Memory: the caller's buffer, which keeps its failure. Logs: no.
 */

/* The shortest text that reads back the same float, never an integer's: "1.0", "0.1", "1e-20"; NaN as TensorFlow Serving has it. */
void answers_number(float x, struct buf *out);

void answers_tensor(const float *y, int n, struct buf *out);

/* flags: enum transform_flag; a regression has no place for them. */
void answers_record(const struct target *target, const float *y, int n, unsigned flags, struct buf *out);

/* No answer of n outputs has more bytes, whatever its form. */
size_t answers_bytes_max(const struct target *target, int n);

#endif
