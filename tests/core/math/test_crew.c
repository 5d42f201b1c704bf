/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/crew.h"

#include <stdatomic.h>

#include "tests/check.h"

#define TILES 37

struct work {
    int round;
    int seen[TILES];
    atomic_int total;
};

static void note(void *arg, size_t i)
{
    struct work *work = arg;
    work->seen[i] += work->round; /* each tile owns its place: a second visit or a race shows */
    atomic_fetch_add(&work->total, 1);
}

static void test_crew_run_visits_each_tile_once(void **state)
{
    for (int threads = 1; threads <= 5; threads++) {
        AUTO_PTR(crew) struct crew *crew = NULL;
        check_rc(crew_create(threads, &crew), RC_OK);
        check_int(crew_threads(crew), threads);
        for (int round = 1; round <= 300; round++) {
            struct work work = { .round = round };
            const size_t count = (size_t)round % (TILES + 1);
            crew_run(crew, count, note, &work);
            check_int(atomic_load(&work.total), (int)count);
            for (size_t i = 0; i < TILES; i++) {
                check_int(work.seen[i], i < count ? round : 0);
            }
        }
    }
}

static void test_crew_run_without_a_crew(void **state)
{
    struct work work = { .round = 1 };
    crew_run(NULL, TILES, note, &work);
    check_int(atomic_load(&work.total), TILES);
    check_int(crew_threads(NULL), 1);
}

static void test_crew_create_refuses(void **state)
{
    struct crew *crew = NULL;
    check_rc(crew_create(0, &crew), RC_INVALID);
    check_rc(crew_create(CREW_THREADS_MAX + 1, &crew), RC_INVALID);
    for (long n = 1; n <= 2; n++) {
        mem_fail_at(n);
        check_rc(crew_create(2, &crew), RC_NO_MEMORY);
        mem_fail_at(0);
    }
    check(crew == NULL);
    crew_destroy(NULL);
}

CHECK_MAIN("core/math/crew",
           CHECK(test_crew_run_visits_each_tile_once),
           CHECK(test_crew_run_without_a_crew),
           CHECK(test_crew_create_refuses))
