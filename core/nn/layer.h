/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_LAYER_H
#define CORE_NN_LAYER_H

#include "core/base/field.h"
#include "core/math/crew.h"
#include "core/math/mat.h"
#include "core/nn/activation.h"
#include "core/nn/initializer.h"

/*
 * Layers: the table of kinds, and what a network needs to know of one layer.
 *
 * Adding a kind is one file that fills a struct layer_kind, and one row in
 * layer.c. `shape` checks the user's options and says how wide the output is
 * and which parameters there are; from then on everything is arithmetic that
 * cannot fail. forward overwrites y; backward adds to the parameters'
 * gradients and overwrites dx (NULL: nobody needs it).
 *
 * A layer's parameters lie in the network's one array; the pointers given to
 * forward and backward are to that array's start, and a range says where.
 *
 * Threads: a built layer is constant; forward and backward may use the crew.
 * Memory: layers belong to their network. Logs: no.
 */

#define LAYER_UNITS_MAX  65536
#define LAYER_RANGES_MAX 4

/* One named tensor among the parameters. */
struct range {
    char name[40];        /* "layers.2.kernel" */
    size_t offset, count; /* in floats, into the parameters */
    int rank;             /* 1 or 2 */
    int shape[2];
    enum initializer initializer;
    int fan_in, fan_out;
};

struct layer {
    const struct layer_kind *kind;
    const void *options;        /* the struct of kind->schema; lives in the network */
    int inputs, outputs;        /* per row */
    enum activation activation; /* what the layer ends with */
    int ranges_count;
    struct range ranges[LAYER_RANGES_MAX];
};

/* One batch on its way through a layer. */
struct pass {
    const struct layer *layer;
    const float *parameters; /* of the network */
    struct crew *crew;       /* NULL: this thread alone */
    int rows;
    bool logits; /* leave the last activation out: the loss takes it in */
};

struct layer_kind {
    const char *name;
    const struct schema *schema;

    /* layer->options, inputs are set; sets outputs, activation and the ranges (name: the part
     * after the last dot, shape, initializer, fans). RC_INVALID. */
    enum rc (*shape)(struct layer *layer, struct why *why);

    /* y[rows][outputs] from x[rows][inputs]. */
    void (*forward)(const struct pass *pass, const float *x, float *y);

    /* dy[rows][outputs] is used up. gradients: same layout as the parameters. */
    void (*backward)(const struct pass *pass, const float *x, const float *y, float *dy, float *dx, float *gradients);
};

extern const struct layer_kind layer_dense;

/* The kinds, closed by NULL, and the same as options of a field. */
extern const struct layer_kind *const layer_kinds[];
extern const struct field_option layer_options[];

#endif
