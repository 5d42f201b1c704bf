/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rate.h"

#include "tests/check.h"

#define SECOND INT64_C(1000000000)

static const struct mono start = { 5 * SECOND };

static struct mono at(int64_t ns)
{
    return (struct mono){ start.ns + ns };
}

static void test_rate_take_lets_a_burst_through_and_says_when_to_come_again(void **state)
{
    const struct rate rate = rate_make(10, 10);
    int64_t bucket = 0, wait = -1;
    for (int i = 0; i < 10; i++) {
        check_int(rate_left(&rate, bucket, start), 10 - i);
        check(rate_take(&rate, &bucket, start, &wait));
    }
    check_int(rate_left(&rate, bucket, start), 0);
    check(!rate_take(&rate, &bucket, start, &wait));
    check_int(wait, SECOND / 10);
    check(!rate_take(&rate, &bucket, at(wait - 1), &wait));
    check_int(wait, 1);
    check(rate_take(&rate, &bucket, at(SECOND / 10), &wait));
    check_int(rate_left(&rate, bucket, at(10 * SECOND)), 10);
}

static void test_rate_give_takes_the_last_one_back(void **state)
{
    const struct rate rate = rate_make(1, 1);
    int64_t bucket = 0, wait = -1;
    check(rate_take(&rate, &bucket, start, &wait));
    check(!rate_take(&rate, &bucket, start, &wait));
    rate_give(&rate, &bucket);
    check(rate_take(&rate, &bucket, start, &wait));
}

/* Whoever asks all the time gets the burst and then the rate, at every rate, also one that divides no second. */
static void test_rate_never_lets_more_through_than_it_says(void **state)
{
    static const int64_t rates[] = { 1, 3, 7, 10, 999, 1000, 99991, RATE_MAX };
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const struct rate rate = rate_make(rates[i], rates[i]);
        const int64_t step = SECOND / rates[i] / 3 + 1, ticks = rates[i] > 1000 ? 30000 : 3 * SECOND / step;
        int64_t bucket = 0, wait, passed = 0;
        for (int64_t tick = 0; tick < ticks; tick++) {
            passed += rate_take(&rate, &bucket, at(tick * step), &wait);
        }
        const int64_t most = rates[i] + ticks * step / SECOND * rates[i] + (ticks * step % SECOND) * rates[i] / SECOND;
        check(passed <= most + 1);
        check(passed >= most - most / 100 - 2 || passed == ticks);
    }
}

CHECK_MAIN("core/base/rate", CHECK(test_rate_take_lets_a_burst_through_and_says_when_to_come_again),
           CHECK(test_rate_give_takes_the_last_one_back), CHECK(test_rate_never_lets_more_through_than_it_says))
