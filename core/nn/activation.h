/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_ACTIVATION_H
#define CORE_NN_ACTIVATION_H

#include <stdbool.h>

#include "core/math/mat.h"

/*
 * Activations: linear y = x, relu y = max(x, 0), sigmoid y = 1 / (1 + e^-x),
 * tanh, softmax y = e^x / sum of e^x over the row.
 *
 * The backward of each needs the output only, so a forward may overwrite its input.
 * Threads: any (pure). Memory: the caller's. Logs: no.
 */

enum activation {
    ACTIVATION_LINEAR,
    ACTIVATION_RELU,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_SOFTMAX
};

/* Keras's names in the order of the enum, closed by NULL: the choices of a field. */
extern const char *const activation_names[];

/* Does an output depend on its whole row? Then a tile of columns is not enough. */
bool activation_is_row_wise(enum activation activation);

/* In place over the rows of y. */
void activation_forward(enum activation activation, struct mat y);

/* dx from dy and the forward's outputs; dx may be dy. */
void activation_backward(enum activation activation, struct mat dx, struct view dy, struct view y);

#endif
