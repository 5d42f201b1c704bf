/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/math/vec.h"

#define EPSILON 1e-7 /* probabilities are cut here before a logarithm */

const char *const metric_names[] = {
    [METRIC_ACCURACY] = "accuracy",
    [METRIC_AUC] = "auc",
    [METRIC_PRECISION] = "precision",
    [METRIC_RECALL] = "recall",
    [METRIC_F1] = "f1",
    [METRIC_LOG_LOSS] = "log_loss",
    [METRIC_MSE] = "mse",
    [METRIC_MAE] = "mae",
    [METRIC_R2] = "r2",
    NULL,
};

#define BIT(metric)  (1u << (metric))
#define OF_CLASSES   (BIT(METRIC_ACCURACY) | BIT(METRIC_PRECISION) | BIT(METRIC_RECALL) | BIT(METRIC_F1))
#define OF_CONFUSION (BIT(METRIC_PRECISION) | BIT(METRIC_RECALL) | BIT(METRIC_F1))

struct score {
    float value;
    bool positive;
};

struct meter {
    unsigned wanted;
    enum task task;
    bool sparse;
    int outputs, classes; /* classes: 2 for binary */
    size_t rows_max, rows;
    uint64_t right; /* rows whose class was found */
    double log_loss, squares, errors;
    uint64_t *confusion;                   /* classes x classes; NULL: not wanted */
    float *scores;                         /* rows_max x outputs, for auc; NULL: not wanted */
    int32_t *truth;                        /* the class of each row, beside the scores */
    struct score *sorted;                  /* one class's scores while auc is computed */
    double *base, *sums, *sums2, *residue; /* per output, for r2: the first target, sums around it */
};

enum task metric_task(enum loss loss, int outputs)
{
    if (loss == LOSS_MEAN_SQUARED_ERROR || loss == LOSS_HALF_MEAN_SQUARED_ERROR) {
        return TASK_REGRESSION;
    }
    return outputs == 1 ? TASK_BINARY : TASK_CLASSES;
}

enum rc metric_check(enum metric metric, enum task task, int outputs, struct why *why)
{
    const bool classes = ((OF_CLASSES | BIT(METRIC_AUC) | BIT(METRIC_LOG_LOSS)) & BIT(metric)) != 0;
    if (classes && task == TASK_REGRESSION) {
        return why_fail(why, RC_INVALID, "", "%s is of classes, but the loss is of numbers: use mse, mae or r2", metric_names[metric]);
    }
    if (metric == METRIC_R2 && task != TASK_REGRESSION) {
        return why_fail(why, RC_INVALID, "", "r2 is of numbers, but the loss is of classes: use accuracy, auc, f1, ...");
    }
    if ((OF_CONFUSION & BIT(metric)) != 0 && outputs > METRIC_CLASSES_MAX) {
        return why_fail(why, RC_INVALID, "", "%s is offered up to %d classes, the network has %d", metric_names[metric], METRIC_CLASSES_MAX, outputs);
    }
    return RC_OK;
}

static bool wants(const struct meter *meter, enum metric metric)
{
    return (meter->wanted & BIT(metric)) != 0;
}

static int class_count(enum task task, int outputs)
{
    return task == TASK_BINARY ? 2 : outputs;
}

static bool keeps_confusion(unsigned wanted, enum task task, int outputs)
{
    return task != TASK_REGRESSION && (wanted & OF_CLASSES) != 0 && class_count(task, outputs) <= METRIC_CLASSES_MAX;
}

size_t meter_bytes(unsigned wanted, enum task task, int outputs, size_t rows)
{
    size_t bytes = sizeof(struct meter), part;
    if (keeps_confusion(wanted, task, outputs)) {
        bytes += (size_t)class_count(task, outputs) * (size_t)class_count(task, outputs) * sizeof(uint64_t);
    }
    if ((wanted & BIT(METRIC_R2)) != 0) {
        bytes += (size_t)outputs * 4 * sizeof(double);
    }
    if ((wanted & BIT(METRIC_AUC)) != 0) {
        const size_t per_row = (size_t)outputs * sizeof(float) + sizeof(int32_t) + sizeof(struct score);
        if (!mem_multiply(rows, per_row, &part) || !mem_add(bytes, part, &bytes)) {
            return SIZE_MAX;
        }
    }
    return bytes;
}

static enum rc take_memory(struct meter *meter)
{
    const size_t classes = (size_t)meter->classes, outputs = (size_t)meter->outputs;
    if (keeps_confusion(meter->wanted, meter->task, meter->outputs)) {
        meter->confusion = mem_array(classes * classes, sizeof(uint64_t));
        if (meter->confusion == NULL) {
            return RC_NO_MEMORY;
        }
    }
    if (wants(meter, METRIC_R2)) {
        meter->base = mem_array(outputs * 4, sizeof(double));
        if (meter->base == NULL) {
            return RC_NO_MEMORY;
        }
        meter->sums = meter->base + outputs;
        meter->sums2 = meter->sums + outputs;
        meter->residue = meter->sums2 + outputs;
    }
    if (wants(meter, METRIC_AUC)) {
        size_t n;
        if (!mem_multiply(meter->rows_max, outputs, &n)) {
            return RC_NO_MEMORY;
        }
        meter->scores = mem_floats(n);
        meter->truth = mem_array(meter->rows_max, sizeof(*meter->truth));
        meter->sorted = mem_array(meter->rows_max, sizeof(*meter->sorted));
        if (meter->scores == NULL || meter->truth == NULL || meter->sorted == NULL) {
            return RC_NO_MEMORY;
        }
    }
    return RC_OK;
}

enum rc meter_create(unsigned wanted, enum task task, bool sparse, int outputs, size_t rows, struct meter **ret)
{
    AUTO_PTR(meter) struct meter *meter = mem_alloc(sizeof(*meter));
    if (meter == NULL) {
        return RC_NO_MEMORY;
    }
    meter->wanted = wanted;
    meter->task = task;
    meter->sparse = sparse;
    meter->outputs = outputs;
    meter->classes = class_count(task, outputs);
    meter->rows_max = rows;
    const enum rc rc = take_memory(meter);
    if (rc == RC_OK) {
        *ret = TAKE(meter);
    }
    return rc;
}

void meter_destroy(struct meter *meter)
{
    if (meter != NULL) {
        mem_free(meter->confusion);
        mem_free(meter->scores);
        mem_free(meter->truth);
        mem_free(meter->sorted);
        mem_free(meter->base);
        mem_free(meter);
    }
}

void meter_reset(struct meter *meter)
{
    const size_t classes = (size_t)meter->classes;
    meter->rows = 0;
    meter->right = 0;
    meter->log_loss = meter->squares = meter->errors = 0.0;
    if (meter->confusion != NULL) {
        memset(meter->confusion, 0, classes * classes * sizeof(uint64_t));
    }
    if (meter->base != NULL) {
        memset(meter->base, 0, (size_t)meter->outputs * 4 * sizeof(double));
    }
}

static size_t true_class(const struct meter *meter, const float *t)
{
    if (meter->sparse) {
        return (size_t)t[0];
    }
    return meter->task == TASK_BINARY ? (size_t)(t[0] > 0.5f) : vec_argmax(t, (size_t)meter->outputs);
}

static size_t found_class(const struct meter *meter, const float *y)
{
    return meter->task == TASK_BINARY ? (size_t)(y[0] > 0.5f) : vec_argmax(y, (size_t)meter->outputs);
}

static double log_of(double p)
{
    p = p < EPSILON ? EPSILON : p;
    return log(p > 1.0 - EPSILON ? 1.0 - EPSILON : p);
}

static void add_class(struct meter *meter, const float *y, const float *t)
{
    const size_t truth = true_class(meter, t), found = found_class(meter, y);
    meter->right += truth == found;
    if (meter->confusion != NULL) {
        meter->confusion[truth * (size_t)meter->classes + found]++;
    }
    if (meter->scores != NULL) {
        MUST(meter->rows < meter->rows_max);
        memcpy(meter->scores + meter->rows * (size_t)meter->outputs, y, (size_t)meter->outputs * sizeof(float));
        meter->truth[meter->rows] = (int32_t)truth;
    }
    if (wants(meter, METRIC_LOG_LOSS)) {
        const double p = (double)y[meter->task == TASK_BINARY ? 0 : truth];
        meter->log_loss -= log_of(meter->task == TASK_BINARY && truth == 0 ? 1.0 - p : p);
    }
}

static void add_errors(struct meter *meter, const float *y, const float *t)
{
    double squares = 0.0, errors = 0.0;
    for (int j = 0; j < meter->outputs; j++) {
        const float want = meter->sparse ? (float)(j == (int)t[0]) : t[j];
        const double e = (double)y[j] - (double)want;
        squares += e * e;
        errors += fabs(e);
    }
    meter->squares += squares / meter->outputs;
    meter->errors += errors / meter->outputs;
}

/* Sums around the first target, so that a large common part does not eat the digits. */
static void add_variance(struct meter *meter, const float *y, const float *t)
{
    for (int j = 0; j < meter->outputs; j++) {
        if (meter->rows == 0) {
            meter->base[j] = (double)t[j];
        }
        const double a = (double)t[j] - meter->base[j], e = (double)y[j] - (double)t[j];
        meter->sums[j] += a;
        meter->sums2[j] += a * a;
        meter->residue[j] += e * e;
    }
}

void meter_add(struct meter *meter, const float *y, const float *targets, size_t rows)
{
    const size_t width = meter->sparse ? 1 : (size_t)meter->outputs;
    for (size_t i = 0; i < rows; i++, y += meter->outputs, targets += width) {
        if (meter->task != TASK_REGRESSION) {
            add_class(meter, y, targets);
        }
        if (wants(meter, METRIC_MSE) || wants(meter, METRIC_MAE)) {
            add_errors(meter, y, targets);
        }
        if (meter->base != NULL) {
            add_variance(meter, y, targets);
        }
        meter->rows++;
    }
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : (double)part / (double)whole;
}

/* precision, recall or f1 of one class; *ret_occurs: among the truth or the answers. */
static double of_class(const struct meter *meter, enum metric metric, size_t c, bool *ret_occurs)
{
    const size_t n = (size_t)meter->classes;
    uint64_t found = 0, truth = 0;
    for (size_t i = 0; i < n; i++) {
        truth += meter->confusion[c * n + i];
        found += meter->confusion[i * n + c];
    }
    const uint64_t both = meter->confusion[c * n + c];
    *ret_occurs = found + truth > 0;
    if (metric == METRIC_F1) {
        return share(2 * both, found + truth);
    }
    return metric == METRIC_PRECISION ? share(both, found) : share(both, truth);
}

static double of_classes(const struct meter *meter, enum metric metric)
{
    bool occurs;
    if (meter->task == TASK_BINARY) {
        return of_class(meter, metric, 1, &occurs);
    }
    double sum = 0.0;
    int count = 0;
    for (size_t c = 0; c < (size_t)meter->classes; c++) {
        const double value = of_class(meter, metric, c, &occurs);
        sum += occurs ? value : 0.0;
        count += occurs;
    }
    return count == 0 ? (double)NAN : sum / count;
}

static int by_value(const void *a, const void *b)
{
    const float x = ((const struct score *)a)->value, y = ((const struct score *)b)->value;
    return (x > y) - (x < y);
}

/* Share of the pairs (positive, negative) with the positive above, ties half; NaN without a pair. */
static double auc_of(struct score *sorted, size_t n)
{
    uint64_t negatives = 0, positives = 0;
    double above = 0.0; /* halves of whole numbers: exact up to 2^52 pairs */
    qsort(sorted, n, sizeof(*sorted), by_value);
    for (size_t i = 0; i < n;) {
        uint64_t here[2] = { 0, 0 };
        const float value = sorted[i].value;
        for (; i < n && sorted[i].value == value; i++) {
            here[sorted[i].positive]++;
        }
        above += (double)here[1] * ((double)negatives + 0.5 * (double)here[0]);
        negatives += here[0];
        positives += here[1];
    }
    return negatives == 0 || positives == 0 ? (double)NAN : above / ((double)negatives * (double)positives);
}

static double auc(const struct meter *meter)
{
    const size_t outputs = (size_t)meter->outputs;
    if (!vec_is_finite(meter->scores, meter->rows * outputs)) {
        return (double)NAN;
    }
    double sum = 0.0;
    int count = 0;
    for (size_t c = 0; c < outputs; c++) {
        const int32_t positive = meter->task == TASK_BINARY ? 1 : (int32_t)c;
        for (size_t i = 0; i < meter->rows; i++) {
            meter->sorted[i] = (struct score){ meter->scores[i * outputs + c], meter->truth[i] == positive };
        }
        const double value = auc_of(meter->sorted, meter->rows);
        sum += isnan(value) ? 0.0 : value;
        count += !isnan(value);
    }
    return count == 0 ? (double)NAN : sum / count;
}

/* 1 - residue / variance, the mean over the outputs that vary; NaN when none does. */
static double r2(const struct meter *meter)
{
    double sum = 0.0;
    int count = 0;
    for (int j = 0; j < meter->outputs; j++) {
        const double spread = meter->sums2[j] - meter->sums[j] * meter->sums[j] / (double)meter->rows;
        if (spread > 0.0) {
            sum += 1.0 - meter->residue[j] / spread;
            count++;
        }
    }
    return count == 0 ? (double)NAN : sum / count;
}

double meter_value(const struct meter *meter, enum metric metric)
{
    MUST(wants(meter, metric));
    const double rows = (double)meter->rows;
    if (meter->rows == 0) {
        return (double)NAN;
    }
    switch (metric) {
    case METRIC_ACCURACY: return (double)meter->right / rows;
    case METRIC_AUC: return auc(meter);
    case METRIC_PRECISION:
    case METRIC_RECALL:
    case METRIC_F1: return of_classes(meter, metric);
    case METRIC_LOG_LOSS: return meter->log_loss / rows;
    case METRIC_MSE: return meter->squares / rows;
    case METRIC_MAE: return meter->errors / rows;
    case METRIC_R2: return r2(meter);
    }
    return (double)NAN;
}

const uint64_t *meter_confusion(const struct meter *meter, int *ret_classes)
{
    *ret_classes = meter->classes;
    return meter->confusion;
}
