/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rate.h"

#include "core/base/rc.h"

#define SECOND_NS INT64_C(1000000000)

struct rate rate_make(int64_t per_second, int64_t burst)
{
    MUST(per_second >= 1 && per_second <= RATE_MAX && burst >= 1 && burst <= RATE_MAX);
    const int64_t step = (SECOND_NS + per_second - 1) / per_second;
    return (struct rate){ .step_ns = step, .burst_ns = step * burst };
}

/* What was let through long ago is due, and counts no more. */
static int64_t due(int64_t state, struct mono now)
{
    return state > now.ns ? state : now.ns;
}

bool rate_take(const struct rate *rate, int64_t *state, struct mono now, int64_t *ret_wait_ns)
{
    const int64_t next = due(*state, now) + rate->step_ns;
    const int64_t ahead = next - now.ns - rate->burst_ns;
    if (ahead > 0) {
        *ret_wait_ns = ahead;
        return false;
    }
    *state = next;
    return true;
}

void rate_give(const struct rate *rate, int64_t *state)
{
    *state -= rate->step_ns;
}

int64_t rate_left(const struct rate *rate, int64_t state, struct mono now)
{
    return (rate->burst_ns - (due(state, now) - now.ns)) / rate->step_ns;
}
