/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_FIT_H
#define CORE_NN_FIT_H

#include "core/base/buf.h"
#include "core/nn/metric.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/nn/schedule.h"
#include "core/nn/stopping.h"

/*
 * Training: epochs of steps over batches, as Keras's fit() does it.
 *
 * The numbers of an epoch are running ones: loss and metrics of the
 * predictions that were made while the weights changed; those of validation
 * are of the weights after the epoch. The order of an epoch depends on seed
 * and epoch alone, and every product is cut into a grid that does not depend
 * on the number of threads. So one job gives one set of bits: at any number of
 * threads, and after any interruption, if it goes on from the checkpoint of
 * the last whole epoch.
 *
 *     fit_create -> [fit_restore] -> while (!fit_is_done) { fit_epoch; fit_checkpoint } -> fit_parameters
 *
 * Threads: one at a time; the crew's helpers work inside fit_epoch(). Memory:
 * fit_destroy(); network, data, crew and the strings of the spec are borrowed
 * and must outlive the fit. Logs: no.
 */

#define FIT_EPOCHS_MAX 1000000

/* Rows of inputs and of targets (loss_target_width() floats each). */
struct fit_data {
    const float *x;
    const float *targets;
    size_t rows;
};

struct fit_spec {
    enum loss loss;
    struct optimizer optimizer;
    struct schedule schedule;
    enum metric metrics[METRIC_COUNT]; /* each at most once */
    size_t metrics_count;
    int64_t epochs;
    int64_t batch_size;
    uint64_t seed;
    bool shuffle;
    double clip_norm;           /* of each tensor's gradient, as Keras; NaN or 0: none */
    double global_clip_norm;    /* of all together; NaN or 0: none; not both */
    const double *class_weight; /* per class; NULL: none */
    size_t class_count;
    const struct stopping_spec *early_stopping; /* NULL: none */
    size_t bytes_max;                           /* ceiling of everything but the data */
};

/* mean_squared_error, adam as Keras has it, 10 epochs, batches of 32, shuffled, no ceiling on bytes. */
struct fit_spec fit_spec_defaults(void);

struct fit_result {
    int64_t epoch; /* from 1 */
    double loss;
    double val_loss;                                         /* NaN: no validation rows */
    double metrics[METRIC_COUNT], val_metrics[METRIC_COUNT]; /* by position in spec.metrics */
    double learning_rate;                                    /* of the epoch's last step */
    bool best;                                               /* the best so far, to early stopping */
};

/* Asked between batches: RC_CANCELLED ends the epoch when it says yes. rows: done in this epoch. */
struct fit_watch {
    bool (*stop)(void *arg, size_t rows); /* NULL: never */
    void *arg;
};

struct fit;

/* The bytes that a fit takes beside the data; SIZE_MAX when no number can say it. */
size_t fit_bytes(const struct network *network, const struct fit_spec *spec, size_t train_rows, size_t validation_rows);

/* The checks of fit_create() that need no rows but their number: for a job that is only submitted. Same errors. */
enum rc fit_check_spec(const struct network *network, const struct fit_spec *spec, size_t train_rows, size_t validation_rows,
                       struct why *why) MUST_CHECK;

/* Checks everything, takes the memory and initialises the parameters from the seed. validation->rows may be 0.
 * RC_INVALID (spec; why->path is the job's key: "loss", "batch_size", "metrics[1]" ...), RC_UNPROCESSABLE
 * (targets that the loss cannot take, inputs that are not finite), RC_TOO_LARGE (over bytes_max, in words), RC_NO_MEMORY. */
enum rc fit_create(const struct network *network, const struct fit_spec *spec,
                   const struct fit_data *train, const struct fit_data *validation, struct crew *crew,
                   struct fit **ret, struct why *why) MUST_CHECK;
void fit_destroy(struct fit *fit);
DEFINE_AUTO_PTR(fit)

/* Runs the next epoch; the fit must not be done. RC_CANCELLED: stopped in mid-epoch; RC_UNPROCESSABLE: the loss
 * is no number any more. After either only fit_restore() and fit_destroy() are allowed. */
enum rc fit_epoch(struct fit *fit, const struct fit_watch *watch, struct fit_result *ret, struct why *why) MUST_CHECK;

/* Whole epochs behind us, and are there no more (all run, or early stopping said so)? */
int64_t fit_epochs_done(const struct fit *fit);
bool fit_is_done(const struct fit *fit);

/* The parameters to keep: the best seen with early stopping, else the present ones; borrowed until the next call. */
const float *fit_parameters(const struct fit *fit);

/* For tests and continued training: other parameters to start from, before the first epoch. */
void fit_set_parameters(struct fit *fit, const float *parameters);

/* The state between two epochs, as a byte string (a safetensors file), at most fit_checkpoint_bytes_max() long.
 * RC_TOO_LARGE (the buf's ceiling), RC_NO_MEMORY. */
size_t fit_checkpoint_bytes_max(const struct fit *fit);
enum rc fit_checkpoint(const struct fit *fit, struct buf *out) MUST_CHECK;

/* Puts a fit of the same job into the state of a checkpoint. RC_CORRUPT, RC_UNSUPPORTED, RC_TOO_LARGE,
 * RC_NO_MEMORY as tensors_read(); RC_INVALID: of another network, optimizer or seed. On failure the fit is as it was. */
enum rc fit_restore(struct fit *fit, const void *bytes, size_t n, struct why *why) MUST_CHECK;

/* Loss and metrics of given parameters on rows, in batches of the spec's size. RC_* as fit_create(). The
 * epoch of the result is 0, its numbers are loss and metrics. */
enum rc fit_evaluate(const struct network *network, const float *parameters, const struct fit_spec *spec,
                     const struct fit_data *data, struct fit_result *ret, struct why *why) MUST_CHECK;

#endif
