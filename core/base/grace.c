/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/grace.h"

#include <sched.h>

/*
 * DESIGN. A reader adds one to a counter of the present phase before it reads
 * the first link, and takes it off the same counter afterwards. So a counter
 * that is seen at zero after a link was cut says: of those that came this way,
 * all who could have seen the old link are gone. Who comes later sees the new
 * one: all of this is sequentially consistent.
 *
 * Counting in two phases is what lets a writer finish under a steady stream of
 * readers: it waits for the phase in which nobody arrives, turns the phase
 * round, and waits for the other. A reader that read the phase and was held up
 * before it counted itself lands in a phase that is past; it is no danger to
 * this writer, who cut the link before, and the next one waits for both phases.
 */

static atomic_uint threads;
static _Thread_local unsigned number; /* of this thread, from 1; 0: has none yet */

static unsigned shard_of_thread(void)
{
    if (number == 0) {
        number = atomic_fetch_add(&threads, 1) % GRACE_SHARDS + 1;
    }
    return number - 1;
}

atomic_uint *grace_enter(struct grace *grace)
{
    atomic_uint *mark = &grace->_shards[shard_of_thread()].readers[atomic_load(&grace->_phase) & 1];
    (void)atomic_fetch_add(mark, 1);
    return mark;
}

void grace_leave(atomic_uint *mark)
{
    (void)atomic_fetch_sub(mark, 1);
}

/* Each counter by itself: a reader never changes its counter while it is inside. */
static void wait_for(struct grace *grace, unsigned phase)
{
    for (unsigned i = 0; i < GRACE_SHARDS; i++) {
        while (atomic_load(&grace->_shards[i].readers[phase]) != 0) {
            (void)sched_yield(); /* a reader holds it for a microsecond, unless it has lost its core */
        }
    }
}

void grace_wait(struct grace *grace)
{
    const unsigned phase = atomic_load(&grace->_phase) & 1;
    wait_for(grace, phase ^ 1);
    atomic_store(&grace->_phase, phase ^ 1);
    wait_for(grace, phase);
}
