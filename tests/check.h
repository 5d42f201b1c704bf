/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

/*
 * The tests' one door to cmocka.
 *
 * cmocka's own float comparison calls NaN equal to everything, so numbers are
 * compared with check_close() and check_all_close(), which NaN fails. Only the
 * test's own thread may check: a worker records what it saw.
 *
 *     static void test_buf_append_refuses_over_ceiling(void **state) { ... check_rc(buf_append(...), RC_TOO_LARGE); }
 *     CHECK_MAIN("core/base/buf", CHECK(test_buf_append_refuses_over_ceiling), ...)
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/rc.h"
#include "core/base/why.h"

#define check(condition)          assert_true(condition)
#define check_int(got, want)      assert_int_equal(got, want)
#define check_text(got, want)     assert_string_equal(got, want)
#define check_bytes(got, want, n) assert_memory_equal(got, want, n)

/* Compares result codes and prints their names. */
#define check_rc(call, want)                                                                \
    do {                                                                                    \
        const enum rc check_got_ = (call);                                                  \
        if (check_got_ != (want)) {                                                         \
            fail_msg("%s gave %s, expected %s", #call, rc_name(check_got_), rc_name(want)); \
        }                                                                                   \
    } while (0)

/* The same, with the words of the failure. */
#define check_ok(call, why)                                                                             \
    do {                                                                                                \
        const enum rc check_got_ = (call);                                                              \
        if (check_got_ != RC_OK) {                                                                      \
            fail_msg("%s gave %s at \"%s\": %s", #call, rc_name(check_got_), (why)->path, (why)->text); \
        }                                                                                               \
    } while (0)

/* Does text contain part? Prints both when not. */
#define check_contains(text, part)                                      \
    do {                                                                \
        if (strstr((text), (part)) == NULL) {                           \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part)); \
        }                                                               \
    } while (0)

/* |got - want| <= tol; NaN fails. */
#define check_close(got, want, tol)                                                               \
    do {                                                                                          \
        const double check_g_ = (double)(got), check_w_ = (double)(want), check_t_ = (tol);       \
        if (!(fabs(check_g_ - check_w_) <= check_t_)) {                                           \
            fail_msg("%s = %.9g, expected %.9g within %.3g", #got, check_g_, check_w_, check_t_); \
        }                                                                                         \
    } while (0)

/* Every element within tol; on failure prints the worst index and both values. */
static inline void check_all_close(const char *name, const float *got, const float *want, size_t n, double tol)
{
    size_t worst = 0;
    double most = -1.0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= most)) {
            most = d;
            worst = i;
        }
        if (isnan(d)) { /* the worst there is: nothing later may replace it */
            break;
        }
    }
    if (n > 0 && !(most <= tol)) {
        fail_msg("%s[%zu] = %.9g, expected %.9g within %.3g", name, worst, (double)got[worst], (double)want[worst], tol);
    }
}

#define CHECK(function)                       cmocka_unit_test(function)
#define CHECK_WITH(function, setup, teardown) cmocka_unit_test_setup_teardown(function, setup, teardown)

#define CHECK_MAIN(group, ...)                                        \
    int main(void)                                                    \
    {                                                                 \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };            \
        return cmocka_run_group_tests_name(group, tests, NULL, NULL); \
    }

#endif
