/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

static void test_mem_array_refuses_sizes_that_overflow(void **state)
{
    check(mem_array(SIZE_MAX, 2) == NULL);
    check(mem_array(SIZE_MAX / 2 + 1, 2) == NULL);
    check(mem_floats(SIZE_MAX / 4 + 1) == NULL);
    check(mem_floats(SIZE_MAX / 4) == NULL);
    check(mem_strndup("", SIZE_MAX) == NULL);
    char *p = mem_alloc(4);
    check(mem_resize(p, SIZE_MAX, 2) == NULL);
    mem_free(p);
}

static void test_mem_of_nothing_is_a_pointer(void **state)
{
    AUTO_FREE void *a = mem_alloc(0);
    AUTO_FREE void *b = mem_array(0, 8);
    AUTO_FREE void *c = mem_floats(0);
    AUTO_FREE void *d = mem_resize(NULL, 0, 8);
    check(a != NULL && b != NULL && c != NULL && d != NULL);
    check(mem_strdup(NULL) == NULL);
    check(mem_strndup(NULL, 3) == NULL);
}

static void test_mem_floats_are_zeroed_and_aligned(void **state)
{
    for (size_t n = 1; n < 200; n += 13) {
        AUTO_FREE float *x = mem_floats(n);
        check_int((uintptr_t)x % MEM_ALIGNMENT, 0);
        for (size_t i = 0; i < n; i++) {
            check(x[i] == 0);
        }
        memset(x, 0xff, n * sizeof(*x));
    }
}

static void test_mem_fail_at_fails_once(void **state)
{
    mem_fail_at(2);
    AUTO_FREE void *a = mem_alloc(1);
    AUTO_FREE void *b = mem_floats(1);
    AUTO_FREE void *c = mem_strdup("x");
    mem_fail_at(0);
    check(a != NULL);
    check(b == NULL);
    check_text(c, "x");
}

static void test_take_leaves_null(void **state)
{
    char *name = mem_strdup("x");
    AUTO_FREE char *taken = TAKE(name);
    check(name == NULL);
    check_text(taken, "x");
}

CHECK_MAIN("core/base/mem",
           CHECK(test_mem_array_refuses_sizes_that_overflow),
           CHECK(test_mem_of_nothing_is_a_pointer),
           CHECK(test_mem_floats_are_zeroed_and_aligned),
           CHECK(test_mem_fail_at_fails_once),
           CHECK(test_take_leaves_null))
