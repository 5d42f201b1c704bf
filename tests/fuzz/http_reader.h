/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_HTTP_READER_H
#define TESTS_FUZZ_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A second statement of HTTP/1.1 (RFC 9112), narrower than the RFC where readers
 * are known to differ: lines end in CR LF, no folded line, one Host, a number or
 * exactly "chunked" and never both, no control characters. What it takes, every
 * reader reads alike; so nothing else may have an effect, nor may anything behind a
 * chunked body, whose framing readers are known to read differently.
 *
 * Threads: one. Memory: requests point into the bytes. Logs: no.
 */

#define HTTP_REQUESTS_MAX 64

struct http_text {
    const char *at;
    size_t n;
};

struct http_request {
    struct http_text method, target;
    struct http_text authorization; /* at NULL: absent */
    bool chunked;
    uint64_t body_bytes;
    uint32_t body_sum; /* http_sum() of the decoded body */
};

struct http_stream {
    struct http_request requests[HTTP_REQUESTS_MAX]; /* in order */
    size_t count;                                    /* of those that are whole and good: each wants its reply */
    size_t possible;                                 /* the same, or one more that may have its effect: only its trailers are not good */
    bool clean;                                      /* nothing stands behind the last one */
};

void http_read(const char *bytes, size_t n, struct http_stream *ret);

/* A sum over pieces: begin with 0. */
uint32_t http_sum(uint32_t sum, const char *bytes, size_t n);

struct http_replies {
    size_t count;  /* whole ones, without 100 Continue */
    bool closes;   /* the last one said Connection: close */
    bool trailing; /* bytes behind the last whole one */
};

/* What came back; the stream tells which replies are to HEAD and have no body. */
void http_read_replies(const char *bytes, size_t n, const struct http_stream *stream, struct http_replies *ret);

#endif
