/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_GATE_H
#define API_GATE_H

#include "api/request.h"

/*
 * The gate in front of every handler: what two readers of one byte stream could
 * read differently is refused before anything else looks at it. libmicrohttpd
 * 0.9.75 defends against none of it.
 *
 * - The head is well-formed (the door says so), of HTTP/1.0 or 1.1, with names
 *   that are RFC 9110 tokens and values without control characters; bytes above
 *   ASCII stand only in headers that nobody here reads.
 * - The method is one of six; another is 501, since no path offers it. One of the
 *   six that this path does not offer is 405.
 * - Exactly one Host, host[:port]. What is read as one value stands once.
 * - The body's length is said in one way: digits in Content-Length, or exactly
 *   `chunked`, which HTTP/1.0 does not know. The body is not compressed.
 * - Expect is 100-continue, else 417. Upgrade and what Connection names are not
 *   looked at: no connection changes its protocol, and no header loses its weight
 *   because the client calls it hop-by-hop.
 *
 * Threads: the request's. Memory: copies of the headers, in the request's region. Logs: no.
 */

#define GATE_HEADERS_MAX      100
#define GATE_HEADER_BYTES_MAX (24u << 10) /* of all names and values; libmicrohttpd ends a little above */
#define GATE_HOST_BYTES_MAX   255

/* Keeps the headers of a good request, names in lower case, values without blanks around them.
 * RC_INVALID, RC_UNSUPPORTED, RC_NOT_IMPLEMENTED, RC_EXPECTATION, RC_HEADERS_TOO_LARGE, RC_NO_MEMORY. */
enum rc gate_pass(struct api_request *request, const struct api_head *head, struct why *why) MUST_CHECK;

/* Is this host or host:port: a name, an IPv4 address or [IPv6]? */
bool gate_is_host(const char *text);

#endif
