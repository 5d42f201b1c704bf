/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/grace.h"

#include <pthread.h>
#include <sched.h>

#include "core/base/mem.h"
#include "tests/check.h"

#define READERS 3
#define ROUNDS  2000
#define ALIVE   0x600dc0deU

struct thing {
    unsigned alive;
};

struct house {
    struct grace grace;
    _Atomic(struct thing *) thing;
    pthread_mutex_t writers;
    atomic_bool done, entered;
    atomic_uint dead_seen;
};

static int setup(void **state)
{
    struct house *house = mem_alloc(sizeof(*house));
    (void)pthread_mutex_init(&house->writers, NULL);
    *state = house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;
    mem_free(atomic_load(&house->thing));
    (void)pthread_mutex_destroy(&house->writers);
    mem_free(house);
    return 0;
}

static struct thing *make(void)
{
    struct thing *thing = mem_alloc(sizeof(*thing));
    thing->alive = ALIVE;
    return thing;
}

static void test_grace_wait_returns_when_nobody_is_inside(void **state)
{
    struct house *house = *state;
    for (int i = 0; i < 5; i++) {
        grace_leave(grace_enter(&house->grace));
        grace_wait(&house->grace);
    }
}

static void *wait_once(void *arg)
{
    struct house *house = arg;
    atomic_store(&house->entered, true);
    grace_wait(&house->grace);
    atomic_store(&house->done, true);
    return NULL;
}

/* Whatever phase the reader came in, and also when it came in twice. */
static void test_grace_wait_waits_for_who_was_inside(void **state)
{
    struct house *house = *state;
    for (int i = 0; i < 4; i++) {
        pthread_t writer;
        atomic_store(&house->done, false);
        atomic_store(&house->entered, false);
        atomic_uint *outer = grace_enter(&house->grace);
        atomic_uint *inner = grace_enter(&house->grace);
        check_int(pthread_create(&writer, NULL, wait_once, house), 0);
        while (!atomic_load(&house->entered)) {
            (void)sched_yield();
        }
        for (int turn = 0; turn < 1000; turn++) {
            (void)sched_yield();
            check(!atomic_load(&house->done));
        }
        grace_leave(inner);
        for (int turn = 0; turn < 1000; turn++) {
            (void)sched_yield();
            check(!atomic_load(&house->done));
        }
        grace_leave(outer);
        (void)pthread_join(writer, NULL);
        check(atomic_load(&house->done));
        if (i % 2 == 0) {
            grace_wait(&house->grace); /* so that the next round begins in the other phase */
        }
    }
}

static void *read_all(void *arg)
{
    struct house *house = arg;
    while (!atomic_load(&house->done)) {
        atomic_uint *mark = grace_enter(&house->grace);
        const struct thing *thing = atomic_load(&house->thing);
        for (int i = 0; i < 10; i++) {
            if (*(const volatile unsigned *)&thing->alive != ALIVE) {
                (void)atomic_fetch_add(&house->dead_seen, 1);
            }
        }
        grace_leave(mark);
    }
    return NULL;
}

static void *write_all(void *arg)
{
    struct house *house = arg;
    for (int i = 0; i < ROUNDS; i++) {
        (void)pthread_mutex_lock(&house->writers);
        struct thing *old = atomic_exchange(&house->thing, make());
        grace_wait(&house->grace);
        (void)pthread_mutex_unlock(&house->writers);
        old->alive = 0;
        mem_free(old);
    }
    return NULL;
}

/* Readers never see what a writer has freed (the sanitizers look, too), and writers get their turn all the same. */
static void test_grace_frees_nothing_under_a_reader(void **state)
{
    struct house *house = *state;
    pthread_t readers[READERS], writers[2];
    atomic_store(&house->thing, make());
    for (size_t i = 0; i < READERS; i++) {
        check_int(pthread_create(&readers[i], NULL, read_all, house), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        check_int(pthread_create(&writers[i], NULL, write_all, house), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(writers[i], NULL);
    }
    atomic_store(&house->done, true);
    for (size_t i = 0; i < READERS; i++) {
        (void)pthread_join(readers[i], NULL);
    }
    check_int(atomic_load(&house->dead_seen), 0);
}

CHECK_MAIN("core/base/grace",
           CHECK_WITH(test_grace_wait_returns_when_nobody_is_inside, setup, teardown),
           CHECK_WITH(test_grace_wait_waits_for_who_was_inside, setup, teardown),
           CHECK_WITH(test_grace_frees_nothing_under_a_reader, setup, teardown))
