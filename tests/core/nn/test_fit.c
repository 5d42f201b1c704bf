/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit.h"

#include <stdlib.h>

#include "core/nn/weights.h"
#include "tests/check.h"
#include "tests/support/job.h"
#include "tests/support/ref.h"

#define ROWS       150
#define VALIDATION 37
#define INPUTS     9

/* Three classes by sign and size of two inputs. */
static const char small[] = "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":16,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}]},"
                            "\"loss\":\"sparse_categorical_crossentropy\",\"metrics\":[\"accuracy\",\"auc\",\"f1\"],\"epochs\":6,\"batch_size\":16,"
                            "\"global_clip_norm\":1,\"optimizer\":{\"type\":\"adam\",\"learning_rate\":0.01},"
                            "\"schedule\":{\"type\":\"cosine_decay\",\"decay_steps\":50},\"early_stopping\":{\"monitor\":\"val_auc\",\"patience\":4}}";

/* Wide enough that every product is cut into tiles. */
static const char wide[] = "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":700,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":390,\"activation\":\"relu\"},"
                           "{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}]},\"loss\":\"sparse_categorical_crossentropy\",\"metrics\":[\"accuracy\"],\"epochs\":3,\"batch_size\":48}";

static float x[(ROWS + VALIDATION) * INPUTS], targets[ROWS + VALIDATION];
static const struct fit_data train = { x, targets, ROWS };
static const struct fit_data validation = { x + ROWS * INPUTS, targets + ROWS, VALIDATION };
static const struct fit_data none;

static int setup(void **state)
{
    ref_fill(x, (ROWS + VALIDATION) * INPUTS, 1, 1.0f);
    for (size_t i = 0; i < ROWS + VALIDATION; i++) {
        const float *row = x + i * INPUTS;
        targets[i] = row[0] > 0.2f ? 2.0f : (row[0] + row[1] > 0.0f ? 1.0f : 0.0f);
    }
    return 0;
}

static struct fit *new_fit(const struct job *job, struct crew *crew)
{
    struct fit *fit = NULL;
    struct why why = { 0 };
    check_ok(fit_create(job->network, &job->spec, &train, &validation, crew, &fit, &why), &why);
    return fit;
}

static void run(struct fit *fit, struct fit_result *ret)
{
    while (!fit_is_done(fit)) {
        struct why why = { 0 };
        check_ok(fit_epoch(fit, NULL, ret, &why), &why);
    }
}

static size_t bytes_of(const struct job *job)
{
    return network_parameter_count(job->network) * sizeof(float);
}

static void test_fit_learns(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    job.spec.early_stopping = NULL;
    job.spec.epochs = 60;
    job.spec.schedule = (struct schedule){ 0 };
    AUTO_PTR(fit) struct fit *fit = new_fit(&job, NULL);
    struct fit_result first, last = { 0 };
    check_rc(fit_epoch(fit, NULL, &first, NULL), RC_OK);
    run(fit, &last);
    check(first.epoch == 1 && last.epoch == 60 && fit_epochs_done(fit) == 60);
    check(last.loss < 0.2 && last.loss < first.loss / 4.0);
    check(last.metrics[0] > 0.97 && last.val_metrics[0] > 0.85 && last.val_metrics[1] > 0.95 && last.metrics[2] > 0.95);
    struct fit_result again;
    struct why why = { 0 };
    check_ok(fit_evaluate(job.network, fit_parameters(fit), &job.spec, &validation, &again, &why), &why);
    check_close(again.loss, last.val_loss, 0.0);
    check_close(again.metrics[1], last.val_metrics[1], 0.0);
}

/* The smallest thing that is not linear. */
static void test_fit_overfits_exclusive_or(void **state)
{
    static const float in[] = { 0, 0, 0, 1, 1, 0, 1, 1 }, out[] = { 0, 1, 1, 0 };
    const struct fit_data data = { in, out, 4 };
    AUTO(job) struct job job;
    job_init(&job, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":8,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":1,\"activation\":\"sigmoid\"}]},"
                   "\"loss\":\"binary_crossentropy\",\"epochs\":400,\"optimizer\":{\"type\":\"adam\",\"learning_rate\":0.05}}",
             2);
    AUTO_PTR(fit) struct fit *fit = NULL;
    check_rc(fit_create(job.network, &job.spec, &data, &none, NULL, &fit, NULL), RC_OK);
    struct fit_result result = { 0 };
    run(fit, &result);
    check(result.loss < 0.01);
    AUTO_PTR(workspace) struct workspace *workspace = NULL;
    check_rc(workspace_create(job.network, 3, false, &workspace), RC_OK);
    float y[4];
    network_predict(job.network, fit_parameters(fit), workspace, in, 4, y);
    check_all_close("y", y, out, 4, 0.1);
}

/* Runs the job and gives a copy of its parameters; interrupted after each epoch when told so. */
static float *parameters_after(const struct job *job, struct crew *crew, bool interrupted)
{
    AUTO_PTR(fit) struct fit *fit = new_fit(job, crew);
    struct fit_result result;
    while (!fit_is_done(fit)) {
        struct why why = { 0 };
        check_ok(fit_epoch(fit, NULL, &result, &why), &why);
        if (interrupted) {
            AUTO(buf) struct buf bytes;
            buf_init(&bytes, fit_checkpoint_bytes_max(fit));
            check_rc(fit_checkpoint(fit, &bytes), RC_OK);
            fit_destroy(fit);
            fit = new_fit(job, crew);
            check_ok(fit_restore(fit, bytes.data, bytes.len, &why), &why);
        }
    }
    float *copy = mem_floats(network_parameter_count(job->network));
    memcpy(copy, fit_parameters(fit), bytes_of(job));
    return copy;
}

static void check_same_bits_at_any_thread_count(const char *text)
{
    AUTO(job) struct job job;
    job_init(&job, text, INPUTS);
    AUTO_FREE float *want = parameters_after(&job, NULL, false);
    for (int threads = 1; threads <= 3; threads++) {
        AUTO_PTR(crew) struct crew *crew = NULL;
        check_rc(crew_create(threads, &crew), RC_OK);
        AUTO_FREE float *got = parameters_after(&job, crew, threads == 2);
        check_bytes(got, want, bytes_of(&job));
    }
}

static void test_fit_gives_the_same_bits_at_any_thread_count(void **state)
{
    check_same_bits_at_any_thread_count(small);
    check_same_bits_at_any_thread_count(wide);
}

static void test_fit_gives_the_same_bits_after_a_pause_at_each_epoch(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    AUTO_FREE float *want = parameters_after(&job, NULL, false);
    AUTO_FREE float *got = parameters_after(&job, NULL, true);
    check_bytes(got, want, bytes_of(&job));
}

static bool stop_late(void *arg, size_t rows)
{
    return rows >= *(const size_t *)arg;
}

/* Stopped after each number of batches of each epoch: what was done of the epoch is thrown away. */
static void test_fit_gives_the_same_bits_after_a_stop_in_mid_epoch(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    AUTO_FREE float *want = parameters_after(&job, NULL, false);
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, 1000000);
    AUTO_PTR(fit) struct fit *fit = new_fit(&job, NULL);
    size_t until = 0;
    while (!fit_is_done(fit)) {
        struct fit_result result;
        struct why why = { 0 };
        buf_clear(&bytes);
        check_rc(fit_checkpoint(fit, &bytes), RC_OK);
        const struct fit_watch watch = { stop_late, &until };
        check_rc(fit_epoch(fit, &watch, &result, &why), RC_CANCELLED);
        until = (until + 16) % ROWS;
        fit_destroy(fit);
        fit = new_fit(&job, NULL);
        check_ok(fit_restore(fit, bytes.data, bytes.len, &why), &why);
        check_ok(fit_epoch(fit, NULL, &result, &why), &why);
    }
    check_bytes(fit_parameters(fit), want, bytes_of(&job));
}

static void test_fit_shuffles_by_seed_and_epoch(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    AUTO_FREE float *one = parameters_after(&job, NULL, false);
    AUTO_FREE float *same = parameters_after(&job, NULL, false);
    check_bytes(same, one, bytes_of(&job));
    job.spec.seed++;
    AUTO_FREE float *other = parameters_after(&job, NULL, false);
    check(memcmp(other, one, bytes_of(&job)) != 0);
}

/* The same training with the rows put into the order of each epoch by hand. */
static void test_fit_takes_the_order_of_seed_and_epoch(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    AUTO_PTR(fit) struct fit *shuffled = new_fit(&job, NULL);
    job.spec.shuffle = false;
    float rows[ROWS * INPUTS], classes[ROWS];
    const struct fit_data data = { rows, classes, ROWS };
    AUTO_PTR(fit) struct fit *ordered = NULL;
    memcpy(rows, x, sizeof(rows));
    memcpy(classes, targets, sizeof(classes));
    check_rc(fit_create(job.network, &job.spec, &data, &validation, NULL, &ordered, NULL), RC_OK);
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        uint32_t order[ROWS];
        rng_permutation(&(struct rng){ job.spec.seed, RNG_SHUFFLE, epoch }, order, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            memcpy(rows + i * INPUTS, x + order[i] * INPUTS, sizeof(float) * INPUTS);
            classes[i] = targets[order[i]];
        }
        struct fit_result one, two;
        check_rc(fit_epoch(shuffled, NULL, &one, NULL), RC_OK);
        check_rc(fit_epoch(ordered, NULL, &two, NULL), RC_OK);
        check_close(one.loss, two.loss, 0.0);
    }
    check_bytes(fit_parameters(shuffled), fit_parameters(ordered), bytes_of(&job));
}

static void test_fit_stops_early_and_keeps_the_best(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    job.spec.epochs = 100;
    job.spec.schedule = (struct schedule){ 0 };
    job.stopping = (struct stopping_spec){ "val_loss", 2, 0.0 };
    job.spec.optimizer.learning_rate = 0.1;
    AUTO_PTR(fit) struct fit *fit = new_fit(&job, NULL);
    AUTO_FREE float *best = mem_floats(network_parameter_count(job.network));
    double lowest = HUGE_VAL;
    int64_t best_epoch = 0;
    while (!fit_is_done(fit)) {
        struct fit_result result;
        check_rc(fit_epoch(fit, NULL, &result, NULL), RC_OK);
        check(result.best == (result.val_loss < lowest));
        if (result.best) {
            lowest = result.val_loss;
            best_epoch = result.epoch;
            memcpy(best, fit_parameters(fit), bytes_of(&job));
        }
    }
    check(fit_epochs_done(fit) < 100 && fit_epochs_done(fit) == best_epoch + 2);
    check_bytes(fit_parameters(fit), best, bytes_of(&job));
    struct fit_result result;
    check_rc(fit_evaluate(job.network, fit_parameters(fit), &job.spec, &validation, &result, NULL), RC_OK);
    check_close(result.loss, lowest, 0.0);
}

static void test_fit_ends_when_the_loss_is_no_number(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":4},{\"type\":\"dense\",\"units\":1}]},\"optimizer\":{\"type\":\"sgd\",\"learning_rate\":1000},\"epochs\":50}", INPUTS);
    AUTO_PTR(fit) struct fit *fit = new_fit(&job, NULL);
    struct why why = { 0 };
    struct fit_result result;
    enum rc rc = RC_OK;
    while (rc == RC_OK && !fit_is_done(fit)) {
        rc = fit_epoch(fit, NULL, &result, &why);
    }
    check_rc(rc, RC_UNPROCESSABLE);
    check_contains(why.text, "lower the learning rate");
}

static void test_fit_create_says_what_is_wrong(void **state)
{
    static const struct {
        const char *job; /* beside the network, which ends with softmax over 3 */
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { "\"epochs\":0", RC_INVALID, "epochs", "must be 1 to" },
        { "\"batch_size\":0", RC_INVALID, "batch_size", "must be 1 to" },
        { "\"batch_size\":65537", RC_INVALID, "batch_size", "must be 1 to 65536" },
        { "\"clip_norm\":-1", RC_INVALID, "clip_norm", "above 0" },
        { "\"clip_norm\":1,\"global_clip_norm\":1", RC_INVALID, "global_clip_norm", "together" },
        { "\"metrics\":[\"accuracy\",\"mse\",\"accuracy\"]", RC_INVALID, "metrics[2]", "twice" },
        { "\"metrics\":[\"r2\"]", RC_INVALID, "metrics[0]", "of numbers" },
        { "\"loss\":\"mean_squared_error\",\"metrics\":[\"auc\"]", RC_INVALID, "metrics[0]", "of classes" },
        { "\"class_weight\":[1,2]", RC_INVALID, "class_weight", "3 classes, got 2" },
        { "\"class_weight\":[1,2,-1]", RC_INVALID, "class_weight", "got -1" },
        { "\"loss\":\"mean_squared_error\",\"class_weight\":[1,2,1]", RC_INVALID, "class_weight", "of numbers" },
        { "\"early_stopping\":{\"monitor\":\"auc\"}", RC_INVALID, "early_stopping.monitor", "got \"auc\"" },
        { "\"early_stopping\":{}", RC_INVALID, "early_stopping.monitor", "needs validation rows" },
        { "\"loss\":\"categorical_crossentropy\"", RC_UNPROCESSABLE, "target", "sum to 1 as targets; row 0" },
    };

    float plenty[ROWS * 3] = { 0 };
    memcpy(plenty, targets, sizeof(targets) < sizeof(plenty) ? sizeof(targets) : sizeof(plenty));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[600];
        (void)snprintf(text, sizeof(text), "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}]}%s,%s}",
                       strstr(rows[i].job, "\"loss\"") != NULL ? "" : ",\"loss\":\"sparse_categorical_crossentropy\"", rows[i].job);
        AUTO(job) struct job job;
        job_init(&job, text, INPUTS);
        struct fit *fit = NULL;
        struct why why = { 0 };
        const struct fit_data data = { x, plenty, ROWS };
        check_rc(fit_create(job.network, &job.spec, &data, &none, NULL, &fit, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
    }
}

static void test_fit_create_refuses_what_cannot_be_learned_from(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    job.spec.early_stopping = NULL;
    struct fit *fit = NULL;
    struct why why = { 0 };
    check_rc(fit_create(job.network, &job.spec, &none, &none, NULL, &fit, &why), RC_UNPROCESSABLE);
    check_contains(why.text, "no rows");
    static const float bad[] = { -1.0f, 3.0f, 0.5f, NAN };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const float before = targets[5];
        targets[5] = bad[i];
        check_rc(fit_create(job.network, &job.spec, &train, &none, NULL, &fit, &why), RC_UNPROCESSABLE);
        check_contains(why.text, "row 5");
        targets[5] = before;
    }
    x[7 * INPUTS + 2] = INFINITY;
    check_rc(fit_create(job.network, &job.spec, &train, &none, NULL, &fit, &why), RC_UNPROCESSABLE);
    check_contains(why.text, "row 7 holds");
    (void)setup(NULL);
}

static void test_fit_create_keeps_to_the_ceiling(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, "{\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":65536},{\"type\":\"dense\",\"units\":15000},{\"type\":\"dense\",\"units\":1}]}}", INPUTS);
    job.spec.bytes_max = (size_t)1 << 30;
    struct fit *fit = NULL;
    struct why why = { 0 };
    check_rc(fit_create(job.network, &job.spec, &train, &none, NULL, &fit, &why), RC_TOO_LARGE);
    check_contains(why.text, "GiB for training at batch 32, the ceiling is 1.0 GiB: fewer units");
    AUTO(job) struct job fits;
    job_init(&fits, small, INPUTS);
    fits.spec.bytes_max = fit_bytes(fits.network, &fits.spec, ROWS, VALIDATION);
    AUTO_PTR(fit) struct fit *good = new_fit(&fits, NULL);
    check(good != NULL);
    fits.spec.bytes_max--;
    check_rc(fit_create(fits.network, &fits.spec, &train, &validation, NULL, &fit, &why), RC_TOO_LARGE);
}

static void test_fit_create_survives_each_failing_allocation(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    const double weights[] = { 1, 2, 3 };
    job.spec.class_weight = weights;
    job.spec.class_count = 3;
    for (long n = 1;; n++) {
        AUTO_PTR(fit) struct fit *fit = NULL;
        mem_fail_at(n);
        const enum rc rc = fit_create(job.network, &job.spec, &train, &validation, NULL, &fit, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 10);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

/* A checkpoint of another job, or with any one byte changed, never crashes and leaves the fit as it was. */
static void test_fit_restore_refuses_what_is_not_its_own(void **state)
{
    AUTO(job) struct job job;
    job_init(&job, small, INPUTS);
    AUTO_PTR(fit) struct fit *fit = new_fit(&job, NULL);
    struct fit_result result;
    check_rc(fit_epoch(fit, NULL, &result, NULL), RC_OK);
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, fit_checkpoint_bytes_max(fit));
    check_rc(fit_checkpoint(fit, &bytes), RC_OK);
    job.spec.seed++;
    AUTO_PTR(fit) struct fit *other = new_fit(&job, NULL);
    struct why why = { 0 };
    check_rc(fit_restore(other, bytes.data, bytes.len, &why), RC_INVALID);
    check_contains(why.text, "seed differs");
    uint64_t header;
    memcpy(&header, bytes.data, sizeof(header));
    for (size_t i = 0; i < header + 8; i++) {
        for (int bit = 0; bit < 8; bit += 3) {
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
            const enum rc rc = fit_restore(other, bytes.data, bytes.len, &why);
            check(rc == RC_INVALID || rc == RC_CORRUPT || rc == RC_UNSUPPORTED || rc == RC_TOO_LARGE);
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
        }
    }
    for (size_t n = 0; n < bytes.len; n += 97) {
        check(fit_restore(fit, bytes.data, n, &why) != RC_OK);
    }
    check_int(fit_epochs_done(other), 0);
    AUTO_FREE float *fresh = mem_floats(network_parameter_count(job.network));
    network_initialise(job.network, job.spec.seed, fresh);
    check_bytes(fit_parameters(other), fresh, bytes_of(&job));
    check_rc(fit_restore(fit, bytes.data, bytes.len, &why), RC_OK);
}

CHECK_MAIN("core/nn/fit",
           CHECK_WITH(test_fit_learns, setup, NULL),
           CHECK(test_fit_overfits_exclusive_or),
           CHECK_WITH(test_fit_gives_the_same_bits_at_any_thread_count, setup, NULL),
           CHECK_WITH(test_fit_gives_the_same_bits_after_a_pause_at_each_epoch, setup, NULL),
           CHECK_WITH(test_fit_gives_the_same_bits_after_a_stop_in_mid_epoch, setup, NULL),
           CHECK_WITH(test_fit_shuffles_by_seed_and_epoch, setup, NULL),
           CHECK_WITH(test_fit_takes_the_order_of_seed_and_epoch, setup, NULL),
           CHECK_WITH(test_fit_stops_early_and_keeps_the_best, setup, NULL),
           CHECK_WITH(test_fit_ends_when_the_loss_is_no_number, setup, NULL),
           CHECK_WITH(test_fit_create_says_what_is_wrong, setup, NULL),
           CHECK_WITH(test_fit_create_refuses_what_cannot_be_learned_from, setup, NULL),
           CHECK_WITH(test_fit_create_keeps_to_the_ceiling, setup, NULL),
           CHECK_WITH(test_fit_create_survives_each_failing_allocation, setup, NULL),
           CHECK_WITH(test_fit_restore_refuses_what_is_not_its_own, setup, NULL))
