/* SPDX-License-Identifier: Apache-2.0 */
#include "api/anonymous.h"

#include "core/base/mem.h"
#include "tests/check.h"

#define SECOND INT64_C(1000000000)

static const struct mono start = { 7 * SECOND };

static struct address address_of(const char *text)
{
    struct address address = { 0 };
    check(address_read(text, strlen(text), &address));
    return address;
}

/* How many of n requests at one moment pass. */
static int passed(struct anonymous *anonymous, const char *text, int n, struct mono now)
{
    const struct address address = address_of(text);
    int64_t seconds;
    int count = 0;
    for (int i = 0; i < n; i++) {
        count += anonymous_take(anonymous, &address, now, &seconds);
    }
    return count;
}

static int setup(void **state)
{
    struct anonymous *anonymous = NULL;
    const enum rc rc = anonymous_create(5, &anonymous);
    *state = anonymous;
    return rc != RC_OK;
}

static int teardown(void **state)
{
    anonymous_destroy(*state);
    return 0;
}

static void test_anonymous_take_counts_each_address_by_itself(void **state)
{
    check_int(passed(*state, "192.0.2.1", 100, start), 10);
    check_int(passed(*state, "192.0.2.2", 100, start), 10);
    check_int(passed(*state, "::ffff:192.0.2.2", 100, start), 0);
    check_int(passed(*state, "192.0.2.1", 100, (struct mono){ start.ns + SECOND }), 5);
    int64_t seconds = 0;
    const struct address address = address_of("192.0.2.1");
    check(!anonymous_take(*state, &address, start, &seconds));
    check_int(seconds, 2);
}

static void test_anonymous_take_counts_a_network_of_ipv6_together(void **state)
{
    check_int(passed(*state, "2001:db8:0:1::1", 6, start), 6);
    check_int(passed(*state, "2001:db8:0:1:ffff::9", 100, start), 4);
    check_int(passed(*state, "2001:db8:0:2::1", 100, start), 10);
}

static void test_anonymous_take_lets_through_what_has_no_address(void **state)
{
    const struct address none = { 0 };
    int64_t seconds;
    for (int i = 0; i < 1000; i++) {
        check(anonymous_take(*state, &none, start, &seconds));
    }
}

/* From a million addresses at once not a million buckets: what the table can hold, and the others inherit. */
static void test_anonymous_take_is_not_washed_away_by_many_addresses(void **state)
{
    int count = 0;
    int64_t seconds;
    for (uint32_t i = 0; i < 1000000; i++) {
        const unsigned char bytes[4] = { 10, (unsigned char)(i >> 16), (unsigned char)(i >> 8), (unsigned char)i };
        const struct address address = address_make(ADDRESS_IPV4, bytes);
        count += anonymous_take(*state, &address, start, &seconds);
    }
    check_int(count, ANONYMOUS_SETS * 4 * 10);
    check(!anonymous_take(*state, &(struct address){ ADDRESS_IPV4, { 10, 1, 1, 1 } }, start, &seconds));
    check_int(passed(*state, "10.1.1.1", 100, (struct mono){ start.ns + 2 * SECOND }), 10);
}

static void test_anonymous_create_refuses_failing_memory(void **state)
{
    struct anonymous *anonymous = NULL;
    mem_fail_at(1);
    check_rc(anonymous_create(1, &anonymous), RC_NO_MEMORY);
    mem_fail_at(0);
    check(anonymous == NULL);
}

CHECK_MAIN("api/anonymous", CHECK_WITH(test_anonymous_take_counts_each_address_by_itself, setup, teardown),
           CHECK_WITH(test_anonymous_take_counts_a_network_of_ipv6_together, setup, teardown),
           CHECK_WITH(test_anonymous_take_lets_through_what_has_no_address, setup, teardown),
           CHECK_WITH(test_anonymous_take_is_not_washed_away_by_many_addresses, setup, teardown),
           CHECK(test_anonymous_create_refuses_failing_memory))
