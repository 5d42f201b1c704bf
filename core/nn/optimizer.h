/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_OPTIMIZER_H
#define CORE_NN_OPTIMIZER_H

#include <stdint.h>

#include "core/base/field.h"
#include "core/math/crew.h"

/*
 * Optimizers over flat arrays, with Keras's names, defaults and formulas
 * (Keras 3). Step t counts from 1, a is the learning rate, g the gradient:
 *
 *   sgd   p -= a g; with momentum m: v = m v - a g, p += v (nesterov: p += m v - a g)
 *   adam  m += (g - m)(1 - b1), v += (g^2 - v)(1 - b2),
 *         p -= m a sqrt(1 - b2^t) / (1 - b1^t) / (sqrt v + epsilon)
 *
 * Threads: any (pure); the crew takes tiles of the arrays. Memory: the caller's. Logs: no.
 */

enum optimizer_kind {
    OPTIMIZER_ADAM,
    OPTIMIZER_SGD
};

#define OPTIMIZER_SLOTS_MAX 2

/* The struct of every option's schema; kind comes from the option (optimizer_from()). */
struct optimizer {
    enum optimizer_kind kind;
    double learning_rate;
    double momentum;
    bool nesterov;
    double beta_1, beta_2, epsilon;
};

/* For a row { .kind = FIELD_VARIANT, .options = optimizer_options, .fallback = OPTIMIZER_FALLBACK }. */
extern const struct field_option optimizer_options[];
#define OPTIMIZER_FALLBACK "{\"type\":\"adam\"}"

struct optimizer optimizer_from(const struct field_variant *variant);

/* Arrays beside the parameters: adam 2, sgd 1 with momentum, else 0. */
int optimizer_slots(const struct optimizer *optimizer);

/* One step over n parameters; slots[i][n] start as zeros. */
void optimizer_step(const struct optimizer *optimizer, double learning_rate, int64_t step, struct crew *crew,
                    float *parameters, const float *gradients, float *const slots[OPTIMIZER_SLOTS_MAX], size_t n);

#endif
