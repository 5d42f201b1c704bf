/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reqlog.h"

#include "api/api.h"
#include "api/trace.h"
#include "core/base/rng.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

static char line[REQLOG_LINE_MAX + 1];
static int lines;

static void keep_line(void *arg, const char *text, size_t n)
{
    check(n < sizeof(line));
    memcpy(line, text, n);
    line[n] = '\0';
    lines++;
}

static enum rc echo(struct api_request *request, struct why *why)
{
    request->log_model = region_strdup(&request->region, api_get_param(request, "model"));
    request->log_version = 3;
    return api_reply(request, 200, "text/plain", request->body.data, request->body.len);
}

static enum rc authenticate(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    (void)snprintf(ret->token, sizeof(ret->token), "tok-00000000000000000001");
    return RC_OK;
}

static bool allows(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return strcmp(name, "secret") != 0;
}

static struct api *open_api(enum reqlog_address address)
{
    static const struct api_route routes[] = {
        { .method = "POST", .pattern = "/v1/models/{model}", .kind = "model", .named = "model", .verb = "read", .body = API_BODY_WHOLE, .handle = echo, .id = "echo", .status = 200 },
        { .method = NULL },
    };
    const struct api_settings settings = {
        .routes = routes,
        .auth = { .authenticate = authenticate, .allows = allows },
        .version = "0",
        .limits = { .json_bytes = 64, .deadline_ms = 10000 },
        .log = { .write = keep_line, .address = address },
    };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    return api;
}

static const struct api_listener listener = { .name = "main" };

static struct api_peer peer_of(const char *text)
{
    struct api_peer peer = { .listener = &listener };
    check(address_read(text, strlen(text), &peer.address));
    return peer;
}

static bool is_field(const char *key)
{
    for (const struct field *field = reqlog_schema.fields; field->name != NULL; field++) {
        if (strcmp(field->name, key) == 0) {
            return true;
        }
    }
    return false;
}

static void test_reqlog_says_what_happened_and_no_more(void **state)
{
    struct api *api = open_api(REQLOG_TRUNCATED);
    const struct api_peer peer = peer_of("192.0.2.77");
    struct loopback_reply reply;
    loopback(api, &(struct loopback_call){ .method = "POST", .target = "/v1/models/credit", .token = "licit_secret", .body = "payload", .peer = &peer, .more = { { "X-Request-Id", "theirs" }, { "X-Subject", "person" } } }, &reply);
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(line, strlen(line), &doc, NULL), RC_OK);
    check_text(doc_get_string(doc, "request_id", ""), loopback_header(&reply, "X-Request-Id"));
    check_text(doc_get_string(doc, "client_request_id", ""), "theirs");
    check_text(doc_get_string(doc, "listener", ""), "main");
    check_text(doc_get_string(doc, "client", ""), "192.0.2.0");
    check_text(doc_get_string(doc, "token", ""), "tok-00000000000000000001");
    check_text(doc_get_string(doc, "method", ""), "POST");
    check_text(doc_get_string(doc, "route", ""), "/v1/models/{model}");
    check_text(doc_get_string(doc, "model", ""), "credit");
    check_int(doc_get_integer(doc, "version", 0), 3);
    check_int(doc_get_integer(doc, "status", 0), 200);
    check_int(doc_get_integer(doc, "bytes_in", -1), 7);
    check_int(doc_get_integer(doc, "bytes_out", -1), 7);
    check(doc_get_integer(doc, "queue_us", -1) >= 0 && doc_get_integer(doc, "compute_us", -1) >= 0);
    check(doc_get_integer(doc, "total_us", -1) >= doc_get_integer(doc, "compute_us", -1));
    check(doc_get(doc, "code") == NULL && doc_get(doc, "outcome") == NULL && doc_get(doc, "trace_id") == NULL);
    check(strstr(line, "payload") == NULL && strstr(line, "licit_") == NULL && strstr(line, "person") == NULL);
    loopback_finish(&reply);

    lines = 0;
    loopback(api, &(struct loopback_call){ .method = "POST", .target = "/v1/models/secret?q=person", .token = "t", .body = "payload", .peer = &peer }, &reply);
    check_contains(line, "\"code\":\"forbidden\"");
    check_int(lines, 1);
    loopback_finish(&reply);
    loopback(api, &(struct loopback_call){ .method = "GET", .target = "/who/is/person?q=person" }, &reply);
    check_contains(line, "\"route\":\"none\"");
    check(strstr(line, "person") == NULL);
    loopback_finish(&reply);
    api_destroy(api);
}

static void test_reqlog_keeps_the_network_of_a_client(void **state)
{
    static const struct {
        enum reqlog_address address;
        const char *from, *want;
    } rows[] = {
        { REQLOG_TRUNCATED, "192.0.2.77", "\"client\":\"192.0.2.0\"" },
        { REQLOG_FULL, "192.0.2.77", "\"client\":\"192.0.2.77\"" },
        { REQLOG_TRUNCATED, "2001:db8:1:2:3:4:5:6", "\"client\":\"2001:db8:1::\"" },
        { REQLOG_FULL, "2001:db8:1:2:3:4:5:6", "\"client\":\"2001:db8:1:2:3:4:5:6\"" },
        { REQLOG_NONE, "192.0.2.77", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct api *api = open_api(rows[i].address);
        const struct api_peer peer = peer_of(rows[i].from);
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = "GET", .target = "/", .peer = &peer }, &reply);
        if (rows[i].want == NULL) {
            check(strstr(line, "client") == NULL);
        } else {
            check_contains(line, rows[i].want);
        }
        loopback_finish(&reply);
        api_destroy(api);
    }
}

/* Random bytes wherever a request can bring some: control characters, quotes, halves of UTF-8. */
static void fill(const struct rng *rng, uint64_t *element, char *text, size_t size)
{
    const size_t n = rng_below(rng, (*element)++, size);
    const uint64_t kinds = 1 + rng_below(rng, (*element)++, 255); /* also texts of few different bytes */
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)(1 + rng_below(rng, (*element)++, 255) % kinds);
    }
    text[n] = '\0';
}

static void test_reqlog_is_json_whatever_comes(void **state)
{
    const struct rng rng = { 20260101, RNG_TEST, 0 };
    uint64_t element = 0;
    for (int round = 0; round < 5000; round++) {
        char texts[8][400];
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
            fill(&rng, &element, texts[i], sizeof(texts[i]));
        }
        const struct api_listener named = { .name = texts[0] };
        const struct api_route route = { .pattern = texts[1] };
        struct trace trace = { .flags = 0 };
        memcpy(trace.id, texts[7], sizeof(trace.id) - 1);
        memcpy(trace.parent, texts[7], sizeof(trace.parent) - 1);
        struct api_request request = {
            .client_id = texts[2],
            .method = texts[3],
            .route = &route,
            .log_model = texts[4],
            .log_version = round,
            .response = { .status = 200, .code = texts[5] },
            .trace = &trace,
            .peer = { .listener = &named },
            .bytes_out = UINT64_MAX >> 1,
            .queue_us = -1,
            .compute_us = INT64_MAX,
        };
        memcpy(request.id, texts[6], sizeof(request.id) - 1);
        memcpy(request.caller.token, texts[6], sizeof(request.caller.token) - 1);
        const size_t n = reqlog_format(&request, round % 2 == 0, REQLOG_TRUNCATED, line);
        check(n < REQLOG_LINE_MAX);
        AUTO_PTR(doc) struct doc *doc = NULL;
        struct why why = { 0 };
        line[n] = '\0';
        check(memchr(line, '\n', n) == NULL && strlen(line) == n);
        check_ok(doc_parse(line, n, &doc, &why), &why);
        for (struct doc_pair pair = { 0 }; doc_next(doc, &pair);) {
            check(is_field(pair.key));
        }
        check_int(doc_get_integer(doc, "queue_us", 0), -1);
    }
}

CHECK_MAIN("api/reqlog",
           CHECK(test_reqlog_says_what_happened_and_no_more),
           CHECK(test_reqlog_keeps_the_network_of_a_client),
           CHECK(test_reqlog_is_json_whatever_comes))
