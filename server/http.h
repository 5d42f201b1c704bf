/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * HTTP over libmicrohttpd: its one door.
 *
 * Event threads read, call api_begin() and what is inline, and send; everything
 * else runs on a pool while its connection is suspended, so no event thread
 * waits. A request belongs either to its event thread or, while suspended, to
 * one worker; it is freed only when libmicrohttpd says that it is over.
 *
 * libmicrohttpd 0.9.75 aborts when it is stopped with a suspended connection:
 * http_stop() first lets the pools finish, so that each has been resumed.
 *
 * Threads: start and stop from main. Memory: http_stop() frees. Logs: its own errors.
 */

#define HTTP_MEMORY_LIMIT  (32u << 10) /* bytes of one connection inside libmicrohttpd */
#define HTTP_HEADER_MS     10000       /* for the headers of a request, and the TLS handshake */
#define HTTP_GRACE_MS      10000       /* of a body or reply, beside its size over the rate */
#define HTTP_BYTES_PER_SEC 8192        /* what a peer must manage */
#define HTTP_DRAIN_BYTES   (1u << 20)  /* of a refused body: read and thrown away before the refusal is told, and once more after */
#define HTTP_TICK_MS       250

struct api;
struct http;
struct pool;
struct tls;

struct http_settings {
    struct api *api;
    struct pool *compute, *io; /* borrowed */
    int listen_fd;             /* borrowed; closed by its owner after http_quiesce() */
    struct tls *tls;           /* borrowed; NULL: without */
    int threads;
    int connections;
    int64_t idle_ms;
    int64_t header_ms, grace_ms; /* 0: the constants above */
};

/* RC_IO when libmicrohttpd does not start. */
enum rc http_start(const struct http_settings *settings, struct http **ret, struct why *why) MUST_CHECK;

/* Takes no new connections and ends the event streams; the listening socket may be closed after it. */
void http_quiesce(struct http *http);

/* Waits until no request is in flight; false: some still were after so many milliseconds. */
bool http_wait(struct http *http, int64_t ms);

/* Drains both pools, cuts what is left, stops and frees. After http_quiesce(). */
void http_stop(struct http *http);

#endif
