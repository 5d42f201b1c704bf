/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/loss.h"

#include "tests/check.h"

/* The numbers of the formulas are held against Keras's in test_keras.c; here are the edges. */

static void test_loss_check_says_what_fits(void **state)
{
    static const struct {
        enum loss loss;
        enum activation last;
        int outputs;
        enum rc rc;
        const char *part;
    } rows[] = {
        { LOSS_BINARY_CROSSENTROPY, ACTIVATION_SIGMOID, 1, RC_OK, "" },
        { LOSS_BINARY_CROSSENTROPY, ACTIVATION_SIGMOID, 7, RC_OK, "" },
        { LOSS_BINARY_CROSSENTROPY, ACTIVATION_LINEAR, 1, RC_INVALID, "sigmoid or softmax, not linear" },
        { LOSS_BINARY_CROSSENTROPY, ACTIVATION_SOFTMAX, 1, RC_INVALID, "always 1" },
        { LOSS_CATEGORICAL_CROSSENTROPY, ACTIVATION_SOFTMAX, 2, RC_OK, "" },
        { LOSS_CATEGORICAL_CROSSENTROPY, ACTIVATION_RELU, 2, RC_INVALID, "not relu" },
        { LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, ACTIVATION_SIGMOID, 1, RC_INVALID, "one output per class" },
        { LOSS_MEAN_SQUARED_ERROR, ACTIVATION_LINEAR, 1, RC_OK, "" },
        { LOSS_HALF_MEAN_SQUARED_ERROR, ACTIVATION_SIGMOID, 3, RC_OK, "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct why why = { 0 };
        check_rc(loss_check(rows[i].loss, rows[i].last, rows[i].outputs, &why), rows[i].rc);
        check_contains(why.text, rows[i].part);
    }
}

static void test_loss_from_logits_stays_finite(void **state)
{
    const float z[] = { 1e4f, -1e4f, 1e4f, -1e4f }, t[] = { 1, 0, 0, 1 };
    float y[4], d[4];
    memcpy(y, z, sizeof(y));
    check_close(loss_batch(LOSS_BINARY_CROSSENTROPY, true, y, t, NULL, 4, 1, d), 2e4, 1.0);
    check(y[0] == 1.0f && y[1] == 0.0f && d[0] == 0.0f && d[2] == 0.25f && d[3] == -0.25f);
    memcpy(y, z, sizeof(y));
    check_close(loss_batch(LOSS_CATEGORICAL_CROSSENTROPY, true, y, t, NULL, 2, 2, d), 2e4, 1.0);
    memcpy(y, z, sizeof(y));
    const float classes[] = { 1, 0 };
    check_close(loss_batch(LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, true, y, classes, NULL, 2, 2, d), 2e4, 1.0);
}

static void test_loss_from_probabilities_is_cut(void **state)
{
    const float t[] = { 0, 1 };
    float y[] = { 1, 0 }, d[2];
    const double most = -log(1e-7);
    check_close(loss_batch(LOSS_BINARY_CROSSENTROPY, false, y, t, NULL, 1, 2, d), most, 0.2);
    check(d[0] == 0.0f && d[1] == 0.0f);
    check_close(loss_batch(LOSS_CATEGORICAL_CROSSENTROPY, false, y, t, NULL, 1, 2, d), most, 1e-3);
    check_close(loss_batch(LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, false, y, &t[1], NULL, 1, 2, d), most, 1e-3);
}

static void test_loss_shows_nan(void **state)
{
    const float t[] = { 0, 1 };
    for (int loss = 0; loss_names[loss] != NULL; loss++) {
        for (int logits = 0; logits < 2; logits++) {
            float y[] = { NAN, 0.5f }, d[2];
            check(!isfinite(loss_batch((enum loss)loss, logits == 1, y, t, NULL, 1, 2, d)));
        }
    }
}

static void test_loss_weighs_rows(void **state)
{
    const float t[] = { 0, 0 }, weights[] = { 3, 0.5f };
    float y[] = { 1, 2 }, d[2];
    check_close(loss_batch(LOSS_MEAN_SQUARED_ERROR, false, y, t, weights, 2, 1, d), 3.0 + 2.0, 1e-6);
    check_close((double)d[0], 3.0, 1e-6); /* 2 e w / n */
    check_close((double)d[1], 1.0, 1e-6);
    check_close(loss_batch(LOSS_HALF_MEAN_SQUARED_ERROR, false, y, t, NULL, 2, 1, d), 2.5, 1e-6);
    check_close((double)d[1], 1.0, 1e-6);
}

static void test_loss_check_targets_names_the_row(void **state)
{
    static const struct {
        enum loss loss;
        float bad;
    } rows[] = {
        { LOSS_BINARY_CROSSENTROPY, 1.5f },
        { LOSS_BINARY_CROSSENTROPY, NAN },
        { LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 2.0f },
        { LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 0.5f },
        { LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, -1.0f },
        { LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 3e38f },
        { LOSS_CATEGORICAL_CROSSENTROPY, 0.5f },
        { LOSS_MEAN_SQUARED_ERROR, INFINITY },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        float targets[] = { 0, 1, 1, 0, 0, 1, 0, 1 };
        const int width = loss_target_width(rows[i].loss, 2);
        struct why why = { 0 };
        check_ok(loss_check_targets(rows[i].loss, 2, targets, 4, &why), &why);
        targets[2 * width] = rows[i].bad;
        check_rc(loss_check_targets(rows[i].loss, 2, targets, 4, &why), RC_UNPROCESSABLE);
        check_contains(why.text, "row 2");
    }
}

CHECK_MAIN("core/nn/loss",
           CHECK(test_loss_check_says_what_fits),
           CHECK(test_loss_from_logits_stays_finite),
           CHECK(test_loss_from_probabilities_is_cut),
           CHECK(test_loss_shows_nan),
           CHECK(test_loss_weighs_rows),
           CHECK(test_loss_check_targets_names_the_row))
