/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ETAG_H
#define API_ETAG_H

#include "api/request.h"

/*
 * Strong entity tags (RFC 9110, 8.8): 16 bytes of the body's SHA-256, so that a
 * client that has the body is told so (304) and a body that changed never looks
 * the same.
 *
 * Threads: the request's. Memory: the request's. Logs: no.
 */

#define ETAG_SIZE 35 /* two quotes, 32 digits, a NUL */

enum rc etag_make(const void *body, size_t n, char ret[ETAG_SIZE]) MUST_CHECK;

/* Is the tag in the list of If-None-Match, or is that "*"? W/ does not matter. What is no list matches nothing. */
bool etag_matches(const char *list, const char *tag);

/* To a whole 200 of GET or HEAD: its ETag, and 304 without a body where the client has it. RC_NO_MEMORY. */
enum rc etag_apply(struct api_request *request) MUST_CHECK;

#endif
