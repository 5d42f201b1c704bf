/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_NETWORK_H
#define CORE_NN_NETWORK_H

#include "core/nn/layer.h"

/*
 * A network: layers in order, without their parameters.
 *
 * All parameters lie in one float array, all gradients in another with the same
 * layout; ranges name the tensors in it. The network itself holds no numbers
 * and is constant once made: any number of threads may use it, each with a
 * workspace of its own. Sizes are multiplied with a check, and what would go
 * over the caller's ceiling is refused in words before anything is allocated.
 *
 * Threads: a network any; a workspace one at a time. Memory: destroy frees.
 * Logs: no.
 */

#define NETWORK_LAYERS_MAX     64
#define NETWORK_INPUTS_MAX     1000000
#define NETWORK_PARAMETERS_MAX ((size_t)1 << 33)
#define NETWORK_BATCH_MAX      65536

/* The JSON form: {"layers":[{"type":"dense","units":64,"activation":"relu"}, ...]} */
struct network_spec {
    struct field_list layers; /* of struct field_variant over layer_options */
};

extern const struct schema network_schema;

struct network;
struct workspace;

/* Copies what it needs of the spec. RC_INVALID (no layer, a layer's options), RC_TOO_LARGE (over
 * bytes_max with the parameters alone), RC_NO_MEMORY; why->path is like "layers[2].units". */
enum rc network_create(const struct network_spec *spec, int inputs, size_t bytes_max,
                       struct network **ret, struct why *why) MUST_CHECK;
void network_destroy(struct network *network);
DEFINE_AUTO_PTR(network)

int network_inputs(const struct network *network);
int network_outputs(const struct network *network);
size_t network_parameter_count(const struct network *network); /* floats in the array */
enum activation network_last_activation(const struct network *network);

/* Layers and the named tensors among the parameters, in order; borrowed. */
int network_layer_count(const struct network *network);
const struct layer *network_layer(const struct network *network, int i);
size_t network_range_count(const struct network *network);
const struct range *network_range(const struct network *network, size_t i);

/* Fills the array: range r from the stream (seed, RNG_WEIGHTS, step r), element by element. */
void network_initialise(const struct network *network, uint64_t seed, float *parameters);

/* What one thread needs to run batches of up to `batch` rows; training keeps every layer's output.
 * The bytes it takes (SIZE_MAX when no number can say it). */
size_t workspace_bytes(const struct network *network, int batch, bool training);
/* RC_INVALID (batch outside 1 .. NETWORK_BATCH_MAX), RC_NO_MEMORY. The network must outlive it. */
enum rc workspace_create(const struct network *network, int batch, bool training, struct workspace **ret) MUST_CHECK;
void workspace_destroy(struct workspace *workspace);
DEFINE_AUTO_PTR(workspace)

/* y[rows][outputs] from x[rows][inputs], any number of rows, in batches of the workspace's size.
 * The same rows in the same batches give the same bits. */
void network_predict(const struct network *network, const float *parameters, struct workspace *workspace,
                     const float *x, size_t rows, float *y);

/* Training: runs one batch (rows at most the workspace's) and keeps every output; the answer, rows x
 * outputs, lies in the workspace. logits: without the last activation. */
float *network_forward(const struct network *network, const float *parameters, struct workspace *workspace,
                       struct crew *crew, const float *x, int rows, bool logits);

/* Where the gradient of the loss by that answer is to be put before network_backward(). */
float *workspace_delta(struct workspace *workspace);

/* Adds the gradients of that batch to `gradients`; x, rows and logits as in the forward. */
void network_backward(const struct network *network, const float *parameters, struct workspace *workspace,
                      struct crew *crew, const float *x, int rows, bool logits, float *gradients);

#endif
