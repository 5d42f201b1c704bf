/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_RATE_H
#define CORE_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"

/*
 * So many events a second, by the generic cell rate algorithm: one number of
 * state, the time at which all that was let through would have been due had it
 * come evenly. That time may lie `burst` events ahead of now.
 *
 * In any stretch of s seconds at most burst + s * per_second events pass. A
 * state of 0 is a full bucket.
 *
 * Threads: the caller guards the state. Memory: none. Logs: no.
 */

#define RATE_MAX 1000000 /* events a second, and events of a burst */

struct rate {
    int64_t step_ns;  /* of one event, rounded up: never more than was said */
    int64_t burst_ns; /* how far ahead the state may be */
};

/* Both 1 to RATE_MAX. */
struct rate rate_make(int64_t per_second, int64_t burst);

/* Lets one event through. false: not now, and *ret_wait_ns says in how many nanoseconds; the state is as it was. */
bool rate_take(const struct rate *rate, int64_t *state, struct mono now, int64_t *ret_wait_ns);

/* Takes the last rate_take() back, when the event did not happen after all. */
void rate_give(const struct rate *rate, int64_t *state);

/* How many events would pass now. */
int64_t rate_left(const struct rate *rate, int64_t state, struct mono now);

#endif
