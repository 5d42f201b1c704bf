/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_GRACE_H
#define CORE_BASE_GRACE_H

#include <stdatomic.h>

/*
 * A grace period: lets readers walk a shared structure without a lock while
 * writers take things out of it and free them (sleepable RCU, made small).
 *
 *     reader                                   writer, one at a time
 *     atomic_uint *mark = grace_enter(&grace); atomic_store(&link, next);   out of reach
 *     ... walk, pin what is to outlive ...     grace_wait(&grace);          nobody saw it from before
 *     grace_leave(mark);                       mem_free(it);
 *
 * Readers are wait-free: one addition each way, on counters that are spread
 * over GRACE_SHARDS cache lines. A writer waits for the readers that were inside
 * when it called, not for those that come later. Links must be atomic.
 *
 * Threads: enter and leave from any, in the same one; grace_wait() under the
 * writers' own lock, and never inside. Memory: zeroed bytes are a ready one. Logs: no.
 */

#define GRACE_SHARDS 16

struct grace {
    atomic_uint _phase;

    struct {
        atomic_uint readers[2]; /* inside, by the phase in which they came */
        char _apart[120];       /* two cache lines, since they are fetched in pairs */
    } _shards[GRACE_SHARDS];
};

/* What grace_leave() wants back. Do not block inside. */
atomic_uint *grace_enter(struct grace *grace);
void grace_leave(atomic_uint *mark);

/* Returns when every reader that was inside at the call has left. */
void grace_wait(struct grace *grace);

#endif
