/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_REF_H
#define TESTS_SUPPORT_REF_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the fast code is held against: the same formulas in the plainest loops,
 * sums in double. Threads: any. Memory: the caller's. Logs: no.
 */

/* y[m][n] = beta y[m][n] + sum over k of a(m, k) b(k, n); a_turned: a is stored K x M; b_turned: N x K. */
void ref_product(float *y, size_t ldy, float beta,
                 const float *a, size_t lda, int a_turned, const float *b, size_t ldb, int b_turned,
                 int M, int N, int K);

/* Numbers of a formula that the Python side computes too: element i of the sequence, in [-1, 1). */
float ref_number(uint64_t sequence, uint64_t i);
void ref_fill(float *x, size_t n, uint64_t sequence, float scale);

#endif
