/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rng.h"

#include "tests/check.h"

/* Known answers of Philox4x32-10: Random123, kat_vectors. */
static void test_rng_philox_known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } rows[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t got[4];
        rng_philox(rows[i].counter, rows[i].key, got);
        check_bytes(got, rows[i].want, sizeof(got));
    }
}

static void test_rng_permutation_holds_every_number_once(void **state)
{
    uint32_t order[1000];
    unsigned char seen[1000] = { 0 };
    rng_permutation(&(struct rng){ 7, RNG_TEST, 0 }, order, 1000);
    for (size_t i = 0; i < 1000; i++) {
        check(order[i] < 1000 && !seen[order[i]]);
        seen[order[i]] = 1;
    }
}

static void test_rng_normal_has_mean_zero_and_variance_one(void **state)
{
    const struct rng rng = { 1, RNG_TEST, 0 };
    double sum = 0.0, squares = 0.0;
    for (uint64_t i = 0; i < 100000; i++) {
        const double x = rng_normal(&rng, i);
        sum += x;
        squares += x * x;
    }
    check_close(sum / 1e5, 0.0, 0.015); /* more than four standard errors */
    check_close(squares / 1e5, 1.0, 0.02);
}

CHECK_MAIN("core/base/rng",
           CHECK(test_rng_philox_known_answers),
           CHECK(test_rng_permutation_holds_every_number_once),
           CHECK(test_rng_normal_has_mean_zero_and_variance_one))
