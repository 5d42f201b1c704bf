/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_INITIALIZER_H
#define CORE_NN_INITIALIZER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/rng.h"

/*
 * First values of parameters, with Keras's names and formulas:
 * glorot_uniform in +-sqrt(6 / (fan_in + fan_out)), he_uniform in
 * +-sqrt(6 / fan_in), lecun_uniform in +-sqrt(3 / fan_in); the normal ones have
 * the same variances and are cut at two standard deviations.
 *
 * Threads: any (pure). Memory: the caller's. Logs: no.
 */

enum initializer {
    INITIALIZER_ZEROS,
    INITIALIZER_ONES,
    INITIALIZER_GLOROT_UNIFORM,
    INITIALIZER_GLOROT_NORMAL,
    INITIALIZER_HE_UNIFORM,
    INITIALIZER_HE_NORMAL,
    INITIALIZER_LECUN_UNIFORM,
    INITIALIZER_LECUN_NORMAL
};

/* In the order of the enum, closed by NULL: the choices of a field. */
extern const char *const initializer_names[];

/* Element i takes the i-th number of the stream. */
void initializer_fill(enum initializer initializer, const struct rng *rng, int fan_in, int fan_out, float *out, size_t n);

#endif
