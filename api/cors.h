/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CORS_H
#define API_CORS_H

#include "api/request.h"

/*
 * Browsers: which pages may read our answers, and that no other page uses what a
 * connection stands for.
 *
 * The configuration lists origins, exactly as browsers send them, or "*". A reply
 * to a listed origin says so; a reply to another one says nothing. Cookies play
 * no part and Access-Control-Allow-Credentials is never sent: a page brings a token.
 *
 * Where a request brings none and the connection stands for a token (a listener's
 * default_token, a client certificate), a page of another origin could act with it,
 * unseen by its user. So such requests are refused unless their origin is listed by
 * name or is our own; and with a default_token the Host must be an address or
 * localhost, so that no foreign name that was bent to our address is "our own".
 *
 * Threads: any (constant after create). Memory: cors_destroy() frees. Logs: no.
 */

#define CORS_ORIGINS_MAX 64

struct cors;

/* The text: origins separated by blanks, or "*"; empty: none. RC_INVALID, RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc cors_create(const char *text, struct cors **ret, struct why *why) MUST_CHECK;
void cors_destroy(struct cors *cors);

/* Headers for the page that asked, where there is one: up to three. RC_NO_MEMORY. */
enum rc cors_add_headers(struct api_request *request, const struct cors *cors);

/* Those of the answer to OPTIONS beside them; allow: the methods of the path. RC_NO_MEMORY. */
enum rc cors_add_preflight(struct api_request *request, const struct cors *cors, const char *allow) MUST_CHECK;

/* May this request use what its connection stands for? With its route found. RC_DENIED. */
enum rc cors_guard(const struct api_request *request, const struct cors *cors, struct why *why) MUST_CHECK;

#endif
