/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long countdown;

static bool must_fail(void)
{
    if (atomic_load_explicit(&countdown, memory_order_relaxed) == 0) {
        return false;
    }
    return atomic_fetch_sub(&countdown, 1) == 1;
}

void mem_fail_at(long n)
{
    atomic_store(&countdown, n);
}

void *mem_alloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    /* Zero bytes still give a pointer of their own, so that NULL always means failure. */
    return count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (must_fail() || !mem_multiply(count, size, &bytes)) {
        return NULL;
    }
    return realloc(old, bytes == 0 ? 1 : bytes);
}

float *mem_floats(size_t count)
{
    size_t bytes;
    if (must_fail() || !mem_multiply(count, sizeof(float), &bytes) ||
        !mem_add(bytes, MEM_ALIGNMENT - 1, &bytes)) {
        return NULL;
    }
    bytes -= bytes % MEM_ALIGNMENT;
    bytes = bytes == 0 ? MEM_ALIGNMENT : bytes;
    float *p = aligned_alloc(MEM_ALIGNMENT, bytes);
    if (p != NULL) {
        memset(p, 0, bytes);
    }
    return p;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t n)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size;
    char *copy = mem_add(n, 1, &size) ? mem_alloc(size) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, n);
    }
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe(void *p, size_t size)
{
    if (p != NULL) {
        explicit_bzero(p, size);
    }
}
