/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/initializer.h"

#include <math.h>

/* Standard deviation of a standard normal that is cut at +-2: Keras divides by it to keep the variance. */
#define CUT_DEVIATION 0.87962566103423978

/* A draw outside the cut is made anew from an element that no range is long enough to own. */
#define REDRAW ((uint64_t)1 << 48)

const char *const initializer_names[] = {
    [INITIALIZER_ZEROS] = "zeros",
    [INITIALIZER_ONES] = "ones",
    [INITIALIZER_GLOROT_UNIFORM] = "glorot_uniform",
    [INITIALIZER_GLOROT_NORMAL] = "glorot_normal",
    [INITIALIZER_HE_UNIFORM] = "he_uniform",
    [INITIALIZER_HE_NORMAL] = "he_normal",
    [INITIALIZER_LECUN_UNIFORM] = "lecun_uniform",
    [INITIALIZER_LECUN_NORMAL] = "lecun_normal",
    NULL,
};

static void fill(float value, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = value;
    }
}

static void fill_uniform(double variance, const struct rng *rng, float *out, size_t n)
{
    const double limit = sqrt(3.0 * variance);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)((2.0 * rng_uniform(rng, i) - 1.0) * limit);
    }
}

static void fill_normal(double variance, const struct rng *rng, float *out, size_t n)
{
    const double deviation = sqrt(variance) / CUT_DEVIATION;
    for (size_t i = 0; i < n; i++) {
        double x = rng_normal(rng, i);
        for (uint64_t again = 1; fabs(x) > 2.0; again++) {
            x = rng_normal(rng, i + again * REDRAW);
        }
        out[i] = (float)(x * deviation);
    }
}

void initializer_fill(enum initializer initializer, const struct rng *rng, int fan_in, int fan_out, float *out, size_t n)
{
    const double in = (double)fan_in, both = ((double)fan_in + (double)fan_out) / 2.0;
    switch (initializer) {
    case INITIALIZER_ZEROS: fill(0.0f, out, n); break;
    case INITIALIZER_ONES: fill(1.0f, out, n); break;
    case INITIALIZER_GLOROT_UNIFORM: fill_uniform(1.0 / both, rng, out, n); break;
    case INITIALIZER_GLOROT_NORMAL: fill_normal(1.0 / both, rng, out, n); break;
    case INITIALIZER_HE_UNIFORM: fill_uniform(2.0 / in, rng, out, n); break;
    case INITIALIZER_HE_NORMAL: fill_normal(2.0 / in, rng, out, n); break;
    case INITIALIZER_LECUN_UNIFORM: fill_uniform(1.0 / in, rng, out, n); break;
    case INITIALIZER_LECUN_NORMAL: fill_normal(1.0 / in, rng, out, n); break;
    }
}
