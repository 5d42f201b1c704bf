/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_FORWARDED_H
#define API_FORWARDED_H

#include "api/request.h"

/*
 * Who is behind the proxies: request->client and request->client_is_secure.
 *
 * Only a proxy that the listener names is believed, by its address or because it
 * is the one at the other end of a Unix socket; from anybody else these headers
 * are not even read. The list is walked from its right end, where the nearest
 * proxy wrote: the first address that is no believed proxy is the client. What
 * stands left of it came from the client and is not looked at.
 *
 * X-Forwarded-For holds addresses, with a port or without; Forwarded (RFC 7239)
 * holds for=, quoted, [IPv6]:port. "unknown" and hidden names (_x) make the client
 * unknown. A proxy writes one of the two headers and passes the other one through
 * as the client sent it; since we cannot tell which, both together must name the
 * same client, else the request is refused. So is what cannot be read.
 *
 * Whether the client speaks TLS is what X-Forwarded-Proto or proto= says.
 *
 * Threads: the request's. Memory: none. Logs: no.
 */

#define FORWARDED_BYTES_MAX 4096 /* of one header, all its lines */
#define FORWARDED_HOPS_MAX  32   /* believed proxies in a row */

/* After the gate. RC_INVALID. */
enum rc forwarded_read(struct api_request *request, struct why *why) MUST_CHECK;

#endif
