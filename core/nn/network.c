/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/network.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

static const struct field layer_item = { .name = "", .kind = FIELD_VARIANT, .options = layer_options };
static const struct field network_fields[] = {
    { .name = "layers", .kind = FIELD_LIST, .offset = offsetof(struct network_spec, layers), .flags = FIELD_REQUIRED, .min = 1, .max = NETWORK_LAYERS_MAX, .item = &layer_item, .about = "From the inputs to the outputs." },
    { .name = NULL },
};
const struct schema network_schema = { "Network", "Layers in order; the last one has as many units as there are answers.", sizeof(struct network_spec), network_fields, false };

struct network {
    int inputs, outputs, widest; /* widest: the largest output of a layer */
    int layers_count;
    size_t parameter_count;
    size_t range_count;
    struct layer layers[NETWORK_LAYERS_MAX];
    void *options[NETWORK_LAYERS_MAX]; /* what the layers' options point to */
};

/*
 * The arena of a workspace: outputs of the layers, one after the other, then
 * two deltas that take turns. Prediction keeps two outputs that take turns.
 */
struct workspace {
    const struct network *network;
    int batch;
    bool training;
    float *arena;
    float *outputs[NETWORK_LAYERS_MAX];
    float *deltas[2];
};

static enum rc too_large(size_t count, size_t bytes_max, struct why *why)
{
    return why_fail(why, RC_TOO_LARGE, "layers", "the network needs %.1f GiB for its parameters, the ceiling is %.1f GiB: fewer layers or fewer units",
                    (double)count * (double)sizeof(float) / 0x1p30, (double)bytes_max / 0x1p30);
}

/* Gives the layer's ranges their places and names. */
static enum rc place_ranges(struct network *network, int i, size_t bytes_max, struct why *why)
{
    struct layer *layer = &network->layers[i];
    for (int r = 0; r < layer->ranges_count; r++) {
        struct range *range = &layer->ranges[r];
        char name[sizeof(range->name)];
        (void)snprintf(name, sizeof(name), "layers.%d.%.20s", i, range->name); /* 64 layers and short names fit */
        (void)str_copy(range->name, sizeof(range->name), name);
        range->count = (size_t)range->shape[0] * (range->rank == 2 ? (size_t)range->shape[1] : 1);
        range->offset = network->parameter_count;
        network->parameter_count += range->count; /* sides are below 2^20 and layers are 64: no overflow */
        network->range_count++;
        const size_t most = bytes_max / sizeof(float);
        if (network->parameter_count > NETWORK_PARAMETERS_MAX || network->parameter_count > most) {
            const size_t ceiling = most < NETWORK_PARAMETERS_MAX ? bytes_max : NETWORK_PARAMETERS_MAX * sizeof(float);
            return too_large(network->parameter_count, ceiling, why);
        }
    }
    return RC_OK;
}

static enum rc add_layer(struct network *network, const struct field_variant *variant, size_t bytes_max, struct why *why)
{
    const int i = network->layers_count;
    const struct layer_kind *kind = layer_kinds[variant->index];
    void *options = mem_alloc(kind->schema->size);
    if (options == NULL) {
        return RC_NO_MEMORY;
    }
    memcpy(options, variant->value, kind->schema->size);
    network->options[i] = options;
    network->layers_count++;
    network->layers[i] = (struct layer){ .kind = kind, .options = options, .inputs = network->outputs };
    const enum rc rc = kind->shape(&network->layers[i], why);
    if (rc != RC_OK) {
        return why_under(why, rc, "layers[%d]", i);
    }
    network->outputs = network->layers[i].outputs;
    network->widest = network->outputs > network->widest ? network->outputs : network->widest;
    return place_ranges(network, i, bytes_max, why);
}

enum rc network_create(const struct network_spec *spec, int inputs, size_t bytes_max, struct network **ret, struct why *why)
{
    const struct field_variant *layers = spec->layers.items;
    if (inputs < 1 || inputs > NETWORK_INPUTS_MAX) {
        return why_fail(why, RC_INVALID, "layers", "the network must have 1 to %d inputs, got %d", NETWORK_INPUTS_MAX, inputs);
    }
    if (spec->layers.count < 1 || spec->layers.count > NETWORK_LAYERS_MAX) {
        return why_fail(why, RC_INVALID, "layers", "must be 1 to %d layers, got %zu", NETWORK_LAYERS_MAX, spec->layers.count);
    }
    AUTO_PTR(network) struct network *network = mem_alloc(sizeof(*network));
    if (network == NULL) {
        return RC_NO_MEMORY;
    }
    network->inputs = network->outputs = inputs;
    for (size_t i = 0; i < spec->layers.count; i++) {
        const enum rc rc = add_layer(network, &layers[i], bytes_max, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    *ret = TAKE(network);
    return RC_OK;
}

void network_destroy(struct network *network)
{
    if (network == NULL) {
        return;
    }
    for (int i = 0; i < network->layers_count; i++) {
        mem_free(network->options[i]);
    }
    mem_free(network);
}

int network_inputs(const struct network *network)
{
    return network->inputs;
}

int network_outputs(const struct network *network)
{
    return network->outputs;
}

size_t network_parameter_count(const struct network *network)
{
    return network->parameter_count;
}

enum activation network_last_activation(const struct network *network)
{
    return network->layers[network->layers_count - 1].activation;
}

int network_layer_count(const struct network *network)
{
    return network->layers_count;
}

const struct layer *network_layer(const struct network *network, int i)
{
    MUST(i >= 0 && i < network->layers_count);
    return &network->layers[i];
}

size_t network_range_count(const struct network *network)
{
    return network->range_count;
}

const struct range *network_range(const struct network *network, size_t i)
{
    MUST(i < network->range_count);
    const struct layer *layer = network->layers;
    for (; i >= (size_t)layer->ranges_count; layer++) {
        i -= (size_t)layer->ranges_count;
    }
    return &layer->ranges[i];
}

void network_initialise(const struct network *network, uint64_t seed, float *parameters)
{
    for (size_t i = 0; i < network->range_count; i++) {
        const struct range *range = network_range(network, i);
        const struct rng rng = { seed, RNG_WEIGHTS, (uint32_t)i };
        initializer_fill(range->initializer, &rng, range->fan_in, range->fan_out, parameters + range->offset, range->count);
    }
}

/* Floats of an array for so many rows, rounded up so that the next one starts on a cache line. */
static bool array_floats(size_t per_row, int batch, size_t *ret)
{
    const size_t line = MEM_ALIGNMENT / sizeof(float);
    if (!mem_multiply(per_row, (size_t)batch, ret) || !mem_add(*ret, line - 1, ret)) {
        return false;
    }
    *ret -= *ret % line;
    return true;
}

/* The floats of the arena; false when no number can say it. */
static bool arena_floats(const struct network *network, int batch, bool training, size_t *ret)
{
    size_t turn, total = 0;
    if (!array_floats((size_t)network->widest, batch, &turn) || !mem_multiply(turn, 2, &total)) {
        return false;
    }
    for (int i = 0; training && i < network->layers_count; i++) {
        size_t n;
        if (!array_floats((size_t)network->layers[i].outputs, batch, &n) || !mem_add(total, n, &total)) {
            return false;
        }
    }
    *ret = total;
    return true;
}

size_t workspace_bytes(const struct network *network, int batch, bool training)
{
    size_t floats, bytes;
    if (!arena_floats(network, batch, training, &floats) || !mem_multiply(floats, sizeof(float), &bytes) ||
        !mem_add(bytes, sizeof(struct workspace), &bytes)) {
        return SIZE_MAX;
    }
    return bytes;
}

enum rc workspace_create(const struct network *network, int batch, bool training, struct workspace **ret)
{
    size_t floats, n;
    if (batch < 1 || batch > NETWORK_BATCH_MAX) {
        return RC_INVALID;
    }
    AUTO_PTR(workspace) struct workspace *workspace = mem_alloc(sizeof(*workspace));
    if (workspace == NULL || !arena_floats(network, batch, training, &floats)) {
        return RC_NO_MEMORY;
    }
    workspace->arena = mem_floats(floats);
    if (workspace->arena == NULL || !array_floats((size_t)network->widest, batch, &n)) {
        return RC_NO_MEMORY;
    }
    workspace->network = network;
    workspace->batch = batch;
    workspace->training = training;
    workspace->deltas[0] = workspace->arena;
    workspace->deltas[1] = workspace->arena + n;
    float *next = workspace->arena + 2 * n;
    for (int i = 0; i < network->layers_count; i++) {
        workspace->outputs[i] = training ? next : workspace->deltas[i % 2];
        (void)array_floats((size_t)network->layers[i].outputs, batch, &n); /* fitted above */
        next += training ? n : 0;
    }
    *ret = TAKE(workspace);
    return RC_OK;
}

void workspace_destroy(struct workspace *workspace)
{
    if (workspace != NULL) {
        mem_free(workspace->arena);
        mem_free(workspace);
    }
}

static struct pass pass_of(const struct network *network, int i, const float *parameters, struct crew *crew, int rows, bool logits)
{
    return (struct pass){ &network->layers[i], parameters, crew, rows, logits && i == network->layers_count - 1 };
}

/* Runs all layers; the last one writes to y (NULL: its place in the workspace). */
static void run(const struct network *network, const float *parameters, struct workspace *workspace,
                struct crew *crew, const float *x, int rows, bool logits, float *y)
{
    MUST(workspace->network == network && rows >= 1 && rows <= workspace->batch);
    for (int i = 0; i < network->layers_count; i++) {
        const struct pass pass = pass_of(network, i, parameters, crew, rows, logits);
        float *out = y != NULL && i == network->layers_count - 1 ? y : workspace->outputs[i];
        pass.layer->kind->forward(&pass, x, out);
        x = out;
    }
}

void network_predict(const struct network *network, const float *parameters, struct workspace *workspace,
                     const float *x, size_t rows, float *y)
{
    while (rows > 0) {
        const int n = rows < (size_t)workspace->batch ? (int)rows : workspace->batch;
        run(network, parameters, workspace, NULL, x, n, false, y);
        x += (size_t)n * (size_t)network->inputs;
        y += (size_t)n * (size_t)network->outputs;
        rows -= (size_t)n;
    }
}

float *network_forward(const struct network *network, const float *parameters, struct workspace *workspace,
                       struct crew *crew, const float *x, int rows, bool logits)
{
    MUST(workspace->training);
    run(network, parameters, workspace, crew, x, rows, logits, NULL);
    return workspace->outputs[network->layers_count - 1];
}

float *workspace_delta(struct workspace *workspace)
{
    return workspace->deltas[0];
}

void network_backward(const struct network *network, const float *parameters, struct workspace *workspace,
                      struct crew *crew, const float *x, int rows, bool logits, float *gradients)
{
    MUST(workspace->network == network && workspace->training && rows >= 1 && rows <= workspace->batch);
    float *dy = workspace->deltas[0], *dx = workspace->deltas[1];
    for (int i = network->layers_count - 1; i >= 0; i--) {
        const struct pass pass = pass_of(network, i, parameters, crew, rows, logits);
        const float *in = i == 0 ? x : workspace->outputs[i - 1];
        pass.layer->kind->backward(&pass, in, workspace->outputs[i], dy, i == 0 ? NULL : dx, gradients);
        float *turn = dy;
        dy = dx;
        dx = turn;
    }
}
