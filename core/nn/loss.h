/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_LOSS_H
#define CORE_NN_LOSS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/nn/activation.h"

/*
 * Losses, with Keras's names and numbers. Of a row with C outputs y and targets t:
 *
 *   binary_crossentropy              mean over C of -t log y - (1 - t) log(1 - y)
 *   categorical_crossentropy         -sum over C of t log(y / sum y)
 *   sparse_categorical_crossentropy  the same with the index of the class as the target
 *   mean_squared_error               mean over C of (y - t)^2
 *   half_mean_squared_error          half of that: 1/(2n) sum (y - t)^2 over n rows
 *
 * A batch's loss is the mean over its rows of weight x loss (the sum over the
 * weights is not divided by, as in Keras). Behind a sigmoid or softmax the
 * cross-entropies work from the logits, where nothing can overflow and the
 * gradient is y - t; elsewhere y is cut to [1e-7, 1 - 1e-7] as Keras does.
 *
 * Threads: any (pure). Memory: the caller's. Logs: no.
 */

enum loss {
    LOSS_BINARY_CROSSENTROPY,
    LOSS_CATEGORICAL_CROSSENTROPY,
    LOSS_SPARSE_CATEGORICAL_CROSSENTROPY,
    LOSS_MEAN_SQUARED_ERROR,
    LOSS_HALF_MEAN_SQUARED_ERROR
};

/* In the order of the enum, closed by NULL: the choices of a field. */
extern const char *const loss_names[];

/* Floats of target per row: 1 for the sparse loss, else as many as outputs. */
int loss_target_width(enum loss loss, int outputs);

/* Do loss and last activation make sense together and with this many outputs? RC_INVALID in words. */
enum rc loss_check(enum loss loss, enum activation last, int outputs, struct why *why) MUST_CHECK;

/* Are the targets of the kind that the loss needs: finite; 0 to 1; whole class indices below outputs;
 * rows that sum to 1? RC_UNPROCESSABLE names the first row that is not. */
enum rc loss_check_targets(enum loss loss, int outputs, const float *targets, size_t rows, struct why *why) MUST_CHECK;

/* Is the answer of the network to be logits, with the last activation left to the loss? */
bool loss_takes_logits(enum loss loss, enum activation last);

/* The batch: answers y[rows][outputs] (logits, which become predictions in place), targets, and
 * a weight per row (NULL: 1). Returns the SUM over the rows of weight x loss and, when delta is not NULL,
 * overwrites it with the gradient of the MEAN by the answers that were given. */
double loss_batch(enum loss loss, bool logits, float *y, const float *targets, const float *weights,
                  int rows, int outputs, float *delta);

#endif
