/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RATELIMIT_H
#define API_RATELIMIT_H

#include "api/request.h"

/*
 * The header fields RateLimit-Policy and RateLimit as draft-ietf-httpapi-ratelimit-headers-10
 * has them: what a token may use, and what is left of it.
 *
 *     RateLimit-Policy: "requests";q=10;w=1, "rows";q=1000;w=86400
 *     RateLimit: "requests";r=9;t=1, "rows";r=960;t=51234
 *
 * Of each kind the tightest limit is told, be it the token's own or one of a
 * token that made it. Days are those of UTC, so t is the time to midnight.
 *
 * Threads: the request's. Memory: the request's region. Logs: no.
 */

/* Adds both fields to the reply; nothing for a caller without limits. */
void ratelimit_write(struct api_request *request);

#endif
