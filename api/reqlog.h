/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQLOG_H
#define API_REQLOG_H

#include "api/request.h"

/*
 * The request log: one JSON line a request. It names the route's template, never
 * the target, and holds no payload and no personal data.
 *
 * Threads: any. Memory: none. Logs: that line.
 */

void reqlog_write(const struct api_request *request, bool complete);

#endif
