/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/usage.h"

#include "tests/core/store/place.h"

static struct token_row add_token(struct place *it)
{
    static int number;
    struct token_row row = { .name = "it", .scopes = "*", .created_at = 5, .expires_at = 100 };
    id_make("tok", row.id);
    (void)snprintf(row.sha256, sizeof(row.sha256), "%064d", ++number);
    check_ok(store_token_add(it->store, &row, &it->why), &it->why);
    return row;
}

static struct usage_row make(const struct token_row *token, int64_t day, int64_t rows, int64_t bytes, int64_t bits, int64_t uses)
{
    struct usage_row row = { .day = day, .rows = rows, .bytes = bytes, .bits = bits, .uses = uses };
    memcpy(row.token, token->id, sizeof(row.token));
    return row;
}

static void check_usage(struct place *it, const struct usage_row *want)
{
    struct usage_list list;
    check_rc(store_usage_list(it->store, &it->region, &list), RC_OK);
    size_t i = 0; /* ids of one millisecond come in any order */
    while (i < list.count && strcmp(list.rows[i].token, want->token) != 0) {
        i++;
    }
    check(i < list.count);
    const struct usage_row *got = &list.rows[i];
    check_int(got->day, want->day);
    check_int(got->rows, want->rows);
    check_int(got->bytes, want->bytes);
    check_int(got->bits, want->bits);
    check_int(got->uses, want->uses);
}

static void test_store_usage_lease_never_takes_back(void **state)
{
    struct place *it = *state;
    const struct token_row token = add_token(it);

    static const struct {
        int64_t give[5], want[5];
    } rows[] = {
        { { 7, 1, 2, 3, 4 }, { 7, 1, 2, 3, 4 } },
        { { 7, 10, 1, 30, 1 }, { 7, 10, 2, 30, 4 } },
        { { 6, 99, 99, 99, 5 }, { 7, 10, 2, 30, 5 } },
        { { 8, 1, 0, 2, 3 }, { 8, 1, 0, 2, 5 } },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int64_t *give = rows[i].give, *want = rows[i].want;
        const struct usage_row row = make(&token, give[0], give[1], give[2], give[3], give[4]);
        check_ok(store_usage_lease(it->store, &row, &it->why), &it->why);
        place_reopen(it);
        const struct usage_row kept = make(&token, want[0], want[1], want[2], want[3], want[4]);
        check_usage(it, &kept);
    }
    const struct usage_row stranger = { .token = "tok-none" };
    check_rc(store_usage_lease(it->store, &stranger, &it->why), RC_NOT_FOUND);
}

static void test_store_usage_settle_sets_what_was_used(void **state)
{
    struct place *it = *state;
    const struct token_row one = add_token(it), other = add_token(it);
    const struct usage_row leases[] = { make(&one, 7, 100, 100, 100, 100), make(&other, 7, 50, 50, 50, 50) };
    check_ok(store_usage_lease(it->store, &leases[1], &it->why), &it->why);
    check_ok(store_usage_lease(it->store, &leases[0], &it->why), &it->why);
    const struct usage_row used[] = { make(&one, 7, 60, 61, 62, 63), { .token = "tok-none" }, make(&other, 8, 1, 2, 3, 4) };
    check_rc(store_usage_settle(it->store, used, COUNT_OF(used)), RC_OK);
    place_reopen(it);
    check_usage(it, &used[0]);
    check_usage(it, &used[2]);
    check_ok(store_token_revoke(it->store, one.id, 50, &it->why), &it->why);
    check_usage(it, &used[2]);
}

CHECK_MAIN("core/store/usage", PLACE_CHECK(test_store_usage_lease_never_takes_back),
           PLACE_CHECK(test_store_usage_settle_sets_what_was_used))
