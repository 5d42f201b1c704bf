/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/dense.h"

#include "core/math/vec.h"
#include "core/nn/layer.h"
#include "tests/check.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

/*
 * The layer by itself against the naive loops: shapes of one tile and of many,
 * with rests, each activation, with and without a bias, alone and with a crew.
 */

static const struct {
    int M, K, N;
} shapes[] = {
    { 1, 1, 1 },
    { 1, 37, 13 },
    { 7, 13, 1 },
    { 5, 31, 17 },
    { 31, 259, 277 }, /* above the size from which products are cut; the last tiles are narrow */
    { 1, 1531, 1409 },
    { 61, 513, 128 },
};

/* Y = f(X W + b) */
static void naive_forward(const struct pass *pass, const float *x, float *y)
{
    const struct layer *layer = pass->layer;
    const int N = layer->outputs, K = layer->inputs;
    ref_product(y, (size_t)N, 0.0f, x, (size_t)K, 0, pass->parameters, (size_t)N, 0, pass->rows, N, K);
    for (size_t i = 0; i < (size_t)(pass->rows * N) && layer->ranges_count > 1; i++) {
        y[i] += pass->parameters[layer->ranges[1].offset + i % (size_t)N];
    }
    activation_forward(pass->logits ? ACTIVATION_LINEAR : layer->activation, (struct mat){ y, pass->rows, N, N });
}

static void naive_backward(const struct pass *pass, const float *x, const float *y, float *dy, float *dx, float *gradients)
{
    const struct layer *layer = pass->layer;
    const int M = pass->rows, N = layer->outputs, K = layer->inputs;
    const enum activation ending = pass->logits ? ACTIVATION_LINEAR : layer->activation;
    activation_backward(ending, (struct mat){ dy, M, N, N }, (struct view){ dy, M, N, N }, (struct view){ y, M, N, N });
    ref_product(gradients, (size_t)N, 1.0f, x, (size_t)K, 1, dy, (size_t)N, 0, K, N, M);
    ref_product(dx, (size_t)K, 0.0f, dy, (size_t)N, 0, pass->parameters, (size_t)N, 1, M, K, N);
    for (size_t i = 0; i < (size_t)(M * N) && layer->ranges_count > 1; i++) {
        gradients[layer->ranges[1].offset + i % (size_t)N] += dy[i];
    }
}

static void check_layer(const struct network *network, int M, struct crew *crew, bool logits)
{
    const struct layer *layer = network_layer(network, 0);
    const size_t in = (size_t)M * (size_t)layer->inputs, out = (size_t)M * (size_t)layer->outputs;
    const size_t count = network_parameter_count(network);
    AUTO_FREE float *parameters = mem_floats(count);
    AUTO_FREE float *x = mem_floats(in);
    AUTO_FREE float *got = mem_floats(out + out + in + count);
    AUTO_FREE float *want = mem_floats(out + out + in + count);
    const struct pass pass = { layer, parameters, crew, M, logits };
    ref_fill(parameters, count, 1, 0.1f);
    ref_fill(x, in, 2, 1.0f);
    for (int side = 0; side < 2; side++) {
        float *y = side == 0 ? got : want, *dy = y + out, *dx = dy + out, *gradients = dx + in;
        for (size_t i = 0; i < in; i++) {
            dx[i] = NAN; /* must be overwritten */
        }
        for (size_t i = 0; i < out; i++) {
            y[i] = NAN;
        }
        ref_fill(dy, out, 3, 1.0f);
        ref_fill(gradients, count, 4, 1.0f); /* must be added to */
        if (side == 0) {
            layer->kind->forward(&pass, x, y);
            layer->kind->backward(&pass, x, y, dy, dx, gradients);
        } else {
            naive_forward(&pass, x, y);
            naive_backward(&pass, x, y, dy, dx, gradients);
        }
    }
    check_all_close("y, dz, dx, gradients", got, want, out + out + in + count, 2e-5);
}

static void test_dense_is_what_the_formulas_say(void **state)
{
    AUTO_PTR(crew) struct crew *crew = NULL;
    check_rc(crew_create(2, &crew), RC_OK);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        for (int a = 0; activation_names[a] != NULL; a++) {
            char text[300];
            (void)snprintf(text, sizeof(text), "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":%d,\"activation\":\"%s\",\"use_bias\":%s}]}}",
                           shapes[i].N, activation_names[a], a % 2 == 0 ? "true" : "false");
            AUTO(job) struct job job;
            job_init(&job, text, shapes[i].K);
            check_layer(job.network, shapes[i].M, a % 2 == 0 ? crew : NULL, false);
            if (i < 4) {
                check_layer(job.network, shapes[i].M, NULL, true);
            }
        }
    }
}

CHECK_MAIN("core/nn/dense",
           CHECK(test_dense_is_what_the_formulas_say))
