/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/service.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/math/mat.h"
#include "core/service/chores.h"
#include "core/service/internal.h"
#include "core/service/registry.h"
#include "core/service/trainer.h"
#include "core/store/blob.h"

const struct service_config service_defaults = {
    .trainers = 1,
    .train_threads = 2,
    .train_memory = (size_t)1 << 30,
    .model_memory = (size_t)1 << 30,
    .resident_memory = (size_t)4 << 30,
    .dataset_bytes = (size_t)1 << 30,
    .jobs_waiting = 100,
    .token_seconds = 365 * 86400,
};

const char *service_library(void)
{
    return mat_library();
}

struct doc *service_list(struct doc *data, bool has_more)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    const enum rc object = doc_put_string(out, "object", "list");
    const enum rc items = doc_put(out, "data", data); /* also after a failure: data was handed over */
    if (object != RC_OK || items != RC_OK || doc_put_boolean(out, "has_more", has_more) != RC_OK) {
        return NULL;
    }
    return TAKE(out);
}

enum rc service_text(const struct doc *doc, struct region *region, const char **ret)
{
    AUTO(buf) struct buf out;
    buf_init(&out, SERVICE_REGION_MAX);
    const enum rc rc = doc_write(doc, DOC_CANONICAL, &out);
    if (rc != RC_OK) {
        return rc;
    }
    const char *text = region_strdup(region, out.data);
    *ret = text;
    return text == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc service_stored(const char *text, struct doc **ret, struct why *why)
{
    if (text == NULL) {
        *ret = NULL;
        return RC_OK;
    }
    const enum rc rc = doc_parse(text, strlen(text), ret, why);
    return rc == RC_OK || rc == RC_NO_MEMORY ? rc : why_fail(why, RC_CORRUPT, "", "a stored record is damaged");
}

void service_drop_unnamed(struct service *service, const struct blob_ref *blob, enum rc reason)
{
    const enum rc rc = reason == RC_IO ? RC_IO : blob_remove(service->store, blob);
    if (rc != RC_OK) {
        log_warn("file_left_behind", "rc=%s", rc_name(rc));
    }
}

struct store_page service_page(const struct page *page)
{
    return (struct store_page){ .limit = page->limit, .after = page->after };
}

/* Whoever is alive on record may ask again. */
static enum rc load_tokens(struct service *service, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct token_list list;
    enum rc rc = tokens_create(&service->tokens);
    if (rc == RC_OK) {
        rc = store_token_live(service->store, wall_seconds(), &region, &list, why);
    }
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        rc = tokens_insert(service->tokens, &list.rows[i], why);
    }
    return rc;
}

/* In the order in which the parts need each other; service_close() undoes it backwards. */
static enum rc open_parts(struct service *service, struct why *why)
{
    enum rc rc = mat_check_library(why);
    if (rc == RC_OK) {
        rc = store_open(service->state, &service->store, why);
    }
    if (rc == RC_OK) {
        rc = load_tokens(service, why);
    }
    if (rc == RC_OK) {
        rc = registry_create(service, &service->registry);
    }
    if (rc == RC_OK) {
        rc = registry_recover(service->registry, why);
    }
    if (rc == RC_OK) {
        rc = chores_create(service, &service->chores);
    }
    if (rc == RC_OK) {
        rc = trainer_create(service, &service->trainer);
    }
    return rc == RC_OK ? trainer_recover(service->trainer, why) : rc;
}

enum rc service_open(const struct service_config *config, struct service **ret, struct why *why)
{
    struct service *service = mem_alloc(sizeof(*service));
    if (service == NULL) {
        return RC_NO_MEMORY;
    }
    service->config = *config;
    service->state = mem_strdup(config->state);
    service->config.state = service->state;
    const enum rc rc = service->state == NULL ? RC_NO_MEMORY : open_parts(service, why);
    if (rc != RC_OK) {
        service_close(service);
        return rc;
    }
    *ret = service;
    return RC_OK;
}

void service_stop(struct service *service)
{
    if (service != NULL && service->trainer != NULL) {
        trainer_stop(service->trainer);
    }
}

void service_close(struct service *service)
{
    if (service == NULL) {
        return;
    }
    trainer_destroy(service->trainer);
    chores_destroy(service->chores);
    registry_destroy(service->registry);
    tokens_destroy(service->tokens);
    store_close(service->store);
    mem_free(service->state);
    mem_free(service);
}
