/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/mat.h"

#include "core/base/mem.h"
#include "tests/check.h"
#include "tests/support/ref.h"

#define SIDE 80 /* larger than any shape here, so that strides differ from widths */
#define AREA (SIDE * SIDE)

static const struct {
    int M, N, K;
} shapes[] = {
    { 1, 1, 1 },
    { 1, 7, 5 },
    { 5, 1, 7 },
    { 7, 5, 1 },
    { 1, 1, 13 },
    { 2, 3, 4 },
    { 3, 17, 31 },
    { 13, 61, 37 },
    { 32, 64, 48 },
    { 33, 65, 67 },
};

static float x[AREA], w[AREA], y[AREA], want[AREA];

static void poison(float *a)
{
    for (size_t i = 0; i < AREA; i++) {
        a[i] = NAN;
    }
}

static int setup(void **state)
{
    ref_fill(x, AREA, 1, 1.0f);
    ref_fill(w, AREA, 2, 1.0f);
    return 0;
}

/* Only the M x N part may have been written: the rest must still be what it was. */
static void check_part(const char *name, const float *before, int rows, int columns)
{
    for (int i = 0; i < SIDE; i++) {
        check_all_close(name, y + i * SIDE, want + i * SIDE, i < rows ? (size_t)columns : 0, 1e-5);
        const int from = i < rows ? columns : 0;
        check_bytes(y + i * SIDE + from, before + i * SIDE + from, sizeof(float) * (size_t)(SIDE - from));
    }
}

static void test_mat_product_overwrites_even_nan(void **state)
{
    static float before[AREA];
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const int M = shapes[i].M, N = shapes[i].N, K = shapes[i].K;
        poison(y);
        poison(before);
        ref_product(want, SIDE, 0.0f, x, SIDE, 0, w, SIDE, 0, M, N, K);
        mat_product((struct mat){ y, M, N, SIDE }, (struct view){ x, M, K, SIDE }, (struct view){ w, K, N, SIDE });
        check_part("Y", before, M, N);
    }
}

static void test_mat_weight_gradient_accumulates(void **state)
{
    static float before[AREA];
    ref_fill(before, AREA, 3, 1.0f);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const int M = shapes[i].M, N = shapes[i].N, K = shapes[i].K;
        memcpy(y, before, sizeof(y));
        memcpy(want, before, sizeof(want));
        ref_product(want, SIDE, 1.0f, x, SIDE, 1, w, SIDE, 0, K, N, M);
        mat_weight_gradient((struct mat){ y, K, N, SIDE }, (struct view){ x, M, K, SIDE }, (struct view){ w, M, N, SIDE });
        check_part("dW", before, K, N);
    }
}

static void test_mat_input_gradient_overwrites_even_nan(void **state)
{
    static float before[AREA];
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const int M = shapes[i].M, N = shapes[i].N, K = shapes[i].K;
        poison(y);
        poison(before);
        ref_product(want, SIDE, 0.0f, x, SIDE, 0, w, SIDE, 1, M, K, N);
        mat_input_gradient((struct mat){ y, M, K, SIDE }, (struct view){ x, M, N, SIDE }, (struct view){ w, K, N, SIDE });
        check_part("dX", before, M, K);
    }
}

static void test_mat_judge_knows_the_right_library(void **state)
{
    static const struct {
        struct mat_facts facts;
        enum rc rc;
        const char *part;
    } rows[] = {
        { { 1, "OpenBLAS 0.3.21 DYNAMIC_ARCH MAX_THREADS=64" }, RC_OK, "" },
        { { 0, "OpenBLAS 0.3.21 DYNAMIC_ARCH SINGLE_THREADED" }, RC_UNAVAILABLE, "serial" },
        { { 1, "OpenBLAS 0.3.21 DYNAMIC_ARCH SINGLE_THREADED" }, RC_UNAVAILABLE, "serial" },
        { { 2, "OpenBLAS 0.3.21 DYNAMIC_ARCH MAX_THREADS=64" }, RC_UNAVAILABLE, "OpenMP" },
        { { -1, NULL }, RC_UNAVAILABLE, "not OpenBLAS" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct why why = { 0 };
        check_rc(mat_judge(&rows[i].facts, &why), rows[i].rc);
        check_contains(why.text, rows[i].part);
        check_contains(why.text, rows[i].rc == RC_OK ? "" : "libopenblas0-pthread");
    }
}

static void test_mat_check_library_accepts_this_one(void **state)
{
    struct why why = { 0 };
    check_ok(mat_check_library(&why), &why);
    check_contains(mat_library(), "OpenBLAS");
    mem_fail_at(1);
    check_rc(mat_check_library(&why), RC_NO_MEMORY);
    mem_fail_at(0);
}

CHECK_MAIN("core/math/mat",
           CHECK_WITH(test_mat_product_overwrites_even_nan, setup, NULL),
           CHECK_WITH(test_mat_weight_gradient_accumulates, setup, NULL),
           CHECK_WITH(test_mat_input_gradient_overwrites_even_nan, setup, NULL),
           CHECK(test_mat_judge_knows_the_right_library),
           CHECK(test_mat_check_library_accepts_this_one))
