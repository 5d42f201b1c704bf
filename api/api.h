/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_H
#define API_API_H

#include "api/reqlog.h"
#include "api/route.h"
#include "core/service/caller.h"

/*
 * The contract without a socket: five moments of a request.
 *
 *     begin  headers are there: route, authenticate, limits, refuse early
 *     body   chunks, each at most API_CHUNK_MAX; on api_body_where()
 *     end    the body is complete: the handler runs; on api_end_where()
 *     next   a piece of a streamed reply, without waiting; wake() says when to ask again
 *     done   the outcome is known: one log line, everything freed
 *
 * After begin, body or end the reply stands as soon as response.status is not
 * 0; body and end then do nothing, so a door may go on reading and throw away.
 *
 * Threads: struct api is shared and constant but for its counters; a request is
 * one thread's at a time. Memory: api_begin() makes, api_done() frees. Logs: the
 * request log, and what error.h says.
 */

#define API_CHUNK_MAX (256u << 10)

struct api_limits {
    uint64_t json_bytes;    /* JSON bodies of the native API */
    uint64_t predict_bytes; /* bodies of predictions */
    uint64_t upload_bytes;  /* uploads */
    int64_t predict_rows;
    int64_t deadline_ms;
    int64_t streams;   /* event streams at a time */
    int64_t anonymous; /* requests a second from one address without a valid token; 0: no limit */
};

/* Who may do what: the service's tokens; tests bring their own. */
struct api_auth {
    void *arg;
    /* RC_UNAUTHENTICATED: unknown, expired or revoked. Must not touch the disk. */
    enum rc (*authenticate)(void *arg, const struct caller_ask *ask, struct region *region,
                            struct api_caller *ret, struct why *why);
    bool (*allows)(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb);
    void (*release)(void *arg, struct api_caller *caller); /* NULL: nothing to give back */
    /* Extends the leases of a caller's quota; the errors of lease_extend(). Disk. NULL where no caller has a quota. */
    enum rc (*lease)(void *arg, struct quota *quota, const struct quota_numbers *cost, struct why *why);
};

struct api_settings {
    const struct api_route *routes;
    struct api_auth auth;
    struct service *service; /* borrowed */
    struct api_limits limits;
    const char *cors_origins; /* as cors_create() reads them; NULL: none */
    bool hsts;                /* browsers that came over TLS must go on so */
    const char *prefix;       /* path prefix behind a proxy, "/licit"; NULL or "": none */
    const char *version;
    struct api_log log;
};

enum rc api_create(const struct api_settings *settings, struct api **ret) MUST_CHECK;
void api_destroy(struct api *api);

/* While not ready, /v2/health/ready says so; every other route goes on. Ready at first: no. */
void api_set_ready(struct api *api, bool ready);
bool api_is_ready(const struct api *api);
const struct api_settings *api_get_settings(const struct api *api);

/* The text of the OpenAPI document and its tag: made once, since making it takes milliseconds. */
const struct buf *api_get_openapi(const struct api *api);
const char *api_get_openapi_etag(const struct api *api);

struct cors;
const struct cors *api_get_cors(const struct api *api);

/* The buckets of unauthenticated traffic; NULL: there is no limit. */
struct anonymous;
struct anonymous *api_get_anonymous(const struct api *api);

/* Counts an event stream in; RC_LIMITED at the ceiling. */
enum rc api_stream_enter(struct api *api, struct why *why) MUST_CHECK;
void api_stream_leave(struct api *api);

/* NULL: no memory at all, close the connection. */
struct api_request *api_begin(struct api *api, const struct api_head *head);

enum api_where api_body_where(const struct api_request *request);
void api_body(struct api_request *request, const char *bytes, size_t n);

enum api_where api_end_where(struct api_request *request);
void api_end(struct api_request *request);

/* Refuses from outside: the pool is full (RC_BUSY), the deadline passed, the daemon stops. */
void api_refuse(struct api_request *request, enum rc rc, const struct why *why);

/* Whom a streamed reply tells that there may be more: called from any thread, must not block. Set it before api_end(). */
void api_on_wake(struct api_request *request, void (*wake)(void *arg), void *arg);

/* Appends the next piece, or nothing; *ret_end: that was all. Ask also once a second: heartbeats. */
enum rc api_next(struct api_request *request, struct buf *out, bool *ret_end) MUST_CHECK;

/* complete: the reply reached the socket whole. May close files: on the io pool where api_done_where() says so. */
enum api_where api_done_where(const struct api_request *request);
void api_done(struct api_request *request, bool complete);

#endif
