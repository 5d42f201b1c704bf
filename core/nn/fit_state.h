/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_FIT_STATE_H
#define CORE_NN_FIT_STATE_H

#include "core/nn/fit.h"

/*
 * The inside of a fit, shared by fit.c (the epochs), fit_check.c (what is
 * refused, what it takes) and fit_checkpoint.c (the state as bytes). Nobody
 * else includes this. Threads, memory: core/nn/fit.h. Logs: no.
 */

struct fit {
    /* set at create, then constant */
    const struct network *network;
    struct fit_spec spec;
    struct fit_data train, validation;
    struct crew *crew;
    size_t count; /* parameters */
    int target_width;
    bool logits; /* the loss takes the last activation in */

    /* the state: what a checkpoint holds */
    float *parameters;
    float *slots[OPTIMIZER_SLOTS_MAX];
    float *best; /* parameters of the best epoch; NULL without early stopping */
    int64_t step, epoch;
    struct stopping stopping;

    /* made anew in every epoch or step */
    float *gradients;
    float *x, *targets, *weights; /* one batch, gathered; weights NULL: all 1 */
    uint32_t *order;
    struct workspace *workspace;
    struct meter *meter; /* NULL: no metrics */
};

/* All checks of fit_create() that need no memory. */
enum rc fit_check(const struct network *network, const struct fit_spec *spec,
                  const struct fit_data *train, const struct fit_data *validation, struct why *why) MUST_CHECK;

/* The same for rows alone: inputs finite, targets as the loss needs them. */
enum rc fit_check_data(const struct network *network, const struct fit_spec *spec, const struct fit_data *data, struct why *why) MUST_CHECK;

/* Bit i for metric i of the spec. */
unsigned fit_wanted(const struct fit_spec *spec);

/* Is a ceiling of this kind set? */
bool fit_has_clip(double clip);

#endif
