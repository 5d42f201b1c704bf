/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/predict.h"

#include <string.h>

#include "core/service/registry.h"

#define DEFAULT_LABEL "production"

/* The number that a choice means; 0: nothing. */
static int64_t resolve(struct service *service, const char *model, const struct version_choice *choice)
{
    if (choice->number > 0) {
        return choice->number;
    }
    return registry_label(service->registry, model, choice->label == NULL ? DEFAULT_LABEL : choice->label);
}

struct version *version_pin_loaded(struct service *service, const char *model, const struct version_choice *choice)
{
    return registry_find(service->registry, model, resolve(service, model, choice));
}

int64_t version_row_ns(struct service *service, const char *model, const struct version_choice *choice, size_t *ret_inputs)
{
    struct version *version = version_pin_loaded(service, model, choice);
    if (version == NULL) {
        return -1;
    }
    (void)transform_inputs(version->transform, ret_inputs);
    const int64_t ns = version->row_ns;
    registry_unpin(service->registry, version);
    return ns;
}

bool version_is_loaded(struct service *service, const char *model, const struct version_choice *choice)
{
    size_t inputs;
    return version_row_ns(service, model, choice, &inputs) >= 0;
}

/* Why a choice means nothing: tells a model that is not there from one that is not deployed. Disk. */
static enum rc explain(struct service *service, const char *model, const struct version_choice *choice, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct model_row row;
    const enum rc rc = store_model_get(service->store, model, &region, &row, why);
    if (rc == RC_NOT_FOUND) {
        return why_fail(why, rc, "", "there is no model \"%.80s\"", model);
    }
    if (rc != RC_OK) {
        return rc;
    }
    if (choice->label != NULL) {
        return why_fail(why, RC_NOT_FOUND, "", "the model \"%.80s\" has no label \"%.80s\"", model, choice->label);
    }
    return why_fail(why, RC_NOT_FOUND, "", "no version of the model \"%.80s\" is deployed: name a version, or set the label production", model);
}

enum rc version_pin(struct service *service, const char *model, const struct version_choice *choice,
                    struct version **ret, struct why *why)
{
    const int64_t number = resolve(service, model, choice);
    if (number == 0) {
        return explain(service, model, choice, why);
    }
    const enum rc rc = registry_load(service->registry, model, number, ret, why);
    if (rc == RC_NOT_FOUND) {
        return why_fail(why, rc, "", "the model \"%.80s\" has no version %lld", model, (long long)number);
    }
    return rc;
}

void version_unpin(struct service *service, struct version *version)
{
    registry_unpin(service->registry, version);
}

enum rc version_check_purpose(const struct version *version, const char *purpose, const char *path, struct why *why)
{
    const char *own = version->spec->purpose;
    if (purpose == NULL || own == NULL || strcmp(purpose, own) == 0) {
        return RC_OK;
    }
    return why_fail(why, RC_UNPROCESSABLE, path, "the version was trained for the purpose \"%.80s\", got \"%.80s\"", own, purpose);
}

int64_t version_number(const struct version *version)
{
    return version->number;
}

const char *version_digest(const struct version *version)
{
    return version->version_digest;
}

const struct transform *version_transform(const struct version *version)
{
    return version->transform;
}

const struct target *version_target(const struct version *version)
{
    return version->target;
}

int version_outputs(const struct version *version)
{
    return network_outputs(version->network);
}

static struct workspace *take_spare(struct version *version)
{
    pthread_mutex_lock(&version->lock);
    struct workspace *workspace = version->spare_count > 0 ? version->spare[--version->spare_count] : NULL;
    pthread_mutex_unlock(&version->lock);
    return workspace;
}

static void give_spare(struct version *version, struct workspace *workspace)
{
    pthread_mutex_lock(&version->lock);
    if (version->spare_count < (int)COUNT_OF(version->spare)) {
        version->spare[version->spare_count++] = TAKE(workspace);
    }
    pthread_mutex_unlock(&version->lock);
    workspace_destroy(workspace);
}

enum rc version_predict(struct version *version, const float *features, size_t rows, float *outputs, struct why *why)
{
    struct workspace *workspace = take_spare(version);
    if (workspace == NULL) {
        const enum rc rc = workspace_create(version->network, VERSION_BATCH, false, &workspace);
        if (rc != RC_OK) {
            return why_fail(why, rc, "", "%s", rc_text(rc));
        }
    }
    network_predict(version->network, version->parameters, workspace, features, rows, outputs);
    give_spare(version, workspace);
    return RC_OK;
}
