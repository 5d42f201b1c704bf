/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/region.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 4000 /* with the head just under a page */

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
    region->_used = 0;
}

static struct region_block *add_block(struct region *region, size_t size)
{
    struct region_block *block = mem_alloc(sizeof(*block) + size);
    if (block != NULL) {
        block->before = region->_last;
        block->size = size;
        region->_last = block;
    }
    return block;
}

void *region_alloc(struct region *region, size_t count, size_t size)
{
    const size_t grain = alignof(max_align_t);
    size_t bytes;
    if (!mem_multiply(count, size, &bytes) || bytes > region->_max) {
        return NULL;
    }
    bytes = (bytes + grain - 1) / grain * grain;
    if (bytes > region->_max - region->_used) {
        return NULL;
    }
    struct region_block *block = region->_last;
    if (block == NULL || bytes > block->size - block->used) {
        block = add_block(region, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
    }
    if (block == NULL) {
        return NULL;
    }
    void *p = block->bytes + block->used;
    block->used += bytes;
    region->_used += bytes;
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
