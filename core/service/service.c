/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/service.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/math/mat.h"
#include "core/service/chores.h"
#include "core/service/internal.h"
#include "core/service/keys.h"
#include "core/service/lease.h"
#include "core/service/registry.h"
#include "core/service/trainer.h"
#include "core/store/usage.h"
#include "core/vault/root.h"

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

/* One token. One whose start does not open any more is good as it stands, but what it was narrowed to is not. */
static enum rc load_token(struct service *service, const struct token_row *row, struct why *why)
{
    unsigned char start[DIGEST_BYTES];
    enum rc rc = row->chain == NULL ? RC_NOT_FOUND : keys_open_start(service, row, start);
    if (rc == RC_NO_MEMORY) {
        return rc;
    }
    if (row->chain != NULL && rc != RC_OK) {
        log_warn("token_chain_unreadable", "token=%s rc=%s", row->id, rc_name(rc));
    }
    rc = tokens_insert(service->tokens, row, rc == RC_OK ? start : NULL, why);
    mem_wipe(start, sizeof(start));
    return rc;
}

/* Whoever is alive on record may ask again. */
static enum rc load_tokens(struct service *service, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct token_list list;
    struct usage_list usage;
    enum rc rc = tokens_create(&service->tokens);
    if (rc == RC_OK) {
        rc = store_token_live(service->store, wall_seconds(), &region, &list, why);
    }
    if (rc == RC_OK) {
        rc = store_usage_list(service->store, &region, &usage);
    }
    bool has_sealed = false;
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        has_sealed = has_sealed || list.rows[i].chain != NULL;
    }
    if (rc == RC_OK) {
        rc = keys_open(service, has_sealed, why);
    }
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        rc = load_token(service, &list.rows[i], why);
        if (rc == RC_NOT_FOUND) { /* so many have expired that one of its line had to make room: only this one is lost */
            log_error("token_not_loaded", "token=%s parent=%s", list.rows[i].id, list.rows[i].parent);
            rc = RC_OK;
            continue;
        }
        rc = rc != RC_OK ? rc : lease_limit(service, &list.rows[i], &usage, why);
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
    if (service->tokens != NULL && service->store != NULL) {
        lease_settle(service);
    }
    tokens_destroy(service->tokens);
    root_close(service->root);
    store_close(service->store);
    mem_free(service->state);
    mem_free(service);
}
