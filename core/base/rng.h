/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_RNG_H
#define CORE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/*
 * Counter-based random numbers for training: a number depends on (seed, stream,
 * step, element) alone, so resuming and threads change nothing.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
 * as 1, 2, 3", SC11). Not for secrets: those come from core/vault.
 *
 * Threads: any (const). Memory: none. Logs: no.
 */

/* What a number is for: two uses of one seed never share numbers. */
enum rng_stream {
    RNG_WEIGHTS,
    RNG_SHUFFLE,
    RNG_SPLIT,
    RNG_LAYER,
    RNG_TEST
};

struct rng {
    uint64_t seed;
    uint32_t stream; /* an enum rng_stream, plus 16 times an index where one is needed */
    uint32_t step;   /* epoch, optimizer step, ... */
};

/* The raw block function: ten rounds over a 128-bit counter with a 64-bit key. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4]);

/* The element-th number of the stream: 64 random bits. */
uint64_t rng_bits(const struct rng *rng, uint64_t element);

/* Uniform in [0, 1) with 53 bits. */
double rng_uniform(const struct rng *rng, uint64_t element);

/* Standard normal (Box-Muller over the element's own bits). */
double rng_normal(const struct rng *rng, uint64_t element);

/* Uniform in 0 .. n-1 (n > 0), by the multiply-high method; bias below n / 2^64. */
uint64_t rng_below(const struct rng *rng, uint64_t element, uint64_t n);

/* Fills order with a permutation of 0 .. n-1 (Fisher-Yates); n is at most 2^32. */
void rng_permutation(const struct rng *rng, uint32_t *order, size_t n);

#endif
