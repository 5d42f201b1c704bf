/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/model.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/service/registry.h"

/*
 * Labels. A change takes the registry first and then the store, so that what
 * answers is what is on record (registry_begin_change()).
 */

static enum rc read_label(const struct doc *body, struct region *region, int64_t *ret, struct why *why)
{
    struct label_request request;
    const enum rc rc = schema_read(&label_schema, body, region, &request, why);
    if (rc != RC_OK) {
        return rc;
    }
    const bool has_list = request.versions.count > 0;
    if ((request.version != FIELD_ABSENT) == has_list) {
        return why_fail(why, RC_INVALID, "version", has_list ? "is given beside versions; give one of them" : "is required");
    }
    if (!has_list) {
        *ret = request.version;
        return RC_OK;
    }
    const struct share *share = ((struct share **)request.versions.items)[0];
    if (share->shadow || share->weight != 100) {
        return why_fail(why, RC_INVALID, "versions[0]", "the one version of a label has weight 100 and is no shadow");
    }
    *ret = share->version;
    return RC_OK;
}

/* {"versions":[{"version":n}]} */
static enum rc store_label(struct service *service, const char *model, const char *label, int64_t number,
                           struct region *region, struct why *why)
{
    const char *body = region_printf(region, "{\"versions\":[{\"version\":%lld}]}", (long long)number);
    if (body == NULL) {
        return RC_NO_MEMORY;
    }
    const struct label_row row = {
        .model = model,
        .label = label,
        .updated_at = wall_seconds(),
        .versions = &number,
        .count = 1,
        .body = body,
    };
    return store_label_set(service->store, &row, why);
}

static enum rc change_label(struct service *service, const char *model, const char *label, int64_t number,
                            struct region *region, struct why *why)
{
    enum rc rc = registry_begin_change(service->registry);
    if (rc != RC_OK) {
        return rc;
    }
    rc = store_label(service, model, label, number, region, why);
    if (rc == RC_OK) {
        registry_set_label(service->registry, model, label, number);
    }
    registry_end_change(service->registry);
    return rc;
}

enum rc service_label_set(struct service *service, const char *model, const char *label, const struct doc *body,
                          struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct model_row row;
    int64_t number = 0;
    struct version *version = NULL;
    if (!str_is_name(label)) {
        return why_fail(why, RC_INVALID, "label", "must be a letter or digit, then letters, digits, '.', '_' or '-', at most 63 in all");
    }
    enum rc rc = read_label(body, &region, &number, why);
    if (rc == RC_OK) {
        rc = model_find(service, model, &region, &row, why);
    }
    if (rc == RC_OK) {
        rc = registry_load(service->registry, model, number, &version, why); /* first: no request is to wait for it */
        rc = rc == RC_NOT_FOUND ? model_no_version(why, model, number) : rc;
    }
    if (rc == RC_OK) {
        rc = change_label(service, model, label, number, &region, why);
    }
    registry_unpin(service->registry, version);
    if (rc != RC_OK) {
        return rc;
    }
    log_info("label_set", "model=%s label=%s version=%lld", model, label, (long long)number);
    return service_model_get(service, model, ret, why);
}

enum rc service_label_remove(struct service *service, const char *model, const char *label, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct model_row row;
    enum rc rc = model_find(service, model, &region, &row, why);
    rc = rc == RC_OK ? registry_begin_change(service->registry) : rc;
    if (rc != RC_OK) {
        return rc;
    }
    rc = store_label_remove(service->store, model, label, why);
    if (rc == RC_OK) {
        registry_drop_label(service->registry, model, label);
    }
    registry_end_change(service->registry);
    if (rc == RC_OK) {
        log_info("label_removed", "model=%s label=%s", model, label);
    }
    return rc;
}
