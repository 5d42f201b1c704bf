/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/network.h"

#include "core/math/vec.h"
#include "core/nn/dense.h"
#include "core/nn/weights.h"
#include "tests/check.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

#define INPUTS 9
#define TEXT   "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":17,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":5,\"use_bias\":false}," \
             "{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\",\"kernel_initializer\":\"he_normal\"}]}}"

static void test_network_reads_and_writes_its_json(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 100000);
    AUTO_PTR(doc) struct doc *doc = NULL;
    static const char text[] = "{\"layers\":[{\"type\":\"dense\",\"units\":2}]}";
    struct network_spec spec;
    struct why why = { 0 };
    check_rc(doc_parse(text, strlen(text), &doc, &why), RC_OK);
    check_ok(schema_read(&network_schema, doc, &region, &spec, &why), &why);
    AUTO_PTR(doc) struct doc *written = schema_write(&network_schema, &spec);
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    check_rc(doc_write(written, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, "{\"layers\":[{\"type\":\"dense\",\"units\":2,\"activation\":\"linear\",\"use_bias\":true,"
                         "\"kernel_initializer\":\"glorot_uniform\",\"bias_initializer\":\"zeros\"}]}");
}

static void test_network_names_its_ranges(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, TEXT, INPUTS);

    static const struct {
        const char *name;
        size_t offset, count;
    } rows[] = {
        { "layers.0.kernel", 0, 153 },
        { "layers.0.bias", 153, 17 },
        { "layers.1.kernel", 170, 85 },
        { "layers.2.kernel", 255, 15 },
        { "layers.2.bias", 270, 3 },
    };

    check_int(network_range_count(job.network), COUNT_OF(rows));
    check_int(network_parameter_count(job.network), 273);
    check_int(network_inputs(job.network), INPUTS);
    check_int(network_outputs(job.network), 3);
    check_int(network_last_activation(job.network), ACTIVATION_SOFTMAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_text(network_range(job.network, i)->name, rows[i].name);
        check_int(network_range(job.network, i)->offset, rows[i].offset);
        check_int(network_range(job.network, i)->count, rows[i].count);
    }
}

static void test_network_create_refuses(void **state)
{
    struct dense_options wide = { .units = LAYER_UNITS_MAX }, none = { .units = 0 };
    struct field_variant layers[NETWORK_LAYERS_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(layers); i++) {
        layers[i] = (struct field_variant){ 0, &wide };
    }
    struct network_spec spec = { { layers, 3 } };
    struct network *network = NULL;
    struct why why = { 0 };
    check_rc(network_create(&spec, 10, (size_t)1 << 30, &network, &why), RC_TOO_LARGE);
    check_contains(why.text, "the ceiling is 1.0 GiB");
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_TOO_LARGE);
    check_contains(why.text, "the ceiling is 32.0 GiB"); /* NETWORK_PARAMETERS_MAX */
    spec.layers.count = 2;
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_OK);
    network_destroy(network);
    spec.layers.count = NETWORK_LAYERS_MAX;
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_TOO_LARGE);
    spec.layers.count = NETWORK_LAYERS_MAX + 1;
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_INVALID);
    spec.layers.count = 0;
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_INVALID);
    spec.layers.count = 3;
    check_rc(network_create(&spec, 0, SIZE_MAX, &network, &why), RC_INVALID);
    check_rc(network_create(&spec, NETWORK_INPUTS_MAX + 1, SIZE_MAX, &network, &why), RC_INVALID);
    layers[1].value = &none;
    check_rc(network_create(&spec, 10, SIZE_MAX, &network, &why), RC_INVALID);
    check_text(why.path, "layers[1].units");
}

/* The plainest forward there is. */
static void reference(const struct network *network, const float *parameters, const float *x, float *y)
{
    float in[64], out[64] = { 0 };
    memcpy(in, x, sizeof(float) * INPUTS);
    for (int i = 0; i < network_layer_count(network); i++) {
        const struct layer *layer = network_layer(network, i);
        ref_product(out, 64, 0.0f, in, 64, 0, parameters + layer->ranges[0].offset, (size_t)layer->outputs, 0,
                    1, layer->outputs, layer->inputs);
        for (int j = 0; j < layer->outputs && layer->ranges_count > 1; j++) {
            out[j] += parameters[layer->ranges[1].offset + (size_t)j];
        }
        activation_forward(layer->activation, (struct mat){ out, 1, layer->outputs, layer->outputs });
        memcpy(in, out, sizeof(in));
    }
    memcpy(y, in, sizeof(float) * (size_t)network_outputs(network));
}

static void test_network_predict_at_every_batch(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, TEXT, INPUTS);
    AUTO_FREE float *parameters = mem_floats(network_parameter_count(job.network));
    ref_fill(parameters, network_parameter_count(job.network), 5, 0.5f);
    float x[40 * INPUTS], y[40 * 3], want[40 * 3];
    ref_fill(x, 40 * INPUTS, 6, 1.0f);
    for (size_t i = 0; i < 40; i++) {
        reference(job.network, parameters, x + i * INPUTS, want + i * 3);
    }
    static const int batches[] = { 1, 2, 7, 39, 40, 64 };
    for (size_t b = 0; b < COUNT_OF(batches); b++) {
        for (int training = 0; training < 2; training++) {
            AUTO_PTR(workspace) struct workspace *workspace = NULL;
            check_rc(workspace_create(job.network, batches[b], training == 1, &workspace), RC_OK);
            network_predict(job.network, parameters, workspace, x, 40, y);
            check_all_close("y", y, want, COUNT_OF(y), 1e-6);
        }
    }
}

static void test_network_initialise_by_the_formulas(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":300,\"kernel_initializer\":\"glorot_uniform\"},"
                   "{\"type\":\"dense\",\"units\":300,\"kernel_initializer\":\"he_normal\",\"bias_initializer\":\"ones\"}]}}",
             200);
    AUTO_FREE float *parameters = mem_floats(network_parameter_count(job.network));
    network_initialise(job.network, 7, parameters);
    const struct range *first = network_range(job.network, 0), *second = network_range(job.network, 2);
    const float limit = (float)sqrt(6.0 / 500.0);
    const float most = vec_max(parameters, first->count);
    check(most <= limit && most > 0.999f * limit);
    check_close(vec_sum_squares(parameters, first->count) / (double)first->count, 2.0 / 500.0, 5e-5);
    check_close(vec_sum(parameters, first->count) / (double)first->count, 0.0, 1e-3);
    check_close(vec_sum_squares(parameters + second->offset, second->count) / (double)second->count, 2.0 / 300.0, 1e-4);
    check(vec_max(parameters + second->offset, second->count) <= (float)(2.0 * sqrt(2.0 / 300.0) / 0.8796));
    check_close(vec_sum(parameters + network_range(job.network, 1)->offset, 300), 0.0, 0.0);
    check_close(vec_sum(parameters + network_range(job.network, 3)->offset, 300), 300.0, 0.0);
    AUTO_FREE float *other = mem_floats(network_parameter_count(job.network));
    network_initialise(job.network, 8, other);
    check(memcmp(other, parameters, sizeof(float) * 100) != 0);
    check(memcmp(parameters, parameters + second->offset, sizeof(float) * 100) != 0);
}

static void test_network_survives_each_failing_allocation(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, TEXT, INPUTS);
    struct dense_options options = { .units = 3 };
    struct field_variant layers[] = { { 0, &options }, { 0, &options } };
    const struct network_spec spec = { { layers, 2 } };
    for (long n = 1; n <= 3; n++) {
        struct network *network = NULL;
        mem_fail_at(n);
        check_rc(network_create(&spec, 3, SIZE_MAX, &network, NULL), RC_NO_MEMORY);
        mem_fail_at(0);
    }
    for (long n = 1; n <= 2; n++) {
        struct workspace *workspace = NULL;
        mem_fail_at(n);
        check_rc(workspace_create(job.network, 3, true, &workspace), RC_NO_MEMORY);
        mem_fail_at(0);
    }
    struct workspace *workspace = NULL;
    check_rc(workspace_create(job.network, 0, true, &workspace), RC_INVALID);
    check_rc(workspace_create(job.network, NETWORK_BATCH_MAX + 1, true, &workspace), RC_INVALID);
}

static void test_weights_come_back_bit_for_bit(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, TEXT, INPUTS);
    const size_t count = network_parameter_count(job.network);
    AUTO_FREE float *parameters = mem_floats(count);
    AUTO_FREE float *back = mem_floats(count);
    ref_fill(parameters, count, 5, 0.5f);
    AUTO(buf) struct buf one, two;
    buf_init(&one, weights_bytes_max(job.network));
    buf_init(&two, weights_bytes_max(job.network));
    check_rc(weights_encode(job.network, parameters, &one), RC_OK);
    check_rc(weights_encode(job.network, parameters, &two), RC_OK);
    check(one.len == two.len);
    check_bytes(one.data, two.data, one.len);
    struct why why = { 0 };
    check_ok(weights_decode(job.network, one.data, one.len, back, &why), &why);
    check_bytes(back, parameters, count * sizeof(float));
    buf_finish(&two);
}

static void test_weights_decode_refuses_another_network(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, TEXT, INPUTS);
    AUTO(job) struct job wider;
    job_init(&wider, TEXT, INPUTS + 1);
    AUTO(job) struct job shorter;
    job_init(&shorter, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":17}]}}", INPUTS);
    const size_t count = network_parameter_count(job.network);
    AUTO_FREE float *parameters = mem_floats(count);
    AUTO_FREE float *back = mem_floats(count + 100);
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, weights_bytes_max(job.network));
    check_rc(weights_encode(job.network, parameters, &bytes), RC_OK);
    struct why why = { 0 };
    check_rc(weights_decode(wider.network, bytes.data, bytes.len, back, &why), RC_INVALID);
    check_contains(why.text, "layers.0.kernel");
    check_rc(weights_decode(shorter.network, bytes.data, bytes.len, back, &why), RC_INVALID);
    check_contains(why.text, "5 tensors, the network has 2");
    parameters[200] = NAN;
    buf_clear(&bytes);
    check_rc(weights_encode(job.network, parameters, &bytes), RC_OK);
    check_rc(weights_decode(job.network, bytes.data, bytes.len, back, &why), RC_INVALID);
    check_contains(why.text, "layers.1.kernel of the weights file holds a number that is not finite");
    check_close(vec_sum_squares(back, count), 0.0, 0.0);
}

CHECK_MAIN("core/nn/network",
           CHECK(test_network_reads_and_writes_its_json),
           CHECK(test_network_names_its_ranges),
           CHECK(test_network_create_refuses),
           CHECK(test_network_predict_at_every_batch),
           CHECK(test_network_initialise_by_the_formulas),
           CHECK(test_network_survives_each_failing_allocation),
           CHECK(test_weights_come_back_bit_for_bit),
           CHECK(test_weights_decode_refuses_another_network))
