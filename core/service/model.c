/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/model.h"

#include <string.h>

#include "core/base/log.h"
#include "core/service/registry.h"
#include "core/store/model.h"

#define VERSIONS_SHOWN 100 /* newest first; more are found one by one */

/* Documents that a view borrows until it is written. */
struct loans {
    struct doc *docs[VERSIONS_SHOWN + 1];
    size_t count;
};

static void loans_finish(struct loans *loans)
{
    for (size_t i = 0; i < loans->count; i++) {
        doc_destroy(loans->docs[i]);
    }
}
DEFINE_AUTO(loans)

static enum rc view_version(const struct version_row *row, struct loans *loans, struct version_view *view,
                            struct why *why)
{
    struct doc *body = NULL;
    const enum rc rc = service_stored(row->body, &body, why);
    if (rc != RC_OK) {
        return rc;
    }
    loans->docs[loans->count++] = body;
    *view = (struct version_view){
        .version = row->number,
        .created_at = row->created_at,
        .dataset = row->dataset,
        .job = row->job,
        .weights_digest = row->weights_digest,
        .version_digest = row->version_digest,
        .parameters = row->parameters,
        .metrics = doc_get(body, "metrics"),
    };
    return RC_OK;
}

static bool is_loaded(struct service *service, const char *model, int64_t number)
{
    struct version *version = registry_find(service->registry, model, number);
    registry_unpin(service->registry, version);
    return version != NULL;
}

/* Versions and their states, as two lists of the view. */
static enum rc view_versions(struct service *service, const char *model, struct region *region, struct loans *loans,
                             struct model_view *view, struct why *why)
{
    struct version_list list;
    enum rc rc = store_version_list(service->store, model, 0, VERSIONS_SHOWN, region, &list, why);
    if (rc != RC_OK) {
        return rc;
    }
    struct version_view *versions = region_alloc(region, list.count, sizeof(*versions));
    struct version_view **version_items = region_alloc(region, list.count, sizeof(struct version_view *));
    struct status_view *statuses = region_alloc(region, list.count, sizeof(*statuses));
    struct status_view **status_items = region_alloc(region, list.count, sizeof(struct status_view *));
    if (versions == NULL || version_items == NULL || statuses == NULL || status_items == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        rc = view_version(&list.rows[i], loans, &versions[i], why);
        version_items[i] = &versions[i];
        statuses[i].version = region_printf(region, "%lld", (long long)list.rows[i].number);
        statuses[i].state = is_loaded(service, model, list.rows[i].number) ? "AVAILABLE" : "END";
        statuses[i].status = loans->docs[0];
        status_items[i] = &statuses[i];
    }
    view->versions = (struct field_list){ version_items, list.count };
    view->statuses = (struct field_list){ status_items, list.count };
    return rc;
}

/* The label's shares as the list that the contract shows. */
static enum rc view_label(const struct label_row *row, struct region *region, struct field_list *ret)
{
    struct share *shares = region_alloc(region, row->count, sizeof(*shares));
    struct share **items = region_alloc(region, row->count, sizeof(struct share *));
    if (shares == NULL || items == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < row->count; i++) {
        shares[i] = (struct share){ .version = row->versions[i], .weight = 100 };
        items[i] = &shares[i];
    }
    *ret = (struct field_list){ items, row->count };
    return RC_OK;
}

static enum rc view_labels(struct service *service, const char *model, struct region *region,
                           struct model_view *view, struct why *why)
{
    struct label_list list;
    enum rc rc = store_label_list(service->store, model, region, &list, why);
    registry_settle(service->registry); /* a label that is shown is in place */
    if (rc != RC_OK) {
        return rc;
    }
    const char **keys = region_alloc(region, list.count, sizeof(*keys));
    struct field_list *values = region_alloc(region, list.count, sizeof(*values));
    if (keys == NULL || values == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        keys[i] = list.rows[i].label;
        rc = view_label(&list.rows[i], region, &values[i]);
        view->ready = view->ready || (strcmp(keys[i], "production") == 0 && is_loaded(service, model, list.rows[i].versions[0]));
    }
    view->labels = (struct field_map){ keys, values, list.count };
    return rc;
}

static enum rc one_column(struct region *region, const char *name, const char *type, struct field_list *ret)
{
    struct column_view *column = region_alloc(region, 1, sizeof(*column));
    struct column_view **items = region_alloc(region, 1, sizeof(struct column_view *));
    if (column == NULL || items == NULL) {
        return RC_NO_MEMORY;
    }
    *column = (struct column_view){ name, type };
    items[0] = column;
    *ret = (struct field_list){ items, 1 };
    return RC_OK;
}

static enum rc put_columns(const struct transform *transform, const struct target *target, struct region *region,
                           struct model_view *view)
{
    size_t n;
    const struct transform_input *inputs = transform_inputs(transform, &n);
    struct column_view *columns = region_alloc(region, n, sizeof(*columns));
    struct column_view **items = region_alloc(region, n, sizeof(struct column_view *));
    if (columns == NULL || items == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        columns[i] = (struct column_view){ region_strdup(region, inputs[i].name), column_types[inputs[i].type] };
        items[i] = &columns[i];
    }
    view->inputs = (struct field_list){ items, n };
    return one_column(region, region_strdup(region, target->name), target->task == TARGET_REGRESSION ? "number" : "category", &view->outputs);
}

/* The record that the deployed version takes and gives, else the newest; from its texts: nothing is loaded to be looked at. */
static enum rc view_columns(struct service *service, const char *model, struct region *region,
                            struct model_view *view, struct why *why)
{
    int64_t number = registry_label(service->registry, model, "production");
    if (number == 0 && view->versions.count > 0) {
        number = ((struct version_view **)view->versions.items)[0]->version;
    }
    AUTO_PTR(transform) struct transform *transform = NULL;
    AUTO_PTR(target) struct target *target = NULL;
    struct version_row row;
    enum rc rc = store_version_get(service->store, model, number, region, &row, why);
    if (rc == RC_OK) {
        rc = version_read_transforms(&row, &transform, &target, why);
    }
    if (rc != RC_OK) {
        return rc == RC_NO_MEMORY ? rc : RC_OK; /* a version that cannot be read shows no columns; predicting says why */
    }
    return put_columns(transform, target, region, view);
}

static enum rc ok_status(struct loans *loans)
{
    AUTO_PTR(doc) struct doc *status = doc_new_object();
    if (doc_put_string(status, "error_code", "OK") != RC_OK || doc_put_string(status, "error_message", "") != RC_OK) {
        return RC_NO_MEMORY;
    }
    loans->docs[loans->count++] = TAKE(status);
    return RC_OK;
}

static enum rc reply(struct service *service, const struct model_row *row, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    AUTO(loans) struct loans loans = { .count = 0 };
    struct model_view view = {
        .id = row->name,
        .object = "model",
        .owned_by = "licit",
        .name = row->name,
        .created = row->created_at,
    };
    enum rc rc = ok_status(&loans);
    if (rc == RC_OK) {
        rc = view_versions(service, row->name, &region, &loans, &view, why);
    }
    if (rc == RC_OK) {
        rc = view_labels(service, row->name, &region, &view, why);
    }
    if (rc == RC_OK) {
        rc = view_columns(service, row->name, &region, &view, why);
    }
    if (rc != RC_OK) {
        return rc;
    }
    struct doc *doc = schema_write(&model_schema, &view);
    if (doc == NULL) {
        return RC_NO_MEMORY;
    }
    *ret = doc;
    return RC_OK;
}

enum rc service_model_get(struct service *service, const char *model, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct model_row row;
    const enum rc rc = model_find(service, model, &region, &row, why);
    return rc == RC_OK ? reply(service, &row, ret, why) : rc;
}

enum rc service_model_list(struct service *service, const struct page *page, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct store_page rows = service_page(page);
    struct model_list list;
    enum rc rc = store_model_list(service->store, &rows, &region, &list, why);
    AUTO_PTR(doc) struct doc *data = doc_new_list();
    AUTO_PTR(doc) struct doc *names = doc_new_list();
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        struct doc *item = NULL;
        rc = reply(service, &list.rows[i], &item, why);
        rc = rc == RC_OK ? doc_add(data, item) : rc;
        rc = rc == RC_OK ? doc_add(names, doc_new_string(list.rows[i].name)) : rc;
    }
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(doc) struct doc *out = service_list(TAKE(data), list.has_more);
    rc = doc_put(out, "models", TAKE(names)); /* what KServe's clients read */
    if (rc == RC_OK) {
        *ret = TAKE(out);
    }
    return rc;
}

enum rc service_version_get(struct service *service, const char *model, int64_t number, struct doc **ret,
                            struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    AUTO(loans) struct loans loans = { .count = 0 };
    struct version_row row;
    struct version_view view;
    enum rc rc = store_version_get(service->store, model, number, &region, &row, why);
    if (rc == RC_NOT_FOUND) {
        return model_no_version(why, model, number);
    }
    if (rc == RC_OK) {
        rc = view_version(&row, &loans, &view, why);
    }
    struct doc *doc = rc == RC_OK ? schema_write(&model_version_schema, &view) : NULL;
    if (doc == NULL) {
        return rc == RC_OK ? RC_NO_MEMORY : rc;
    }
    *ret = doc;
    return RC_OK;
}

enum rc service_version_erase(struct service *service, const char *model, int64_t number, struct why *why)
{
    const enum rc rc = store_version_remove(service->store, model, number, why);
    if (rc == RC_NOT_FOUND) {
        return model_no_version(why, model, number);
    }
    if (rc == RC_OK) {
        registry_retire(service->registry, model, number);
        log_info("version_erased", "model=%s version=%lld", model, (long long)number);
    }
    return rc;
}

enum rc service_model_erase(struct service *service, const char *model, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct model_row row;
    enum rc rc = model_find(service, model, &region, &row, why);
    rc = rc == RC_OK ? registry_begin_change(service->registry) : rc;
    if (rc != RC_OK) {
        return rc;
    }
    rc = store_model_remove(service->store, model, why);
    if (rc == RC_OK) {
        registry_retire(service->registry, model, 0);
    }
    registry_end_change(service->registry);
    if (rc == RC_OK) {
        log_info("model_erased", "model=%s", model);
    }
    return rc;
}
