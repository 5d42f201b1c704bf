/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_TARGET_H
#define CORE_DATA_TARGET_H

#include "core/data/table.h"

/*
 * What a network learns to say: the target column as numbers, and the names of
 * its classes for the answers.
 *
 *   binary      two classes; 0 the first, 1 the positive one
 *   multi-class three classes or more (two, when asked for): the place of the class among the names
 *   regression  the number itself
 *
 * Classes are sorted: numbers by value, texts by bytes, false before true. The
 * positive class is the second, unless the user names it.
 *
 * Threads: any, constant once made. Memory: target_destroy(). Logs: no.
 */

#define TARGET_CLASSES_MAX 1000

enum target_task {
    TARGET_BINARY,
    TARGET_MULTI_CLASS,
    TARGET_REGRESSION,
    TARGET_AUTO, /* only when asking: two classes binary, more multi-class; numbers regression, but 0 and 1 alone binary */
};

struct target {
    const char *name;
    int task;                  /* enum target_task */
    struct field_list classes; /* const char *; binary: { negative, positive }; regression: none */
    struct region _region;
};

/* "Target": {"name","task":"binary|multi_class|regression","classes"} */
extern const struct schema target_schema;

/* From all rows of the table. positive may be NULL. RC_INVALID: no such column (path "target"), an ignored
 * one, a positive that is not a class (path "positive"); RC_UNPROCESSABLE: rows without a value, one class
 * only, a task that the values do not allow; RC_NO_MEMORY. */
enum rc target_create(const struct table *table, const char *name, enum target_task task, const char *positive,
                      struct target **ret, struct why *why) MUST_CHECK;

/* y[i] of row rows[i] (rows NULL: all in order): the number, or the place of the class. Any table with
 * this column. RC_UNPROCESSABLE: no such column, a value missing, a class that is not known; RC_NO_MEMORY. */
enum rc target_values(const struct target *target, const struct table *table, const uint32_t *rows, size_t n,
                      float *y, struct why *why) MUST_CHECK;

/* The class of every row of the table, for split.h; not for regression. Same errors. */
enum rc target_classes(const struct target *target, const struct table *table, uint32_t *classes, struct why *why) MUST_CHECK;

const char *target_class(const struct target *target, size_t i);

/* Same errors as transform_read(). */
struct doc *target_write(const struct target *target);
enum rc target_read(const struct doc *doc, struct target **ret, struct why *why) MUST_CHECK;

void target_destroy(struct target *target);
DEFINE_AUTO_PTR(target)

#endif
