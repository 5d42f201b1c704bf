/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HEADERS_H
#define API_HEADERS_H

#include "api/request.h"

/*
 * The headers of every reply: who it was, and what a browser or a cache must not
 * do with it. Nothing is kept by caches, sniffed, framed, run, or passed on as a
 * referrer, whatever a handler returns; the public documents allow caching
 * themselves (api_set_constant()).
 *
 * No header tells the software or its version.
 *
 * Threads: the request's. Memory: the request's. Logs: no.
 */

/* Where no reply header is but Allow. */
void headers_add_common(struct api_request *request);

#endif
