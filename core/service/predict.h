/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_PREDICT_H
#define CORE_SERVICE_PREDICT_H

#include "core/data/target.h"
#include "core/data/transform.h"
#include "core/service/service.h"

/*
 * One prediction: pin a loaded version, turn records into features with its own
 * transforms (core/data/transform.h), compute, unpin.
 *
 * Threads: any. version_pin() of what is not loaded reads the disk: ask
 * version_row_ns() first and move to an io worker. A pinned version is
 * constant and cannot be unloaded.
 */

#define PREDICT_ROWS_MAX 65536 /* rows of one request */

struct version; /* one loaded version of a model */

/* What a request names: at most one of the two; neither means the label "production". */
struct version_choice {
    int64_t number;    /* 0: not named */
    const char *label; /* NULL: not named */
};

bool version_is_loaded(struct service *service, const char *model, const struct version_choice *choice);

/* Nanoseconds that one row took by itself when the version was loaded; -1: it is not loaded. *ret_inputs:
 * the values of a record. */
int64_t version_row_ns(struct service *service, const char *model, const struct version_choice *choice, size_t *ret_inputs);

/* The same version without the disk; NULL: it is not loaded. */
struct version *version_pin_loaded(struct service *service, const char *model, const struct version_choice *choice);

/* RC_NOT_FOUND ("no version is deployed"), RC_CORRUPT, RC_NO_MEMORY, RC_TOO_LARGE. */
enum rc version_pin(struct service *service, const char *model, const struct version_choice *choice,
                    struct version **ret, struct why *why) MUST_CHECK;
void version_unpin(struct service *service, struct version *version);

/* Was the version trained for this purpose (NULL: none is named)? RC_UNPROCESSABLE in words; a version whose
 * training named no purpose serves any. */
enum rc version_check_purpose(const struct version *version, const char *purpose, const char *path, struct why *why) MUST_CHECK;

/* Borrowed, valid while pinned. */
int64_t version_number(const struct version *version);
const char *version_digest(const struct version *version);
const struct transform *version_transform(const struct version *version);
const struct target *version_target(const struct version *version);
int version_outputs(const struct version *version);

/* outputs[rows][version_outputs()] from features[rows][transform_features()], row-major. RC_NO_MEMORY. */
enum rc version_predict(struct version *version, const float *features, size_t rows, float *outputs,
                        struct why *why) MUST_CHECK;

#endif
