/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "api/route.h"

/*
 * The OpenAPI 3.1 document, made from the route table and the field tables, so
 * that it cannot say anything but what is done.
 *
 * Threads: any. Memory: the caller destroys the document. Logs: no.
 */

/* RC_NO_MEMORY. prefix: the path of a proxy in front; "" or NULL: none. */
enum rc openapi_make(const struct api_route *routes, const char *version, const char *prefix, struct doc **ret) MUST_CHECK;

#endif
