/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_WORK_JOBSTATE_H
#define CORE_WORK_JOBSTATE_H

#include <stdbool.h>

/*
 * The states of a job and which may follow which.
 *
 *                +-------- resume --------+
 *                v                        |
 *     ------> queued <-- stop --+      paused ----> cancelled
 *             |  |   |          |       ^   ^
 *             |  |   +-- start --> running  |
 *             |  |                 | | |    |
 *             |  +---- pause ------|-|-|----+
 *             |                    | | +----> succeeded
 *             |                    | +------> failed
 *             +---> cancelled <----+
 *
 * "stop": the daemon went down, and the job goes on from its checkpoint. A
 * queued or paused job may also fail, when what it needs is gone.
 *
 * Threads: any. Memory: none. Logs: no.
 */

enum jobstate {
    JOBSTATE_QUEUED,
    JOBSTATE_RUNNING,
    JOBSTATE_PAUSED,
    JOBSTATE_SUCCEEDED,
    JOBSTATE_FAILED,
    JOBSTATE_CANCELLED,
};

#define JOBSTATE_COUNT 6

/* May a job go from one state to the other? Staying is not going. */
bool jobstate_may(enum jobstate from, enum jobstate to);

/* Nothing follows any more. */
bool jobstate_is_final(enum jobstate state);

/* "queued"; the words of the contract and of the store. */
const char *jobstate_name(enum jobstate state);
bool jobstate_from_name(const char *name, enum jobstate *ret);

#endif
