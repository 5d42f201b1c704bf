/* SPDX-License-Identifier: Apache-2.0 */
#include "core/work/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/mem.h"

#define THREAD_NAME_SIZE 16 /* the kernel's, with the NUL */
#define BACKGROUND_NICE  19

struct pool {
    /* set at creation, then constant: no lock */
    char name[POOL_NAME_MAX + 1];
    size_t queue_max;
    bool background;
    int threads;
    pthread_t thread[POOL_THREADS_MAX];
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t work; /* an item came, or the pool stops */
    pthread_cond_t idle; /* nothing is queued and nothing runs */
    struct pool_item *first, **last;
    struct pool_numbers numbers;
    int started; /* threads that have given themselves a name */
    bool draining, stopping;
};

static struct pool_item *pop(struct pool *pool)
{
    struct pool_item *item = pool->first;
    pool->first = item->_next;
    if (pool->first == NULL) {
        pool->last = &pool->first;
    }
    item->_next = NULL;
    pool->numbers.queued--;
    return item;
}

static void introduce(const struct pool *pool, int index)
{
    char name[THREAD_NAME_SIZE];
    (void)snprintf(name, sizeof(name), "licit-%.6s%d", pool->name, index); /* cut names are still names */
    (void)pthread_setname_np(pthread_self(), name);
    if (pool->background) {
        const struct sched_param none = { 0 };
        /* A kernel that refuses either leaves the thread as it is: slower predictions, same results. */
        (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
        (void)setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE);
    }
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    (void)pthread_mutex_lock(&pool->lock);
    introduce(pool, pool->started++);
    /* The lock is held at the top of each turn. */
    for (;;) {
        while (pool->first == NULL && !pool->stopping) {
            (void)pthread_cond_wait(&pool->work, &pool->lock);
        }
        if (pool->first == NULL) {
            break;
        }
        struct pool_item *item = pop(pool);
        pool->numbers.running++;
        (void)pthread_mutex_unlock(&pool->lock);
        item->run(item);
        (void)pthread_mutex_lock(&pool->lock);
        pool->numbers.running--;
        if (pool->first == NULL && pool->numbers.running == 0) {
            (void)pthread_cond_broadcast(&pool->idle);
        }
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void stop(struct pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->draining = true;
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads; i++) {
        (void)pthread_join(pool->thread[i], NULL);
    }
}

enum rc pool_create(const struct pool_spec *spec, struct pool **ret)
{
    MUST(spec->threads >= 1 && spec->threads <= POOL_THREADS_MAX && spec->queue_max >= 1);
    MUST(strlen(spec->name) <= POOL_NAME_MAX);
    struct pool *pool = mem_alloc(sizeof(*pool));
    if (pool == NULL) {
        return RC_NO_MEMORY;
    }
    memcpy(pool->name, spec->name, strlen(spec->name));
    pool->queue_max = spec->queue_max;
    pool->background = spec->background;
    pool->last = &pool->first;
    /* With default attributes none of these can fail on Linux. */
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    (void)pthread_cond_init(&pool->idle, NULL);
    while (pool->threads < spec->threads) {
        if (pthread_create(&pool->thread[pool->threads], NULL, work, pool) != 0) {
            pool_destroy(pool);
            return RC_UNAVAILABLE;
        }
        pool->threads++;
    }
    *ret = pool;
    return RC_OK;
}

enum rc pool_submit(struct pool *pool, struct pool_item *item)
{
    enum rc rc = RC_OK;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->draining) {
        rc = RC_UNAVAILABLE;
    } else if (pool->numbers.queued >= pool->queue_max) {
        rc = RC_BUSY;
    } else {
        item->_next = NULL;
        *pool->last = item;
        pool->last = &item->_next;
        pool->numbers.queued++;
        (void)pthread_cond_signal(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return rc;
}

struct pool_numbers pool_look(struct pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    const struct pool_numbers numbers = pool->numbers;
    (void)pthread_mutex_unlock(&pool->lock);
    return numbers;
}

void pool_drain(struct pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->draining = true;
    while (pool->first != NULL || pool->numbers.running > 0) {
        (void)pthread_cond_wait(&pool->idle, &pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_destroy(struct pool *pool)
{
    if (pool == NULL) {
        return;
    }
    stop(pool);
    (void)pthread_cond_destroy(&pool->idle);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}
