/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/error.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

/* A table of the test's own: what the dispatch does is seen without the use cases. */

static enum rc handle_echo(struct api_request *request, struct why *why)
{
    struct doc *out = doc_new_object();
    (void)doc_put_integer(out, "bytes", (int64_t)request->body.len);
    (void)doc_put_string(out, "model", api_get_param(request, "model"));
    (void)doc_put_integer(out, "version", api_get_version(request));
    return api_reply_doc(request, 200, out);
}

static enum rc handle_parse(struct api_request *request, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    const enum rc rc = api_read_doc(request, &body, why);
    return rc != RC_OK ? rc : api_reply_doc(request, 201, TAKE(body));
}

static enum rc handle_fail(struct api_request *request, struct why *why)
{
    for (int rc = 0; rc <= RC_INTERNAL; rc++) {
        if (strcmp(rc_name((enum rc)rc), api_get_param(request, "name")) == 0) {
            return why_fail(why, (enum rc)rc, "some.path", "some words about /secret");
        }
    }
    return RC_NOT_FOUND;
}

static int dropped, chunks, closed;

static void drop_state(void *state)
{
    dropped++;
}

static enum rc take_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why)
{
    request->state = &dropped;
    request->drop = drop_state;
    chunks++;
    return memchr(bytes, '!', n) != NULL ? why_fail(why, RC_UNPROCESSABLE, "file", "must not shout") : RC_OK;
}

static enum rc next_piece(void *arg, struct buf *out, bool *ret_end)
{
    int *left = arg;
    *ret_end = --*left == 0;
    return buf_text(out, "piece\n");
}

static void close_pieces(void *arg)
{
    closed++;
}

static enum rc handle_stream(struct api_request *request, struct why *why)
{
    static int left;
    left = 3;
    return api_reply_stream(request, "text/event-stream", (struct api_stream){ &left, next_piece, close_pieces });
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/open", .open = true, .handle = handle_echo, .id = "open", .status = 200 },
    { .method = "GET", .pattern = "/v1/models/{model}", .kind = "model", .named = "model", .verb = "read", .handle = handle_echo, .id = "get" },
    { .method = "DELETE", .pattern = "/v1/models/{model}", .kind = "model", .named = "model", .verb = "erase", .handle = handle_echo, .id = "del" },
    { .method = "POST", .pattern = "/v1/models/{model}:predict", .kind = "model", .named = "model", .verb = "predict", .body = API_BODY_WHOLE, .ceiling = API_CEILING_PREDICT, .handle = handle_echo, .id = "predict" },
    { .method = "POST", .pattern = "/v1/models/{model}/versions/{version}:predict", .kind = "model", .named = "model", .verb = "predict", .body = API_BODY_WHOLE, .ceiling = API_CEILING_PREDICT, .handle = handle_echo, .id = "predict2" },
    { .method = "POST", .pattern = "/v1/things", .kind = "dataset", .verb = "write", .body = API_BODY_WHOLE, .handle = handle_parse, .id = "things" },
    { .method = "POST", .pattern = "/v1/uploads", .kind = "dataset", .verb = "write", .body = API_BODY_STREAM, .ceiling = API_CEILING_UPLOAD, .handle = handle_echo, .chunk = take_chunk, .id = "uploads" },
    { .method = "GET", .pattern = "/fail/{name}", .kind = "admin", .verb = "write", .handle = handle_fail, .id = "fail" },
    { .method = "GET", .pattern = "/stream", .kind = "job", .verb = "read", .handle = handle_stream, .id = "stream" },
    { .method = NULL },
};

static enum rc authenticate(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    if (strncmp(ask->token, "t-", 2) != 0) {
        return why_fail(why, RC_UNAUTHENTICATED, "header:Authorization", "the token is not known");
    }
    ret->grant = region_strdup(region, ask->token);
    return RC_OK;
}

/* "t-all" may do all, "t-credit" only what names the model credit. */
static bool allows(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return strcmp(caller->grant, "t-all") == 0 || (name != NULL && strcmp((const char *)caller->grant + 2, name) == 0);
}

static struct api *open_api(void)
{
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .auth = { .authenticate = authenticate, .allows = allows },
        .limits = { .json_bytes = 64, .predict_bytes = 128, .upload_bytes = 1000, .deadline_ms = 10000, .streams = 1 },
    };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    return api;
}

struct row {
    const char *method, *target, *token;
    const char *body;
    int status;
    const char *part;
};

static void check_row(struct api *api, const struct row *row)
{
    struct loopback_reply reply;
    loopback(api, &(struct loopback_call){ .method = row->method, .target = row->target, .token = row->token, .body = row->body }, &reply);
    if (reply.status != row->status || strstr(reply.body, row->part) == NULL) {
        fail_msg("%s %s gave %d %s, expected %d with %s", row->method, row->target, reply.status, reply.body, row->status, row->part);
    }
    check_contains(loopback_header(&reply, "X-Request-Id"), "req-");
    loopback_finish(&reply);
}

static void test_api_routes_authenticates_and_limits(void **state)
{
    static const struct row rows[] = {
        { "GET", "/open", NULL, NULL, 200, "" },
        { "HEAD", "/open", NULL, NULL, 200, "" },
        { "GET", "/nothing", "t-all", NULL, 404, "\"code\":\"not_found\"" },
        { "GET", "/open/", NULL, NULL, 404, "not_found" },
        { "POST", "/open", NULL, NULL, 405, "GET, HEAD" },
        { "BREW", "/open", NULL, NULL, 501, "not_implemented" },
        { "get", "/open", NULL, NULL, 501, "not_implemented" },
        { "PUT", "/v1/models/credit", "t-all", NULL, 405, "GET, HEAD, DELETE" },
        { "GET", "/v1/models/credit:predict", "t-all", NULL, 405, "{\"error\":\"this path offers POST" },
        { "GET", "/v1/models/credit", NULL, NULL, 401, "\"error\":{" },
        { "GET", "/v1/models/credit", "x", NULL, 401, "unauthenticated" },
        { "GET", "/v1/models/credit", "t-other", NULL, 403, "model:credit:read" },
        { "GET", "/v1/models/credit", "t-credit", NULL, 200, "\"model\":\"credit\"" },
        { "GET", "/v1/models/-x", "t-all", NULL, 404, "\"path\":\"model\"" },
        { "GET", "/v1/models/credit?x=1", "t-all", NULL, 400, "unknown_key" },
        { "GET", "/v1/models/credit", "t-all", "{}", 400, "no body" },
        { "POST", "/v1/models/credit:predict", "t-credit", "{}", 200, "\"bytes\":2" },
        { "POST", "/v1/models/credit/versions/12:predict", "t-credit", "{}", 200, "\"version\":12" },
        { "POST", "/v1/models/credit/versions/0:predict", "t-credit", "{}", 400, "{\"error\":\"version: must be" },
        { "POST", "/v1/models/credit/versions/x:predict", "t-credit", "{}", 400, "whole number" },
        { "POST", "/v1/models/credit:predict:predict", "t-credit", "{}", 404, "error" },
        { "POST", "/v1/things", "t-all", "{\"a\":1}", 201, "{\"a\":1}" },
        { "POST", "/v1/things", "t-all", "{\"a\":1", 400, "invalid_json" },
        { "POST", "/v1/things", "t-all", NULL, 400, "invalid_json" },
        { "POST", "/v1/things", "t-all", "{\"a\":1,\"a\":2}", 400, "duplicate_key" },
        { "POST", "/v1/things", "t-credit", "{\"a\":1}", 403, "dataset:*:write" },
        { "POST", "/v1/things", "t-all", "[                                                               ]", 413, "too_large" },
        { "GET", "/v1/models/../open", NULL, NULL, 400, "invalid_value" },
        { "GET", "/fail/CONFLICT", "t-all", NULL, 409, "some.path" },
    };

    struct api *api = open_api();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_row(api, &rows[i]);
    }
    api_destroy(api);
}

static void test_api_error_maps_every_code(void **state)
{
    struct api *api = open_api();
    for (int rc = 1; rc <= RC_INTERNAL; rc++) {
        char target[80];
        (void)snprintf(target, sizeof(target), "/fail/%s", rc_name((enum rc)rc));
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = "GET", .target = target, .token = "t-all" }, &reply);
        const struct api_error error = api_error_of((enum rc)rc);
        check_int(reply.status, error.status);
        check_text(loopback_header(&reply, "Content-Type"), "application/problem+json");
        check_text(doc_get_string(reply.doc, "code", ""), error.code);
        check_contains(doc_get_string(reply.doc, "type", ""), error.code);
        check_text(doc_get_string(reply.doc, "request_id", ""), loopback_header(&reply, "X-Request-Id"));
        check(error.status != 500 || strstr(reply.body, "secret") == NULL);
        check_int(strcmp(loopback_header(&reply, "Retry-After"), "") != 0, error.status == 429 || error.status == 503);
        check_text(loopback_header(&reply, "x-should-retry"), error.status == 409 ? "false" : "");
        check_int(strcmp(loopback_header(&reply, "WWW-Authenticate"), "") != 0, error.status == 401);
        loopback_finish(&reply);
    }
    api_destroy(api);
}

/* The table of api/error.c and that of core/base/rc.h name the same codes. */
static void test_api_error_has_a_row_for_every_code(void **state)
{
    for (int rc = 1; rc <= RC_INTERNAL; rc++) {
        check_text(api_error_of((enum rc)rc).code, rc_code((enum rc)rc));
    }
    for (const struct api_error *error = api_errors; error->code != NULL; error++) {
        int known = 0, rows = 0;
        for (int rc = 1; rc <= RC_INTERNAL; rc++) {
            known += strcmp(rc_code((enum rc)rc), error->code) == 0;
        }
        for (const struct api_error *other = api_errors; other->code != NULL; other++) {
            rows += strcmp(other->code, error->code) == 0;
        }
        check(known >= 1 && rows == 1 && error->status >= 400 && error->status <= 599);
        check(error->title[0] != '\0' && error->advice[0] != '\0');
    }
}

static void test_api_refuses_bad_framing(void **state)
{
    static const struct {
        struct api_header more[3];
        bool no_host;
        int status;
    } rows[] = {
        { { { "Accept", "*/*" } }, false, 200 },
        { { { NULL, NULL } }, true, 400 },
        { { { "Host", "b" } }, false, 400 },
        { { { "Content-Length", "0" }, { "content-length", "0" } }, false, 400 },
        { { { "Content-Length", "0" }, { "Transfer-Encoding", "chunked" } }, false, 400 },
        { { { "Transfer-Encoding", "gzip, chunked" } }, false, 400 },
        { { { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } }, false, 400 },
        { { { "X-Thing", "a\x01" } }, false, 400 },
        { { { "Content-Encoding", "gzip" } }, false, 415 },
    };

    struct api *api = open_api();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct loopback_call call = { .method = "GET", .target = "/open", .no_host = rows[i].no_host };
        memcpy(call.more, rows[i].more, sizeof(rows[i].more));
        struct loopback_reply reply;
        loopback(api, &call, &reply);
        if (reply.status != rows[i].status) {
            fail_msg("row %zu gave %d %s, expected %d", i, reply.status, reply.body, rows[i].status);
        }
        loopback_finish(&reply);
    }
    api_destroy(api);
}

static void test_api_streams_bodies_and_drops_their_state(void **state)
{
    struct api *api = open_api();
    struct loopback_reply reply;
    dropped = chunks = 0;
    loopback(api, &(struct loopback_call){ .method = "POST", .target = "/v1/uploads", .token = "t-all", .body = "0123456789", .chunk = 3 }, &reply);
    check_int(reply.status, 200);
    check_int(chunks, 4);
    check_int(dropped, 1);
    loopback_finish(&reply);

    dropped = chunks = 0;
    loopback(api, &(struct loopback_call){ .method = "POST", .target = "/v1/uploads", .token = "t-all", .body = "012!456789", .chunk = 1 }, &reply);
    check_int(reply.status, 422);
    check_int(chunks, 4);
    check_int(dropped, 1);
    loopback_finish(&reply);
    api_destroy(api);
}

static void test_api_counts_chunked_bodies(void **state)
{
    struct api *api = open_api();
    struct loopback_reply reply;
    char body[200];
    memset(body, ' ', sizeof(body));
    loopback(api, &(struct loopback_call){ .method = "POST", .target = "/v1/things", .token = "t-all", .body = body, .body_bytes = sizeof(body), .chunk = 16, .chunked = true }, &reply);
    check_int(reply.status, 413);
    loopback_finish(&reply);
    loopback(api, &(struct loopback_call){ .method = "GET", .target = "/open", .body = "x", .chunked = true }, &reply);
    check_int(reply.status, 400);
    loopback_finish(&reply);
    api_destroy(api);
}

static void test_api_streams_replies(void **state)
{
    struct api *api = open_api();
    struct loopback_reply reply;
    closed = 0;
    loopback(api, &(struct loopback_call){ .method = "GET", .target = "/stream", .token = "t-all" }, &reply);
    check_text(reply.body, "piece\npiece\npiece\n");
    check_text(loopback_header(&reply, "Content-Type"), "text/event-stream");
    check_int(closed, 1);
    loopback_finish(&reply);
    struct why why = { 0 };
    check_rc(api_stream_enter(api, &why), RC_OK);
    check_rc(api_stream_enter(api, &why), RC_LIMITED);
    api_stream_leave(api);
    check_rc(api_stream_enter(api, &why), RC_OK);
    api_destroy(api);
}

static void test_api_echoes_only_clean_client_ids(void **state)
{
    static const struct {
        const char *name, *value, *echoed;
    } rows[] = {
        { "X-Request-Id", "abc-123", "abc-123" },
        { "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
        { "X-Request-Id", "a b", "" },
        { "X-Request-Id", "a\"}", "" },
        { "X-Request-Id", "", "" },
    };

    struct api *api = open_api();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = "GET", .target = "/open", .more = { { rows[i].name, rows[i].value } } }, &reply);
        check_text(loopback_header(&reply, "X-Client-Request-Id"), rows[i].echoed);
        loopback_finish(&reply);
    }
    api_destroy(api);
}

static void test_api_answers_with_each_failing_allocation(void **state)
{
    struct api *api = open_api();
    const struct api_header headers[] = { { "Host", "a" }, { "Authorization", "Bearer t-all" } };
    const struct api_head head = { "POST", "/v1/things?x=1", headers, 2, 7 };
    for (long n = 1; n < 60; n++) {
        mem_fail_at(n);
        struct api_request *request = api_begin(api, &head);
        if (request != NULL) {
            api_body(request, "{\"a\":1}", 7);
            api_end(request);
            check(request->response.status >= 400);
            api_done(request, true);
        }
        mem_fail_at(0);
    }
    api_destroy(api);
}

/* One that is known, one address of two, and what cannot be told from a malformed head. */
static void test_api_limits_who_brings_no_token(void **state)
{
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .auth = { .authenticate = authenticate, .allows = allows },
        .limits = { .deadline_ms = 10000, .anonymous = 1 },
    };
    const struct api_peer one = { .address = { ADDRESS_IPV4, { 192, 0, 2, 1 } } };
    const struct api_peer other = { .address = { ADDRESS_IPV4, { 192, 0, 2, 2 } } };

    const struct step {
        struct loopback_call call;
        int status;
    } steps[] = {
        { { "GET", "/open", .peer = &one }, 200 },
        { { "GET", "/v1/models/credit", .peer = &one }, 401 },
        { { "GET", "/open", .peer = &one }, 429 },
        { { "GET", "/v1/models/credit", .peer = &one }, 429 },
        { { "GET", "/v1/models/credit", "x", .peer = &one }, 429 },
        { { "GET", "/nothing", .peer = &one }, 429 },
        { { "POST", "/open", .peer = &one }, 429 },
        { { "BREW", "/open", .peer = &one }, 501 },
        { { "GET", "/open", .no_host = true, .peer = &one }, 400 },
        { { "GET", "/v1/models/credit", "t-all", .peer = &one }, 200 },
        { { "GET", "/v1/models/credit", "t-other", .peer = &one }, 403 },
        { { "GET", "/open", .peer = &other }, 200 },
        { { "GET", "/open" }, 200 },
    };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct loopback_reply reply;
        loopback(api, &steps[i].call, &reply);
        if (reply.status != steps[i].status) {
            fail_msg("step %zu gave %d %s, expected %d", i, reply.status, reply.body, steps[i].status);
        }
        if (reply.status == 429) {
            check_contains(reply.body, "\"code\":\"rate_limited\"");
            check_text(loopback_header(&reply, "Retry-After"), "1");
        }
        loopback_finish(&reply);
    }
    api_destroy(api);
}

CHECK_MAIN("api/api",
           CHECK(test_api_routes_authenticates_and_limits),
           CHECK(test_api_error_has_a_row_for_every_code), CHECK(test_api_error_maps_every_code),
           CHECK(test_api_refuses_bad_framing),
           CHECK(test_api_streams_bodies_and_drops_their_state),
           CHECK(test_api_counts_chunked_bodies),
           CHECK(test_api_streams_replies),
           CHECK(test_api_limits_who_brings_no_token),
           CHECK(test_api_echoes_only_clean_client_ids),
           CHECK(test_api_answers_with_each_failing_allocation))
