/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/registry.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"

struct label {
    char model[STR_NAME_MAX + 1];
    char name[STR_NAME_MAX + 1];
    int64_t number;
    struct label *next;
};

struct registry {
    struct service *service;
    /* taken in this order; lock alone on the path of a request whose version is loaded */
    pthread_mutex_t changing; /* from a change in the store until it is followed here */
    struct label *spare;      /* guarded by changing: made before the change, so that following cannot fail */
    pthread_mutex_t loading;  /* one loads at a time, so that nothing is loaded twice */
    pthread_rwlock_t lock;
    /* guarded by lock */
    struct version *versions;
    struct label *labels;
    size_t bytes; /* of all versions in the list */
};

enum rc registry_create(struct service *service, struct registry **ret)
{
    struct registry *registry = mem_alloc(sizeof(*registry));
    if (registry == NULL) {
        return RC_NO_MEMORY;
    }
    registry->service = service;
    (void)pthread_mutex_init(&registry->changing, NULL); /* none of them can fail on Linux */
    (void)pthread_mutex_init(&registry->loading, NULL);
    (void)pthread_rwlock_init(&registry->lock, NULL);
    *ret = registry;
    return RC_OK;
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    while (registry->versions != NULL) {
        struct version *version = registry->versions;
        registry->versions = version->next;
        version_destroy(version);
    }
    while (registry->labels != NULL) {
        struct label *label = registry->labels;
        registry->labels = label->next;
        mem_free(label);
    }
    mem_free(registry->spare);
    pthread_rwlock_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->loading);
    pthread_mutex_destroy(&registry->changing);
    mem_free(registry);
}

struct version *registry_find(struct registry *registry, const char *model, int64_t number)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct version *version = registry->versions;
    while (version != NULL && (version->retired || version->number != number || strcmp(version->model, model) != 0)) {
        version = version->next;
    }
    if (version != NULL) {
        atomic_fetch_add(&version->pins, 1);
        atomic_store_explicit(&version->used, mono_now().ns, memory_order_relaxed);
    }
    pthread_rwlock_unlock(&registry->lock);
    return version;
}

/* The registry's list keeps no pin: a version without pins is freed only when it is retired. */
static void free_if_done(struct registry *registry, struct version *version)
{
    struct version *unused = NULL;
    pthread_rwlock_wrlock(&registry->lock);
    for (struct version **at = &registry->versions; *at != NULL; at = &(*at)->next) {
        if (*at == version && version->retired && atomic_load(&version->pins) == 0) {
            *at = version->next;
            registry->bytes -= version->bytes;
            unused = version;
            break;
        }
    }
    pthread_rwlock_unlock(&registry->lock);
    version_destroy(unused);
}

void registry_unpin(struct registry *registry, struct version *version)
{
    if (version == NULL) {
        return;
    }
    /* Read under the pin: afterwards another thread may free it. */
    pthread_rwlock_rdlock(&registry->lock);
    const bool retired = version->retired;
    atomic_fetch_sub(&version->pins, 1);
    pthread_rwlock_unlock(&registry->lock);
    if (retired) {
        free_if_done(registry, version);
    }
}

static bool has_label(const struct registry *registry, const struct version *version)
{
    const struct label *label = registry->labels;
    while (label != NULL && (label->number != version->number || strcmp(label->model, version->model) != 0)) {
        label = label->next;
    }
    return label != NULL;
}

/* Takes the version that was used longest ago out of the list; NULL: each has a label or a pin. */
static struct version *unlink_oldest(struct registry *registry)
{
    struct version **oldest = NULL;
    for (struct version **at = &registry->versions; *at != NULL; at = &(*at)->next) {
        const bool may_go = atomic_load(&(*at)->pins) == 0 && !has_label(registry, *at);
        if (may_go && (oldest == NULL || atomic_load(&(*at)->used) < atomic_load(&(*oldest)->used))) {
            oldest = at;
        }
    }
    struct version *version = oldest == NULL ? NULL : *oldest;
    if (version != NULL) {
        *oldest = version->next;
        registry->bytes -= version->bytes;
    }
    return version;
}

/* Puts a loaded version into the list, others making room; false: there is none. */
static bool admit(struct registry *registry, struct version *version)
{
    const size_t ceiling = registry->service->config.resident_memory;
    struct version *evicted = NULL;
    pthread_rwlock_wrlock(&registry->lock);
    bool fits = version->bytes <= ceiling;
    while (fits && registry->bytes > ceiling - version->bytes) {
        struct version *oldest = unlink_oldest(registry);
        fits = oldest != NULL;
        if (fits) {
            oldest->next = evicted;
            evicted = oldest;
        }
    }
    if (fits) {
        version->next = registry->versions;
        registry->versions = version;
        registry->bytes += version->bytes;
    }
    pthread_rwlock_unlock(&registry->lock);
    while (evicted != NULL) {
        struct version *next = evicted->next;
        log_info("model_unloaded", "model=%s version=%lld", evicted->model, (long long)evicted->number);
        version_destroy(evicted);
        evicted = next;
    }
    return fits;
}

static enum rc load(struct registry *registry, const char *model, int64_t number, struct version **ret, struct why *why)
{
    struct version *version = registry_find(registry, model, number); /* another thread may have been first */
    if (version != NULL) {
        *ret = version;
        return RC_OK;
    }
    const struct mono start = mono_now();
    const enum rc rc = version_load(registry->service, model, number, &version, why);
    if (rc != RC_OK) {
        return rc;
    }
    atomic_store(&version->pins, 1);
    atomic_store(&version->used, start.ns);
    if (!admit(registry, version)) {
        version_destroy(version);
        return why_fail(why, RC_UNAVAILABLE, "", "no memory is left for this version: those that are loaded have labels or requests");
    }
    log_info("model_loaded", "model=%s version=%lld parameters=%zu us=%lld", model, (long long)number,
             network_parameter_count(version->network), (long long)(mono_since(start) / 1000));
    *ret = version;
    return RC_OK;
}

enum rc registry_load(struct registry *registry, const char *model, int64_t number, struct version **ret,
                      struct why *why)
{
    struct version *version = registry_find(registry, model, number);
    if (version != NULL) {
        *ret = version;
        return RC_OK;
    }
    pthread_mutex_lock(&registry->loading);
    const enum rc rc = load(registry, model, number, ret, why);
    pthread_mutex_unlock(&registry->loading);
    return rc;
}

static struct label *find_label(struct registry *registry, const char *model, const char *name)
{
    struct label *label = registry->labels;
    while (label != NULL && (strcmp(label->name, name) != 0 || strcmp(label->model, model) != 0)) {
        label = label->next;
    }
    return label;
}

int64_t registry_label(struct registry *registry, const char *model, const char *label)
{
    pthread_rwlock_rdlock(&registry->lock);
    const struct label *found = find_label(registry, model, label);
    const int64_t number = found == NULL ? 0 : found->number;
    pthread_rwlock_unlock(&registry->lock);
    return number;
}

enum rc registry_begin_change(struct registry *registry)
{
    pthread_mutex_lock(&registry->changing);
    if (registry->spare == NULL) {
        registry->spare = mem_alloc(sizeof(*registry->spare));
    }
    if (registry->spare == NULL) {
        pthread_mutex_unlock(&registry->changing);
        return RC_NO_MEMORY;
    }
    return RC_OK;
}

void registry_end_change(struct registry *registry)
{
    pthread_mutex_unlock(&registry->changing);
}

void registry_settle(struct registry *registry)
{
    pthread_mutex_lock(&registry->changing);
    pthread_mutex_unlock(&registry->changing);
}

void registry_set_label(struct registry *registry, const char *model, const char *name, int64_t number)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct label *label = find_label(registry, model, name);
    if (label == NULL) {
        label = TAKE(registry->spare);
        (void)str_copy(label->model, sizeof(label->model), model); /* names are checked where they come in */
        (void)str_copy(label->name, sizeof(label->name), name);
        label->next = registry->labels;
        registry->labels = label;
    }
    label->number = number;
    pthread_rwlock_unlock(&registry->lock);
}

/* Marks what is to go; what nobody has pinned goes at once. */
static struct version *unlink_retired(struct registry *registry, const char *model, int64_t number)
{
    struct version *unused = NULL;
    for (struct version **at = &registry->versions; *at != NULL;) {
        struct version *version = *at;
        const bool is_it = strcmp(version->model, model) == 0 && (number == 0 || version->number == number);
        version->retired = version->retired || is_it;
        if (is_it && atomic_load(&version->pins) == 0) {
            *at = version->next;
            registry->bytes -= version->bytes;
            version->next = unused;
            unused = version;
        } else {
            at = &version->next;
        }
    }
    return unused;
}

/* name NULL: all labels of the model. */
static void drop_labels(struct registry *registry, const char *model, const char *name)
{
    for (struct label **at = &registry->labels; *at != NULL;) {
        struct label *label = *at;
        if (strcmp(label->model, model) == 0 && (name == NULL || strcmp(label->name, name) == 0)) {
            *at = label->next;
            mem_free(label);
        } else {
            at = &label->next;
        }
    }
}

void registry_drop_label(struct registry *registry, const char *model, const char *name)
{
    pthread_rwlock_wrlock(&registry->lock);
    drop_labels(registry, model, name);
    pthread_rwlock_unlock(&registry->lock);
}

void registry_retire(struct registry *registry, const char *model, int64_t number)
{
    /* Who has read the row before it was erased has put the version into the list by now. */
    pthread_mutex_lock(&registry->loading);
    pthread_rwlock_wrlock(&registry->lock);
    struct version *unused = unlink_retired(registry, model, number);
    if (number == 0) {
        drop_labels(registry, model, NULL);
    }
    pthread_rwlock_unlock(&registry->lock);
    pthread_mutex_unlock(&registry->loading);
    while (unused != NULL) {
        struct version *version = unused;
        unused = version->next;
        version_destroy(version);
    }
}

enum rc registry_recover(struct registry *registry, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct label_list list;
    enum rc rc = store_label_list(registry->service->store, NULL, &region, &list, why);
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        const struct label_row *row = &list.rows[i];
        rc = registry_begin_change(registry);
        if (rc == RC_OK) {
            registry_set_label(registry, row->model, row->label, row->versions[0]);
            registry_end_change(registry);
        }
        struct version *version = NULL;
        struct why broken = { 0 };
        if (rc == RC_OK && registry_load(registry, row->model, row->versions[0], &version, &broken) != RC_OK) {
            log_error("model_not_loaded", "model=%s version=%lld why=%s", row->model, (long long)row->versions[0], log_quote(broken.text).text);
        }
        registry_unpin(registry, version);
    }
    return rc;
}
