/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MATH_VEC_H
#define CORE_MATH_VEC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Elementwise loops and reductions over float arrays.
 *
 * Each is written so that the compiler makes vectors of it, and gives the same
 * bits on every vector width: sums run over fixed lanes, long ones in double.
 * NaN stays NaN. exp, sigmoid and tanh are our own polynomials (within 2 units
 * in the last place of the library's), because the library's are scalar.
 *
 * Threads: any (pure). Memory: the caller's. Logs: no.
 */

/* y = max(x, 0), sigmoid(x), tanh(x), e^x; y may be x. */
void vec_relu(float *y, const float *x, size_t n);
void vec_sigmoid(float *y, const float *x, size_t n);
void vec_tanh(float *y, const float *x, size_t n);
void vec_exp(float *y, const float *x, size_t n);

/* dx = dy where y > 0, dy y (1 - y), dy (1 - y^2): from the outputs of the forward; dx may be dy. */
void vec_relu_backward(float *dx, const float *dy, const float *y, size_t n);
void vec_sigmoid_backward(float *dx, const float *dy, const float *y, size_t n);
void vec_tanh_backward(float *dx, const float *dy, const float *y, size_t n);

/* y = e^(x - max x) / sum of the same: one row; y may be x. */
void vec_softmax(float *y, const float *x, size_t n);

/* dx = y (dy - sum of dy y): one row; dx may be dy. */
void vec_softmax_backward(float *dx, const float *dy, const float *y, size_t n);

/* log of the sum of e^x over one row, with the maximum taken out first. */
double vec_log_sum_exp(const float *x, size_t n);

/* y += x, y *= a */
void vec_add(float *y, const float *x, size_t n);
void vec_scale(float *y, float a, size_t n);

/* x[row][j] += b[j] in every row. */
void vec_add_to_rows(float *x, const float *b, size_t rows, size_t columns, size_t stride);

/* out[j] += sum over the rows of x[row][j], in double. */
void vec_add_column_sums(float *out, const float *x, size_t rows, size_t columns, size_t stride);

/* Sum and sum of squares, in double; the largest value (-INFINITY for none, NaN for any NaN). */
double vec_sum(const float *x, size_t n);
double vec_sum_squares(const float *x, size_t n);
float vec_max(const float *x, size_t n);

/* Index of the largest value, the first of equals; n > 0. */
size_t vec_argmax(const float *x, size_t n);

/* No NaN and no infinity among them? */
bool vec_is_finite(const float *x, size_t n);

#endif
