/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_DENSE_H
#define CORE_NN_DENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/field.h"

/*
 * The dense layer's options, for who builds a network in C; the layer itself
 * is the row layer_dense of the table in core/nn/layer.h.
 * Threads: any. Memory: plain. Logs: no.
 */

struct dense_options {
    int64_t units;
    int activation; /* enum activation */
    bool use_bias;
    int kernel_initializer, bias_initializer; /* enum initializer */
};

extern const struct schema dense_schema;

#endif
