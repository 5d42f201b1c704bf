/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>

/*
 * Two clocks that the compiler keeps apart: monotonic time measures and times
 * out, wall time is written down. Tests may set the wall clock.
 *
 * Threads: any. Memory: none. Logs: no.
 */

struct mono {
    int64_t ns; /* nanoseconds since some start; never goes back */
};

struct wall {
    int64_t ms; /* milliseconds since 1970-01-01 UTC */
};

struct mono mono_now(void);
struct wall wall_now(void);

/* Nanoseconds from then to now. */
int64_t mono_since(struct mono then);

/* Whole Unix seconds, as the contract writes times. */
int64_t wall_seconds(void);

/* Tests only: from now on wall_now() answers this; ms < 0 gives the real clock back. */
void wall_set(struct wall fixed);

#endif
