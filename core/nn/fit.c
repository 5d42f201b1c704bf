/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit_state.h"

#include <math.h>
#include <string.h>

#include "core/math/vec.h"

struct fit_spec fit_spec_defaults(void)
{
    return (struct fit_spec){
        .loss = LOSS_MEAN_SQUARED_ERROR,
        .optimizer = { .kind = OPTIMIZER_ADAM, .learning_rate = 0.001, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7 },
        .epochs = 10,
        .batch_size = 32,
        .shuffle = true,
        .bytes_max = SIZE_MAX,
    };
}

/* The arrays as large as the parameters. */
static enum rc take_arrays(struct fit *fit)
{
    fit->parameters = mem_floats(fit->count);
    fit->gradients = mem_floats(fit->count);
    bool ok = fit->parameters != NULL && fit->gradients != NULL;
    for (int i = 0; i < optimizer_slots(&fit->spec.optimizer) && ok; i++) {
        fit->slots[i] = mem_floats(fit->count);
        ok = fit->slots[i] != NULL;
    }
    if (ok && fit->spec.early_stopping != NULL) {
        fit->best = mem_floats(fit->count);
        ok = fit->best != NULL;
    }
    return ok ? RC_OK : RC_NO_MEMORY;
}

/* One batch, the order, the workspace and the meter. Products of sizes fit: fit_bytes() was within the ceiling. */
static enum rc take_batch(struct fit *fit)
{
    const int outputs = network_outputs(fit->network);
    const size_t batch = (size_t)fit->spec.batch_size;
    const size_t rows = fit->train.rows > fit->validation.rows ? fit->train.rows : fit->validation.rows;
    fit->x = mem_floats(batch * (size_t)network_inputs(fit->network));
    fit->targets = mem_floats(batch * (size_t)fit->target_width);
    fit->order = mem_array(fit->train.rows, sizeof(*fit->order));
    if (fit->x == NULL || fit->targets == NULL || fit->order == NULL) {
        return RC_NO_MEMORY;
    }
    if (fit->spec.class_weight != NULL) {
        fit->weights = mem_floats(batch);
        if (fit->weights == NULL) {
            return RC_NO_MEMORY;
        }
    }
    if (fit->spec.metrics_count > 0) {
        const enum rc rc = meter_create(fit_wanted(&fit->spec), metric_task(fit->spec.loss, outputs),
                                        fit->spec.loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, outputs, rows, &fit->meter);
        if (rc != RC_OK) {
            return rc;
        }
    }
    return workspace_create(fit->network, (int)fit->spec.batch_size, true, &fit->workspace);
}

static struct fit *new_fit(const struct network *network, const struct fit_spec *spec,
                           const struct fit_data *train, const struct fit_data *validation, struct crew *crew)
{
    struct fit *fit = mem_alloc(sizeof(*fit));
    if (fit != NULL) {
        fit->network = network;
        fit->spec = *spec;
        fit->train = *train;
        fit->validation = *validation;
        fit->crew = crew;
        fit->count = network_parameter_count(network);
        fit->target_width = loss_target_width(spec->loss, network_outputs(network));
        fit->logits = loss_takes_logits(spec->loss, network_last_activation(network));
        stopping_init(&fit->stopping);
    }
    return fit;
}

enum rc fit_create(const struct network *network, const struct fit_spec *spec,
                   const struct fit_data *train, const struct fit_data *validation, struct crew *crew,
                   struct fit **ret, struct why *why)
{
    enum rc rc = fit_check(network, spec, train, validation, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(fit) struct fit *fit = new_fit(network, spec, train, validation, crew);
    if (fit == NULL) {
        return RC_NO_MEMORY;
    }
    rc = take_arrays(fit);
    rc = rc != RC_OK ? rc : take_batch(fit);
    if (rc == RC_OK) {
        network_initialise(network, spec->seed, fit->parameters);
        *ret = TAKE(fit);
    }
    return rc;
}

void fit_destroy(struct fit *fit)
{
    if (fit == NULL) {
        return;
    }
    mem_free(fit->parameters);
    mem_free(fit->gradients);
    for (int i = 0; i < OPTIMIZER_SLOTS_MAX; i++) {
        mem_free(fit->slots[i]);
    }
    mem_free(fit->best);
    mem_free(fit->x);
    mem_free(fit->targets);
    mem_free(fit->weights);
    mem_free(fit->order);
    workspace_destroy(fit->workspace);
    meter_destroy(fit->meter);
    mem_free(fit);
}

static void set_order(struct fit *fit)
{
    if (fit->spec.shuffle) {
        const struct rng rng = { fit->spec.seed, RNG_SHUFFLE, (uint32_t)fit->epoch };
        rng_permutation(&rng, fit->order, fit->train.rows);
        return;
    }
    for (size_t i = 0; i < fit->train.rows; i++) {
        fit->order[i] = (uint32_t)i;
    }
}

static size_t class_of(const struct fit *fit, const float *target)
{
    if (fit->spec.loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY) {
        return (size_t)target[0];
    }
    return fit->target_width == 1 ? (size_t)(target[0] > 0.5f) : vec_argmax(target, (size_t)fit->target_width);
}

/* Copies the rows of a batch next to each other. */
static void gather(struct fit *fit, size_t from, size_t rows)
{
    const size_t inputs = (size_t)network_inputs(fit->network), width = (size_t)fit->target_width;
    for (size_t i = 0; i < rows; i++) {
        const size_t row = fit->order[from + i];
        memcpy(fit->x + i * inputs, fit->train.x + row * inputs, inputs * sizeof(float));
        memcpy(fit->targets + i * width, fit->train.targets + row * width, width * sizeof(float));
        if (fit->weights != NULL) {
            fit->weights[i] = (float)fit->spec.class_weight[class_of(fit, fit->targets + i * width)];
        }
    }
}

/* Each tensor's gradient to norm clip_norm at most: g clip / max(norm, clip). */
static void clip_each(struct fit *fit)
{
    for (size_t i = 0; i < network_range_count(fit->network); i++) {
        const struct range *range = network_range(fit->network, i);
        float *g = fit->gradients + range->offset;
        const double norm = sqrt(vec_sum_squares(g, range->count));
        if (norm > fit->spec.clip_norm) {
            vec_scale(g, (float)(fit->spec.clip_norm / norm), range->count);
        }
    }
}

static void clip_all(struct fit *fit)
{
    const double norm = sqrt(vec_sum_squares(fit->gradients, fit->count));
    if (norm > fit->spec.global_clip_norm) {
        vec_scale(fit->gradients, (float)(fit->spec.global_clip_norm / norm), fit->count);
    }
}

static double rate_at(const struct fit *fit, int64_t step)
{
    return schedule_rate(&fit->spec.schedule, fit->spec.optimizer.learning_rate, step);
}

/* One step: forward, loss, backward, clip, update. Returns the sum of the rows' losses. */
static double take_step(struct fit *fit, size_t from, size_t rows)
{
    const int outputs = network_outputs(fit->network);
    gather(fit, from, rows);
    float *y = network_forward(fit->network, fit->parameters, fit->workspace, fit->crew, fit->x, (int)rows, fit->logits);
    const double loss = loss_batch(fit->spec.loss, fit->logits, y, fit->targets, fit->weights,
                                   (int)rows, outputs, workspace_delta(fit->workspace));
    if (!isfinite(loss)) {
        return loss;
    }
    if (fit->meter != NULL) {
        meter_add(fit->meter, y, fit->targets, rows);
    }
    memset(fit->gradients, 0, fit->count * sizeof(float));
    network_backward(fit->network, fit->parameters, fit->workspace, fit->crew, fit->x, (int)rows, fit->logits, fit->gradients);
    if (fit_has_clip(fit->spec.clip_norm)) {
        clip_each(fit);
    } else if (fit_has_clip(fit->spec.global_clip_norm)) {
        clip_all(fit);
    }
    optimizer_step(&fit->spec.optimizer, rate_at(fit, fit->step), fit->step + 1, fit->crew,
                   fit->parameters, fit->gradients, fit->slots, fit->count);
    fit->step++;
    return loss;
}

static void read_meter(const struct fit *fit, double out[METRIC_COUNT])
{
    for (size_t i = 0; i < fit->spec.metrics_count; i++) {
        out[i] = meter_value(fit->meter, fit->spec.metrics[i]);
    }
}

/* Mean loss and metrics of the present parameters on rows. */
static double evaluate(struct fit *fit, const float *parameters, const struct fit_data *data, double metrics[METRIC_COUNT])
{
    const size_t inputs = (size_t)network_inputs(fit->network), batch = (size_t)fit->spec.batch_size;
    const int outputs = network_outputs(fit->network);
    double sum = 0.0;
    if (fit->meter != NULL) {
        meter_reset(fit->meter);
    }
    for (size_t from = 0; from < data->rows; from += batch) {
        const size_t rows = data->rows - from < batch ? data->rows - from : batch;
        const float *targets = data->targets + from * (size_t)fit->target_width;
        float *y = network_forward(fit->network, parameters, fit->workspace, fit->crew, data->x + from * inputs, (int)rows, fit->logits);
        sum += loss_batch(fit->spec.loss, fit->logits, y, targets, NULL, (int)rows, outputs, NULL);
        if (fit->meter != NULL) {
            meter_add(fit->meter, y, targets, rows);
        }
    }
    read_meter(fit, metrics);
    return sum / (double)data->rows;
}

/* The number that early stopping watches. */
static double monitored(const struct fit *fit, const struct fit_result *result)
{
    const char *name = fit->spec.early_stopping->monitor;
    const bool of_validation = strncmp(name, "val_", 4) == 0;
    name += of_validation ? 4 : 0;
    for (size_t i = 0; i < fit->spec.metrics_count; i++) {
        if (strcmp(name, metric_names[fit->spec.metrics[i]]) == 0) {
            return of_validation ? result->val_metrics[i] : result->metrics[i];
        }
    }
    return of_validation ? result->val_loss : result->loss;
}

static enum rc not_a_number(const struct fit *fit, double loss, const char *which, struct why *why)
{
    return why_fail(why, RC_UNPROCESSABLE, NULL, "the %s became %s in epoch %lld: lower the learning rate, clip the gradients (global_clip_norm) or scale the inputs",
                    which, isnan(loss) ? "NaN" : "infinite", (long long)fit->epoch + 1);
}

/* The steps of one epoch; *ret_loss is the mean over the rows. */
static enum rc run_epoch(struct fit *fit, const struct fit_watch *watch, double *ret_loss, struct why *why)
{
    const size_t batch = (size_t)fit->spec.batch_size, all = fit->train.rows;
    double sum = 0.0;
    set_order(fit);
    if (fit->meter != NULL) {
        meter_reset(fit->meter);
    }
    for (size_t from = 0; from < all; from += batch) {
        if (watch != NULL && watch->stop != NULL && watch->stop(watch->arg, from)) {
            return why_fail(why, RC_CANCELLED, NULL, "stopped in epoch %lld", (long long)fit->epoch + 1);
        }
        const double loss = take_step(fit, from, all - from < batch ? all - from : batch);
        if (!isfinite(loss)) {
            return not_a_number(fit, loss, "loss", why);
        }
        sum += loss;
    }
    *ret_loss = sum / (double)all;
    return RC_OK;
}

enum rc fit_epoch(struct fit *fit, const struct fit_watch *watch, struct fit_result *ret, struct why *why)
{
    MUST(!fit_is_done(fit));
    struct fit_result result = { .epoch = fit->epoch + 1, .val_loss = (double)NAN };
    const enum rc rc = run_epoch(fit, watch, &result.loss, why);
    if (rc != RC_OK) {
        return rc;
    }
    read_meter(fit, result.metrics);
    result.learning_rate = rate_at(fit, fit->step - 1);
    if (fit->validation.rows > 0) {
        result.val_loss = evaluate(fit, fit->parameters, &fit->validation, result.val_metrics);
        if (!isfinite(result.val_loss)) {
            return not_a_number(fit, result.val_loss, "validation loss", why);
        }
    }
    fit->epoch++;
    if (fit->spec.early_stopping != NULL) {
        result.best = stopping_observe(&fit->stopping, fit->spec.early_stopping, fit->epoch, monitored(fit, &result));
        if (result.best) {
            memcpy(fit->best, fit->parameters, fit->count * sizeof(float));
        }
    }
    *ret = result;
    return RC_OK;
}

int64_t fit_epochs_done(const struct fit *fit)
{
    return fit->epoch;
}

bool fit_is_done(const struct fit *fit)
{
    return fit->epoch >= fit->spec.epochs ||
           (fit->spec.early_stopping != NULL && stopping_is_over(&fit->stopping, fit->spec.early_stopping));
}

const float *fit_parameters(const struct fit *fit)
{
    return fit->best != NULL && fit->stopping.best_epoch > 0 ? fit->best : fit->parameters;
}

void fit_set_parameters(struct fit *fit, const float *parameters)
{
    MUST(fit->epoch == 0);
    memcpy(fit->parameters, parameters, fit->count * sizeof(float));
}

enum rc fit_evaluate(const struct network *network, const float *parameters, const struct fit_spec *spec,
                     const struct fit_data *data, struct fit_result *ret, struct why *why)
{
    struct fit_spec plain = *spec;
    plain.early_stopping = NULL;
    plain.class_weight = NULL;
    plain.optimizer = (struct optimizer){ .kind = OPTIMIZER_SGD, .learning_rate = 1.0 }; /* no slots */
    const struct fit_data none = { 0 };
    AUTO_PTR(fit) struct fit *fit = NULL;
    const enum rc rc = fit_create(network, &plain, data, &none, NULL, &fit, why);
    if (rc != RC_OK) {
        return rc;
    }
    struct fit_result result = { .val_loss = (double)NAN };
    result.loss = evaluate(fit, parameters, data, result.metrics);
    *ret = result;
    return RC_OK;
}
