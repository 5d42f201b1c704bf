/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_LEASE_H
#define CORE_SERVICE_LEASE_H

#include "core/auth/quota.h"
#include "core/service/service.h"

/*
 * Where the quotas of tokens (core/auth/quota.h) meet the store: a lease is on
 * the disk before anything of it is used.
 *
 * Threads: any, all calls: disk. Memory: the caller's. Logs: lease_not_settled.
 */

struct token_row;
struct usage_list;

/* Extends the leases of a line of tokens so that the cost is covered, as far as the limits allow. RC_LIMITED: all is
 * leased, and requests under way hold it; RC_STORAGE_FULL, RC_IO and others of the store. */
enum rc lease_extend(struct service *service, struct quota *quota, const struct quota_numbers *cost, struct why *why) MUST_CHECK;

/* Gives a token that is resident the limits of its row; usage is what all tokens have been given (NULL: this one is
 * new). RC_CORRUPT, RC_NO_MEMORY. */
enum rc lease_limit(struct service *service, const struct token_row *row, const struct usage_list *usage, struct why *why) MUST_CHECK;

/* At a clean stop, when nobody asks any more: keeps what was really used, so that nothing is forfeited. */
void lease_settle(struct service *service);

#endif
