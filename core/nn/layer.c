/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/layer.h"

#include "core/nn/dense.h"

/* One row per kind, in both tables at the same place: a variant's index is the kind's. */
const struct layer_kind *const layer_kinds[] = {
    &layer_dense,
    NULL,
};

const struct field_option layer_options[] = {
    { "dense", &dense_schema },
    { NULL, NULL },
};
