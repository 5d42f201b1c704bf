/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/readers.h"

#include <pthread.h>

#include "core/base/mem.h"

struct readers {
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t given; /* one came back */
    struct db *idle[READERS_COUNT];
    size_t count; /* of idle */
};

enum rc readers_create(const char *path, struct readers **ret, struct why *why)
{
    struct readers *readers = mem_alloc(sizeof(*readers));
    if (readers == NULL) {
        return RC_NO_MEMORY;
    }
    /* With default attributes neither can fail on Linux. */
    (void)pthread_mutex_init(&readers->lock, NULL);
    (void)pthread_cond_init(&readers->given, NULL);
    for (; readers->count < READERS_COUNT; readers->count++) {
        const enum rc rc = db_open(path, DB_READER, &readers->idle[readers->count], why);
        if (rc != RC_OK) {
            readers_destroy(readers);
            return rc;
        }
    }
    *ret = readers;
    return RC_OK;
}

struct db *readers_take(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    while (readers->count == 0) {
        (void)pthread_cond_wait(&readers->given, &readers->lock);
    }
    struct db *db = readers->idle[--readers->count];
    (void)pthread_mutex_unlock(&readers->lock);
    return db;
}

void readers_give(struct readers *readers, struct db *db)
{
    (void)pthread_mutex_lock(&readers->lock);
    MUST(readers->count < READERS_COUNT);
    readers->idle[readers->count++] = db;
    (void)pthread_cond_signal(&readers->given);
    (void)pthread_mutex_unlock(&readers->lock);
}

void readers_destroy(struct readers *readers)
{
    if (readers == NULL) {
        return;
    }
    while (readers->count > 0) {
        db_close(readers->idle[--readers->count]);
    }
    (void)pthread_cond_destroy(&readers->given);
    (void)pthread_mutex_destroy(&readers->lock);
    mem_free(readers);
}
