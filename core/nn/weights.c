/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/weights.h"

#include "core/math/vec.h"
#include "core/nn/tensors.h"

#define RANGES_MAX   ((size_t)NETWORK_LAYERS_MAX * LAYER_RANGES_MAX)
#define REGION_BYTES 4000000 /* names and shapes of TENSORS_COUNT_MAX tensors */

size_t weights_bytes_max(const struct network *network)
{
    return TENSORS_HEADER_MAX + 16 + network_parameter_count(network) * sizeof(float);
}

enum rc weights_encode(const struct network *network, const float *parameters, struct buf *out)
{
    struct tensor_source sources[RANGES_MAX];
    const size_t count = network_range_count(network);
    for (size_t i = 0; i < count; i++) {
        const struct range *range = network_range(network, i);
        sources[i] = (struct tensor_source){
            .name = range->name,
            .rank = range->rank,
            .shape = { range->shape[0], range->shape[1] },
            .data = parameters + range->offset,
        };
    }
    return tensors_write(sources, count, NULL, out);
}

static enum rc check_tensor(const struct tensor *tensor, const struct range *range, struct why *why)
{
    if (tensor == NULL) {
        return why_fail(why, RC_INVALID, NULL, "the weights file has no tensor %s", range->name);
    }
    bool same = tensor->rank == range->rank && tensor->count == range->count;
    for (int i = 0; same && i < range->rank; i++) {
        same = tensor->shape[i] == range->shape[i];
    }
    return same ? RC_OK : why_fail(why, RC_INVALID, NULL, "the tensor %s of the weights file has not the shape that the network gives it", range->name);
}

/* Are the floats finite, wherever they lie? */
static enum rc check_numbers(const struct tensor *tensor, struct why *why)
{
    const char *at = tensor->bytes;
    float piece[256];
    for (size_t left = tensor->count; left > 0;) {
        const size_t n = left < COUNT_OF(piece) ? left : COUNT_OF(piece);
        tensor_copy(&(struct tensor){ .bytes = at, .count = n }, piece);
        if (!vec_is_finite(piece, n)) {
            return why_fail(why, RC_INVALID, NULL, "the tensor %s of the weights file holds a number that is not finite", tensor->name);
        }
        at += n * sizeof(float);
        left -= n;
    }
    return RC_OK;
}

enum rc weights_decode(const struct network *network, const void *bytes, size_t n, float *parameters, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, REGION_BYTES);
    AUTO(tensors) struct tensors tensors = { 0 };
    const size_t count = network_range_count(network);
    enum rc rc = tensors_read(bytes, n, &region, &tensors, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (tensors.count != count) {
        return why_fail(why, RC_INVALID, NULL, "the weights file has %zu tensors, the network has %zu", tensors.count, count);
    }
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        const struct tensor *tensor = tensors_find(&tensors, network_range(network, i)->name);
        rc = check_tensor(tensor, network_range(network, i), why);
        rc = rc != RC_OK ? rc : check_numbers(tensor, why);
    }
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        const struct range *range = network_range(network, i);
        tensor_copy(tensors_find(&tensors, range->name), parameters + range->offset);
    }
    return rc;
}
