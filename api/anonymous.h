/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ANONYMOUS_H
#define API_ANONYMOUS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/address.h"
#include "core/base/clock.h"
#include "core/base/rc.h"

/*
 * The limit of traffic that no token stands behind: so many requests a second
 * for each address, with twice that at once. An IPv4 address has a bucket of its
 * own, an IPv6 address shares one with its /64, which is what one client is given.
 *
 * The table never grows. A newcomer takes the place of the address of its set
 * whose bucket is fullest, and begins with what is left in that: so a flood from
 * many addresses cannot wash away what an address has used up, and in a quiet
 * table nothing is inherited. Which addresses share a set depends on a secret.
 *
 * Threads: any. Memory: anonymous_destroy() frees. Logs: no.
 */

#define ANONYMOUS_SETS 4096 /* sets of four addresses; 400 kB in all */

struct anonymous;

/* per_second 1 to half of RATE_MAX. RC_NO_MEMORY; RC_INTERNAL: the system has no entropy. */
enum rc anonymous_create(int64_t per_second, struct anonymous **ret) MUST_CHECK;
void anonymous_destroy(struct anonymous *anonymous);

/* One request from there. false: too many; *ret_seconds: when the next may come, 1 at least. What has no known
 * address is let through. */
bool anonymous_take(struct anonymous *anonymous, const struct address *address, struct mono now, int64_t *ret_seconds);

#endif
