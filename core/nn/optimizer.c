/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/optimizer.h"

#include <math.h>

#include "core/math/clones.h"

#define TILE_FLOATS 32768 /* a helper's piece: about 10 us of adam */
#define GRID_FLOATS 65536 /* below this one thread does it all */

static const struct field adam_fields[] = {
    { .name = "learning_rate", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, learning_rate), .flags = FIELD_ABOVE_MIN, .max = 1000, .fallback = "0.001", .about = "Size of a step." },
    { .name = "beta_1", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, beta_1), .flags = FIELD_BOUNDED, .max = 0.999999, .fallback = "0.9", .about = "How slowly the mean of the gradients forgets." },
    { .name = "beta_2", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, beta_2), .flags = FIELD_BOUNDED, .max = 0.999999, .fallback = "0.999", .about = "How slowly the mean of their squares forgets." },
    { .name = "epsilon", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, epsilon), .flags = FIELD_ABOVE_MIN, .max = 1, .fallback = "1e-7", .about = "Keeps the division from zero." },
    { .name = NULL },
};
static const struct schema adam_schema = { "AdamOptimizer", "Adam, as Keras has it.", sizeof(struct optimizer), adam_fields, false };

static const struct field sgd_fields[] = {
    { .name = "learning_rate", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, learning_rate), .flags = FIELD_ABOVE_MIN, .max = 1000, .fallback = "0.01", .about = "Size of a step." },
    { .name = "momentum", .kind = FIELD_NUMBER, .offset = offsetof(struct optimizer, momentum), .flags = FIELD_BOUNDED, .max = 1, .fallback = "0", .about = "Share of the last step that goes on." },
    { .name = "nesterov", .kind = FIELD_BOOLEAN, .offset = offsetof(struct optimizer, nesterov), .fallback = "false", .about = "Look ahead along the momentum?" },
    { .name = NULL },
};
static const struct schema sgd_schema = { "SgdOptimizer", "Gradient descent, with momentum if wanted.", sizeof(struct optimizer), sgd_fields, false };

const struct field_option optimizer_options[] = {
    [OPTIMIZER_ADAM] = { "adam", &adam_schema },
    [OPTIMIZER_SGD] = { "sgd", &sgd_schema },
    { NULL, NULL },
};

struct optimizer optimizer_from(const struct field_variant *variant)
{
    struct optimizer optimizer = *(const struct optimizer *)variant->value;
    optimizer.kind = (enum optimizer_kind)variant->index;
    return optimizer;
}

int optimizer_slots(const struct optimizer *optimizer)
{
    return optimizer->kind == OPTIMIZER_ADAM ? 2 : (optimizer->momentum > 0.0 ? 1 : 0);
}

/* One step over a flat array; every number that is the same for all is here. */
struct task {
    const struct optimizer *optimizer;
    float *p, *m, *v;
    const float *g;
    size_t n, tile;
    float rate; /* sgd: the learning rate; adam: with both corrections in it */
    float decay_1, decay_2, epsilon;
    float momentum;
};

/* All four arrays once from memory; sqrt and division run 16 wide. */
CLONES static void adam(const struct task *task, size_t from, size_t to)
{
    float *restrict p = task->p, *restrict m = task->m, *restrict v = task->v;
    const float *restrict g = task->g;
    const float rate = task->rate, decay_1 = task->decay_1, decay_2 = task->decay_2, epsilon = task->epsilon;
    for (size_t i = from; i < to; i++) {
        m[i] += (g[i] - m[i]) * decay_1;
        v[i] += (g[i] * g[i] - v[i]) * decay_2;
        p[i] -= m[i] * rate / (sqrtf(v[i]) + epsilon);
    }
}

CLONES static void sgd(const struct task *task, size_t from, size_t to)
{
    float *restrict p = task->p;
    const float *restrict g = task->g;
    const float rate = task->rate;
    for (size_t i = from; i < to; i++) {
        p[i] -= rate * g[i];
    }
}

CLONES static void sgd_momentum(const struct task *task, size_t from, size_t to)
{
    float *restrict p = task->p, *restrict m = task->m;
    const float *restrict g = task->g;
    const float rate = task->rate, momentum = task->momentum;
    for (size_t i = from; i < to; i++) {
        m[i] = m[i] * momentum - rate * g[i];
        p[i] += m[i];
    }
}

CLONES static void sgd_nesterov(const struct task *task, size_t from, size_t to)
{
    float *restrict p = task->p, *restrict m = task->m;
    const float *restrict g = task->g;
    const float rate = task->rate, momentum = task->momentum;
    for (size_t i = from; i < to; i++) {
        m[i] = m[i] * momentum - rate * g[i];
        p[i] += m[i] * momentum - rate * g[i];
    }
}

static void step_tile(void *arg, size_t i)
{
    const struct task *task = arg;
    const size_t from = i * task->tile, to = task->n - from < task->tile ? task->n : from + task->tile;
    if (task->optimizer->kind == OPTIMIZER_ADAM) {
        adam(task, from, to);
    } else if (optimizer_slots(task->optimizer) == 0) {
        sgd(task, from, to);
    } else if (task->optimizer->nesterov) {
        sgd_nesterov(task, from, to);
    } else {
        sgd_momentum(task, from, to);
    }
}

/* a sqrt(1 - b2^t) / (1 - b1^t), in float like Keras: 0.999 as a float is 0.99900001. */
static float adam_rate(const struct optimizer *optimizer, double learning_rate, int64_t step)
{
    const float power_1 = (float)pow((double)(float)optimizer->beta_1, (double)step);
    const float power_2 = (float)pow((double)(float)optimizer->beta_2, (double)step);
    return (float)learning_rate * sqrtf(1.0f - power_2) / (1.0f - power_1);
}

void optimizer_step(const struct optimizer *optimizer, double learning_rate, int64_t step, struct crew *crew,
                    float *parameters, const float *gradients, float *const slots[OPTIMIZER_SLOTS_MAX], size_t n)
{
    const bool is_adam = optimizer->kind == OPTIMIZER_ADAM;
    struct task task = {
        .optimizer = optimizer,
        .p = parameters,
        .m = slots[0],
        .v = slots[1],
        .g = gradients,
        .n = n,
        .tile = n < GRID_FLOATS ? n : TILE_FLOATS,
        .rate = is_adam ? adam_rate(optimizer, learning_rate, step) : (float)learning_rate,
        .momentum = (float)optimizer->momentum,
    };
    if (is_adam) {
        task.decay_1 = (float)(1.0 - optimizer->beta_1);
        task.decay_2 = (float)(1.0 - optimizer->beta_2);
        task.epsilon = (float)optimizer->epsilon;
    }
    crew_run(crew, (n + task.tile - 1) / task.tile, step_tile, &task);
}
