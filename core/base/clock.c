/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fixed_ms = -1;

struct mono mono_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists on every Linux */
    return (struct mono){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

int64_t mono_since(struct mono then)
{
    return mono_now().ns - then.ns;
}

struct wall wall_now(void)
{
    const int64_t fixed = atomic_load_explicit(&fixed_ms, memory_order_relaxed);
    if (fixed >= 0) {
        return (struct wall){ fixed };
    }
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail */
    return (struct wall){ (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 };
}

int64_t wall_seconds(void)
{
    return wall_now().ms / 1000;
}

void wall_set(struct wall fixed)
{
    atomic_store(&fixed_ms, fixed.ms);
}
