/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_VERSION_H
#define CORE_SERVICE_VERSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/str.h"
#include "core/nn/network.h"
#include "core/service/internal.h"
#include "core/service/jobspec.h"
#include "core/service/predict.h"
#include "core/store/dataset.h"
#include "core/store/model.h"
#include "core/vault/digest.h"

/*
 * A version of a model: how it is kept, and how it is when it is loaded.
 *
 * Kept: a canonical manifest that names the parts by digest. version_digest is
 * the digest of the manifest, weights_digest that of the weights:
 *
 *     {"created_at":…,"dataset":{"id","sha256"},"format":"licit-version-1","job":…,"model":…,
 *      "parts":{"card.json":sha256,"network.json":…,"transforms.json":…,"weights.safetensors":…}}
 *
 *     network.json     {"inputs":n,"layers":[…]}
 *     transforms.json  {"transform":{…},"target":{…}}
 *     card.json        {"spec":{the resolved job},"metrics":{…},"library":…,"licence":…}
 *
 * Loading checks every digest on the way, so what serves is what was trained.
 *
 * Threads: a loaded version is constant but for its pins and its spare
 * workspaces. Memory: version_destroy(). Logs: no.
 */

#define VERSION_BATCH 64 /* rows of one product when predicting */

struct version {
    /* set when loaded, then constant */
    char model[STR_NAME_MAX + 1];
    int64_t number;
    char version_digest[DIGEST_HEX_SIZE];
    char dataset[ID_SIZE];
    struct network *network;
    float *parameters;
    struct transform *transform;
    struct target *target;
    struct region region;   /* of spec */
    struct job_train *spec; /* the job that trained it */
    size_t bytes;           /* what it takes: parameters and spare workspaces */
    int64_t row_ns;         /* what one row took by itself, measured when it was loaded */
    atomic_int pins;        /* the registry may free it at 0 */
    _Atomic int64_t used;   /* monotonic nanoseconds of the last pin */
    bool retired;           /* guarded by the registry's lock */
    struct version *next;
    /* guarded by lock */
    pthread_mutex_t lock;
    struct workspace *spare[8];
    int spare_count;
};

/* What training leaves to be kept. Everything is borrowed. */
struct version_draft {
    const struct job_row *job;
    const struct dataset_row *dataset;
    const struct job_train *spec;
    const struct network *network;
    const float *parameters;
    const struct transform *transform;
    const struct target *target;
    const struct doc *metrics;
    const char *licence;
};

/* Writes weights and rows, ends the job and sets the label of the spec, all in one transaction. */
enum rc version_write(struct service *service, const struct version_draft *draft, int64_t *ret_number,
                      struct why *why) MUST_CHECK;

/* Only what a record is made of and means, from a row's text. RC_CORRUPT and what transform_read() gives. */
enum rc version_read_transforms(const struct version_row *row, struct transform **ret_transform, struct target **ret_target,
                                struct why *why) MUST_CHECK;

/* RC_NOT_FOUND, RC_CORRUPT (a digest does not fit), RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc version_load(struct service *service, const char *model, int64_t number, struct version **ret,
                     struct why *why) MUST_CHECK;
void version_destroy(struct version *version);
DEFINE_AUTO_PTR(version)

#endif
