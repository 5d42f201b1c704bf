/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_STOPPING_H
#define CORE_NN_STOPPING_H

#include <stdint.h>

#include "core/base/field.h"

/*
 * Early stopping: watches one number of every epoch and says when enough is
 * enough. Losses and errors are to fall, all other metrics to rise. NaN never
 * counts as better.
 *
 * Threads: one at a time. Memory: plain. Logs: no.
 */

/* {"monitor":"val_loss","patience":3,"min_delta":0}. The best weights come back at the end. */
struct stopping_spec {
    const char *monitor; /* "loss", "val_loss", a metric's name, "val_" + one */
    int64_t patience;    /* epochs without something better */
    double min_delta;    /* what counts as better */
};

extern const struct schema stopping_schema;

struct stopping {
    double best;        /* NaN before the first epoch */
    int64_t best_epoch; /* 0 before the first; epochs count from 1 */
    int64_t wait;       /* epochs since the best */
};

void stopping_init(struct stopping *stopping);

/* Does this number fall when things go well? */
bool stopping_falls(const char *monitor);

/* Takes the number of an epoch; is it the best so far? */
bool stopping_observe(struct stopping *stopping, const struct stopping_spec *spec, int64_t epoch, double value);

/* Has patience run out? */
bool stopping_is_over(const struct stopping *stopping, const struct stopping_spec *spec);

#endif
