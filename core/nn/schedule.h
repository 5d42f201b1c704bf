/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_SCHEDULE_H
#define CORE_NN_SCHEDULE_H

#include <stdint.h>

#include "core/base/field.h"

/*
 * Learning-rate schedules, as in Keras; the optimizer's learning_rate is the
 * initial one. s counts steps (batches) from 0:
 *
 *   constant           a
 *   exponential_decay  a rate^(s / decay_steps), the exponent rounded down with staircase
 *   cosine_decay       a ((1 - alpha) (1 + cos(pi min(s, decay_steps) / decay_steps)) / 2 + alpha);
 *                      with warmup_steps first a line from a to warmup_target, which then takes a's place
 *
 * Threads: any (pure). Memory: none. Logs: no.
 */

enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_EXPONENTIAL_DECAY,
    SCHEDULE_COSINE_DECAY
};

/* The struct of every option's schema; kind comes from the option (schedule_from()). All zeros: constant. */
struct schedule {
    enum schedule_kind kind;
    int64_t decay_steps;
    double decay_rate;
    bool staircase;
    double alpha;
    int64_t warmup_steps;
    double warmup_target;
};

extern const struct field_option schedule_options[];

/* An absent variant (index -1) is the constant schedule. */
struct schedule schedule_from(const struct field_variant *variant);

double schedule_rate(const struct schedule *schedule, double initial, int64_t step);

#endif
