/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/vec.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/math/clones.h"

#define LANES   16 /* floats of the widest vector; fixed, so that all clones sum in one order */
#define COLUMNS 64 /* columns that a column sum takes at a time */

static inline float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline uint32_t to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/*
 * e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2, e^r by a polynomial of
 * degree 6 (Cephes, expf). 2^n in two factors, so that the result goes to zero
 * through the denormal numbers and to infinity like the library's. Comparisons
 * are written so that NaN falls through them.
 */
static inline float exp1(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    const float shifted = x * 1.44269504088896341f + magic;
    const float n = shifted - magic;
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const int32_t k = (int32_t)(to_bits(shifted) - 0x4b400000u); /* 0x4b400000 is the magic number */
    const int32_t half = k >> 1;
    return p * from_bits((uint32_t)(half + 127) << 23) * from_bits((uint32_t)(k - half + 127) << 23);
}

/* tanh x = x + x z P(z), z = x^2, below 0.625 (Cephes, tanhf); 1 - 2 / (e^2|x| + 1) above. */
static inline float tanh1(float x)
{
    const float z = x * x;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    const float small = p * z * x + x;
    const float large = copysignf(1.0f - 2.0f / (exp1(2.0f * fabsf(x)) + 1.0f), x);
    return fabsf(x) < 0.625f ? small : large;
}

CLONES void vec_relu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
    }
}

CLONES void vec_sigmoid(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = 1.0f / (1.0f + exp1(-x[i]));
    }
}

CLONES void vec_tanh(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = tanh1(x[i]);
    }
}

CLONES void vec_exp(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = exp1(x[i]);
    }
}

CLONES void vec_relu_backward(float *dx, const float *dy, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
    }
}

CLONES void vec_sigmoid_backward(float *dx, const float *dy, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dx[i] = dy[i] * (y[i] * (1.0f - y[i]));
    }
}

CLONES void vec_tanh_backward(float *dx, const float *dy, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dx[i] = dy[i] * (1.0f - y[i] * y[i]);
    }
}

CLONES void vec_softmax(float *y, const float *x, size_t n)
{
    const float max = vec_max(x, n);
    for (size_t i = 0; i < n; i++) {
        y[i] = exp1(x[i] - max);
    }
    vec_scale(y, (float)(1.0 / vec_sum(y, n)), n);
}

CLONES void vec_softmax_backward(float *dx, const float *dy, const float *y, size_t n)
{
    double lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lanes[j] += (double)dy[i + j] * (double)y[i + j];
        }
    }
    for (; i < n; i++) {
        lanes[0] += (double)dy[i] * (double)y[i];
    }
    double sum = 0.0;
    for (size_t j = 0; j < LANES; j++) {
        sum += lanes[j];
    }
    const float dot = (float)sum;
    for (i = 0; i < n; i++) {
        dx[i] = y[i] * (dy[i] - dot);
    }
}

CLONES double vec_log_sum_exp(const float *x, size_t n)
{
    const float max = vec_max(x, n);
    double lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lanes[j] += (double)exp1(x[i + j] - max);
        }
    }
    for (; i < n; i++) {
        lanes[0] += (double)exp1(x[i] - max);
    }
    double sum = 0.0;
    for (size_t j = 0; j < LANES; j++) {
        sum += lanes[j];
    }
    return (double)max + log(sum);
}

CLONES void vec_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] += x[i];
    }
}

CLONES void vec_scale(float *y, float a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] *= a;
    }
}

CLONES void vec_add_to_rows(float *x, const float *b, size_t rows, size_t columns, size_t stride)
{
    for (size_t row = 0; row < rows; row++) {
        float *at = x + row * stride;
        for (size_t j = 0; j < columns; j++) {
            at[j] += b[j];
        }
    }
}

CLONES void vec_add_column_sums(float *out, const float *x, size_t rows, size_t columns, size_t stride)
{
    for (size_t from = 0; from < columns; from += COLUMNS) {
        const size_t n = columns - from < COLUMNS ? columns - from : COLUMNS;
        double sums[COLUMNS] = { 0 };
        for (size_t row = 0; row < rows; row++) {
            const float *at = x + row * stride + from;
            for (size_t j = 0; j < n; j++) {
                sums[j] += (double)at[j];
            }
        }
        for (size_t j = 0; j < n; j++) {
            out[from + j] += (float)sums[j];
        }
    }
}

CLONES double vec_sum(const float *x, size_t n)
{
    double lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lanes[j] += (double)x[i + j];
        }
    }
    for (; i < n; i++) {
        lanes[0] += (double)x[i];
    }
    double sum = 0.0;
    for (size_t j = 0; j < LANES; j++) {
        sum += lanes[j];
    }
    return sum;
}

CLONES double vec_sum_squares(const float *x, size_t n)
{
    double lanes[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lanes[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (; i < n; i++) {
        lanes[0] += (double)x[i] * (double)x[i];
    }
    double sum = 0.0;
    for (size_t j = 0; j < LANES; j++) {
        sum += lanes[j];
    }
    return sum;
}

CLONES float vec_max(const float *x, size_t n)
{
    float lanes[LANES];
    uint32_t nan = 0;
    for (size_t j = 0; j < LANES; j++) {
        lanes[j] = -INFINITY;
    }
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
            nan |= x[i + j] != x[i + j];
        }
    }
    for (; i < n; i++) {
        lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
        nan |= x[i] != x[i];
    }
    float max = lanes[0];
    for (size_t j = 1; j < LANES; j++) {
        max = lanes[j] > max ? lanes[j] : max;
    }
    return nan != 0 ? NAN : max;
}

size_t vec_argmax(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

CLONES bool vec_is_finite(const float *x, size_t n)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad |= (to_bits(x[i]) & 0x7f800000u) == 0x7f800000u;
    }
    return bad == 0;
}
