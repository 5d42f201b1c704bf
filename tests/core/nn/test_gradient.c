/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/network.h"

#include "core/nn/loss.h"
#include "tests/check.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

/*
 * The directional derivative g . d against (L(p + h d) - L(p - h d)) / 2h, for
 * every activation and loss, and for random networks. Losses are floats inside,
 * so a step of 1e-3 leaves about four digits: a wrong factor or sign shows.
 */

#define ROWS   5
#define INPUTS 6
#define WIDTH  13 /* outputs at most */

static double loss_at(const struct job *job, const float *parameters, struct workspace *workspace,
                      const float *x, const float *targets)
{
    const bool logits = loss_takes_logits(job->spec.loss, network_last_activation(job->network));
    float *y = network_forward(job->network, parameters, workspace, NULL, x, ROWS, logits);
    return loss_batch(job->spec.loss, logits, y, targets, NULL, ROWS, network_outputs(job->network), workspace_delta(workspace)) / ROWS;
}

static void fill_targets(enum loss loss, int outputs, float *targets)
{
    ref_fill(targets, ROWS * WIDTH, 9, 0.5f);
    for (size_t i = 0; i < (size_t)(ROWS * outputs); i++) {
        const size_t row = i / (size_t)outputs, column = i % (size_t)outputs;
        if (loss == LOSS_BINARY_CROSSENTROPY) {
            targets[i] += 0.5f;
        } else if (loss == LOSS_CATEGORICAL_CROSSENTROPY) {
            targets[i] = outputs == 1 ? 1.0f : (column == row % (size_t)outputs ? 0.75f : 0.25f / (float)(outputs - 1));
        } else if (loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY && i < ROWS) {
            targets[i] = (float)(i % (size_t)outputs);
        }
    }
}

static void check_directions(const char *name, const struct job *job)
{
    const size_t count = network_parameter_count(job->network);
    float x[ROWS * INPUTS], targets[ROWS * WIDTH];
    AUTO_FREE float *parameters = mem_floats(count);
    AUTO_FREE float *gradients = mem_floats(count);
    AUTO_FREE float *moved = mem_floats(count);
    AUTO_PTR(workspace) struct workspace *workspace = NULL;
    check_rc(workspace_create(job->network, ROWS, true, &workspace), RC_OK);
    ref_fill(x, ROWS * INPUTS, 3, 1.0f);
    fill_targets(job->spec.loss, network_outputs(job->network), targets);
    ref_fill(parameters, count, 4, 0.7f);
    const bool logits = loss_takes_logits(job->spec.loss, network_last_activation(job->network));
    (void)loss_at(job, parameters, workspace, x, targets); /* for its outputs and its delta */
    network_backward(job->network, parameters, workspace, NULL, x, ROWS, logits, gradients);
    for (uint64_t direction = 0; direction < 6; direction++) {
        const double h = 1e-3;
        double slope = 0.0, size = 0.0, losses[2];
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < count; i++) {
                const double d = (double)ref_number(20 + direction, i);
                moved[i] = (float)((double)parameters[i] + (side == 0 ? h : -h) * d);
                slope += side == 0 ? (double)gradients[i] * d : 0.0;
                size += side == 0 ? fabs((double)gradients[i] * d) : 0.0;
            }
            losses[side] = loss_at(job, moved, workspace, x, targets);
        }
        const double measured = (losses[0] - losses[1]) / (2.0 * h), tolerance = 2e-3 * size + 5e-4;
        if (!(fabs(measured - slope) <= tolerance)) {
            fail_msg("%s: slope %.6g by differences, %.6g by the gradient", name, measured, slope);
        }
    }
}

static void check_network(const char *hidden, const char *last, int units, const char *loss)
{
    char text[500], name[200];
    (void)snprintf(name, sizeof(name), "%s, %s(%d), %s", hidden, last, units, loss);
    (void)snprintf(text, sizeof(text), "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":11,\"activation\":\"%s\"},{\"type\":\"dense\",\"units\":%d,\"activation\":\"%s\"}]},\"loss\":\"%s\"}",
                   hidden, units, last, loss);
    AUTO(job) struct job job;
    job_init(&job, text, INPUTS);
    struct why why = { 0 };
    if (loss_check(job.spec.loss, network_last_activation(job.network), units, &why) == RC_OK) {
        check_directions(name, &job);
    }
}

static void test_gradient_of_every_activation_and_loss(void **state)
{
    static const int widths[] = { 1, 3, 13 };
    for (size_t h = 0; activation_names[h] != NULL; h++) {
        for (size_t a = 0; activation_names[a] != NULL; a++) {
            for (size_t l = 0; loss_names[l] != NULL; l++) {
                for (size_t w = 0; w < COUNT_OF(widths); w++) {
                    check_network(activation_names[h], activation_names[a], widths[w], loss_names[l]);
                }
            }
        }
    }
}

static void test_gradient_of_random_networks(void **state)
{
    for (uint64_t round = 0; round < 30; round++) {
        const struct rng rng = { round, RNG_TEST, 0 };
        const size_t layers = 1 + rng_below(&rng, 0, 5);
        AUTO(buf) struct buf text;
        buf_init(&text, 2000);
        (void)buf_text(&text, "{\"network\":{\"layers\":["); /* read back below */
        for (size_t i = 0; i < layers; i++) {
            (void)buf_printf(&text, "%s{\"type\":\"dense\",\"units\":%d,\"activation\":\"%s\",\"use_bias\":%s}", i == 0 ? "" : ",",
                             1 + (int)rng_below(&rng, 10 + i, WIDTH), activation_names[rng_below(&rng, 20 + i, 5)],
                             rng_below(&rng, 30 + i, 2) == 0 ? "true" : "false");
        }
        check_rc(buf_text(&text, "]}}"), RC_OK);
        AUTO(job) struct job job;
        job_init(&job, text.data, INPUTS);
        check_directions(text.data, &job);
    }
}

static void test_gradient_is_added_to_what_is_there(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}", INPUTS);
    const size_t count = network_parameter_count(job.network);
    float x[ROWS * INPUTS], targets[ROWS * WIDTH], parameters[64], once[64] = { 0 }, twice[64] = { 0 };
    AUTO_PTR(workspace) struct workspace *workspace = NULL;
    check_rc(workspace_create(job.network, ROWS, true, &workspace), RC_OK);
    ref_fill(x, ROWS * INPUTS, 3, 1.0f);
    ref_fill(targets, ROWS * WIDTH, 5, 1.0f);
    ref_fill(parameters, count, 4, 0.7f);
    for (int i = 0; i < 3; i++) {
        (void)loss_at(&job, parameters, workspace, x, targets); /* for its outputs and its delta */
        network_backward(job.network, parameters, workspace, NULL, x, ROWS, false, i == 0 ? once : twice);
    }
    for (size_t i = 0; i < count; i++) {
        once[i] *= 2.0f;
    }
    check_all_close("gradients", twice, once, count, 1e-6);
}

CHECK_MAIN("core/nn/gradient",
           CHECK(test_gradient_of_every_activation_and_loss),
           CHECK(test_gradient_of_random_networks),
           CHECK(test_gradient_is_added_to_what_is_there))
