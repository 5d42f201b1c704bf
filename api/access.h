/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "api/api.h"

/*
 * Who is asking, and may it: token, scope, and how often nobody may ask.
 *
 * Threads: the request's; must not touch the disk. Memory: the caller is the
 * request's until api_done(). Logs: no.
 */

/* RC_DENIED when the connection itself may ask nothing: its client's certificate was refused. Before the path is looked at. */
enum rc access_connection(const struct api_request *request, struct why *why) MUST_CHECK;

/* RC_UNAUTHENTICATED, RC_DENIED, those of charge_begin(); RC_OK at once for a public route. */
enum rc access_check(struct api_request *request, struct why *why) MUST_CHECK;

/* What admission gave, rc, or RC_LIMITED: no token stands behind the request, and its address has sent too many of those. */
enum rc access_limit_anonymous(struct api_request *request, enum rc rc, struct why *why) MUST_CHECK;

#endif
