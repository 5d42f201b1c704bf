/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/mem.h"

/*
 * A round: the caller publishes the grid under the lock, wakes the helpers and
 * takes tiles itself. The round is over when no tile is left and no helper is
 * at work; a helper that wakes up too late finds no tile and is not waited for,
 * so a busy machine costs speed but never blocks the caller.
 */

struct crew {
    int threads;        /* set at create, then constant */
    pthread_t *helpers; /* threads - 1 of them */

    pthread_mutex_t lock;
    pthread_cond_t start, idle;

    /* guarded by lock; written only while no helper is at work */
    uint64_t round;
    size_t count;
    void (*tile)(void *arg, size_t i);
    void *arg;
    int working;
    bool stop;

    atomic_size_t next; /* the next tile to take */
};

static void take_tiles(struct crew *crew)
{
    for (;;) {
        const size_t i = atomic_fetch_add(&crew->next, 1);
        if (i >= crew->count) {
            return;
        }
        crew->tile(crew->arg, i);
    }
}

static void *help(void *arg)
{
    struct crew *crew = arg;
    uint64_t seen = 0;
    (void)pthread_mutex_lock(&crew->lock);
    while (!crew->stop) { /* the lock is held at the top of each turn */
        if (crew->round == seen) {
            (void)pthread_cond_wait(&crew->start, &crew->lock);
            continue;
        }
        seen = crew->round;
        crew->working++;
        (void)pthread_mutex_unlock(&crew->lock);
        take_tiles(crew);
        (void)pthread_mutex_lock(&crew->lock);
        if (--crew->working == 0) {
            (void)pthread_cond_signal(&crew->idle);
        }
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static bool start_helper(struct crew *crew, int i)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the helper; valid arguments */
    const bool ok = pthread_create(&crew->helpers[i], NULL, help, crew) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok) {
        char name[24];
        (void)snprintf(name, sizeof(name), "licit-t%d", i + 1);
        (void)pthread_setname_np(crew->helpers[i], name); /* for people only; numbers here have two digits */
    }
    return ok;
}

enum rc crew_create(int threads, struct crew **ret)
{
    if (threads < 1 || threads > CREW_THREADS_MAX) {
        return RC_INVALID;
    }
    struct crew *crew = mem_alloc(sizeof(*crew));
    if (crew == NULL) {
        return RC_NO_MEMORY;
    }
    crew->helpers = mem_array((size_t)threads, sizeof(*crew->helpers));
    if (crew->helpers == NULL) {
        mem_free(crew);
        return RC_NO_MEMORY;
    }
    (void)pthread_mutex_init(&crew->lock, NULL); /* default attributes cannot fail on Linux */
    (void)pthread_cond_init(&crew->start, NULL);
    (void)pthread_cond_init(&crew->idle, NULL);
    for (crew->threads = 1; crew->threads < threads; crew->threads++) {
        if (!start_helper(crew, crew->threads - 1)) {
            crew_destroy(crew);
            return RC_UNAVAILABLE;
        }
    }
    *ret = crew;
    return RC_OK;
}

void crew_run(struct crew *crew, size_t count, void (*tile)(void *arg, size_t i), void *arg)
{
    if (crew == NULL || crew->threads == 1 || count <= 1) {
        for (size_t i = 0; i < count; i++) {
            tile(arg, i);
        }
        return;
    }
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->working > 0) { /* a helper that woke up late is just finding out that nothing is left */
        (void)pthread_cond_wait(&crew->idle, &crew->lock);
    }
    crew->count = count;
    crew->tile = tile;
    crew->arg = arg;
    atomic_store(&crew->next, 0);
    crew->round++;
    (void)pthread_cond_broadcast(&crew->start);
    (void)pthread_mutex_unlock(&crew->lock);
    take_tiles(crew);
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->working > 0) {
        (void)pthread_cond_wait(&crew->idle, &crew->lock);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

int crew_threads(const struct crew *crew)
{
    return crew == NULL ? 1 : crew->threads;
}

void crew_destroy(struct crew *crew)
{
    if (crew == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    (void)pthread_cond_broadcast(&crew->start);
    (void)pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i + 1 < crew->threads; i++) {
        (void)pthread_join(crew->helpers[i], NULL); /* ours and joinable */
    }
    (void)pthread_cond_destroy(&crew->idle);
    (void)pthread_cond_destroy(&crew->start);
    (void)pthread_mutex_destroy(&crew->lock);
    mem_free(crew->helpers);
    mem_free(crew);
}
