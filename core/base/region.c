/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/region.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 4000              /* with the head just under a page */
#define LARGE_BYTES (BLOCK_BYTES / 4) /* what does not fit and is larger gets a block of its own */

struct region_block {
    struct region_block *before;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

void region_init(struct region *region, size_t max)
{
    *region = (struct region){ ._max = max };
}

void region_finish(struct region *region)
{
    while (region->_last != NULL) {
        struct region_block *block = region->_last;
        region->_last = block->before;
        mem_free(block);
    }
    *region = (struct region){ ._max = region->_max };
}

/* A block of its own for a large piece goes behind the last one, which then keeps serving small ones. */
static struct region_block *add_block(struct region *region, size_t size, bool alone)
{
    size_t all;
    struct region_block *block = mem_add(sizeof(*block), size, &all) ? mem_alloc(all) : NULL;
    if (block == NULL) {
        return NULL;
    }
    struct region_block **place = alone && region->_last != NULL ? &region->_last->before : &region->_last;
    block->before = *place;
    block->size = size;
    *place = block;
    return block;
}

static void *refuse(struct region *region, enum rc rc)
{
    region->failed = rc;
    return NULL;
}

void *region_alloc(struct region *region, size_t count, size_t size)
{
    const size_t grain = alignof(max_align_t);
    size_t bytes;
    if (!mem_multiply(count, size, &bytes) || !mem_add(bytes, grain - 1, &bytes)) {
        return refuse(region, RC_TOO_LARGE);
    }
    bytes -= bytes % grain;
    if (bytes > region->_max - region->used) {
        return refuse(region, RC_TOO_LARGE);
    }
    struct region_block *block = region->_last;
    if (block == NULL || bytes > block->size - block->used) {
        const bool large = bytes > LARGE_BYTES;
        block = add_block(region, large ? bytes : BLOCK_BYTES, large);
    }
    if (block == NULL) {
        return refuse(region, RC_NO_MEMORY);
    }
    void *p = block->bytes + block->used;
    block->used += bytes;
    region->used += bytes;
    return p;
}

char *region_strdup(struct region *region, const char *text)
{
    const size_t n = strlen(text) + 1;
    char *copy = region_alloc(region, n, 1);
    return copy == NULL ? NULL : memcpy(copy, text, n);
}

char *region_printf(struct region *region, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : region_alloc(region, (size_t)n + 1, 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)n + 1, format, again); /* the length is known to fit */
    }
    va_end(again);
    return text;
}
