/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_REGION_H
#define CORE_BASE_REGION_H

#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * Memory of one lifetime: many small pieces, freed all at once.
 *
 * A request, a parsed body or a job description takes its strings and lists
 * from one region and never frees them singly. What it really holds is at most
 * a third more than what it gave out, and a page.
 *
 * Threads: one at a time. Memory: region_finish() frees all. Errors: NULL, and
 * `failed` says of the last one whether the ceiling or memory was the reason. Logs: no.
 */

struct region {
    enum rc failed; /* RC_OK, RC_TOO_LARGE or RC_NO_MEMORY */
    struct region_block *_last;
    size_t used; /* bytes given out, held against the ceiling; to be read only */
    size_t _max;
};

void region_init(struct region *region, size_t max);
void region_finish(struct region *region);
DEFINE_AUTO(region)

/* Zeroed, aligned for any type; count or size 0 gives a pointer too. */
void *region_alloc(struct region *region, size_t count, size_t size);

/* Copies; a NULL text is the caller's mistake. */
char *region_strdup(struct region *region, const char *text);
char *region_printf(struct region *region, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
