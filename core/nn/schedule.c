/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/schedule.h"

#include <math.h>

#define STEPS_MAX 1e12

static const struct field constant_fields[] = { { .name = NULL } };
static const struct schema constant_schema = { "ConstantSchedule", "The optimizer's learning rate all the way.", sizeof(struct schedule), constant_fields, false };

static const struct field exponential_fields[] = {
    { .name = "decay_steps", .kind = FIELD_INTEGER, .offset = offsetof(struct schedule, decay_steps), .flags = FIELD_REQUIRED, .min = 1, .max = STEPS_MAX, .about = "Steps (batches) after which the rate has been applied once." },
    { .name = "decay_rate", .kind = FIELD_NUMBER, .offset = offsetof(struct schedule, decay_rate), .flags = FIELD_REQUIRED | FIELD_ABOVE_MIN, .max = 1, .about = "What the learning rate is multiplied by." },
    { .name = "staircase", .kind = FIELD_BOOLEAN, .offset = offsetof(struct schedule, staircase), .fallback = "false", .about = "In whole stairs instead of a little at every step?" },
    { .name = NULL },
};
static const struct schema exponential_schema = { "ExponentialDecaySchedule", "The learning rate shrinks by a factor.", sizeof(struct schedule), exponential_fields, false };

static const struct field cosine_fields[] = {
    { .name = "decay_steps", .kind = FIELD_INTEGER, .offset = offsetof(struct schedule, decay_steps), .flags = FIELD_REQUIRED, .min = 1, .max = STEPS_MAX, .about = "Steps (batches) until the end of the cosine." },
    { .name = "alpha", .kind = FIELD_NUMBER, .offset = offsetof(struct schedule, alpha), .flags = FIELD_BOUNDED, .max = 1, .fallback = "0", .about = "Share of the learning rate that is left at the end." },
    { .name = "warmup_steps", .kind = FIELD_INTEGER, .offset = offsetof(struct schedule, warmup_steps), .flags = FIELD_BOUNDED, .max = STEPS_MAX, .fallback = "0", .about = "Steps from the learning rate up to warmup_target, before the cosine." },
    { .name = "warmup_target", .kind = FIELD_NUMBER, .offset = offsetof(struct schedule, warmup_target), .flags = FIELD_BOUNDED, .max = 1000, .fallback = "0", .about = "Where the warm-up ends and the cosine begins; used with warmup_steps." },
    { .name = NULL },
};
static const struct schema cosine_schema = { "CosineDecaySchedule", "The learning rate falls along half a cosine.", sizeof(struct schedule), cosine_fields, false };

const struct field_option schedule_options[] = {
    [SCHEDULE_CONSTANT] = { "constant", &constant_schema },
    [SCHEDULE_EXPONENTIAL_DECAY] = { "exponential_decay", &exponential_schema },
    [SCHEDULE_COSINE_DECAY] = { "cosine_decay", &cosine_schema },
    { NULL, NULL },
};

struct schedule schedule_from(const struct field_variant *variant)
{
    if (variant->index < 0) {
        return (struct schedule){ .kind = SCHEDULE_CONSTANT };
    }
    struct schedule schedule = *(const struct schedule *)variant->value;
    schedule.kind = (enum schedule_kind)variant->index;
    return schedule;
}

static double cosine(const struct schedule *schedule, double initial, double step)
{
    const double decay = (double)schedule->decay_steps, warmup = (double)schedule->warmup_steps;
    if (warmup > 0.0) {
        if (step < warmup) {
            return initial + (schedule->warmup_target - initial) * step / warmup;
        }
        initial = schedule->warmup_target;
        step -= warmup;
    }
    const double done = step < decay ? step / decay : 1.0;
    return initial * ((1.0 - schedule->alpha) * 0.5 * (1.0 + cos(M_PI * done)) + schedule->alpha);
}

double schedule_rate(const struct schedule *schedule, double initial, int64_t step)
{
    switch (schedule->kind) {
    case SCHEDULE_CONSTANT: break;
    case SCHEDULE_EXPONENTIAL_DECAY: {
        const double exponent = (double)step / (double)schedule->decay_steps;
        return initial * pow(schedule->decay_rate, schedule->staircase ? floor(exponent) : exponent);
    }
    case SCHEDULE_COSINE_DECAY: return cosine(schedule, initial, (double)step);
    }
    return initial;
}
