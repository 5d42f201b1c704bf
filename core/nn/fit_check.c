/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/math/vec.h"

bool fit_has_clip(double clip)
{
    return clip > 0.0; /* NaN is not */
}

unsigned fit_wanted(const struct fit_spec *spec)
{
    unsigned wanted = 0;
    for (size_t i = 0; i < spec->metrics_count; i++) {
        wanted |= 1u << spec->metrics[i];
    }
    return wanted;
}

/* Adds count x size; false when the total does not fit. */
static bool add(size_t *total, size_t count, size_t size)
{
    size_t bytes;
    return mem_multiply(count, size, &bytes) && mem_add(*total, bytes, total);
}

size_t fit_bytes(const struct network *network, const struct fit_spec *spec, size_t train_rows, size_t validation_rows)
{
    const int outputs = network_outputs(network);
    const size_t batch = (size_t)spec->batch_size, width = (size_t)loss_target_width(spec->loss, outputs);
    const size_t arrays = 2 + (size_t)optimizer_slots(&spec->optimizer) + (spec->early_stopping != NULL);
    const size_t rows = train_rows > validation_rows ? train_rows : validation_rows;
    size_t total = sizeof(struct fit);
    bool fits = add(&total, network_parameter_count(network), arrays * sizeof(float));
    fits = fits && add(&total, batch, ((size_t)network_inputs(network) + width + 1) * sizeof(float));
    fits = fits && add(&total, train_rows, sizeof(uint32_t));
    fits = fits && add(&total, 1, workspace_bytes(network, (int)spec->batch_size, true));
    if (fits && spec->metrics_count > 0) {
        fits = add(&total, 1, meter_bytes(fit_wanted(spec), metric_task(spec->loss, outputs), outputs, rows));
    }
    return fits ? total : SIZE_MAX;
}

static void write_bytes(char out[32], size_t bytes)
{
    const double amount = (double)bytes;
    if (amount >= 0x1p30) {
        (void)snprintf(out, 32, "%.1f GiB", amount / 0x1p30); /* short by construction */
    } else {
        (void)snprintf(out, 32, "%.1f MiB", amount / 0x1p20);
    }
}

static enum rc check_size(const struct network *network, const struct fit_spec *spec,
                          size_t train_rows, size_t validation_rows, struct why *why)
{
    const size_t needed = fit_bytes(network, spec, train_rows, validation_rows);
    char need[32], ceiling[32];
    if (needed <= spec->bytes_max) {
        return RC_OK;
    }
    write_bytes(need, needed);
    write_bytes(ceiling, spec->bytes_max);
    return why_fail(why, RC_TOO_LARGE, "network", "needs %s for training at batch %lld, the ceiling is %s: fewer units, fewer layers or a smaller batch_size",
                    need, (long long)spec->batch_size, ceiling);
}

static enum rc check_numbers(const struct fit_spec *spec, struct why *why)
{
    if (spec->epochs < 1 || spec->epochs > FIT_EPOCHS_MAX) {
        return why_fail(why, RC_INVALID, "epochs", "must be 1 to %d, got %lld", FIT_EPOCHS_MAX, (long long)spec->epochs);
    }
    if (spec->batch_size < 1 || spec->batch_size > NETWORK_BATCH_MAX) {
        return why_fail(why, RC_INVALID, "batch_size", "must be 1 to %d, got %lld", NETWORK_BATCH_MAX, (long long)spec->batch_size);
    }
    if (!(spec->optimizer.learning_rate > 0.0) || isinf(spec->optimizer.learning_rate)) {
        return why_fail(why, RC_INVALID, "optimizer.learning_rate", "must be a finite number above 0, got %g", spec->optimizer.learning_rate);
    }
    if (spec->clip_norm < 0.0) {
        return why_fail(why, RC_INVALID, "clip_norm", "must be above 0, got %g", spec->clip_norm);
    }
    if (spec->global_clip_norm < 0.0) {
        return why_fail(why, RC_INVALID, "global_clip_norm", "must be above 0, got %g", spec->global_clip_norm);
    }
    if (fit_has_clip(spec->clip_norm) && fit_has_clip(spec->global_clip_norm)) {
        return why_fail(why, RC_INVALID, "global_clip_norm", "cannot be given together with clip_norm");
    }
    return RC_OK;
}

static enum rc check_metrics(const struct fit_spec *spec, enum task task, int outputs, struct why *why)
{
    unsigned seen = 0;
    if (spec->metrics_count > METRIC_COUNT) {
        return why_fail(why, RC_INVALID, "metrics", "must be at most %d, got %zu", METRIC_COUNT, spec->metrics_count);
    }
    for (size_t i = 0; i < spec->metrics_count; i++) {
        enum rc rc = metric_check(spec->metrics[i], task, outputs, why);
        if (rc == RC_OK && (seen & 1u << spec->metrics[i]) != 0) {
            rc = why_fail(why, RC_INVALID, "", "%s is given twice", metric_names[spec->metrics[i]]);
        }
        if (rc != RC_OK) {
            return why_under(why, rc, "metrics[%zu]", i);
        }
        seen |= 1u << spec->metrics[i];
    }
    return RC_OK;
}

static enum rc check_class_weight(const struct fit_spec *spec, enum task task, int outputs, struct why *why)
{
    const size_t classes = task == TASK_BINARY ? 2 : (size_t)outputs;
    if (spec->class_weight == NULL) {
        return RC_OK;
    }
    if (task == TASK_REGRESSION) {
        return why_fail(why, RC_INVALID, "class_weight", "is of classes, but the loss is of numbers");
    }
    if (spec->class_count != classes) {
        return why_fail(why, RC_INVALID, "class_weight", "must have a weight for each of %zu classes, got %zu", classes, spec->class_count);
    }
    for (size_t i = 0; i < spec->class_count; i++) {
        if (!(spec->class_weight[i] >= 0.0) || spec->class_weight[i] > 1e9) {
            return why_fail(why, RC_INVALID, "class_weight", "a weight must be 0 to 1e9, got %g", spec->class_weight[i]);
        }
    }
    return RC_OK;
}

static enum rc check_stopping(const struct fit_spec *spec, bool has_validation, struct why *why)
{
    if (spec->early_stopping == NULL) {
        return RC_OK;
    }
    const char *name = spec->early_stopping->monitor;
    const bool of_validation = strncmp(name, "val_", 4) == 0;
    if (of_validation && !has_validation) {
        return why_fail(why, RC_INVALID, "early_stopping.monitor", "%.40s needs validation rows: set validation_split", name);
    }
    name += of_validation ? 4 : 0;
    bool known = strcmp(name, "loss") == 0;
    for (size_t i = 0; i < spec->metrics_count; i++) {
        known |= strcmp(name, metric_names[spec->metrics[i]]) == 0;
    }
    return known ? RC_OK : why_fail(why, RC_INVALID, "early_stopping.monitor", "must be loss or one of the job's metrics, with or without val_ in front, got \"%.40s\"", spec->early_stopping->monitor);
}

enum rc fit_check_data(const struct network *network, const struct fit_spec *spec, const struct fit_data *data, struct why *why)
{
    const size_t inputs = (size_t)network_inputs(network);
    if (data->rows > UINT32_MAX) {
        return why_fail(why, RC_TOO_LARGE, "dataset", "at most %u rows, got %zu", UINT32_MAX, data->rows);
    }
    for (size_t i = 0; i < data->rows; i++) {
        if (!vec_is_finite(data->x + i * inputs, inputs)) {
            return why_fail(why, RC_UNPROCESSABLE, "dataset", "row %zu holds a number that is not finite", i);
        }
    }
    return loss_check_targets(spec->loss, network_outputs(network), data->targets, data->rows, why);
}

enum rc fit_check_spec(const struct network *network, const struct fit_spec *spec, size_t train_rows, size_t validation_rows,
                       struct why *why)
{
    const int outputs = network_outputs(network);
    const enum task task = metric_task(spec->loss, outputs);
    enum rc rc = check_numbers(spec, why);
    rc = rc != RC_OK ? rc : loss_check(spec->loss, network_last_activation(network), outputs, why);
    rc = rc != RC_OK ? rc : check_metrics(spec, task, outputs, why);
    rc = rc != RC_OK ? rc : check_class_weight(spec, task, outputs, why);
    rc = rc != RC_OK ? rc : check_stopping(spec, validation_rows > 0, why);
    if (rc == RC_OK && train_rows == 0) {
        rc = why_fail(why, RC_UNPROCESSABLE, "dataset", "there are no rows to train on");
    }
    return rc != RC_OK ? rc : check_size(network, spec, train_rows, validation_rows, why);
}

enum rc fit_check(const struct network *network, const struct fit_spec *spec,
                  const struct fit_data *train, const struct fit_data *validation, struct why *why)
{
    enum rc rc = fit_check_spec(network, spec, train->rows, validation->rows, why);
    rc = rc != RC_OK ? rc : fit_check_data(network, spec, train, why);
    return rc != RC_OK ? rc : fit_check_data(network, spec, validation, why);
}
