/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_ROWS_H
#define CORE_SERVICE_ROWS_H

#include "core/data/split.h"
#include "core/data/transform.h"
#include "core/service/dataset_body.h"
#include "core/service/internal.h"
#include "core/service/jobspec.h"
#include "core/store/dataset.h"

/*
 * From a stored dataset to the numbers that training and evaluation take.
 *
 * Threads: any; disk. Memory: rows_finish() frees; the region holds the strings. Logs: no.
 */

struct source {
    struct dataset_row row;
    struct dataset_view view;
    struct table *table;
};

/* Reads the whole table, checked against its digest; the subject column is left out of what can be learned.
 * RC_NOT_FOUND, RC_GONE, RC_CORRUPT, RC_TOO_LARGE (over bytes_max), RC_NO_MEMORY. */
enum rc source_open(struct service *service, const char *dataset, size_t bytes_max, struct region *region,
                    struct source *ret, struct why *why) MUST_CHECK;
void source_finish(struct source *source);
DEFINE_AUTO(source)

/* Without reading the table: row and view alone. */
enum rc source_describe(struct service *service, const char *dataset, struct region *region,
                        struct source *ret, struct why *why) MUST_CHECK;

/* The split of a train job: stratified for classes. */
enum rc rows_split(const struct job_train *spec, const struct target *target, const struct table *table,
                   struct split **ret, struct why *why) MUST_CHECK;

/* Features and targets of some rows (rows NULL: the first n), in the form that the loss takes. */
struct matrices {
    float *x, *targets;
    size_t rows;
};

/* budget: bytes that may be taken, reduced by what is. RC_TOO_LARGE, RC_UNPROCESSABLE, RC_NO_MEMORY. */
enum rc matrices_make(const struct transform *transform, const struct target *target,
                      const struct job_train *spec, int outputs,
                      const struct table *table, const uint32_t *rows, size_t n, size_t *budget,
                      struct matrices *ret, struct why *why) MUST_CHECK;
void matrices_finish(struct matrices *matrices);
DEFINE_AUTO(matrices)

/* Adds "<prefix>loss" and "<prefix><metric>" to an object. NaN is left out. */
enum rc rows_put_metrics(struct doc *object, const char *prefix, double loss, const struct field_list *metrics,
                         const double *values);

/* The fit's view of a resolved spec; target NULL: it must have no class weights; class weights and strings live in the region. */
enum rc rows_fit_spec(const struct job_train *spec, const struct target *target, struct region *region,
                      struct fit_spec *ret, struct why *why) MUST_CHECK;

#endif
