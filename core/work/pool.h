/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_WORK_POOL_H
#define CORE_WORK_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * A fixed number of threads that run items from a bounded queue, in the order
 * in which they came.
 *
 * An item is embedded in what the work is about; result and error are fields
 * beside it. A full queue is RC_BUSY at once, never a wait. run() is called
 * without a lock; after it has begun the pool does not touch the item again,
 * so run() may free it.
 *
 * Threads: any may submit and look; drain and destroy from one that is not a
 * worker. Memory: items are the caller's; pool_destroy() frees the pool. Logs: no.
 */

#define POOL_THREADS_MAX 64
#define POOL_NAME_MAX    6 /* a thread is called "licit-" + name + number, 15 characters at most */

struct pool_item {
    void (*run)(struct pool_item *item);
    struct pool_item *_next;
};

struct pool_spec {
    const char *name; /* "w" gives the threads licit-w0, licit-w1, ... */
    int threads;      /* 1 to POOL_THREADS_MAX */
    size_t queue_max; /* items that may wait, at least 1 */
    bool background;  /* SCHED_BATCH and nice 19, so that predictions do not feel them */
};

struct pool_numbers {
    size_t queued;  /* waiting now */
    size_t running; /* in run() now */
};

struct pool;

/* RC_NO_MEMORY; RC_UNAVAILABLE when the system gives no thread. */
enum rc pool_create(const struct pool_spec *spec, struct pool **ret) MUST_CHECK;

/* RC_BUSY: the queue is full. RC_UNAVAILABLE: the pool drains. The item is then untouched. */
enum rc pool_submit(struct pool *pool, struct pool_item *item) MUST_CHECK;

struct pool_numbers pool_look(struct pool *pool);

/* From now on nothing is accepted; returns when all that was queued has been run. */
void pool_drain(struct pool *pool);

/* Drains, joins the threads and frees. NULL is allowed. */
void pool_destroy(struct pool *pool);
DEFINE_AUTO_PTR(pool)

#endif
