/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_CAVEAT_H
#define CORE_AUTH_CAVEAT_H

#include <stdint.h>

#include "core/base/address.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Caveats: what a narrowed token may not do that its token may. A closed list:
 *
 *     path=PATH        requests with this decoded path, below the server's prefix
 *     model=NAME       requests whose path names this model
 *     expires=SECONDS  requests before this Unix time
 *     address=RANGE    requests of clients with such an address, and it is known
 *
 * A "*" at the end of a path or a name stands for every continuation; anywhere
 * else it is a character. Names and paths are compared byte by byte. A caveat
 * that is not in the list, or is not well-formed, allows nothing: who wrote it
 * meant to forbid something.
 *
 * Threads: any. Memory: none. Logs: no.
 */

/* What the request says of itself; borrowed. */
struct caveat_ask {
    const char *path;
    const char *model;             /* NULL: the path names none */
    const struct address *address; /* ADDRESS_NONE: not known */
    int64_t now;                   /* Unix seconds */
};

/* Does the caveat let the request through? RC_DENIED; RC_UNAUTHENTICATED: the time is over. */
enum rc caveat_check(const char *caveat, const struct caveat_ask *ask, struct why *why) MUST_CHECK;

#endif
