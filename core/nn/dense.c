/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/dense.h"

#include <stdio.h>

#include "core/base/str.h"
#include "core/math/vec.h"
#include "core/nn/layer.h"

/*
 * Y = f(X W + b): Y is M x N, X is M x K, W is K x N, b is N.
 *
 * dZ = dY f'(Z);  dW += X^T dZ;  db += sum over the rows of dZ;  dX = dZ W^T
 *
 * The grid. A large product is cut into tiles of its output: columns of Y for
 * the forward, columns of dX and rows of dW for the backward. Each element is
 * then still one sum in one order, whoever computes it. The width of a tile
 * depends on the shapes only. Below GRID_WORK multiplications waking a helper
 * costs more than it brings, and there is one tile.
 */

#define GRID_WORK  ((size_t)1 << 21) /* about 40 us on one core */
#define GRID_WIDTH 128               /* narrower tiles spend their time on packing X again */

enum {
    KERNEL,
    BIAS
};

static const struct field dense_fields[] = {
    { .name = "units", .kind = FIELD_INTEGER, .offset = offsetof(struct dense_options, units), .flags = FIELD_REQUIRED, .min = 1, .max = LAYER_UNITS_MAX, .about = "Outputs of the layer." },
    { .name = "activation", .kind = FIELD_CHOICE, .offset = offsetof(struct dense_options, activation), .choices = activation_names, .fallback = "\"linear\"", .about = "What is applied to each output." },
    { .name = "use_bias", .kind = FIELD_BOOLEAN, .offset = offsetof(struct dense_options, use_bias), .fallback = "true", .about = "Add a trained constant to each output?" },
    { .name = "kernel_initializer", .kind = FIELD_CHOICE, .offset = offsetof(struct dense_options, kernel_initializer), .choices = initializer_names, .fallback = "\"glorot_uniform\"", .about = "First values of the weights." },
    { .name = "bias_initializer", .kind = FIELD_CHOICE, .offset = offsetof(struct dense_options, bias_initializer), .choices = initializer_names, .fallback = "\"zeros\"", .about = "First values of the bias." },
    { .name = NULL },
};
const struct schema dense_schema = { "DenseLayer", "Every output is a weighted sum of every input.", sizeof(struct dense_options), dense_fields, false };

static struct range *add_range(struct layer *layer, const char *name, int initializer)
{
    struct range *range = &layer->ranges[layer->ranges_count++];
    (void)str_copy(range->name, sizeof(range->name), name); /* short constants */
    range->initializer = (enum initializer)initializer;
    range->fan_in = layer->inputs;
    range->fan_out = layer->outputs;
    return range;
}

static enum rc shape(struct layer *layer, struct why *why)
{
    const struct dense_options *options = layer->options;
    if (options->units < 1 || options->units > LAYER_UNITS_MAX) {
        return why_fail(why, RC_INVALID, "units", "must be 1 to %d, got %lld", LAYER_UNITS_MAX, (long long)options->units);
    }
    layer->outputs = (int)options->units;
    layer->activation = (enum activation)options->activation;
    struct range *kernel = add_range(layer, "kernel", options->kernel_initializer);
    kernel->rank = 2;
    kernel->shape[0] = layer->inputs;
    kernel->shape[1] = layer->outputs;
    if (options->use_bias) {
        struct range *bias = add_range(layer, "bias", options->bias_initializer);
        bias->rank = 1;
        bias->shape[0] = layer->outputs;
        /* Keras takes a vector's length for both fans. */
        bias->fan_in = bias->fan_out = layer->outputs;
    }
    return RC_OK;
}

struct job {
    const struct pass *pass;
    int M, N, K;
    const float *x, *y;
    float *out;        /* forward: y */
    float *dz, *dx;    /* backward; dz holds dY at first */
    float *dw, *db;    /* db NULL: no bias */
    size_t tiles_of_x; /* backward: tiles of dX come first, then those of dW */
};

static bool is_large(const struct job *job)
{
    return (size_t)job->M * (size_t)job->N * (size_t)job->K >= GRID_WORK;
}

/* Tiles that `side` columns or rows are cut into. */
static size_t tiles(const struct job *job, int side)
{
    return is_large(job) ? ((size_t)side + GRID_WIDTH - 1) / GRID_WIDTH : 1;
}

/* Where tile i begins and how wide it is. */
static int tile_at(const struct job *job, int side, size_t i, int *ret_width)
{
    if (!is_large(job)) {
        *ret_width = side;
        return 0;
    }
    const int from = (int)i * GRID_WIDTH;
    *ret_width = side - from < GRID_WIDTH ? side - from : GRID_WIDTH;
    return from;
}

static struct job job_of(const struct pass *pass, const float *x)
{
    return (struct job){ .pass = pass, .M = pass->rows, .N = pass->layer->outputs, .K = pass->layer->inputs, .x = x };
}

static enum activation ending(const struct pass *pass)
{
    return pass->logits ? ACTIVATION_LINEAR : pass->layer->activation;
}

/* Columns of Y: product, bias and, where an element needs only itself, the activation while it is in the cache. */
static void forward_tile(void *arg, size_t i)
{
    const struct job *job = arg;
    const struct layer *layer = job->pass->layer;
    const float *parameters = job->pass->parameters;
    int width;
    const int from = tile_at(job, job->N, i, &width);
    const struct mat y = { job->out + from, job->M, width, job->N };
    mat_product(y, (struct view){ job->x, job->M, job->K, job->K },
                (struct view){ parameters + layer->ranges[KERNEL].offset + from, job->K, width, job->N });
    if (layer->ranges_count > BIAS) {
        vec_add_to_rows(y.at, parameters + layer->ranges[BIAS].offset + from, (size_t)y.rows, (size_t)y.columns, (size_t)y.stride);
    }
    if (!activation_is_row_wise(ending(job->pass))) {
        activation_forward(ending(job->pass), y);
    }
}

static void forward(const struct pass *pass, const float *x, float *y)
{
    struct job job = job_of(pass, x);
    job.out = y;
    crew_run(pass->crew, tiles(&job, job.N), forward_tile, &job);
    if (activation_is_row_wise(ending(pass))) {
        activation_forward(ending(pass), (struct mat){ y, job.M, job.N, job.N });
    }
}

/* Columns of dZ = dY f'(Z), in place, and db += their sums. */
static void delta_tile(void *arg, size_t i)
{
    const struct job *job = arg;
    int width;
    const int from = tile_at(job, job->N, i, &width);
    if (!activation_is_row_wise(ending(job->pass))) {
        activation_backward(ending(job->pass), (struct mat){ job->dz + from, job->M, width, job->N },
                            (struct view){ job->dz + from, job->M, width, job->N },
                            (struct view){ job->y + from, job->M, width, job->N });
    }
    if (job->db != NULL) {
        vec_add_column_sums(job->db + from, job->dz + from, (size_t)job->M, (size_t)width, (size_t)job->N);
    }
}

/* Columns of dX = dZ W^T, or rows of dW += X^T dZ. */
static void gradient_tile(void *arg, size_t i)
{
    const struct job *job = arg;
    const struct layer *layer = job->pass->layer;
    const struct view dz = { job->dz, job->M, job->N, job->N };
    int width;
    if (i < job->tiles_of_x) {
        const int from = tile_at(job, job->K, i, &width);
        const float *w = job->pass->parameters + layer->ranges[KERNEL].offset + (size_t)from * (size_t)job->N;
        mat_input_gradient((struct mat){ job->dx + from, job->M, width, job->K }, dz, (struct view){ w, width, job->N, job->N });
    } else {
        const int from = tile_at(job, job->K, i - job->tiles_of_x, &width);
        mat_weight_gradient((struct mat){ job->dw + (size_t)from * (size_t)job->N, width, job->N, job->N },
                            (struct view){ job->x + from, job->M, width, job->K }, dz);
    }
}

static void backward(const struct pass *pass, const float *x, const float *y, float *dy, float *dx, float *gradients)
{
    struct job job = job_of(pass, x);
    const struct layer *layer = pass->layer;
    job.y = y;
    job.dz = dy;
    job.dx = dx;
    job.dw = gradients + layer->ranges[KERNEL].offset;
    job.db = layer->ranges_count > BIAS ? gradients + layer->ranges[BIAS].offset : NULL;
    if (activation_is_row_wise(ending(pass))) {
        activation_backward(ending(pass), (struct mat){ dy, job.M, job.N, job.N },
                            (struct view){ dy, job.M, job.N, job.N }, (struct view){ y, job.M, job.N, job.N });
    }
    crew_run(pass->crew, tiles(&job, job.N), delta_tile, &job);
    job.tiles_of_x = dx == NULL ? 0 : tiles(&job, job.K);
    crew_run(pass->crew, job.tiles_of_x + tiles(&job, job.K), gradient_tile, &job);
}

const struct layer_kind layer_dense = { "dense", &dense_schema, shape, forward, backward };
