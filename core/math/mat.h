/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MATH_MAT_H
#define CORE_MATH_MAT_H

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Matrix products: the one door to the BLAS.
 *
 * Matrices are row-major floats; weights lie K x N (input by output), which is
 * the fast order of the library for small batches and gives a row the same
 * bits at more batch sizes. A view has a stride of its own, so a tile of
 * columns is a view too. Shapes and strides are checked always: six integer
 * comparisons cost nothing beside a product, and no sanitizer sees into the
 * library.
 *
 * M rows of a batch, K inputs, N outputs.
 *
 * Threads: any number up to MAT_CALLERS_MAX at once; the library itself runs
 * on the caller's thread only. Memory: the caller's. Logs: no.
 */

#define MAT_CALLERS_MAX 64 /* more callers at once crash OpenBLAS 0.3.21 */

struct mat {
    float *at;
    int rows, columns;
    int stride; /* floats from one row to the next, at least columns */
};

/* The same, for reading only. */
struct view {
    const float *at;
    int rows, columns;
    int stride;
};

/* Refuses any BLAS but the thread-safe OpenBLAS, by its own words and by a self-test with two
 * threads, and sets it to one library thread. RC_UNAVAILABLE: why names the Debian package that is
 * right; RC_NO_MEMORY. Once, at start, before any other use; costs about 20 ms. */
enum rc mat_check_library(struct why *why) MUST_CHECK;

/* "OpenBLAS 0.3.21 ... core Cooperlake", for the records; static. */
const char *mat_library(void);

/* Y = X W:      M x N = M x K times K x N */
void mat_product(struct mat y, struct view x, struct view w);

/* dW += X^T dY: K x N = K x M times M x N */
void mat_weight_gradient(struct mat dw, struct view x, struct view dy);

/* dX = dY W^T:  M x K = M x N times N x K */
void mat_input_gradient(struct mat dx, struct view dy, struct view w);

/* What a BLAS says of itself; absent functions are -1 and NULL. */
struct mat_facts {
    int parallel;       /* openblas_get_parallel(): 0 serial, 1 pthread, 2 OpenMP */
    const char *config; /* openblas_get_config() */
};

/* The judgement of mat_check_library() before its self-test. */
enum rc mat_judge(const struct mat_facts *facts, struct why *why) MUST_CHECK;

#endif
