/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_DISTINCT_H
#define CORE_DATA_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts how many floats differ, exactly, within a budget of bytes that all
 * columns of a table share. A count that would not fit gives its memory back and
 * says so; that is no error.
 *
 * Threads: one at a time. Memory: distinct_finish(). Logs: no.
 */

struct distinct {
    uint32_t *slots; /* the bits of a value; 0: empty */
    size_t room, used;
    bool zero; /* 0.0, whose bits mean "empty" */
    bool given_up;
};

/* Takes a finite value (-0 counts as 0); *budget is what may still be allocated. */
void distinct_add(struct distinct *distinct, float value, size_t *budget);

/* How many; -1: more than could be counted. */
int64_t distinct_count(const struct distinct *distinct);

void distinct_finish(struct distinct *distinct, size_t *budget);

#endif
