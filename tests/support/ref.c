/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ref.h"

#include "core/base/rng.h"

void ref_product(float *y, size_t ldy, float beta,
                 const float *a, size_t lda, int a_turned, const float *b, size_t ldb, int b_turned,
                 int M, int N, int K)
{
    for (size_t m = 0; m < (size_t)M; m++) {
        for (size_t n = 0; n < (size_t)N; n++) {
            double sum = beta == 0.0f ? 0.0 : (double)beta * (double)y[m * ldy + n];
            for (size_t k = 0; k < (size_t)K; k++) {
                sum += (double)(a_turned ? a[k * lda + m] : a[m * lda + k]) *
                       (double)(b_turned ? b[n * ldb + k] : b[k * ldb + n]);
            }
            y[m * ldy + n] = (float)sum;
        }
    }
}

/* 24 bits of Philox, so that the number is exact in a float on both sides. */
float ref_number(uint64_t sequence, uint64_t i)
{
    const uint64_t bits = rng_bits(&(struct rng){ sequence, RNG_TEST, 0 }, i);
    return (float)(bits >> 40) * 0x1p-23f - 1.0f;
}

void ref_fill(float *x, size_t n, uint64_t sequence, float scale)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = ref_number(sequence, i) * scale;
    }
}
