/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_MODEL_BODY_H
#define CORE_SERVICE_MODEL_BODY_H

#include "core/base/field.h"
#include "core/service/internal.h"
#include "core/store/model.h"

/*
 * The bodies of models, versions and labels (contract: Model) as C structs and
 * field tables, and the words for what is not there.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

struct version_view {
    int64_t version, created_at, parameters;
    const char *dataset, *job, *weights_digest, *version_digest;
    const struct doc *metrics;
};

struct share {
    int64_t version, weight;
    bool shadow;
};

struct label_request {
    int64_t version;
    struct field_list versions; /* of struct share * */
};

struct column_view {
    const char *name, *type;
};

struct status_view {
    const char *version, *state;
    const struct doc *status;
};

struct model_view {
    const char *id, *object, *owned_by, *name;
    int64_t created;
    bool ready;
    struct field_list statuses;        /* of struct status_view * */
    struct field_list versions;        /* of struct version_view * */
    struct field_map labels;           /* of struct field_list of struct share * */
    struct field_list inputs, outputs; /* of struct column_view * */
};

extern const struct schema model_schema;         /* the reply */
extern const struct schema model_version_schema; /* one version */
extern const struct schema label_schema;         /* the body of PUT .../labels/{label} */

/* The model's row. RC_NOT_FOUND in words. Disk. */
enum rc model_find(struct service *service, const char *model, struct region *region, struct model_row *row,
                   struct why *why) MUST_CHECK;

/* RC_NOT_FOUND: "the model has no version 7". */
enum rc model_no_version(struct why *why, const char *model, int64_t number);

#endif
