/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_METRIC_H
#define CORE_NN_METRIC_H

#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/nn/loss.h"

/*
 * Metrics: what predictions are worth, added up batch by batch.
 *
 * One output with a class loss is a binary decision at 0.5; several are a
 * choice by the largest (the first of equals). precision, recall and f1 are of
 * the positive class, or the mean over the classes (macro). A share whose
 * denominator is zero is 0. auc is exact: the share of pairs (positive,
 * negative) in order, ties half; for several classes the mean of one-versus-rest
 * over the classes that occur and do not fill all rows; NaN when there is none.
 *
 * Threads: a meter belongs to one thread at a time. Memory: meter_destroy(). Logs: no.
 */

#define METRIC_CLASSES_MAX 1000 /* classes of a confusion matrix */

enum metric {
    METRIC_ACCURACY,
    METRIC_AUC,
    METRIC_PRECISION,
    METRIC_RECALL,
    METRIC_F1,
    METRIC_LOG_LOSS,
    METRIC_MSE,
    METRIC_MAE,
    METRIC_R2
};

#define METRIC_COUNT 9

/* In the order of the enum, closed by NULL: the choices of a field. "mse" is mean_squared_error, ... */
extern const char *const metric_names[];

enum task {
    TASK_BINARY,    /* one output, a probability */
    TASK_CLASSES,   /* one output per class */
    TASK_REGRESSION /* numbers */
};

/* What a loss with so many outputs is about. mean_squared_error is regression. */
enum task metric_task(enum loss loss, int outputs);

/* Does the metric mean anything for the task? RC_INVALID in words. */
enum rc metric_check(enum metric metric, enum task task, int outputs, struct why *why) MUST_CHECK;

struct meter;

/* For up to `rows` predictions between resets (kept only for auc). sparse: targets are class indices, else
 * rows of outputs (one-hot for classes). wanted: bit i for metric i. */
size_t meter_bytes(unsigned wanted, enum task task, int outputs, size_t rows);
enum rc meter_create(unsigned wanted, enum task task, bool sparse, int outputs, size_t rows, struct meter **ret) MUST_CHECK;
void meter_destroy(struct meter *meter);
DEFINE_AUTO_PTR(meter)

void meter_reset(struct meter *meter);
void meter_add(struct meter *meter, const float *y, const float *targets, size_t rows);

/* Of all rows added since the reset; NaN where there is no answer. The metric must be among the wanted. */
double meter_value(const struct meter *meter, enum metric metric);

/* counts[true class * classes + predicted class]; NULL for regression or when no class metric is wanted. */
const uint64_t *meter_confusion(const struct meter *meter, int *ret_classes);

#endif
