/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The only malloc of licit.
 *
 * Sizes are multiplied with an overflow check, memory comes zeroed, float
 * arrays are aligned for the widest vector unit, and tests can make the n-th
 * allocation fail so that every out-of-memory path is reachable.
 *
 * Threads: any. Memory: the caller frees with mem_free(). Errors: NULL. Logs: no.
 */

#define MEM_ALIGNMENT 64 /* bytes: one cache line, one AVX-512 register */

/* size (or count * size) zeroed bytes; NULL when it overflows or memory is gone. */
void *mem_alloc(size_t size);
void *mem_array(size_t count, size_t size);

/* Grows or shrinks an array; new items are not zeroed. On NULL the old array is still alive. */
void *mem_resize(void *old, size_t count, size_t size);

/* count zeroed floats at a MEM_ALIGNMENT boundary. */
float *mem_floats(size_t count);

/* A copy of a string, or of exactly n bytes with a closing NUL. NULL in gives NULL. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t n);

void mem_free(void *p);

/* Overwrites secrets in a way that the compiler may not leave out. */
void mem_wipe(void *p, size_t size);

/* *ret = a * b or a + b; false when it does not fit. */
static inline bool mem_multiply(size_t a, size_t b, size_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

static inline bool mem_add(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

/* Tests only: the n-th allocation from now (1 = the next) of any thread fails once; 0 switches it off. */
void mem_fail_at(long n);

#endif
