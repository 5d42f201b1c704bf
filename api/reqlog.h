/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQLOG_H
#define API_REQLOG_H

#include "api/request.h"

/*
 * The request log: one JSON line a request, from one table of fields, which
 * docs/operations.md is held to. It names the route's template, never the
 * target, and holds no payload and no personal data: of the client's address
 * only the network, unless the configuration wants it whole.
 *
 * Threads: any. Memory: none. Logs: that line, through the sink.
 */

#define REQLOG_LINE_MAX 4000 /* bytes; no request makes a longer line */

enum reqlog_address {
    REQLOG_TRUNCATED,
    REQLOG_FULL,
    REQLOG_NONE,
};

/* Where lines go. write() must not block; the line has no newline and is borrowed. */
struct api_log {
    void *arg;
    void (*write)(void *arg, const char *line, size_t n); /* NULL: no request log */
    enum reqlog_address address;
};

/* The line of a request that is done, without a newline; its length. complete: the reply went out whole. */
size_t reqlog_format(const struct api_request *request, bool complete, enum reqlog_address address, char ret[REQLOG_LINE_MAX]);

/* What a line holds, in its order. */
extern const struct schema reqlog_schema;

#endif
