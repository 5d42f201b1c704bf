/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/vec.h"

#include <stdbool.h>

#include "tests/check.h"
#include "tests/support/ref.h"

#define N 1031 /* a prime: every loop has a rest */

static const size_t lengths[] = { 1, 2, 7, 15, 16, 17, 31, 64, 127, 1031 };
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static float x[N], dy[N], got[N], want[N];

static int setup(void **state)
{
    ref_fill(x, N, 1, 12.0f);
    ref_fill(dy, N, 2, 1.0f);
    return 0;
}

/* Distance in units in the last place, NaN and infinities equal to themselves. */
static double ulps(float a, double b)
{
    if (isnan(b) || isinf((float)b)) {
        const bool same = isnan(b) ? isnan(a) : a == (float)b;
        return same ? 0.0 : HUGE_VAL;
    }
    const float near = fmaxf(fabsf((float)b), 0x1p-126f);
    return fabs((double)a - b) / (double)(nextafterf(near, INFINITY) - near);
}

static void check_function(const char *name, void (*fast)(float *, const float *, size_t), double (*slow)(double), double tol)
{
    static const float special[] = { 0.0f, -0.0f, 1e-30f, -1e-30f, 0.624999f, 0.625f, -0.625f, 88.7f, 88.8f, 100.0f, 1e30f,
                                     -87.0f, -88.0f, -103.0f, -104.5f, -1e30f, INFINITY, -INFINITY, NAN };
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        float y;
        fast(&y, &special[i], 1);
        if (!(ulps(y, slow((double)special[i])) <= tol)) {
            fail_msg("%s(%g) = %.9g, expected %.9g", name, (double)special[i], (double)y, slow((double)special[i]));
        }
    }
    double worst = 0.0;
    for (float scale = 0.001f; scale < 100.0f; scale *= 3.0f) {
        ref_fill(x, N, 1, scale);
        fast(got, x, N);
        for (size_t i = 0; i < N; i++) {
            worst = fmax(worst, ulps(got[i], slow((double)x[i])));
        }
    }
    if (!(worst <= tol)) {
        fail_msg("%s is off by %.2f units in the last place", name, worst);
    }
}

static double slow_sigmoid(double a)
{
    return 1.0 / (1.0 + exp(-a));
}

static void test_vec_functions_are_as_exact_as_the_library(void **state)
{
    check_function("exp", vec_exp, exp, 2.0);
    check_function("tanh", vec_tanh, tanh, 2.5);
    check_function("sigmoid", vec_sigmoid, slow_sigmoid, 3.0);
}

static void test_vec_relu_keeps_nan(void **state)
{
    const float in[] = { -1.0f, 0.0f, 2.0f, NAN, -INFINITY, INFINITY };
    vec_relu(got, in, 6);
    check(got[0] == 0.0f && got[1] == 0.0f && got[2] == 2.0f && isnan(got[3]) && got[4] == 0.0f && got[5] == INFINITY);
}

static void test_vec_backwards_follow_their_formulas(void **state)
{
    float y[N];
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t n = lengths[i];
        ref_fill(y, n, 7, 1.0f);
        for (size_t j = 0; j < n; j++) {
            want[j] = y[j] > 0.0f ? dy[j] : 0.0f;
        }
        vec_relu_backward(got, dy, y, n);
        check_all_close("relu", got, want, n, 0.0);
        for (size_t j = 0; j < n; j++) {
            want[j] = dy[j] * y[j] * (1.0f - y[j]);
        }
        vec_sigmoid_backward(got, dy, y, n);
        check_all_close("sigmoid", got, want, n, 1e-6);
        for (size_t j = 0; j < n; j++) {
            want[j] = dy[j] * (1.0f - y[j] * y[j]);
        }
        vec_tanh_backward(got, dy, y, n);
        check_all_close("tanh", got, want, n, 1e-6);
    }
}

static void test_vec_softmax_and_its_backward(void **state)
{
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t n = lengths[i];
        double sum = 0.0, dot = 0.0, max = -(double)INFINITY;
        for (size_t j = 0; j < n; j++) {
            max = fmax(max, (double)x[j]);
        }
        for (size_t j = 0; j < n; j++) {
            sum += exp((double)x[j] - max);
        }
        for (size_t j = 0; j < n; j++) {
            want[j] = (float)(exp((double)x[j] - max) / sum);
            dot += (double)want[j] * (double)dy[j];
        }
        vec_softmax(got, x, n);
        check_all_close("softmax", got, want, n, 1e-6);
        check_close(vec_log_sum_exp(x, n), max + log(sum), 1e-6);
        float back[N];
        vec_softmax_backward(back, dy, want, n);
        for (size_t j = 0; j < n; j++) {
            want[j] = (float)((double)want[j] * ((double)dy[j] - dot));
        }
        check_all_close("softmax backward", back, want, n, 1e-6);
    }
    const float large[] = { 3e38f, 3e38f };
    vec_softmax(got, large, 2);
    check(got[0] == 0.5f && got[1] == 0.5f);
    const float lost[] = { 1.0f, NAN };
    vec_softmax(got, lost, 2);
    check(isnan(got[0]) && isnan(got[1]));
}

static void test_vec_reductions(void **state)
{
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t n = lengths[i];
        double sum = 0.0, squares = 0.0;
        float max = -INFINITY;
        size_t best = 0;
        for (size_t j = 0; j < n; j++) {
            sum += (double)x[j];
            squares += (double)x[j] * (double)x[j];
            best = x[j] > max ? j : best;
            max = fmaxf(max, x[j]);
        }
        check_close(vec_sum(x, n), sum, 1e-9);
        check_close(vec_sum_squares(x, n), squares, 1e-7);
        check(vec_max(x, n) == max);
        check_int(vec_argmax(x, n), best);
        check(vec_is_finite(x, n));
        const float before = x[n - 1];
        x[n - 1] = NAN;
        check(isnan(vec_max(x, n)) && !vec_is_finite(x, n) && isnan(vec_sum(x, n)));
        x[n - 1] = -INFINITY;
        check(!vec_is_finite(x, n));
        x[n - 1] = before;
    }
    check(vec_max(x, 0) == -INFINITY && vec_sum(x, 0) == 0.0);
}

static void test_vec_add_column_sums_keeps_to_its_columns(void **state)
{
    static const size_t widths[] = { 1, 3, 64, 65, 130 };
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        const size_t columns = widths[i], stride = columns + 3, rows = N / stride;
        for (size_t j = 0; j < columns + 1; j++) {
            double sum = 0.5;
            for (size_t row = 0; row < rows && j < columns; row++) {
                sum += (double)x[row * stride + j];
            }
            got[j] = 0.5f;
            want[j] = (float)sum;
        }
        vec_add_column_sums(got, x, rows, columns, stride);
        check_all_close("sums", got, want, columns + 1, 1e-5);
    }
}

static void test_vec_add_and_scale(void **state)
{
    for (size_t j = 0; j < N; j++) {
        got[j] = 1.0f;
        want[j] = (1.0f + x[j]) * 3.0f;
    }
    vec_add(got, x, N);
    vec_scale(got, 3.0f, N);
    check_all_close("add, scale", got, want, N, 0.0);
}

CHECK_MAIN("core/math/vec",
           CHECK(test_vec_functions_are_as_exact_as_the_library),
           CHECK(test_vec_relu_keeps_nan),
           CHECK_WITH(test_vec_backwards_follow_their_formulas, setup, NULL),
           CHECK_WITH(test_vec_softmax_and_its_backward, setup, NULL),
           CHECK_WITH(test_vec_reductions, setup, NULL),
           CHECK_WITH(test_vec_add_column_sums_keeps_to_its_columns, setup, NULL),
           CHECK_WITH(test_vec_add_and_scale, setup, NULL))
