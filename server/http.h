/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
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
#define HTTP_TICK_MS       250         /* how often time limits are looked at */
#define HTTP_TIGHT_PERCENT 80          /* of the ceiling of connections: above it time limits shrink */
#define HTTP_TIGHT_MS      1000        /* to this, at the ceiling */
#define HTTP_TIGHT_TICK_MS 50
#define HTTP_IDLE_FULL_MS  100  /* at the ceiling connections that are idle for so long are let go */
#define HTTP_LAST_CALL_MS  1000 /* in a stop: for the next request of a connection that has none in flight */
#define HTTP_THREADS_MAX   64

struct api;
struct http;
struct listener;
struct pool;

struct http_settings {
    struct api *api;
    struct pool *compute, *io;  /* borrowed */
    struct listener *listeners; /* borrowed; closed by their owner after http_quiesce() */
    size_t listener_count;
    int threads;     /* of each kind of listener, plain and TLS; at most HTTP_THREADS_MAX */
    int connections; /* at a time */
    int per_address; /* of one address; 0: no such limit */
    int64_t idle_ms;
    int64_t header_ms, grace_ms; /* 0: the constants above */
};

/* RC_IO when libmicrohttpd does not start. */
enum rc http_start(const struct http_settings *settings, struct http **ret, struct why *why) MUST_CHECK;

/* Accepts whoever has connected and nobody more, and ends the event streams; the listeners may be closed after it.
 * What comes on the connections that stand is still answered, once. */
void http_quiesce(struct http *http);

/* Waits until no request is in flight and no connection is left that could bring one; false: requests still were in
 * flight after so many milliseconds. */
bool http_wait(struct http *http, int64_t ms);

/* Drains both pools, cuts what is left, stops and frees. After http_quiesce(). */
void http_stop(struct http *http);

#endif
