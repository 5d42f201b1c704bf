/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

/*
 * What a training step costs beside its matrix products. Products and steps
 * take turns on the same machine and the least time of each counts, so that a
 * busy neighbour does not decide.
 *
 *     ninja -C build tests/bench/train && build/tests/bench/train [rounds]
 */

#define LAYERS_MAX 4

static const struct {
    const char *name, *job;
    int inputs, batch;
    size_t steps;  /* of one round; few, so that some rounds are undisturbed */
    double wanted; /* ratio at most, on one thread */
} rows[] = {
    { "100-128-64-1, batch 32",
      "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":128,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":64,\"activation\":\"relu\"},"
      "{\"type\":\"dense\",\"units\":1,\"activation\":\"sigmoid\"}]},\"loss\":\"binary_crossentropy\",\"epochs\":1000000,\"batch_size\":32}",
      100, 32, 40, 1.5 },
    { "784-1024-1024-10, batch 256",
      "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":1024,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":1024,\"activation\":\"relu\"},"
      "{\"type\":\"dense\",\"units\":10,\"activation\":\"softmax\"}]},\"loss\":\"sparse_categorical_crossentropy\",\"epochs\":1000000,\"batch_size\":256}",
      784, 256, 1, 1.0 / 0.85 },
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* The products of one step, with operands of their own: forward, dW, and dX for all layers but the first. */
static double time_products(const struct network *network, int M, size_t steps, float *space[4])
{
    const struct mono start = mono_now();
    for (size_t step = 0; step < steps; step++) {
        for (int i = 0; i < network_layer_count(network); i++) {
            const int K = network_layer(network, i)->inputs, N = network_layer(network, i)->outputs;
            const struct view x = { space[0], M, K, K }, w = { space[1], K, N, N }, dy = { space[2], M, N, N };
            mat_product((struct mat){ space[3], M, N, N }, x, w);
            mat_weight_gradient((struct mat){ space[3], K, N, N }, x, dy);
            if (i > 0) {
                mat_input_gradient((struct mat){ space[3], M, K, K }, dy, w);
            }
        }
    }
    return (double)mono_since(start) / (double)steps;
}

static double time_steps(struct fit *fit, size_t steps)
{
    struct fit_result result;
    const struct mono start = mono_now();
    MUST(fit_epoch(fit, NULL, &result, NULL) == RC_OK);
    return (double)mono_since(start) / (double)steps;
}

static void measure(size_t row, int rounds)
{
    AUTO(job) struct job job;
    job_init(&job, rows[row].job, rows[row].inputs);
    const size_t count = (size_t)rows[row].batch * rows[row].steps, inputs = (size_t)rows[row].inputs;
    float *x = mem_floats(count * inputs), *targets = mem_floats(count), *space[4];
    for (size_t i = 0; i < COUNT_OF(space); i++) {
        space[i] = mem_floats((size_t)1024 * 1024);
        ref_fill(space[i], (size_t)1024 * 1024, i, 0.01f);
    }
    ref_fill(x, count * inputs, 1, 1.0f);
    for (size_t i = 0; i < count; i++) {
        targets[i] = (float)(x[i * inputs] > 0.0f);
    }
    const struct fit_data data = { x, targets, count }, none = { 0 };
    struct fit *fits[2] = { NULL, NULL };
    struct crew *crew = NULL;
    MUST(crew_create(2, &crew) == RC_OK);
    for (int i = 0; i < 2; i++) {
        MUST(fit_create(job.network, &job.spec, &data, &none, i == 0 ? NULL : crew, &fits[i], NULL) == RC_OK);
    }
    double products = 1e30, one = 1e30, two = 1e30;
    for (int round = 0; round < rounds; round++) {
        products = least(products, time_products(job.network, rows[row].batch, rows[row].steps, space));
        one = least(one, time_steps(fits[0], rows[row].steps));
        two = least(two, time_steps(fits[1], rows[row].steps));
    }
    printf("%-28s %10.1f %10.1f %7.3f %7.3f %10.1f %7.2f\n", rows[row].name, products / 1e3, one / 1e3,
           one / products, rows[row].wanted, two / 1e3, one / two);
    for (int i = 0; i < 2; i++) {
        fit_destroy(fits[i]);
    }
    crew_destroy(crew);
    for (size_t i = 0; i < COUNT_OF(space); i++) {
        mem_free(space[i]);
    }
    mem_free(x);
    mem_free(targets);
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 150;
    struct why why = { 0 };
    if (mat_check_library(&why) != RC_OK) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    printf("%s\n", mat_library());
    printf("%-28s %10s %10s %7s %7s %10s %7s\n", "network", "products us", "step us", "ratio", "wanted", "2 threads", "gain");
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        measure(row, rounds);
    }
    return 0;
}
