/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_JOBSPEC_H
#define CORE_SERVICE_JOBSPEC_H

#include "core/data/column.h"
#include "core/data/target.h"
#include "core/nn/fit.h"

/*
 * What a job is asked to do: the bodies of POST /v1/jobs as C structs, and how
 * what was left out is filled in.
 *
 * A resolved train job has every default written out, the network included. It
 * is stored and shown in that form; the same resolved job on the same dataset
 * gives the same weights.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

#define JOBSPEC_EPOCHS_MAX 10000 /* each is a line of the history, which is read whole */

enum job_kind {
    JOB_TRAIN,
    JOB_EVALUATE
};

struct job_train {
    const char *model, *dataset, *target, *purpose, *label, *positive;
    struct network_spec *network;
    struct field_variant optimizer; /* over optimizer_options */
    struct field_variant schedule;  /* over schedule_options */
    struct stopping_spec *early_stopping;
    int loss;                  /* an enum loss */
    struct field_list metrics; /* of int: enum metric */
    int64_t epochs, batch_size, seed;
    double validation_split, test_split, clip_norm, global_clip_norm;
    struct field_map class_weight; /* class name → double */
};

enum rows {
    ROWS_ALL,
    ROWS_VALIDATION,
    ROWS_TEST
};

struct job_evaluate {
    const char *model, *label, *dataset, *target, *purpose;
    int64_t version;
    int rows;                  /* an enum rows */
    struct field_list metrics; /* of int: enum metric; none: those of training */
};

extern const struct schema job_train_schema;
extern const struct schema job_evaluate_schema;

/* A FIELD_VARIANT row over the two, in the order of enum job_kind; reads into a struct field_variant. */
extern const struct field job_request;

/* Fills in what depends on the target's column: loss, metrics, network; checks that they fit together and that
 * the network stays under bytes_max with so many inputs. RC_INVALID, RC_UNPROCESSABLE or RC_TOO_LARGE with
 * the place, e.g. "network.layers[2].units must be 10, the number of classes of "digit"". */
enum rc jobspec_resolve(struct job_train *spec, const struct column *target, int inputs, size_t bytes_max,
                        struct region *region, struct why *why) MUST_CHECK;

/* How the target's values are to be read for this loss. */
enum target_task jobspec_task(const struct job_train *spec);

/* The JSON form with "type" first; NULL: no memory. */
struct doc *jobspec_write(enum job_kind kind, const void *spec);

/* A stored spec back. RC_CORRUPT, RC_NO_MEMORY. */
enum rc jobspec_read(const char *json, struct region *region, struct field_variant *ret, struct why *why) MUST_CHECK;

#endif
