/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_GATE_H
#define API_GATE_H

#include "api/request.h"

/*
 * The gate in front of every handler: what two readers of one byte stream could
 * read differently is refused before anything else looks at it. libmicrohttpd
 * 0.9.75 defends against none of it.
 *
 * Threads: the request's. Memory: copies of the headers, in the request's region. Logs: no.
 */

/* Keeps the headers of a good request. RC_INVALID, RC_TOO_LARGE, RC_UNSUPPORTED, RC_NO_MEMORY. */
enum rc gate_pass(struct api_request *request, const struct api_head *head, struct why *why) MUST_CHECK;

#endif
