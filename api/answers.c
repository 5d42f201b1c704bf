/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/base/doc.h"
#include "core/data/transform.h"

/* Every append is on a buffer that keeps its failure, which the caller looks at once. */

#define NUMBER_SIZE 40

void answers_number(float x, struct buf *out)
{
    char text[NUMBER_SIZE];
    float back = 0;
    if (isnan(x) || isinf(x)) {
        (void)buf_text(out, isnan(x) ? "NaN" : x > 0 ? "Infinity"
                                                     : "-Infinity");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        const int n = snprintf(text, sizeof(text), "%.*g", digits, (double)x);
        if (decimal_to_float(text, (size_t)n, &back) && back == x) {
            break;
        }
    }
    (void)buf_text(out, text);
    if (strpbrk(text, ".e") == NULL) {
        (void)buf_text(out, ".0");
    }
}

void answers_tensor(const float *y, int n, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        (void)buf_char(out, i == 0 ? '[' : ',');
        answers_number(y[i], out);
    }
    (void)buf_char(out, ']');
}

/* The probability of a class; a binary network may say only that of the second. */
static float probability(const float *y, int n, int class)
{
    if (n == 1) {
        return class == 1 ? y[0] : 1.0F - y[0];
    }
    return y[class];
}

/* Of two classes the second wins a tie, as a threshold of one half has it. */
static int most_probable(const float *y, int n, int classes)
{
    int best = 0;
    for (int i = 1; i < classes; i++) {
        const float p = probability(y, n, i), most = probability(y, n, best);
        best = p > most || (classes == 2 && p == most) ? i : best;
    }
    return best;
}

static void write_flags(unsigned flags, struct buf *out)
{
    if (flags == 0) {
        return;
    }
    const bool unknown = (flags & TRANSFORM_UNKNOWN_CATEGORY) != 0, outside = (flags & TRANSFORM_OUT_OF_RANGE) != 0;
    (void)buf_printf(out, ",\"flags\":[%s%s%s]", unknown ? "\"unknown_category\"" : "", unknown && outside ? "," : "",
                     outside ? "\"out_of_range\"" : "");
}

void answers_record(const struct target *target, const float *y, int n, unsigned flags, struct buf *out)
{
    const int classes = (int)target->classes.count;
    if (target->task == TARGET_REGRESSION && n == 1) {
        answers_number(y[0], out);
        return;
    }
    if (classes != n && !(classes == 2 && n == 1)) {
        answers_tensor(y, n, out);
        return;
    }
    const int best = most_probable(y, n, classes);
    (void)buf_text(out, "{\"label\":");
    (void)doc_write_string(target_class(target, (size_t)best), out);
    (void)buf_text(out, ",\"probability\":");
    answers_number(probability(y, n, best), out);
    for (int i = 0; i < classes; i++) {
        (void)buf_text(out, i == 0 ? ",\"probabilities\":{" : ",");
        (void)doc_write_string(target_class(target, (size_t)i), out);
        (void)buf_char(out, ':');
        answers_number(probability(y, n, i), out);
    }
    (void)buf_char(out, '}');
    write_flags(flags, out);
    (void)buf_char(out, '}');
}

size_t answers_bytes_max(const struct target *target, int n)
{
    static const char frame[] = "{\"label\":,\"probability\":,\"probabilities\":{},\"flags\":[\"unknown_category\",\"out_of_range\"]}";
    size_t names = 0, longest = 0;
    for (size_t i = 0; i < target->classes.count; i++) {
        const size_t bytes = 6 * strlen(target_class(target, i)) + 4; /* each byte an escape, quotes, colon, comma */
        names += bytes;
        longest = bytes > longest ? bytes : longest;
    }
    return sizeof(frame) + longest + names + ((size_t)n + target->classes.count + 1) * NUMBER_SIZE;
}
