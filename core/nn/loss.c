/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/loss.h"

#include <math.h>
#include <stddef.h>

#include "core/math/vec.h"

#define EPSILON  1e-7f /* Keras's */
#define SUM_SLIP 1e-3  /* how far a row of class shares may be from 1 */

const char *const loss_names[] = {
    [LOSS_BINARY_CROSSENTROPY] = "binary_crossentropy",
    [LOSS_CATEGORICAL_CROSSENTROPY] = "categorical_crossentropy",
    [LOSS_SPARSE_CATEGORICAL_CROSSENTROPY] = "sparse_categorical_crossentropy",
    [LOSS_MEAN_SQUARED_ERROR] = "mean_squared_error",
    [LOSS_HALF_MEAN_SQUARED_ERROR] = "half_mean_squared_error",
    NULL,
};

static bool is_squared(enum loss loss)
{
    return loss == LOSS_MEAN_SQUARED_ERROR || loss == LOSS_HALF_MEAN_SQUARED_ERROR;
}

int loss_target_width(enum loss loss, int outputs)
{
    return loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY ? 1 : outputs;
}

bool loss_takes_logits(enum loss loss, enum activation last)
{
    if (loss == LOSS_BINARY_CROSSENTROPY) {
        return last == ACTIVATION_SIGMOID;
    }
    return !is_squared(loss) && last == ACTIVATION_SOFTMAX;
}

enum rc loss_check(enum loss loss, enum activation last, int outputs, struct why *why)
{
    if (is_squared(loss)) {
        return RC_OK;
    }
    if (last != ACTIVATION_SIGMOID && last != ACTIVATION_SOFTMAX) {
        return why_fail(why, RC_INVALID, "loss", "%s needs probabilities: the last layer must end with sigmoid or softmax, not %s",
                        loss_names[loss], activation_names[last]);
    }
    if (last == ACTIVATION_SOFTMAX && outputs == 1) {
        return why_fail(why, RC_INVALID, "loss", "a softmax over one output is always 1: use sigmoid, or one output per class");
    }
    if (loss != LOSS_BINARY_CROSSENTROPY && outputs == 1) {
        return why_fail(why, RC_INVALID, "loss", "%s needs one output per class, the last layer has 1 unit: use binary_crossentropy, or more units",
                        loss_names[loss]);
    }
    return RC_OK;
}

/* Is one row of targets what the loss needs? */
static bool is_target(enum loss loss, int outputs, const float *t)
{
    if (loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY) {
        return t[0] >= 0.0f && t[0] < (float)outputs && t[0] == floorf(t[0]);
    }
    double sum = 0.0;
    for (int j = 0; j < outputs; j++) {
        sum += (double)t[j];
        if (!isfinite(t[j]) || (!is_squared(loss) && (t[j] < 0.0f || t[j] > 1.0f))) {
            return false;
        }
    }
    return loss != LOSS_CATEGORICAL_CROSSENTROPY || fabs(sum - 1.0) <= SUM_SLIP;
}

enum rc loss_check_targets(enum loss loss, int outputs, const float *targets, size_t rows, struct why *why)
{
    static const char *const wanted[] = {
        [LOSS_BINARY_CROSSENTROPY] = "numbers from 0 to 1",
        [LOSS_CATEGORICAL_CROSSENTROPY] = "shares from 0 to 1 that sum to 1",
        [LOSS_SPARSE_CATEGORICAL_CROSSENTROPY] = "whole class numbers below the number of outputs",
        [LOSS_MEAN_SQUARED_ERROR] = "finite numbers",
        [LOSS_HALF_MEAN_SQUARED_ERROR] = "finite numbers",
    };
    const size_t width = (size_t)loss_target_width(loss, outputs);
    for (size_t i = 0; i < rows; i++) {
        if (!is_target(loss, outputs, targets + i * width)) {
            return why_fail(why, RC_UNPROCESSABLE, "target", "%s needs %s as targets; row %zu is not so", loss_names[loss], wanted[loss], i);
        }
    }
    return RC_OK;
}

/* One row: what it needs and gives. scale: weight over rows, the factor of the mean's gradient. */
struct row {
    float *y;       /* answers, in place predictions */
    const float *t; /* targets; the sparse loss has one */
    float *d;       /* gradient by the answers; NULL: not wanted */
    int C;
    float scale;
};

/* max(z, 0) - z t + log(1 + e^-|z|); its derivative by z is sigmoid(z) - t. */
static double binary_from_logits(const struct row *row)
{
    double sum = 0.0;
    for (int j = 0; j < row->C; j++) {
        const float z = row->y[j];
        sum += (double)((z > 0.0f ? z : 0.0f) - z * row->t[j] + log1pf(expf(-fabsf(z))));
        sum += z != z ? (double)NAN : 0.0; /* the maximum would hide it */
    }
    vec_sigmoid(row->y, row->y, (size_t)row->C);
    for (int j = 0; j < row->C && row->d != NULL; j++) {
        row->d[j] = (row->y[j] - row->t[j]) * (row->scale / (float)row->C);
    }
    return sum / row->C;
}

static float cut(float p)
{
    p = p < EPSILON ? EPSILON : p;
    return p > 1.0f - EPSILON ? 1.0f - EPSILON : p;
}

/* What is cut no longer depends on p. */
static bool is_cut(float p)
{
    return p < EPSILON || p > 1.0f - EPSILON;
}

static double binary_from_probabilities(const struct row *row)
{
    double sum = 0.0;
    for (int j = 0; j < row->C; j++) {
        const float p = cut(row->y[j]), t = row->t[j];
        sum -= (double)(t * logf(p) + (1.0f - t) * logf(1.0f - p));
        if (row->d != NULL) {
            row->d[j] = is_cut(row->y[j]) ? 0.0f : ((1.0f - t) / (1.0f - p) - t / p) * (row->scale / (float)row->C);
        }
    }
    return sum / row->C;
}

/* sum of t (log sum e^z - z); its derivative by z is softmax(z) - t, as the targets sum to 1. */
static double categorical_from_logits(const struct row *row)
{
    const size_t n = (size_t)row->C;
    const double whole = vec_log_sum_exp(row->y, n);
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        sum += row->t[j] == 0.0f ? 0.0 : (double)row->t[j] * (whole - (double)row->y[j]);
    }
    vec_softmax(row->y, row->y, n);
    for (size_t j = 0; j < n && row->d != NULL; j++) {
        row->d[j] = (row->y[j] - row->t[j]) * row->scale;
    }
    return sum;
}

/* -sum of t log p, p = y / s cut, s = sum y.  dL/dy = (dL/dp - sum of dL/dp p) / s, dL/dp = -t / p. */
static double categorical_from_probabilities(const struct row *row)
{
    const float s = (float)vec_sum(row->y, (size_t)row->C);
    double sum = 0.0, dot = 0.0;
    for (int j = 0; j < row->C; j++) {
        const float p = row->y[j] / s;
        sum -= (double)(row->t[j] * logf(cut(p)));
        dot -= is_cut(p) ? 0.0 : (double)row->t[j];
    }
    for (int j = 0; j < row->C && row->d != NULL; j++) {
        const float p = row->y[j] / s, dp = is_cut(p) ? 0.0f : -row->t[j] / p;
        row->d[j] = (dp - (float)dot) / s * row->scale;
    }
    return sum;
}

static double sparse_from_logits(const struct row *row)
{
    const size_t n = (size_t)row->C, c = (size_t)row->t[0];
    const double loss = vec_log_sum_exp(row->y, n) - (double)row->y[c];
    vec_softmax(row->y, row->y, n);
    for (size_t j = 0; j < n && row->d != NULL; j++) {
        row->d[j] = (row->y[j] - (j == c ? 1.0f : 0.0f)) * row->scale;
    }
    return loss;
}

/* log(sum q) - log q_c, q = y cut: Keras takes the logarithms for logits. */
static double sparse_from_probabilities(const struct row *row)
{
    const int c = (int)row->t[0];
    double s = 0.0;
    for (int j = 0; j < row->C; j++) {
        s += (double)cut(row->y[j]);
    }
    const double loss = log(s) - log((double)cut(row->y[c]));
    for (int j = 0; j < row->C && row->d != NULL; j++) {
        const double d = 1.0 / s - (j == c ? 1.0 / (double)row->y[j] : 0.0);
        row->d[j] = is_cut(row->y[j]) ? 0.0f : (float)d * row->scale;
    }
    return loss;
}

/* factor 1 or 1/2 of the mean over C of (y - t)^2. */
static double squared(const struct row *row, float factor)
{
    double sum = 0.0;
    for (int j = 0; j < row->C; j++) {
        const float e = row->y[j] - row->t[j];
        sum += (double)(e * e);
        if (row->d != NULL) {
            row->d[j] = 2.0f * factor * e * (row->scale / (float)row->C);
        }
    }
    return (double)factor * sum / row->C;
}

static double row_loss(enum loss loss, bool logits, const struct row *row)
{
    switch (loss) {
    case LOSS_BINARY_CROSSENTROPY: return logits ? binary_from_logits(row) : binary_from_probabilities(row);
    case LOSS_CATEGORICAL_CROSSENTROPY: return logits ? categorical_from_logits(row) : categorical_from_probabilities(row);
    case LOSS_SPARSE_CATEGORICAL_CROSSENTROPY: return logits ? sparse_from_logits(row) : sparse_from_probabilities(row);
    case LOSS_MEAN_SQUARED_ERROR: return squared(row, 1.0f);
    case LOSS_HALF_MEAN_SQUARED_ERROR: return squared(row, 0.5f);
    }
    return (double)NAN;
}

double loss_batch(enum loss loss, bool logits, float *y, const float *targets, const float *weights,
                  int rows, int outputs, float *delta)
{
    const size_t width = (size_t)loss_target_width(loss, outputs);
    double sum = 0.0;
    for (size_t i = 0; i < (size_t)rows; i++) {
        const float weight = weights == NULL ? 1.0f : weights[i];
        const struct row row = {
            .y = y + i * (size_t)outputs,
            .t = targets + i * width,
            .d = delta == NULL ? NULL : delta + i * (size_t)outputs,
            .C = outputs,
            .scale = weight / (float)rows,
        };
        sum += (double)weight * row_loss(loss, logits, &row);
    }
    return sum;
}
