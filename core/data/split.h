/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_SPLIT_H
#define CORE_DATA_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Which rows train, which validate, which test: seeded, shuffled, and for
 * classes stratified (each class has its share in each part).
 *
 * Invariants: every row is in exactly one part; the same specification gives the
 * same lists on every machine; a class with two rows or more has one in training,
 * a class with one row has it there. The parts are in shuffled order.
 *
 * Threads: any. Memory: split_destroy(). Logs: no.
 */

struct split_spec {
    size_t rows;
    const uint32_t *classes; /* the class of each row, below class_count; NULL: no strata */
    size_t class_count;
    double validation; /* fraction of the rows, 0 to below 1; with test also below 1 */
    double test;
    uint64_t seed;
};

struct split_part {
    const uint32_t *rows; /* indices into the table */
    size_t count;
};

struct split {
    struct split_part train, validation, test;
    uint32_t *_order;
};

/* RC_INVALID: fractions (path "validation_split" or "test_split"); RC_UNPROCESSABLE: too few rows for a
 * part that was asked for, or to train; RC_NO_MEMORY. */
enum rc split_create(const struct split_spec *spec, struct split **ret, struct why *why) MUST_CHECK;
void split_destroy(struct split *split);
DEFINE_AUTO_PTR(split)

#endif
