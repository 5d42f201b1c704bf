/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/region.h"

#include "tests/check.h"

static void test_region_alloc_gives_zeroed_aligned_pieces(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 1 << 20);
    unsigned char *before = NULL;
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = region_alloc(&region, n, 1);
        check(p != NULL && p != before);
        check_int((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++) {
            check_int(p[i], 0);
        }
        memset(p, 0xff, n);
        before = n == 0 ? NULL : p; /* an empty piece may lie where the next one begins */
    }
}

static void test_region_alloc_refuses_over_the_ceiling(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 1000);
    check(region_alloc(&region, 1001, 1) == NULL);
    check_int(region.failed, RC_TOO_LARGE);
    check(region_alloc(&region, 600, 1) != NULL);
    check(region_alloc(&region, 600, 1) == NULL);
    check(region_alloc(&region, 300, 1) != NULL);
}

static void test_region_alloc_refuses_sizes_that_overflow(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, SIZE_MAX);
    check(region_alloc(&region, SIZE_MAX, 2) == NULL);
    check_int(region.failed, RC_TOO_LARGE);
    check(region_alloc(&region, SIZE_MAX - 3, 1) == NULL);
    check_int(region.failed, RC_TOO_LARGE);
    check(region_alloc(&region, SIZE_MAX - 64, 1) == NULL);
    check_int(region.failed, RC_NO_MEMORY);
    check(region_alloc(&region, 1, 1) != NULL);
}

/* A large piece between small ones does not end the block that serves the small ones. */
static void test_region_alloc_keeps_small_pieces_together(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 1 << 20);
    char *first = region_alloc(&region, 16, 1);
    char *large = region_alloc(&region, 100000, 1);
    char *second = region_alloc(&region, 16, 1);
    check(first != NULL && large != NULL);
    check(second == first + 16);
    memset(large, 1, 100000);
    check_int(first[0], 0);
    check_int(second[0], 0);
}

static void test_region_survives_failing_allocation(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 1000);
    mem_fail_at(1);
    check(region_strdup(&region, "text") == NULL);
    mem_fail_at(0);
    check_int(region.failed, RC_NO_MEMORY);
    check_text(region_strdup(&region, "text"), "text");
}

static void test_region_printf_fits_exactly(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 10000);
    check_text(region_printf(&region, "%s-%d", "a", 7), "a-7");
    check_text(region_printf(&region, "%s", ""), "");
    char *wide = region_printf(&region, "%5000d", 1);
    check_int(strlen(wide), 5000);
    check(region_printf(&region, "%6000d", 1) == NULL);
}

CHECK_MAIN("core/base/region",
           CHECK(test_region_alloc_gives_zeroed_aligned_pieces),
           CHECK(test_region_alloc_refuses_over_the_ceiling),
           CHECK(test_region_alloc_refuses_sizes_that_overflow),
           CHECK(test_region_alloc_keeps_small_pieces_together),
           CHECK(test_region_survives_failing_allocation),
           CHECK(test_region_printf_fits_exactly))
