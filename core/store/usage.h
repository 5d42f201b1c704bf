/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_USAGE_H
#define CORE_STORE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/id.h"
#include "core/store/store.h"

/*
 * What limited tokens have been given of their limits, one row a token: on its
 * last day, and uses in all. A row is on the disk before what it says is used,
 * so that a crash forfeits and never gives back.
 *
 * Threads, memory and common errors: store.h. Logs: no.
 */

struct usage_row {
    char token[ID_SIZE];
    int64_t day; /* since 1970, UTC */
    int64_t rows, bytes, bits;
    int64_t uses;
};

struct usage_list {
    struct usage_row *rows;
    size_t count;
};

/* Raises what is on record: the numbers of the same day and the uses never become less, a later day begins anew,
 * an earlier one counts no more. RC_NOT_FOUND: the token. */
enum rc store_usage_lease(struct store *store, const struct usage_row *row, struct why *why) MUST_CHECK;

/* Sets all of them in one transaction, also to less: at a clean stop, when nobody uses anything any more.
 * Tokens that are not on record are let pass. */
enum rc store_usage_settle(struct store *store, const struct usage_row *rows, size_t count) MUST_CHECK;

/* Of all tokens that are not revoked, by their ids. */
enum rc store_usage_list(struct store *store, struct region *region, struct usage_list *ret) MUST_CHECK;

#endif
