/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answers.h"

#include <stdlib.h>

#include "core/base/rng.h"
#include "core/data/transform.h"
#include "tests/check.h"

static const char *number(float x)
{
    static struct buf out;
    buf_finish(&out);
    buf_init(&out, 100);
    answers_number(x, &out);
    return out.data;
}

static void test_answers_number_is_short_and_exact(void **state)
{
    check_text(number(0.0F), "0.0");
    check_text(number(1.0F), "1.0");
    check_text(number(-2.0F), "-2.0");
    check_text(number(0.1F), "0.1");
    check_text(number(100000.0F), "100000.0");
    check_text(number(1e20F), "1e+20");
    check_text(number(0.33333334F), "0.33333334");
    check_text(number(NAN), "NaN");
    check_text(number(-INFINITY), "-Infinity");
    const struct rng rng = { .seed = 1, .stream = RNG_TEST };
    for (uint64_t i = 0; i < 20000; i++) {
        union {
            uint32_t bits;
            float x;
        } it = { (uint32_t)rng_bits(&rng, i) };

        if (isfinite(it.x)) {
            check(strtof(number(it.x), NULL) == it.x);
        }
    }
}

static void check_record(int task, const char *const *classes, size_t count, const float *y, int n, unsigned flags, const char *want)
{
    const struct target target = { .name = "t", .task = task, .classes = { (void *)classes, count } };
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    answers_record(&target, y, n, flags, &out);
    check_text(out.data, want);
}

static void test_answers_record_names_the_class(void **state)
{
    static const char *const two[] = { "bad", "good" }, *const three[] = { "a", "b", "c\"" };
    check_record(TARGET_REGRESSION, NULL, 0, (const float[]){ 1.5F }, 1, 0, "1.5");
    check_record(TARGET_BINARY, two, 2, (const float[]){ 0.75F }, 1, 0,
                 "{\"label\":\"good\",\"probability\":0.75,\"probabilities\":{\"bad\":0.25,\"good\":0.75}}");
    check_record(TARGET_BINARY, two, 2, (const float[]){ 0.5F }, 1, 0,
                 "{\"label\":\"good\",\"probability\":0.5,\"probabilities\":{\"bad\":0.5,\"good\":0.5}}");
    check_record(TARGET_BINARY, two, 2, (const float[]){ 0.25F }, 1, TRANSFORM_UNKNOWN_CATEGORY | TRANSFORM_OUT_OF_RANGE,
                 "{\"label\":\"bad\",\"probability\":0.75,\"probabilities\":{\"bad\":0.75,\"good\":0.25},"
                 "\"flags\":[\"unknown_category\",\"out_of_range\"]}");
    check_record(TARGET_MULTI_CLASS, three, 3, (const float[]){ 0.25F, 0.25F, 0.5F }, 3, TRANSFORM_OUT_OF_RANGE,
                 "{\"label\":\"c\\\"\",\"probability\":0.5,\"probabilities\":{\"a\":0.25,\"b\":0.25,\"c\\\"\":0.5},"
                 "\"flags\":[\"out_of_range\"]}");
}

CHECK_MAIN("api/answers",
           CHECK(test_answers_number_is_short_and_exact),
           CHECK(test_answers_record_names_the_class))
