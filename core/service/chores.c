/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/chores.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/store/token.h"

struct chore {
    char token[ID_SIZE];
};

struct chores {
    struct service *service;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    bool stopping;
    size_t first, count;
    struct chore queue[CHORES_QUEUE_MAX];
};

/* Waits for the next; false: stopping, and nothing is left. */
static bool take(struct chores *chores, struct chore *ret)
{
    pthread_mutex_lock(&chores->lock);
    while (chores->count == 0 && !chores->stopping) {
        pthread_cond_wait(&chores->changed, &chores->lock);
    }
    const bool found = chores->count > 0;
    if (found) {
        *ret = chores->queue[chores->first];
        chores->first = (chores->first + 1) % CHORES_QUEUE_MAX;
        chores->count--;
    }
    pthread_mutex_unlock(&chores->lock);
    return found;
}

/* The first token was for the first hour. Its file goes when another one with all rights does its work; the
 * first token has no parent. */
static void drop_first_token(struct chores *chores, const char *token)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct token_row row;
    if (store_token_get(chores->service->store, token, &region, &row, NULL) != RC_OK || row.parent == NULL ||
        strcmp(row.scopes, "*") != 0) {
        return;
    }
    const char *path = region_printf(&region, "%s/first-token", chores->service->state);
    if (path != NULL && unlink(path) == 0) {
        log_info("first_token_removed", "used=%s", token);
    } else if (path != NULL && errno != ENOENT) {
        log_warn("first_token_kept", "errno=%d detail=\"could not remove the file\"", errno);
    }
}

static void *serve(void *arg)
{
    struct chores *chores = arg;
    struct chore chore;
    while (take(chores, &chore)) {
        const enum rc rc = store_token_used(chores->service->store, chore.token, wall_seconds(), NULL);
        if (rc != RC_OK) {
            log_debug("token_use_unnoted", "token=%s rc=%s", chore.token, rc_name(rc));
        }
        drop_first_token(chores, chore.token);
    }
    return NULL;
}

enum rc chores_create(struct service *service, struct chores **ret)
{
    struct chores *chores = mem_alloc(sizeof(*chores));
    if (chores == NULL) {
        return RC_NO_MEMORY;
    }
    chores->service = service;
    (void)pthread_mutex_init(&chores->lock, NULL); /* neither can fail on Linux */
    (void)pthread_cond_init(&chores->changed, NULL);
    if (pthread_create(&chores->thread, NULL, serve, chores) != 0) {
        mem_free(chores);
        return RC_UNAVAILABLE;
    }
    (void)pthread_setname_np(chores->thread, "licit-chores"); /* only for people */
    *ret = chores;
    return RC_OK;
}

void chores_destroy(struct chores *chores)
{
    if (chores == NULL) {
        return;
    }
    pthread_mutex_lock(&chores->lock);
    chores->stopping = true;
    pthread_cond_signal(&chores->changed);
    pthread_mutex_unlock(&chores->lock);
    (void)pthread_join(chores->thread, NULL); /* ours and joinable */
    pthread_cond_destroy(&chores->changed);
    pthread_mutex_destroy(&chores->lock);
    mem_free(chores);
}

void chores_note(struct chores *chores, const char *token)
{
    pthread_mutex_lock(&chores->lock);
    if (chores->count < CHORES_QUEUE_MAX) {
        struct chore *chore = &chores->queue[(chores->first + chores->count++) % CHORES_QUEUE_MAX];
        (void)str_copy(chore->token, sizeof(chore->token), token); /* an id always fits */
        pthread_cond_signal(&chores->changed);
    }
    pthread_mutex_unlock(&chores->lock);
}
