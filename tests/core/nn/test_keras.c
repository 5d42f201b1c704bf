/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit.h"

#include <stdlib.h>

#include "core/math/vec.h"
#include "core/nn/tensors.h"
#include "tests/check.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

/*
 * Our numbers against those of Keras (tests/data/keras/make_goldens.py, which has
 * the same formulas): for every case answers, loss, every gradient tensor and
 * the parameters after ten steps; for the mission's network the loss of every epoch.
 */

#define BATCH     6
#define STEPS     10
#define ROWS      (BATCH * STEPS)
#define TOLERANCE 1e-5 /* of each tensor, in the 2-norm */

enum {
    SEQUENCE_X = 101,
    SEQUENCE_T,
    SEQUENCE_W
};

static char *file;
static struct region region;
static struct tensors goldens;

static int setup(void **state)
{
    char path[1000];
    (void)snprintf(path, sizeof(path), "%s/keras/goldens.safetensors", getenv("LICIT_TEST_DATA"));
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return -1;
    }
    file = mem_array(4000000, 1);
    const size_t n = fread(file, 1, 4000000, in);
    (void)fclose(in); /* only read */
    region_init(&region, 4000000);
    struct why why = { 0 };
    check_ok(tensors_read(file, n, &region, &goldens, &why), &why);
    return 0;
}

static int teardown(void **state)
{
    tensors_finish(&goldens);
    region_finish(&region);
    mem_free(file);
    return 0;
}

/* The numbers of case/what; the test frees them. */
static float *golden(const char *name, const char *what, size_t count)
{
    char key[200];
    (void)snprintf(key, sizeof(key), "%s/%s", name, what);
    const struct tensor *tensor = tensors_find(&goldens, key);
    if (tensor == NULL || tensor->count != count) {
        fail_msg("%s is not among the goldens, or not of %zu numbers", key, count);
    }
    float *out = mem_floats(count);
    tensor_copy(tensor, out);
    return out;
}

static double distance(const float *got, const float *want, size_t n)
{
    double error = 0.0, norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        norm += (double)want[i] * (double)want[i];
    }
    return norm == 0.0 ? sqrt(error) : sqrt(error / norm);
}

static double worst; /* of all that were compared, for the report */
static size_t compared;

static void check_near(const char *name, const char *what, const char *part, const float *got, const float *want, size_t n)
{
    const double d = distance(got, want, n);
    worst = d > worst ? d : worst;
    compared++;
    if (!(d <= TOLERANCE)) {
        fail_msg("%s: %s %s is %.3g away from Keras's", name, what, part, d);
    }
}

static void check_ranges(const char *name, const char *what, const struct network *network, const float *got)
{
    AUTO_FREE float *want = golden(name, what, network_parameter_count(network));
    for (size_t i = 0; i < network_range_count(network); i++) {
        const struct range *range = network_range(network, i);
        check_near(name, what, range->name, got + range->offset, want + range->offset, range->count);
    }
}

static void make_targets(enum loss loss, int outputs, size_t rows, float *targets)
{
    const size_t C = (size_t)outputs;
    for (size_t i = 0; i < rows; i++) {
        float u[8];
        for (size_t j = 0; j < C; j++) {
            u[j] = ref_number(SEQUENCE_T, i * C + j);
        }
        const size_t largest = vec_argmax(u, C);
        for (size_t j = 0; j < C; j++) {
            switch (loss) {
            case LOSS_BINARY_CROSSENTROPY: targets[i * C + j] = u[j] > 0.0f; break;
            case LOSS_CATEGORICAL_CROSSENTROPY: targets[i * C + j] = j == largest; break;
            case LOSS_SPARSE_CATEGORICAL_CROSSENTROPY: targets[i] = (float)largest; break;
            case LOSS_MEAN_SQUARED_ERROR:
            case LOSS_HALF_MEAN_SQUARED_ERROR: targets[i * C + j] = u[j]; break;
            }
        }
    }
}

static void first_weights(const struct network *network, float *parameters)
{
    ref_fill(parameters, network_parameter_count(network), SEQUENCE_W, 1.0f);
    for (size_t i = 0; i < network_range_count(network); i++) {
        const struct range *range = network_range(network, i);
        const float scale = range->rank == 2 ? (float)sqrt(1.5 / range->shape[0]) : 0.1f;
        vec_scale(parameters + range->offset, scale, range->count);
    }
}

static void check_first_batch(const char *name, const struct job *job, const float *x, const float *targets)
{
    const struct network *network = job->network;
    const int outputs = network_outputs(network);
    const size_t count = network_parameter_count(network);
    AUTO_FREE float *parameters = mem_floats(count);
    AUTO_FREE float *gradients = mem_floats(count);
    AUTO_PTR(workspace) struct workspace *workspace = NULL;
    check_rc(workspace_create(network, BATCH, true, &workspace), RC_OK);
    first_weights(network, parameters);
    const bool logits = loss_takes_logits(job->spec.loss, network_last_activation(network));
    float *y = network_forward(network, parameters, workspace, NULL, x, BATCH, logits);
    const float loss = (float)(loss_batch(job->spec.loss, logits, y, targets, NULL, BATCH, outputs, workspace_delta(workspace)) / BATCH);
    AUTO_FREE float *want_y = golden(name, "y", (size_t)BATCH * (size_t)outputs);
    AUTO_FREE float *want_loss = golden(name, "loss", 1);
    check_near(name, "y", "", y, want_y, (size_t)BATCH * (size_t)outputs);
    check_near(name, "loss", "", &loss, want_loss, 1);
    network_backward(network, parameters, workspace, NULL, x, BATCH, logits, gradients);
    check_ranges(name, "gradient", network, gradients);
}

static void check_training(const char *group, const char *key, const struct job *job, const float *x, const float *targets)
{
    struct fit_spec spec = job->spec;
    spec.epochs = 1;
    spec.batch_size = BATCH;
    spec.shuffle = false;
    const struct fit_data data = { x, targets, ROWS }, none = { 0 };
    AUTO_PTR(fit) struct fit *fit = NULL;
    struct why why = { 0 };
    check_ok(fit_create(job->network, &spec, &data, &none, NULL, &fit, &why), &why);
    AUTO_FREE float *parameters = mem_floats(network_parameter_count(job->network));
    first_weights(job->network, parameters);
    fit_set_parameters(fit, parameters);
    struct fit_result result;
    check_ok(fit_epoch(fit, NULL, &result, &why), &why);
    check_ranges(group, key, job->network, fit_parameters(fit));
}

/* One line of the goldens' metadata: calls check for each. */
static size_t each(const char *key, void (*look)(const char *name, struct job *job, const float *x, const float *targets))
{
    AUTO_PTR(doc) struct doc *list = NULL;
    const char *text = tensors_metadata(&goldens, key);
    check_rc(doc_parse(text, strlen(text), &list, NULL), RC_OK);
    for (size_t i = 0; i < doc_count(list); i++) {
        const struct doc *line = doc_at(list, i);
        const int inputs = (int)doc_get_integer(line, "inputs", 0);
        AUTO(buf) struct buf body;
        buf_init(&body, 10000);
        check_rc(doc_write(line, DOC_COMPACT, &body), RC_OK);
        AUTO(job) struct job job;
        job_init(&job, body.data, inputs);
        float x[ROWS * 8], targets[ROWS * 8];
        ref_fill(x, (size_t)ROWS * (size_t)inputs, SEQUENCE_X, 1.0f);
        make_targets(job.spec.loss, network_outputs(job.network), ROWS, targets);
        look(doc_get_string(line, "name", ""), &job, x, targets);
    }
    return doc_count(list);
}

static void look_at_case(const char *name, struct job *job, const float *x, const float *targets)
{
    static const struct {
        const char *key;
        struct optimizer optimizer;
    } rows[] = {
        { "adam", { .kind = OPTIMIZER_ADAM, .learning_rate = 0.001, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7 } },
        { "sgd", { .kind = OPTIMIZER_SGD, .learning_rate = 0.01 } },
        { "momentum", { .kind = OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9 } },
        { "nesterov", { .kind = OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9, .nesterov = true } },
    };

    printf("# %s\n", name);
    check_first_batch(name, job, x, targets);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        job->spec.optimizer = rows[i].optimizer;
        check_training(name, rows[i].key, job, x, targets);
    }
}

static void test_every_case_is_keras(void **state)
{
    worst = 0.0;
    compared = 0;
    const size_t count = each("cases", look_at_case);
    printf("# %zu cases with 4 optimizers each, %zu tensors, the worst %.2g away\n", count, compared, worst);
    check(count == 85);
}

static void look_at_training(const char *name, struct job *job, const float *x, const float *targets)
{
    printf("# %s\n", name);
    check_training("training", name, job, x, targets);
}

static void test_every_option_is_keras(void **state)
{
    worst = 0.0;
    const size_t count = each("trainings", look_at_training);
    printf("# %zu trainings, the worst %.2g away\n", count, worst);
    check(count == 12);
}

#define MISSION_ROWS   1000
#define MISSION_TRAIN  800
#define MISSION_INPUTS 100
#define MISSION_EPOCHS 10

static void test_the_mission_network_learns_as_in_keras(void **state)
{
    static const char text[] = "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":128,\"activation\":\"relu\"},"
                               "{\"type\":\"dense\",\"units\":64,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":1,\"activation\":\"sigmoid\"}]},"
                               "\"loss\":\"binary_crossentropy\",\"metrics\":[\"accuracy\"],\"shuffle\":false}";
    AUTO(job) struct job job;
    job_init(&job, text, MISSION_INPUTS);
    AUTO_FREE float *x = mem_floats(MISSION_ROWS * MISSION_INPUTS);
    float targets[MISSION_ROWS];
    ref_fill(x, MISSION_ROWS * MISSION_INPUTS, SEQUENCE_X, 1.0f);
    for (size_t i = 0; i < MISSION_ROWS; i++) {
        const float *row = x + i * MISSION_INPUTS;
        const double noise = (double)ref_number(SEQUENCE_T, i);
        targets[i] = (double)row[0] + (double)row[1] - (double)row[2] * (double)row[3] + 0.25 * noise > 0.0;
    }
    const struct fit_data train = { x, targets, MISSION_TRAIN };
    const struct fit_data validation = { x + MISSION_TRAIN * MISSION_INPUTS, targets + MISSION_TRAIN, MISSION_ROWS - MISSION_TRAIN };
    AUTO_PTR(fit) struct fit *fit = NULL;
    struct why why = { 0 };
    check_ok(fit_create(job.network, &job.spec, &train, &validation, NULL, &fit, &why), &why);
    AUTO_FREE float *parameters = mem_floats(network_parameter_count(job.network));
    first_weights(job.network, parameters);
    fit_set_parameters(fit, parameters);
    AUTO_FREE float *loss = golden("mission", "loss", MISSION_EPOCHS);
    AUTO_FREE float *val_loss = golden("mission", "val_loss", MISSION_EPOCHS);
    AUTO_FREE float *accuracy = golden("mission", "accuracy", MISSION_EPOCHS);
    AUTO_FREE float *val_accuracy = golden("mission", "val_accuracy", MISSION_EPOCHS);
    for (int i = 0; i < MISSION_EPOCHS; i++) {
        struct fit_result result;
        check_ok(fit_epoch(fit, NULL, &result, &why), &why);
        printf("# epoch %d: loss %.6f, Keras %.6f; val_loss %.6f, Keras %.6f\n", i + 1, result.loss, (double)loss[i], result.val_loss, (double)val_loss[i]);
        check_close(result.loss, (double)loss[i], 1e-4);
        check_close(result.val_loss, (double)val_loss[i], 1e-4);
        check_close(result.metrics[0], (double)accuracy[i], 2e-3);
        check_close(result.val_metrics[0], (double)val_accuracy[i], 6e-3);
    }
    check(fit_is_done(fit));
}

CHECK_MAIN("core/nn/keras",
           CHECK_WITH(test_every_case_is_keras, setup, teardown),
           CHECK_WITH(test_every_option_is_keras, setup, teardown),
           CHECK_WITH(test_the_mission_network_learns_as_in_keras, setup, teardown))
