/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rng.h"

#include <math.h>

#include "core/base/rc.h"

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    ret[0] = c0;
    ret[1] = c1;
    ret[2] = c2;
    ret[3] = c3;
}

static void block(const struct rng *rng, uint64_t element, uint32_t ret[4])
{
    const uint32_t counter[4] = { (uint32_t)element, (uint32_t)(element >> 32), rng->step, rng->stream };
    const uint32_t key[2] = { (uint32_t)rng->seed, (uint32_t)(rng->seed >> 32) };
    rng_philox(counter, key, ret);
}

uint64_t rng_bits(const struct rng *rng, uint64_t element)
{
    uint32_t r[4];
    block(rng, element, r);
    return (uint64_t)r[1] << 32 | r[0];
}

static double unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

double rng_uniform(const struct rng *rng, uint64_t element)
{
    return unit(rng_bits(rng, element));
}

double rng_normal(const struct rng *rng, uint64_t element)
{
    uint32_t r[4];
    block(rng, element, r);
    const double u = 1.0 - unit((uint64_t)r[1] << 32 | r[0]); /* in (0, 1]: the logarithm is finite */
    const double v = unit((uint64_t)r[3] << 32 | r[2]);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

uint64_t rng_below(const struct rng *rng, uint64_t element, uint64_t n)
{
    __extension__ typedef unsigned __int128 u128;
    return (uint64_t)((u128)rng_bits(rng, element) * n >> 64);
}

void rng_permutation(const struct rng *rng, uint32_t *order, size_t n)
{
    MUST(n <= (size_t)UINT32_MAX + 1);
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)rng_below(rng, i, i);
        const uint32_t last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
