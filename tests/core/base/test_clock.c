/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include "tests/check.h"

static void test_mono_now_never_goes_back(void **state)
{
    struct mono before = mono_now();
    for (int i = 0; i < 1000; i++) {
        const struct mono now = mono_now();
        check(now.ns >= before.ns);
        before = now;
    }
    check(mono_since(before) >= 0);
}

static void test_wall_set_fixes_and_releases_the_clock(void **state)
{
    wall_set((struct wall){ 1234567 });
    check_int(wall_now().ms, 1234567);
    check_int(wall_seconds(), 1234);
    wall_set((struct wall){ -1 });
    check(wall_now().ms > 1700000000000); /* later than 2023 */
}

CHECK_MAIN("core/base/clock",
           CHECK(test_mono_now_never_goes_back),
           CHECK(test_wall_set_fixes_and_releases_the_clock))
