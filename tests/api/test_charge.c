/* SPDX-License-Identifier: Apache-2.0 */
#include "api/charge.h"

#include "core/base/str.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

/* Routes of the test's own, and one token, whose limits each test sets. */

#define DAY_MS INT64_C(86400000)
#define NOON   (20000 * DAY_MS + DAY_MS / 2)

static struct quota *quota;
static int leases, handled, chunks, closed;

static size_t asked(const struct api_request *request)
{
    int64_t n = 0;
    check(str_to_int64(api_get_param(request, "n"), &n));
    return (size_t)n;
}

/* Answers with as many bytes as the path says, and three rows of two outputs each. */
static enum rc handle_bytes(struct api_request *request, struct why *why)
{
    static const char bytes[10000] = { 'x' };
    handled++;
    request->charge.answer = charge_rows(3, 2);
    return api_reply(request, 200, "text/plain", bytes, asked(request));
}

static enum rc handle_change(struct api_request *request, struct why *why)
{
    static const char bytes[10000] = { 'x' };
    handled++;
    return api_reply(request, 201, "text/plain", bytes, asked(request));
}

static enum rc handle_refuse(struct api_request *request, struct why *why)
{
    return why_fail(why, RC_NOT_FOUND, NULL, "no");
}

static enum rc take_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why)
{
    chunks++;
    return RC_OK;
}

static enum rc next_piece(void *arg, struct buf *out, bool *ret_end)
{
    return buf_printf(out, "%1000d", 7);
}

static void close_pieces(void *arg)
{
    closed++;
}

static enum rc handle_stream(struct api_request *request, struct why *why)
{
    return api_reply_stream(request, "text/event-stream", (struct api_stream){ NULL, next_piece, close_pieces });
}

static enum api_where place(struct api_request *request)
{
    request->charge.bound = charge_rows(3, 2);
    request->charge.bound.of[QUOTA_BYTES] = 100;
    return API_INLINE;
}

#define SCOPE .kind = "model", .verb = "read"

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/bytes/{n}", SCOPE, .where = API_IO, .handle = handle_bytes, .id = "get" },
    { .method = "POST", .pattern = "/bytes/{n}", SCOPE, .body = API_BODY_WHOLE, .ceiling = API_CEILING_PREDICT, .where = API_COMPUTE, .place = place, .handle = handle_bytes, .id = "post" },
    { .method = "PUT", .pattern = "/change/{n}", SCOPE, .body = API_BODY_WHOLE, .where = API_IO, .handle = handle_change, .id = "put" },
    { .method = "GET", .pattern = "/refuse", SCOPE, .where = API_IO, .handle = handle_refuse, .id = "refuse" },
    { .method = "POST", .pattern = "/upload", SCOPE, .body = API_BODY_STREAM, .ceiling = API_CEILING_UPLOAD, .where = API_IO, .handle = handle_refuse, .chunk = take_chunk, .id = "upload" },
    { .method = "GET", .pattern = "/stream", SCOPE, .where = API_IO, .handle = handle_stream, .id = "stream" },
    { .method = NULL },
};

static enum rc authenticate(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    ret->grant = &quota;
    ret->quota = quota;
    (void)str_copy(ret->token, sizeof(ret->token), "tok-x");
    return RC_OK;
}

static bool allows(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return true;
}

/* As the service does, without a disk. */
static enum rc lease(void *arg, struct quota *it, const struct quota_numbers *cost, struct why *why)
{
    struct quota_lease more;
    leases++;
    if (!quota_plan(it, cost, &more)) {
        return why_fail(why, RC_LIMITED, NULL, "held");
    }
    quota_grant(it, &more);
    return RC_OK;
}

static struct api *open_api(const struct quota_numbers *limits)
{
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .auth = { .authenticate = authenticate, .allows = allows, .lease = lease },
        .limits = { .json_bytes = 10000, .predict_bytes = 10000, .upload_bytes = 100000, .deadline_ms = 10000, .anonymous = 1 },
    };
    struct api *api = NULL;
    leases = handled = chunks = closed = 0;
    wall_set((struct wall){ NOON });
    check_rc(quota_create("tok-x", limits, NULL, &quota), RC_OK);
    check_rc(api_create(&settings, &api), RC_OK);
    return api;
}

static void close_api(struct api *api)
{
    api_destroy(api);
    quota_destroy(TAKE(quota));
    wall_set((struct wall){ -1 });
}

static struct quota_numbers limit(enum quota_kind kind, int64_t n)
{
    struct quota_numbers limits = { { 0 } };
    limits.of[kind] = n;
    return limits;
}

static int64_t left_of(enum quota_kind kind)
{
    struct quota_view views[QUOTA_KINDS];
    quota_look(quota, mono_now(), views);
    return views[kind].left;
}

/* Asks until it is refused; how often it was not. */
static int ask(struct api *api, const struct loopback_call *call, const char *part, const char *retry)
{
    for (int n = 0; n < 1000; n++) {
        struct loopback_reply reply;
        loopback(api, call, &reply);
        const int status = reply.status;
        if (status >= 400) {
            check_contains(reply.body, part);
            check_text(loopback_header(&reply, "Retry-After"), retry);
            check_contains(loopback_header(&reply, "RateLimit"), ";r=");
        }
        loopback_finish(&reply);
        if (status >= 400) {
            return n;
        }
    }
    return -1;
}

static void test_charge_refuses_with_the_code_of_the_limit(void **state)
{
    static const struct {
        enum quota_kind kind;
        int64_t limit;
        struct loopback_call call;
        int passed;
        const char *part, *retry;
    } rows[] = {
        { QUOTA_REQUESTS, 1, { "GET", "/bytes/1", "t" }, 1, "\"code\":\"rate_limited\"", "1" },
        { QUOTA_ROWS, 10, { "GET", "/bytes/1", "t" }, 3, "\"code\":\"rows_limited\"", "43200" },
        { QUOTA_ROWS, 9, { "POST", "/bytes/1", "t", .body = "1" }, 3, "\"code\":\"rows_limited\"", "43200" },
        { QUOTA_BITS, 400, { "GET", "/bytes/1", "t" }, 2, "\"path\":\"token:limits.bits_per_day\"", "43200" },
        { QUOTA_BYTES, 100, { "GET", "/bytes/30", "t" }, 3, "\"code\":\"bytes_limited\"", "43200" },
        { QUOTA_BYTES, 100, { "POST", "/bytes/30", "t", .body = "12345" }, 2, "\"code\":\"bytes_limited\"", "43200" },
        { QUOTA_USES, 2, { "GET", "/bytes/1", "t" }, 2, "could be used 2 times, and has been\",", "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct quota_numbers limits = limit(rows[i].kind, rows[i].limit);
        struct api *api = open_api(&limits);
        check_int(ask(api, &rows[i].call, rows[i].part, rows[i].retry), rows[i].passed);
        close_api(api);
    }
}

static void test_charge_counts_requests_under_way(void **state)
{
    const struct quota_numbers limits = limit(QUOTA_CONCURRENT, 2);
    struct api *api = open_api(&limits);
    const struct api_header headers[] = { { "Host", "h" }, { "Authorization", "Bearer t" } };
    const struct api_head head = { .method = "GET", .target = "/bytes/1", .headers = headers, .header_count = 2 };
    struct api_request *requests[3];
    for (int i = 0; i < 3; i++) {
        requests[i] = api_begin(api, &head);
        check_int(requests[i]->response.status, i < 2 ? 0 : 429);
    }
    check_text(requests[2]->response.code, "concurrency_limited");
    for (int i = 0; i < 3; i++) {
        api_done(requests[i], true);
    }
    check_int(left_of(QUOTA_CONCURRENT), 2);
    close_api(api);
}

static void test_charge_tells_what_is_left(void **state)
{
    struct quota_numbers limits = { { 10, 3, 1000, 500, 2000, 7 } };
    struct api *api = open_api(&limits);
    struct loopback_reply reply;
    loopback(api, &(struct loopback_call){ "GET", "/bytes/20", "t" }, &reply);
    check_int(reply.status, 200);
    check_text(loopback_header(&reply, "RateLimit-Policy"),
               "\"requests\";q=10;w=1, \"concurrent\";q=3;qu=\"concurrent-requests\", \"rows\";q=1000;w=86400,"
               " \"bytes\";q=500;qu=\"content-bytes\";w=86400, \"bits\";q=2000;w=86400, \"uses\";q=7");
    check_text(loopback_header(&reply, "RateLimit"),
               "\"requests\";r=9;t=1, \"concurrent\";r=2, \"rows\";r=997;t=43200, \"bytes\";r=480;t=43200, \"bits\";r=1808;t=43200, \"uses\";r=6");
    loopback_finish(&reply);
    close_api(api);
}

/* A handler that refuses has cost the use and the body, one that never ran nothing. */
static void test_charge_asks_nothing_for_what_the_client_has(void **state)
{
    struct quota_numbers limits = { { [QUOTA_BYTES] = 1000, [QUOTA_USES] = 5 } };
    struct api *api = open_api(&limits);
    struct loopback_reply reply;
    loopback(api, &(struct loopback_call){ "GET", "/bytes/100", "t", .more = { { "If-None-Match", "*" } } }, &reply);
    check_int(reply.status, 304);
    loopback_finish(&reply);
    check_int(left_of(QUOTA_BYTES), 1000);
    check_int(left_of(QUOTA_USES), 4);
    close_api(api);
}

static void test_charge_takes_the_use_of_a_refused_request(void **state)
{
    struct quota_numbers limits = { { [QUOTA_BYTES] = 1000, [QUOTA_USES] = 5 } };
    struct api *api = open_api(&limits);
    check_int(ask(api, &(struct loopback_call){ "GET", "/refuse", "t" }, "not_found", ""), 0);
    check_int(left_of(QUOTA_USES), 4);
    check_int(ask(api, &(struct loopback_call){ "GET", "/refuse?x=1", "t" }, "query", ""), 0);
    check_int(left_of(QUOTA_USES), 4);
    check_int(left_of(QUOTA_BYTES), 1000);
    close_api(api);
}

static void test_charge_never_refuses_what_has_happened(void **state)
{
    const struct quota_numbers limits = limit(QUOTA_BYTES, 1000);
    struct api *api = open_api(&limits);
    check_int(ask(api, &(struct loopback_call){ "PUT", "/change/600", "t", .body = "123" }, "bytes_limited", "43200"), 2);
    check_int(handled, 2);
    check_int(left_of(QUOTA_BYTES), 0);
    close_api(api);
}

static void test_charge_refuses_an_upload_before_and_while_it_comes(void **state)
{
    char body[9001];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    struct quota_numbers limits = { { [QUOTA_BYTES] = 5000, [QUOTA_USES] = 9 } };
    struct api *api = open_api(&limits);
    check_int(ask(api, &(struct loopback_call){ "POST", "/upload", "t", .body = body }, "bytes_limited", "43200"), 0);
    check_int(chunks, 0);
    check_int(left_of(QUOTA_BYTES), 5000);
    check_int(ask(api, &(struct loopback_call){ "POST", "/upload", "t", .body = body, .chunk = 2000, .chunked = true }, "bytes_limited", "43200"), 0);
    check_int(chunks, 2);
    check_int(left_of(QUOTA_BYTES), 1000);
    check_int(left_of(QUOTA_USES), 8);
    close_api(api);
}

static void test_charge_ends_a_stream_that_is_not_paid(void **state)
{
    struct quota_numbers limits = { { [QUOTA_BYTES] = 200000, [QUOTA_CONCURRENT] = 2 } };
    struct api *api = open_api(&limits);
    int64_t bytes = 0;
    for (int i = 0; i < 100 && left_of(QUOTA_BYTES) > 0; i++) {
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ "GET", "/stream", "t" }, &reply);
        bytes += reply.status == 200 ? (int64_t)reply.body_bytes : 0;
        const bool over = reply.status == 429;
        loopback_finish(&reply);
        if (over) {
            break;
        }
    }
    check_int(bytes, 3 * 65000 + 4000); /* whole pieces out of 64 KiB each, and of 4 KiB in the end */
    check_int(left_of(QUOTA_BYTES), 1000);
    check_int(left_of(QUOTA_CONCURRENT), 2);
    check(closed > 3);
    close_api(api);
}

/* On an event thread what is leased is used; where it does not suffice, the request moves to an io worker. */
static void test_charge_moves_to_io_when_the_lease_is_short(void **state)
{
    const struct quota_numbers limits = limit(QUOTA_ROWS, 160);
    struct api *api = open_api(&limits);
    const struct api_header headers[] = { { "Host", "h" }, { "Authorization", "Bearer t" } };
    const struct api_head head = { .method = "POST", .target = "/bytes/1", .headers = headers, .header_count = 2, .body_bytes = 1 };

    static const enum api_where wheres[] = { API_IO, API_INLINE, API_INLINE, API_IO, API_INLINE };

    for (size_t i = 0; i < COUNT_OF(wheres); i++) { /* a block of ten covers three requests of three rows */
        struct api_request *request = api_begin(api, &head);
        api_body(request, "x", 1);
        check_int(api_end_where(request), wheres[i]);
        const int before = leases;
        api_end(request);
        check_int(request->response.status, 200);
        check_int(leases - before, wheres[i] == API_IO);
        api_done(request, true);
    }
    check_int(left_of(QUOTA_ROWS), 160 - 15);
    struct api_request *request = api_begin(api, &head); /* one that is never handled gives back what it held */
    api_body(request, "x", 1);
    (void)api_end_where(request);
    api_refuse(request, RC_BUSY, NULL);
    api_done(request, true);
    check_int(left_of(QUOTA_ROWS), 160 - 15);
    check_int(quota_save(quota).rows, 15);
    close_api(api);
}

CHECK_MAIN("api/charge", CHECK(test_charge_refuses_with_the_code_of_the_limit), CHECK(test_charge_counts_requests_under_way),
           CHECK(test_charge_tells_what_is_left), CHECK(test_charge_takes_the_use_of_a_refused_request),
           CHECK(test_charge_asks_nothing_for_what_the_client_has),
           CHECK(test_charge_never_refuses_what_has_happened),
           CHECK(test_charge_refuses_an_upload_before_and_while_it_comes),
           CHECK(test_charge_ends_a_stream_that_is_not_paid), CHECK(test_charge_moves_to_io_when_the_lease_is_short))
