/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdatomic.h>
#include <string.h>

#include "api/access.h"
#include "api/anonymous.h"
#include "api/charge.h"
#include "api/cors.h"
#include "api/error.h"
#include "api/etag.h"
#include "api/forwarded.h"
#include "api/gate.h"
#include "api/headers.h"
#include "api/openapi.h"
#include "api/ratelimit.h"
#include "api/reqlog.h"
#include "api/trace.h"
#include "api/url.h"

#define REPLY_MAX   (256u << 20) /* bytes of one whole reply */
#define OPENAPI_MAX (4u << 20)
#define METHODS     "GET, HEAD, POST, PUT, DELETE, OPTIONS" /* of the whole server */

struct api {
    struct api_settings settings; /* constant after create, as the next four */
    struct buf openapi;
    char openapi_etag[ETAG_SIZE];
    struct cors *cors;
    struct anonymous *anonymous;
    atomic_bool ready;
    _Atomic int64_t streams; /* open event streams */
};

static enum rc write_openapi(struct api *api)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    const struct api_settings *settings = &api->settings;
    enum rc rc = openapi_make(settings->routes, settings->version, settings->prefix, &doc);
    rc = rc != RC_OK ? rc : doc_write(doc, DOC_COMPACT, &api->openapi);
    return rc != RC_OK ? rc : etag_make(api->openapi.data, api->openapi.len, api->openapi_etag);
}

enum rc api_create(const struct api_settings *settings, struct api **ret)
{
    struct api *api = mem_alloc(sizeof(*api));
    if (api == NULL) {
        return RC_NO_MEMORY;
    }
    api->settings = *settings;
    buf_init(&api->openapi, OPENAPI_MAX);
    enum rc rc = write_openapi(api);
    rc = rc != RC_OK ? rc : cors_create(settings->cors_origins == NULL ? "" : settings->cors_origins, &api->cors, NULL);
    if (rc == RC_OK && settings->limits.anonymous > 0) {
        rc = anonymous_create(settings->limits.anonymous, &api->anonymous);
    }
    if (rc != RC_OK) {
        api_destroy(api);
        return rc;
    }
    *ret = api;
    return RC_OK;
}

void api_destroy(struct api *api)
{
    if (api != NULL) {
        anonymous_destroy(api->anonymous);
        cors_destroy(api->cors);
        buf_finish(&api->openapi);
        mem_free(api);
    }
}

const struct buf *api_get_openapi(const struct api *api)
{
    return &api->openapi;
}

const char *api_get_openapi_etag(const struct api *api)
{
    return api->openapi_etag;
}

const struct cors *api_get_cors(const struct api *api)
{
    return api->cors;
}

struct anonymous *api_get_anonymous(const struct api *api)
{
    return api->anonymous;
}

void api_set_ready(struct api *api, bool ready)
{
    atomic_store(&api->ready, ready);
}

bool api_is_ready(const struct api *api)
{
    return atomic_load(&api->ready);
}

const struct api_settings *api_get_settings(const struct api *api)
{
    return &api->settings;
}

enum rc api_stream_enter(struct api *api, struct why *why)
{
    if (atomic_fetch_add(&api->streams, 1) >= api->settings.limits.streams) {
        api_stream_leave(api);
        return why_fail(why, RC_LIMITED, NULL, "at most %lld event streams may be open at a time",
                        (long long)api->settings.limits.streams);
    }
    return RC_OK;
}

void api_stream_leave(struct api *api)
{
    atomic_fetch_sub(&api->streams, 1);
}

static uint64_t ceiling_of(const struct api_request *request)
{
    const struct api_limits *limits = &request->api->settings.limits;
    if (request->route->body == API_BODY_NONE) {
        return 0;
    }
    switch (request->route->ceiling) {
    case API_CEILING_JSON: return limits->json_bytes;
    case API_CEILING_PREDICT: return limits->predict_bytes;
    case API_CEILING_UPLOAD: return limits->upload_bytes;
    }
    return 0;
}

static enum rc check_body(struct api_request *request, struct why *why)
{
    request->body_max = ceiling_of(request);
    buf_init(&request->body, (size_t)request->body_max);
    if (request->body_announced <= 0) {
        return RC_OK;
    }
    if (request->route->body == API_BODY_NONE) {
        return why_fail(why, RC_INVALID, NULL, "this operation takes no body");
    }
    if ((uint64_t)request->body_announced > request->body_max) {
        return why_fail(why, RC_TOO_LARGE, "header:Content-Length", "the body may be at most %llu bytes, got %lld",
                        (unsigned long long)request->body_max, (long long)request->body_announced);
    }
    return RC_OK;
}

/* The path below the prefix of a proxy; RC_NOT_FOUND outside it. */
static enum rc cut_prefix(struct api_request *request, struct why *why)
{
    const char *prefix = request->api->settings.prefix;
    const size_t n = prefix == NULL ? 0 : strlen(prefix);
    if (n > 0 && (strncmp(request->path, prefix, n) != 0 || (request->path[n] != '/' && request->path[n] != '\0'))) {
        return why_fail(why, RC_NOT_FOUND, NULL, "there is nothing at this path");
    }
    request->path += n;
    request->path = request->path[0] == '\0' ? "/" : request->path;
    return RC_OK;
}

/* The methods of a path, or of the server; it needs no token, and tells nothing that the public document does not. */
static enum rc answer_options(struct api_request *request, const char *allow, struct why *why)
{
    if (request->body_announced != 0) {
        return why_fail(why, RC_INVALID, NULL, "OPTIONS takes no body");
    }
    const enum rc rc = cors_add_preflight(request, request->api->cors, allow);
    if (rc == RC_OK) {
        request->response.status = 204;
        request->refused = true; /* no route will look at what follows */
    }
    return rc;
}

static enum rc find_route(struct api_request *request, struct why *why)
{
    const char *allow = NULL;
    enum rc rc = cut_prefix(request, why);
    rc = rc != RC_OK ? rc : route_find(request->api->settings.routes, request, &allow, why);
    if (rc == RC_METHOD && api_add_header(request, "Allow", allow) != RC_OK) {
        return RC_NO_MEMORY;
    }
    return rc == RC_METHOD && strcmp(request->method, "OPTIONS") == 0 ? answer_options(request, allow, why) : rc;
}

/* Path and query of the target, and what answers there; OPTIONS is answered at once. */
static enum rc find_target(struct api_request *request, const char *target, struct url *url, struct why *why)
{
    if (strcmp(target, "*") == 0 && strcmp(request->method, "OPTIONS") == 0) {
        const enum rc rc = api_add_constant(request, "Allow", METHODS);
        return rc != RC_OK ? rc : answer_options(request, METHODS, why);
    }
    enum rc rc = url_cut_origin(target, api_get_header(request, "host"), &request->region, &target, why);
    rc = rc != RC_OK ? rc : url_parse(target, &request->region, url, why);
    if (rc != RC_OK) {
        return rc;
    }
    request->path = url->path;
    return find_route(request, why);
}

/* With the route found: who is asking, what with. */
static enum rc admit_to_route(struct api_request *request, const struct url *url, struct why *why)
{
    enum rc rc = cors_guard(request, request->api->cors, why);
    rc = rc != RC_OK ? rc : access_check(request, why);
    rc = rc != RC_OK ? rc : url_query(url, request->route->query, &request->region, &request->query, why);
    return rc != RC_OK ? rc : check_body(request, why);
}

static enum rc admit(struct api_request *request, const struct api_head *head, struct why *why)
{
    AUTO(url) struct url url = { NULL, NULL };
    enum rc rc = gate_pass(request, head, why);
    trace_begin(request);
    rc = rc != RC_OK ? rc : forwarded_read(request, why);
    rc = rc != RC_OK ? rc : access_connection(request, why);
    rc = rc != RC_OK ? rc : find_target(request, head->target, &url, why);
    return rc != RC_OK || request->response.status != 0 ? rc : admit_to_route(request, &url, why);
}

/* A failed handler may have begun a reply: the error replaces it. */
static void refuse(struct api_request *request, enum rc rc, const struct why *why)
{
    struct api_response *response = &request->response;
    if (response->stream.close != NULL) {
        response->stream.close(response->stream.arg);
    }
    response->stream = (struct api_stream){ 0 };
    const struct buf body = response->body;
    struct api_header allow = { NULL, NULL };
    for (size_t i = 0; i < response->header_count; i++) {
        allow = strcmp(response->headers[i].name, "Allow") == 0 ? response->headers[i] : allow;
    }
    *response = (struct api_response){ .body = body };
    response->body.failed = RC_OK;
    if (allow.name != NULL) {
        response->headers[response->header_count++] = allow;
    }
    headers_add_common(request);
    api_error_reply(request, rc, why);
    ratelimit_write(request);
    request->refused = true;
}

struct api_request *api_begin(struct api *api, const struct api_head *head)
{
    struct api_request *request = mem_alloc(sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    request->api = api;
    request->service = api->settings.service;
    region_init(&request->region, API_REGION_MAX);
    buf_init(&request->body, 0);
    buf_init(&request->response.body, REPLY_MAX);
    id_make("req", request->id);
    request->started = mono_now();
    request->handed = request->started;
    request->deadline.ns = request->started.ns + api->settings.limits.deadline_ms * 1000000;
    request->body_announced = head->body_bytes;
    if (head->peer != NULL) {
        request->peer = *head->peer;
        request->client = head->peer->address;
    }
    request->method = region_strdup(&request->region, head->method);
    request->method = request->method == NULL ? "" : request->method;
    struct why why = { 0 };
    const enum rc rc = access_limit_anonymous(request, admit(request, head, &why), &why);
    request->peer.refused = NULL; /* it was lent for this call */
    if (rc != RC_OK) {
        refuse(request, rc, &why);
    } else {
        headers_add_common(request);
    }
    return request;
}

enum api_where api_body_where(const struct api_request *request)
{
    return !request->refused && request->route->body == API_BODY_STREAM ? API_IO : API_INLINE;
}

void api_body(struct api_request *request, const char *bytes, size_t n)
{
    struct why why = { 0 };
    enum rc rc;
    request->body_received += n;
    if (request->response.status != 0) {
        return;
    }
    const struct mono begun = mono_now();
    if (request->route->body == API_BODY_NONE && n > 0) {
        rc = why_fail(&why, RC_INVALID, NULL, "this operation takes no body");
    } else if (request->body_received > request->body_max) {
        rc = why_fail(&why, RC_TOO_LARGE, NULL, "the body may be at most %llu bytes", (unsigned long long)request->body_max);
    } else if (request->route->body == API_BODY_STREAM) {
        rc = charge_chunk(request, n, &why);
        rc = rc != RC_OK ? rc : request->route->chunk(request, bytes, n, &why);
    } else {
        rc = buf_append(&request->body, bytes, n);
    }
    request->compute_us += mono_since(begun) / 1000;
    if (rc != RC_OK) {
        refuse(request, rc, &why);
    }
}

enum api_where api_end_where(struct api_request *request)
{
    if (request->response.status != 0) {
        return API_INLINE;
    }
    return charge_place(request, request->route->place != NULL ? request->route->place(request) : request->route->where);
}

static enum rc handle(struct api_request *request, struct why *why)
{
    if (request->route->body != API_BODY_STREAM && mono_now().ns > request->deadline.ns) {
        return why_fail(why, RC_TIMEOUT, NULL, "the request waited longer than its deadline of %lld ms",
                        (long long)request->api->settings.limits.deadline_ms);
    }
    enum rc rc = charge_start(request, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = request->route->handle(request, why);
    rc = rc != RC_OK ? rc : etag_apply(request); /* what the client has already is neither sent nor charged */
    rc = rc != RC_OK ? rc : charge_reply(request, why);
    if (rc != RC_OK) {
        charge_failed(request);
    }
    return rc;
}

void api_end(struct api_request *request)
{
    struct why why = { 0 };
    if (request->response.status != 0) {
        return;
    }
    const struct mono begun = mono_now();
    request->queue_us = (begun.ns - request->handed.ns) / 1000;
    const enum rc rc = handle(request, &why);
    request->compute_us += mono_since(begun) / 1000;
    if (rc != RC_OK) {
        refuse(request, rc, &why);
    } else {
        ratelimit_write(request);
    }
    MUST(request->response.status != 0);
}

void api_refuse(struct api_request *request, enum rc rc, const struct why *why)
{
    if (request->response.status == 0) {
        refuse(request, rc, why);
    }
}

void api_on_wake(struct api_request *request, void (*wake)(void *arg), void *arg)
{
    request->wake = wake;
    request->wake_arg = arg;
}

enum rc api_next(struct api_request *request, struct buf *out, bool *ret_end)
{
    const struct api_stream *stream = &request->response.stream;
    const size_t before = out->len;
    const enum rc rc = stream->next(stream->arg, out, ret_end);
    if (!charge_piece(request, out->len - before)) {
        buf_cut(out, before);
        *ret_end = true;
    }
    request->bytes_out += out->len - before;
    return rc;
}

enum api_where api_done_where(const struct api_request *request)
{
    return request->state != NULL ? API_IO : API_INLINE;
}

void api_done(struct api_request *request, bool complete)
{
    const struct api_settings *settings = &request->api->settings;
    if (request->response.stream.close != NULL) {
        request->response.stream.close(request->response.stream.arg);
    } else {
        request->bytes_out = request->response.body.len;
    }
    if (request->state != NULL) {
        request->drop(request->state);
    }
    if (settings->log.write != NULL) {
        char line[REQLOG_LINE_MAX];
        const size_t n = reqlog_format(request, complete, settings->log.address, line);
        settings->log.write(settings->log.arg, line, n);
    }
    charge_leave(request);
    if (request->caller.grant != NULL && settings->auth.release != NULL) {
        settings->auth.release(settings->auth.arg, &request->caller);
    }
    buf_finish(&request->body);
    buf_finish(&request->response.body);
    region_finish(&request->region);
    mem_free(request);
}
