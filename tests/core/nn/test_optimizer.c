/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/optimizer.h"

#include "core/nn/schedule.h"
#include "core/nn/stopping.h"
#include "tests/check.h"
#include "tests/support/ref.h"

#define N 100003 /* a prime above the size from which the work is cut into tiles */

static float p[N], g[N], m[N], v[N], want[N];

/* Adam in doubles, straight from the formula of the header. */
static void test_optimizer_adam_follows_its_formula(void **state)
{
    const struct optimizer adam = { .kind = OPTIMIZER_ADAM, .learning_rate = 0.01, .beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-7 };
    float *const slots[] = { m, v };
    static double dm[N], dv[N], dp[N];
    ref_fill(p, N, 1, 1.0f);
    for (size_t i = 0; i < N; i++) {
        dp[i] = (double)p[i];
    }
    for (int step = 1; step <= 5; step++) {
        ref_fill(g, N, 10 + (uint64_t)step, 1.0f);
        optimizer_step(&adam, 0.01, step, NULL, p, g, slots, N);
        const double rate = 0.01 * sqrt(1.0 - pow(0.99, step)) / (1.0 - pow(0.9, step));
        for (size_t i = 0; i < N; i++) {
            const double d = (double)g[i];
            dm[i] += (d - dm[i]) * (1.0 - 0.9);
            dv[i] += (d * d - dv[i]) * (1.0 - 0.99);
            dp[i] -= dm[i] * rate / (sqrt(dv[i]) + 1e-7);
            want[i] = (float)dp[i];
        }
        check_all_close("p", p, want, N, 2e-6 * step);
    }
}

static void test_optimizer_gives_the_same_bits_at_any_thread_count(void **state)
{
    const struct optimizer adam = { .kind = OPTIMIZER_ADAM, .beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-7 };
    float *const slots[] = { m, v };
    AUTO_PTR(crew) struct crew *crew = NULL;
    check_rc(crew_create(3, &crew), RC_OK);
    ref_fill(g, N, 2, 1.0f);
    for (int run = 0; run < 2; run++) {
        ref_fill(p, N, 1, 1.0f);
        memset(m, 0, sizeof(m));
        memset(v, 0, sizeof(v));
        for (int step = 1; step <= 3; step++) {
            optimizer_step(&adam, 0.01, step, run == 0 ? NULL : crew, p, g, slots, N);
        }
        if (run == 0) {
            memcpy(want, p, sizeof(p));
        }
    }
    check_bytes(p, want, sizeof(p));
}

static void test_optimizer_takes_the_slots_it_needs(void **state)
{
    check_int(optimizer_slots(&(struct optimizer){ .kind = OPTIMIZER_ADAM }), 2);
    check_int(optimizer_slots(&(struct optimizer){ .kind = OPTIMIZER_SGD }), 0);
    check_int(optimizer_slots(&(struct optimizer){ .kind = OPTIMIZER_SGD, .momentum = 0.5 }), 1);
}

static void test_schedule_rates(void **state)
{
    static const struct {
        struct schedule schedule;
        int64_t step;
        double want;
    } rows[] = {
        { { .kind = SCHEDULE_CONSTANT }, 1000, 0.1 },
        { { .kind = SCHEDULE_EXPONENTIAL_DECAY, .decay_steps = 10, .decay_rate = 0.25 }, 0, 0.1 },
        { { .kind = SCHEDULE_EXPONENTIAL_DECAY, .decay_steps = 10, .decay_rate = 0.25 }, 5, 0.05 },
        { { .kind = SCHEDULE_EXPONENTIAL_DECAY, .decay_steps = 10, .decay_rate = 0.25, .staircase = true }, 19, 0.025 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10 }, 5, 0.05 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10, .alpha = 0.5 }, 10, 0.05 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10 }, 99, 0.0 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10, .warmup_steps = 4, .warmup_target = 0.5 }, 1, 0.2 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10, .warmup_steps = 4, .warmup_target = 0.5 }, 4, 0.5 },
        { { .kind = SCHEDULE_COSINE_DECAY, .decay_steps = 10, .warmup_steps = 4, .warmup_target = 0.5 }, 9, 0.25 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_close(schedule_rate(&rows[i].schedule, 0.1, rows[i].step), rows[i].want, 1e-12);
    }
}

static void test_stopping_waits_and_knows_the_direction(void **state)
{
    const struct stopping_spec falls = { "val_loss", 2, 0.1 }, rises = { "val_auc", 0, 0.0 };
    struct stopping stopping;
    stopping_init(&stopping);
    check(stopping_observe(&stopping, &falls, 1, 1.0));
    check(!stopping_observe(&stopping, &falls, 2, 0.95) && !stopping_is_over(&stopping, &falls)); /* not by min_delta */
    check(stopping_observe(&stopping, &falls, 3, 0.5));
    check(!stopping_observe(&stopping, &falls, 4, (double)NAN) && !stopping_is_over(&stopping, &falls));
    check(!stopping_observe(&stopping, &falls, 5, 0.5) && stopping_is_over(&stopping, &falls));
    check_int(stopping.best_epoch, 3);
    stopping_init(&stopping);
    check(stopping_observe(&stopping, &rises, 1, 0.6) && !stopping_is_over(&stopping, &rises));
    check(stopping_observe(&stopping, &rises, 2, 0.7) && !stopping_is_over(&stopping, &rises));
    check(!stopping_observe(&stopping, &rises, 3, 0.7) && stopping_is_over(&stopping, &rises)); /* the same is not better */
    check(stopping_falls("mse") && stopping_falls("val_log_loss") && !stopping_falls("r2") && !stopping_falls("val_accuracy"));
}

CHECK_MAIN("core/nn/optimizer",
           CHECK(test_optimizer_adam_follows_its_formula),
           CHECK(test_optimizer_gives_the_same_bits_at_any_thread_count),
           CHECK(test_optimizer_takes_the_slots_it_needs),
           CHECK(test_schedule_rates),
           CHECK(test_stopping_waits_and_knows_the_direction))
