/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RESPONSE_H
#define API_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/rc.h"

/*
 * A reply: status, headers, and a body that is whole or comes in pieces.
 *
 * Header names are constants; values live in the request's region. A streamed
 * body is asked for pieces, never pushed, so a slow reader costs one buffer.
 *
 * Threads: one at a time, as its request. Memory: the request's. Logs: no.
 */

#define API_REPLY_HEADERS_MAX 32

struct api_header {
    const char *name;
    const char *value;
};

/* Pieces of a reply. next() appends what there is now: nothing is "not yet", *ret_end closes it. */
struct api_stream {
    void *arg;
    enum rc (*next)(void *arg, struct buf *out, bool *ret_end);
    void (*close)(void *arg); /* once, whatever happened */
};

struct api_response {
    int status;       /* 0: there is no reply yet */
    const char *code; /* of the error, for the log; NULL: none */
    struct api_header headers[API_REPLY_HEADERS_MAX];
    size_t header_count;
    const char *etag; /* of the body, made beforehand; NULL: made from it */
    struct buf body;
    struct api_stream stream; /* next is NULL: the body is whole */
};

#endif
