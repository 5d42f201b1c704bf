/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/nn/tensors.h"
#include "core/nn/weights.h"
#include "tests/fuzz/fuzz.h"

/*
 * Weights files. The first byte chooses: the rest is the file, or its JSON
 * header alone, before which the length is put and after which zeros come, so
 * that headers can be explored without guessing lengths.
 *
 * What must hold: each tensor lies inside the file, its shape fills it, and none
 * shares bytes with another. Written again it is read as the same tensors. Weights
 * that a network took are finite, and written and read again are the same bits.
 */

#define REGION_MAX (8u << 20)
#define TEXT_MAX   (16u << 20)

static void check_inside(const struct tensors *tensors, const char *bytes, size_t n)
{
    const char *last = bytes + 8;
    for (size_t i = 0; i < tensors->count; i++) {
        const struct tensor *tensor = &tensors->list[i];
        const char *from = tensor->bytes, *to = from + tensor->count * sizeof(float);
        size_t product = 1;
        for (int d = 0; d < tensor->rank; d++) {
            MUST(tensor->shape[d] >= 0 && mem_multiply(product, (size_t)tensor->shape[d], &product));
        }
        MUST(product == tensor->count && from >= last && to <= bytes + n);
        MUST(tensors_find(tensors, tensor->name) == tensor);
        last = to;
    }
    MUST(tensors->count == 0 || last == bytes + n);
}

static void check_rewritten(const struct tensors *tensors, struct region *region)
{
    struct tensor_source *sources = region_alloc(region, tensors->count, sizeof(*sources));
    for (size_t i = 0; sources != NULL && i < tensors->count; i++) {
        const struct tensor *tensor = &tensors->list[i];
        float *data = region_alloc(region, tensor->count, sizeof(float));
        if (data == NULL) {
            return; /* more than a request's region */
        }
        tensor_copy(tensor, data);
        sources[i] = (struct tensor_source){ .name = tensor->name, .rank = tensor->rank, .data = data };
        memcpy(sources[i].shape, tensor->shape, sizeof(tensor->shape));
    }
    AUTO(buf) struct buf out;
    buf_init(&out, TEXT_MAX);
    AUTO(tensors) struct tensors again = { 0 };
    if (sources == NULL || tensors_write(sources, tensors->count, tensors->metadata, &out) != RC_OK) {
        return;
    }
    MUST(tensors_read(out.data, out.len, region, &again, NULL) == RC_OK && again.count == tensors->count);
    for (size_t i = 0; i < again.count; i++) {
        const struct tensor *one = tensors_find(&again, tensors->list[i].name);
        MUST(one != NULL && one->count == tensors->list[i].count);
        MUST(memcmp(one->bytes, tensors->list[i].bytes, one->count * sizeof(float)) == 0);
    }
}

static struct network *make_network(void)
{
    static const char text[] = "{\"layers\":[{\"type\":\"dense\",\"units\":2,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":1}]}";
    AUTO(region) struct region region;
    region_init(&region, REGION_MAX);
    AUTO_PTR(doc) struct doc *doc = NULL;
    struct network_spec spec;
    struct network *network = NULL;
    MUST(doc_parse(text, strlen(text), &doc, NULL) == RC_OK);
    MUST(schema_read(&network_schema, doc, &region, &spec, NULL) == RC_OK);
    MUST(network_create(&spec, 3, REGION_MAX, &network, NULL) == RC_OK);
    return network;
}

static void check_weights(const char *bytes, size_t n)
{
    AUTO_PTR(network) struct network *network = make_network();
    const size_t count = network_parameter_count(network);
    AUTO_FREE float *first = mem_floats(count), *second = mem_floats(count);
    struct why why = { 0 };
    if (weights_decode(network, bytes, n, first, &why) != RC_OK) {
        MUST(why.text[0] != '\0');
        return;
    }
    AUTO(buf) struct buf out;
    buf_init(&out, weights_bytes_max(network));
    MUST(weights_encode(network, first, &out) == RC_OK);
    MUST(weights_decode(network, out.data, out.len, second, &why) == RC_OK);
    for (size_t i = 0; i < count; i++) {
        MUST(isfinite(first[i]));
    }
    MUST(memcmp(first, second, count * sizeof(float)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint8_t choice = fuzz_byte(&input);
    const size_t zeros = choice / 2 * sizeof(float), n = (choice & 1) == 0 ? input.size : 8 + input.size + zeros;
    AUTO_FREE char *bytes = mem_alloc(n + (n == 0));
    MUST(bytes != NULL);
    if (input.size > 0) {
        memcpy(bytes + ((choice & 1) == 0 ? 0 : 8), input.data, input.size);
    }
    if ((choice & 1) != 0) {
        const uint64_t header = input.size;
        memcpy(bytes, &header, sizeof(header));
    }
    AUTO(region) struct region region;
    region_init(&region, REGION_MAX);
    AUTO(tensors) struct tensors tensors = { 0 };
    struct why why = { 0 };
    const enum rc rc = tensors_read(bytes, n, &region, &tensors, &why);
    MUST(rc == RC_OK || why.text[0] != '\0');
    if (rc == RC_OK) {
        check_inside(&tensors, bytes, n);
        check_rewritten(&tensors, &region);
    }
    check_weights(bytes, n);
    return 0;
}
