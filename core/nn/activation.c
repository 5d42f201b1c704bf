/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/activation.h"

#include "core/math/vec.h"

const char *const activation_names[] = {
    [ACTIVATION_LINEAR] = "linear",
    [ACTIVATION_RELU] = "relu",
    [ACTIVATION_SIGMOID] = "sigmoid",
    [ACTIVATION_TANH] = "tanh",
    [ACTIVATION_SOFTMAX] = "softmax",
    NULL,
};

bool activation_is_row_wise(enum activation activation)
{
    return activation == ACTIVATION_SOFTMAX;
}

static void forward(enum activation activation, float *y, size_t n)
{
    switch (activation) {
    case ACTIVATION_LINEAR: break;
    case ACTIVATION_RELU: vec_relu(y, y, n); break;
    case ACTIVATION_SIGMOID: vec_sigmoid(y, y, n); break;
    case ACTIVATION_TANH: vec_tanh(y, y, n); break;
    case ACTIVATION_SOFTMAX: vec_softmax(y, y, n); break;
    }
}

static void backward(enum activation activation, float *dx, const float *dy, const float *y, size_t n)
{
    switch (activation) {
    case ACTIVATION_LINEAR:
        for (size_t i = 0; i < n && dx != dy; i++) {
            dx[i] = dy[i];
        }
        break;
    case ACTIVATION_RELU: vec_relu_backward(dx, dy, y, n); break;
    case ACTIVATION_SIGMOID: vec_sigmoid_backward(dx, dy, y, n); break;
    case ACTIVATION_TANH: vec_tanh_backward(dx, dy, y, n); break;
    case ACTIVATION_SOFTMAX: vec_softmax_backward(dx, dy, y, n); break;
    }
}

/* Rows without gaps are one long row to a function that looks at single elements. */
static bool is_one_run(enum activation activation, int columns, int stride)
{
    return !activation_is_row_wise(activation) && columns == stride;
}

void activation_forward(enum activation activation, struct mat y)
{
    if (is_one_run(activation, y.columns, y.stride)) {
        forward(activation, y.at, (size_t)y.rows * (size_t)y.columns);
        return;
    }
    for (size_t m = 0; m < (size_t)y.rows; m++) {
        forward(activation, y.at + m * (size_t)y.stride, (size_t)y.columns);
    }
}

void activation_backward(enum activation activation, struct mat dx, struct view dy, struct view y)
{
    MUST(dx.rows == dy.rows && dx.rows == y.rows && dx.columns == dy.columns && dx.columns == y.columns);
    if (is_one_run(activation, y.columns, y.stride) && dx.stride == y.stride && dy.stride == y.stride) {
        backward(activation, dx.at, dy.at, y.at, (size_t)y.rows * (size_t)y.columns);
        return;
    }
    for (size_t m = 0; m < (size_t)y.rows; m++) {
        backward(activation, dx.at + m * (size_t)dx.stride, dy.at + m * (size_t)dy.stride,
                 y.at + m * (size_t)y.stride, (size_t)y.columns);
    }
}
