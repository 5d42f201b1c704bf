/* SPDX-License-Identifier: Apache-2.0 */
#include "core/math/mat.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <cblas.h>

#include "core/base/cleanup.h"

/*
 * Three packages offer the same library name and an administrator may have
 * installed any of them. The serial one answers wrong numbers when two threads
 * call it (about one product in a hundred), the OpenMP one collapses to a few
 * hundred products a second and ignores our thread setting, and reference BLAS,
 * BLIS and ATLAS do not have the openblas_ functions at all. Those are weak
 * here, so that the program still starts and can say so.
 */
#pragma weak openblas_get_parallel
#pragma weak openblas_get_config
#pragma weak openblas_get_corename
#pragma weak openblas_set_num_threads

#define RIGHT "install the package libopenblas0-pthread and choose it with update-alternatives"

#define TEST_M       32
#define TEST_N       128
#define TEST_K       100
#define TEST_ROUNDS  400
#define TEST_THREADS 2

const char *mat_library(void)
{
    static char text[256];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock); /* cannot fail: a plain static mutex */
    if (text[0] == '\0') {
        const bool known = openblas_get_config != NULL && openblas_get_corename != NULL;
        (void)snprintf(text, sizeof(text), "%s core %s", known ? openblas_get_config() : "an unknown BLAS",
                       known ? openblas_get_corename() : "unknown"); /* cut is fine */
    }
    (void)pthread_mutex_unlock(&lock);
    return text;
}

enum rc mat_judge(const struct mat_facts *facts, struct why *why)
{
    if (facts->parallel < 0 || facts->config == NULL) {
        return why_fail(why, RC_UNAVAILABLE, NULL, "the BLAS library is not OpenBLAS: " RIGHT);
    }
    if (facts->parallel == 0 || strstr(facts->config, "SINGLE_THREADED") != NULL) {
        return why_fail(why, RC_UNAVAILABLE, NULL, "the BLAS library is the serial OpenBLAS, which computes wrong numbers under threads: " RIGHT);
    }
    if (facts->parallel != 1) {
        return why_fail(why, RC_UNAVAILABLE, NULL, "the BLAS library is the OpenMP OpenBLAS, which cannot be called from several threads: " RIGHT);
    }
    return RC_OK;
}

struct trial {
    const float *x, *w, *want;
    float *y;
    bool wrong;
};

static void *try_products(void *arg)
{
    struct trial *trial = arg;
    for (int round = 0; round < TEST_ROUNDS; round++) {
        mat_product((struct mat){ trial->y, TEST_M, TEST_N, TEST_N }, (struct view){ trial->x, TEST_M, TEST_K, TEST_K },
                    (struct view){ trial->w, TEST_K, TEST_N, TEST_N });
        for (int i = 0; i < TEST_M * TEST_N; i++) {
            trial->wrong |= !(fabsf(trial->y[i] - trial->want[i]) <= 1e-3f);
        }
        memset(trial->y, 0xff, sizeof(float) * TEST_M * TEST_N); /* NaN: what is not overwritten shows */
    }
    return NULL;
}

static void reference(float *y, const float *x, const float *w)
{
    for (int m = 0; m < TEST_M; m++) {
        for (int n = 0; n < TEST_N; n++) {
            double sum = 0.0;
            for (int k = 0; k < TEST_K; k++) {
                sum += (double)x[m * TEST_K + k] * (double)w[k * TEST_N + n];
            }
            y[m * TEST_N + n] = (float)sum;
        }
    }
}

/* Two threads at once against our own sum: the serial build fails this. */
static enum rc test_itself(struct why *why)
{
    const size_t x_count = TEST_M * TEST_K, w_count = TEST_K * TEST_N, y_count = TEST_M * TEST_N;
    AUTO_FREE float *block = mem_floats(x_count + w_count + y_count * (1 + TEST_THREADS));
    if (block == NULL) {
        return RC_NO_MEMORY;
    }
    float *x = block, *w = x + x_count, *want = w + w_count, *y = want + y_count;
    for (size_t i = 0; i < x_count + w_count; i++) {
        block[i] = (float)((i * 7919) % 1009) / 1009.0f - 0.5f;
    }
    reference(want, x, w);
    struct trial trials[TEST_THREADS];
    pthread_t threads[TEST_THREADS];
    int started = 0;
    for (; started < TEST_THREADS; started++) {
        trials[started] = (struct trial){ x, w, want, y + y_count * (size_t)started, false };
        if (pthread_create(&threads[started], NULL, try_products, &trials[started]) != 0) {
            break;
        }
    }
    bool wrong = false;
    for (int i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL); /* ours and joinable */
        wrong |= trials[i].wrong;
    }
    if (started < TEST_THREADS) {
        return why_fail(why, RC_UNAVAILABLE, NULL, "a thread for the test of the BLAS library could not be started");
    }
    return !wrong ? RC_OK : why_fail(why, RC_UNAVAILABLE, NULL, "the BLAS library computes wrong numbers when two threads call it: " RIGHT);
}

enum rc mat_check_library(struct why *why)
{
    const bool known = openblas_get_parallel != NULL && openblas_get_config != NULL &&
                       openblas_get_corename != NULL && openblas_set_num_threads != NULL;
    const struct mat_facts facts = {
        .parallel = known ? openblas_get_parallel() : -1,
        .config = known ? openblas_get_config() : NULL,
    };
    const enum rc rc = mat_judge(&facts, why);
    if (rc != RC_OK) {
        return rc;
    }
    openblas_set_num_threads(1);
    return test_itself(why);
}
