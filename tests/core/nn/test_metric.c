/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/metric.h"

#include "core/base/mem.h"
#include "tests/check.h"
#include "tests/support/ref.h"

#define ALL_CLASSES 0x3fu /* accuracy .. log_loss */
#define ALL_NUMBERS ((1u << METRIC_MSE) | (1u << METRIC_MAE) | (1u << METRIC_R2))

static struct meter *filled(unsigned wanted, enum task task, bool sparse, int outputs, const float *y, const float *t, size_t rows)
{
    struct meter *meter = NULL;
    check_rc(meter_create(wanted, task, sparse, outputs, rows, &meter), RC_OK);
    const size_t width = sparse ? 1 : (size_t)outputs, half = rows / 2;
    meter_add(meter, y, t, rows); /* thrown away by the reset */
    meter_reset(meter);
    meter_add(meter, y, t, half);
    meter_add(meter, y + half * (size_t)outputs, t + half * width, rows - half);
    return meter;
}

/* truth 1 1 1 0 0 0 0, found 1 1 0 1 0 0 0: two right of three positives, one false alarm. */
static void test_meter_of_a_binary_decision(void **state)
{
    const float y[] = { 0.9f, 0.6f, 0.3f, 0.6f, 0.5f, 0.3f, 0.1f }, t[] = { 1, 1, 1, 0, 0, 0, 0 };
    AUTO_PTR(meter) struct meter *meter = filled(ALL_CLASSES, TASK_BINARY, false, 1, y, t, 7);
    check_close(meter_value(meter, METRIC_ACCURACY), 5.0 / 7.0, 1e-12);
    check_close(meter_value(meter, METRIC_PRECISION), 2.0 / 3.0, 1e-12);
    check_close(meter_value(meter, METRIC_RECALL), 2.0 / 3.0, 1e-12);
    check_close(meter_value(meter, METRIC_F1), 2.0 / 3.0, 1e-12);
    /* pairs: 0.9 beats 4; 0.6 beats 3 and ties 1; 0.3 beats 1 and ties 1: 9 of 12 */
    check_close(meter_value(meter, METRIC_AUC), 9.0 / 12.0, 1e-12);
    double sum = 0.0;
    for (int i = 0; i < 7; i++) {
        sum -= log(t[i] > 0.0f ? (double)y[i] : 1.0 - (double)y[i]);
    }
    check_close(meter_value(meter, METRIC_LOG_LOSS), sum / 7.0, 1e-9);
    int classes;
    const uint64_t *confusion = meter_confusion(meter, &classes);
    check(classes == 2 && confusion[0] == 3 && confusion[1] == 1 && confusion[2] == 1 && confusion[3] == 2);
}

static void test_meter_of_several_classes(void **state)
{
    /* found: 0 1 1 2 0; the fourth class occurs nowhere and does not count. */
    const float y[] = { 0.7f, 0.1f, 0.1f, 0.1f, 0.2f, 0.5f, 0.2f, 0.1f, 0.1f, 0.6f, 0.2f, 0.1f,
                        0.1f, 0.1f, 0.8f, 0.0f, 0.4f, 0.3f, 0.3f, 0.0f };
    const float sparse[] = { 0, 1, 2, 2, 1 };
    float dense[20] = { 0 };
    for (size_t i = 0; i < 5; i++) {
        dense[i * 4 + (size_t)sparse[i]] = 1.0f;
    }
    for (int form = 0; form < 2; form++) {
        AUTO_PTR(meter) struct meter *meter =
            filled(ALL_CLASSES | 1u << METRIC_MAE, TASK_CLASSES, form == 0, 4, y, form == 0 ? sparse : dense, 5);
        check_close(meter_value(meter, METRIC_ACCURACY), 0.6, 1e-12);
        check_close(meter_value(meter, METRIC_PRECISION), (0.5 + 0.5 + 1.0) / 3.0, 1e-12);
        check_close(meter_value(meter, METRIC_RECALL), (1.0 + 0.5 + 0.5) / 3.0, 1e-12);
        check_close(meter_value(meter, METRIC_F1), (2.0 / 3.0 + 0.5 + 2.0 / 3.0) / 3.0, 1e-12);
        check_close(meter_value(meter, METRIC_LOG_LOSS), -(log(0.7) + log(0.5) + log(0.2) + log(0.8) + log(0.3)) / 5.0, 1e-6);
        /* class 0: 4 of 4; class 1: .5 and .3 against .1 .6 .1: 4 of 6; class 2: .2 and .8 against .1 .2 .3: 1 + .5 + 3 of 6 */
        check_close(meter_value(meter, METRIC_AUC), (1.0 + 4.0 / 6.0 + 4.5 / 6.0) / 3.0, 1e-12);
        check_close(meter_value(meter, METRIC_MAE), (0.6 + 1.0 + 1.6 + 0.4 + 1.4) / 20.0, 1e-6);
    }
}

static void test_meter_of_numbers(void **state)
{
    /* A large common part must not eat the digits of r2. */
    const float y[] = { 1000001.0f, 1000002.0f, 1000004.0f, 1000003.0f }, t[] = { 1000001.0f, 1000002.0f, 1000003.0f, 1000004.0f };
    AUTO_PTR(meter) struct meter *meter = filled(ALL_NUMBERS, TASK_REGRESSION, false, 1, y, t, 4);
    check_close(meter_value(meter, METRIC_MSE), 0.5, 1e-12);
    check_close(meter_value(meter, METRIC_MAE), 0.5, 1e-12);
    check_close(meter_value(meter, METRIC_R2), 1.0 - 2.0 / 5.0, 1e-9);
}

static void test_meter_without_an_answer(void **state)
{
    const float y[] = { 0.1f, 0.2f }, t[] = { 0, 0 };
    AUTO_PTR(meter) struct meter *meter = filled(ALL_CLASSES, TASK_BINARY, false, 1, y, t, 2);
    check(isnan(meter_value(meter, METRIC_AUC)));
    check_close(meter_value(meter, METRIC_PRECISION), 0.0, 0.0);
    meter_reset(meter);
    check(isnan(meter_value(meter, METRIC_ACCURACY)));
    AUTO_PTR(meter) struct meter *flat = filled(ALL_NUMBERS, TASK_REGRESSION, false, 1, y, t, 2);
    check(isnan(meter_value(flat, METRIC_R2)));
    const float lost[] = { NAN, 0.2f };
    AUTO_PTR(meter) struct meter *nan = filled(ALL_CLASSES, TASK_BINARY, false, 1, lost, t, 2);
    check(isnan(meter_value(nan, METRIC_AUC)));
}

/* Against the definition: all pairs. */
static void test_meter_auc_is_exact(void **state)
{
    float y[300], t[300];
    double above = 0.0, pairs = 0.0;
    for (size_t i = 0; i < 300; i++) {
        y[i] = floorf(ref_number(1, i) * 20.0f) / 40.0f + 0.5f; /* many ties */
        t[i] = (float)(ref_number(2, i) + y[i] > 0.6f);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < 300; j++) {
            if (t[i] > t[j]) {
                pairs += 1.0;
                above += y[i] > y[j] ? 1.0 : (y[i] == y[j] ? 0.5 : 0.0);
            }
        }
    }
    AUTO_PTR(meter) struct meter *meter = filled(1u << METRIC_AUC, TASK_BINARY, false, 1, y, t, 300);
    check_close(meter_value(meter, METRIC_AUC), above / pairs, 1e-15);
}

static void test_metric_check_refuses_what_means_nothing(void **state)
{
    struct why why = { 0 };
    check_rc(metric_check(METRIC_AUC, TASK_REGRESSION, 1, &why), RC_INVALID);
    check_rc(metric_check(METRIC_R2, TASK_BINARY, 1, &why), RC_INVALID);
    check_rc(metric_check(METRIC_F1, TASK_CLASSES, METRIC_CLASSES_MAX + 1, &why), RC_INVALID);
    check_contains(why.text, "up to 1000 classes");
    check_rc(metric_check(METRIC_ACCURACY, TASK_CLASSES, METRIC_CLASSES_MAX + 1, &why), RC_OK);
    check_rc(metric_check(METRIC_MSE, TASK_BINARY, 1, &why), RC_OK);
    check_int(meter_bytes(1u << METRIC_AUC, TASK_CLASSES, 1000, SIZE_MAX / 8), SIZE_MAX);
}

static void test_meter_create_survives_each_failing_allocation(void **state)
{
    const unsigned everything = ALL_CLASSES | ALL_NUMBERS;
    for (long n = 1;; n++) {
        AUTO_PTR(meter) struct meter *meter = NULL;
        mem_fail_at(n);
        const enum rc rc = meter_create(everything, TASK_CLASSES, true, 4, 10, &meter);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n == 7);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/nn/metric",
           CHECK(test_meter_of_a_binary_decision),
           CHECK(test_meter_of_several_classes),
           CHECK(test_meter_of_numbers),
           CHECK(test_meter_without_an_answer),
           CHECK(test_meter_auc_is_exact),
           CHECK(test_metric_check_refuses_what_means_nothing),
           CHECK(test_meter_create_survives_each_failing_allocation))
