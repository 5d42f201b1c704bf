/* SPDX-License-Identifier: Apache-2.0 */
#include "core/work/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "tests/check.h"

struct task {
    struct pool_item item;
    sem_t *begun, *go; /* NULL: do not wait */
    atomic_int *done;
    int *order, number;
    char thread[16];
};

static void run_task(struct pool_item *item)
{
    struct task *task = (struct task *)item;
    (void)pthread_getname_np(pthread_self(), task->thread, sizeof(task->thread));
    if (task->go != NULL) {
        (void)sem_post(task->begun);
        (void)sem_wait(task->go);
    }
    const int place = atomic_fetch_add(task->done, 1);
    if (task->order != NULL) {
        task->order[place] = task->number;
    }
}

static struct task make_task(atomic_int *done)
{
    return (struct task){ .item = { .run = run_task }, .done = done };
}

static void test_pool_submit_runs_in_order_on_named_threads(void **state)
{
    enum {
        COUNT = 100
    };
    struct pool *pool = NULL;
    check_rc(pool_create(&(struct pool_spec){ "w", 1, COUNT, true }, &pool), RC_OK);
    atomic_int done = 0;
    int order[COUNT];
    static struct task tasks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        tasks[i] = make_task(&done);
        tasks[i].order = order;
        tasks[i].number = i;
        check_rc(pool_submit(pool, &tasks[i].item), RC_OK);
    }
    pool_drain(pool);
    check_int(done, COUNT);
    for (int i = 0; i < COUNT; i++) {
        check_int(order[i], i);
        check_text(tasks[i].thread, "licit-w0");
    }
    pool_destroy(pool);
}

static void test_pool_submit_refuses_when_full_and_when_draining(void **state)
{
    struct pool *pool = NULL;
    check_rc(pool_create(&(struct pool_spec){ "io", 1, 2, false }, &pool), RC_OK);
    sem_t begun, go;
    (void)sem_init(&begun, 0, 0);
    (void)sem_init(&go, 0, 0);
    atomic_int done = 0;
    struct task tasks[4];
    for (int i = 0; i < 4; i++) {
        tasks[i] = make_task(&done);
    }
    tasks[0].begun = &begun;
    tasks[0].go = &go;
    check_rc(pool_submit(pool, &tasks[0].item), RC_OK);
    (void)sem_wait(&begun);
    check_rc(pool_submit(pool, &tasks[1].item), RC_OK);
    check_rc(pool_submit(pool, &tasks[2].item), RC_OK);
    check_rc(pool_submit(pool, &tasks[3].item), RC_BUSY);
    const struct pool_numbers numbers = pool_look(pool);
    check_int(numbers.queued, 2);
    check_int(numbers.running, 1);
    (void)sem_post(&go);
    pool_drain(pool);
    check_int(done, 3);
    check_rc(pool_submit(pool, &tasks[3].item), RC_UNAVAILABLE);
    pool_destroy(pool);
    (void)sem_destroy(&begun);
    (void)sem_destroy(&go);
}

/* Several threads submit their own items again and again; every accepted item runs exactly once. */
struct submitter {
    struct pool *pool;
    atomic_int *done;
    int accepted;
    struct task tasks[500];
};

static void *submit_all(void *arg)
{
    struct submitter *it = arg;
    for (size_t i = 0; i < COUNT_OF(it->tasks); i++) {
        it->tasks[i] = make_task(it->done);
        it->accepted += pool_submit(it->pool, &it->tasks[i].item) == RC_OK;
    }
    return NULL;
}

static void test_pool_destroy_finishes_what_many_threads_queued(void **state)
{
    enum {
        THREADS = 4
    };
    static struct submitter them[THREADS];
    pthread_t threads[THREADS];
    struct pool *pool = NULL;
    check_rc(pool_create(&(struct pool_spec){ "w", 3, 64, false }, &pool), RC_OK);
    atomic_int done = 0;
    for (int i = 0; i < THREADS; i++) {
        them[i] = (struct submitter){ .pool = pool, .done = &done };
        check_int(pthread_create(&threads[i], NULL, submit_all, &them[i]), 0);
    }
    int accepted = 0;
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        accepted += them[i].accepted;
    }
    pool_destroy(pool);
    check(accepted > 0);
    check_int(done, accepted);
}

static void test_pool_create_survives_a_failing_allocation(void **state)
{
    struct pool *pool = NULL;
    mem_fail_at(1);
    check_rc(pool_create(&(struct pool_spec){ "w", 1, 1, false }, &pool), RC_NO_MEMORY);
    mem_fail_at(0);
    check(pool == NULL);
    pool_destroy(NULL);
}

CHECK_MAIN("core/work/pool",
           CHECK(test_pool_submit_runs_in_order_on_named_threads),
           CHECK(test_pool_submit_refuses_when_full_and_when_draining),
           CHECK(test_pool_destroy_finishes_what_many_threads_queued),
           CHECK(test_pool_create_survives_a_failing_allocation))
