/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOOPBACK_H
#define TESTS_SUPPORT_LOOPBACK_H

#include "api/api.h"

/*
 * The API without a socket: one call is one request, with all five moments, and
 * what came back. Everything runs on the calling thread.
 */

struct loopback_call {
    const char *method, *target;
    const char *token; /* NULL: no Authorization */
    const char *type;  /* Content-Type; NULL: none */
    const char *body;  /* NULL: none */
    size_t body_bytes; /* 0: the length of the text */
    size_t chunk;      /* bytes per chunk; 0: whole */
    bool chunked;      /* no Content-Length */
    bool no_host;
    const struct api_peer *peer; /* NULL: not known */
    struct api_header more[4];
};

struct loopback_reply {
    int status;
    char *body; /* never NULL */
    size_t body_bytes;
    struct doc *doc; /* NULL: the body is not JSON */
    struct api_header headers[API_REPLY_HEADERS_MAX];
    size_t header_count;
};

void loopback(struct api *api, const struct loopback_call *call, struct loopback_reply *ret);
void loopback_finish(struct loopback_reply *reply);

/* The value of a reply header, or "". */
const char *loopback_header(const struct loopback_reply *reply, const char *name);

#endif
