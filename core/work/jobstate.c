/* SPDX-License-Identifier: Apache-2.0 */
#include "core/work/jobstate.h"

#include <string.h>

#define BIT(state) (1U << JOBSTATE_##state)

static const struct {
    const char *name;
    unsigned next; /* a bit for each state that may follow */
} states[JOBSTATE_COUNT] = {
    [JOBSTATE_QUEUED] = { "queued", BIT(RUNNING) | BIT(PAUSED) | BIT(FAILED) | BIT(CANCELLED) },
    [JOBSTATE_RUNNING] = { "running", BIT(QUEUED) | BIT(PAUSED) | BIT(SUCCEEDED) | BIT(FAILED) | BIT(CANCELLED) },
    [JOBSTATE_PAUSED] = { "paused", BIT(QUEUED) | BIT(FAILED) | BIT(CANCELLED) },
    [JOBSTATE_SUCCEEDED] = { "succeeded", 0 },
    [JOBSTATE_FAILED] = { "failed", 0 },
    [JOBSTATE_CANCELLED] = { "cancelled", 0 },
};

bool jobstate_may(enum jobstate from, enum jobstate to)
{
    return (states[from].next >> to & 1) != 0;
}

bool jobstate_is_final(enum jobstate state)
{
    return states[state].next == 0;
}

const char *jobstate_name(enum jobstate state)
{
    return states[state].name;
}

bool jobstate_from_name(const char *name, enum jobstate *ret)
{
    for (unsigned i = 0; i < JOBSTATE_COUNT; i++) {
        if (strcmp(name, states[i].name) == 0) {
            *ret = (enum jobstate)i;
            return true;
        }
    }
    return false;
}
