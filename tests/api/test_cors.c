/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cors.h"

#include "core/base/mem.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

static enum rc handle_fine(struct api_request *request, struct why *why)
{
    return api_reply(request, 200, "text/plain", "fine", 4);
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/open", .open = true, .handle = handle_fine, .id = "a" },
    { .method = "GET", .pattern = "/things", .kind = "dataset", .verb = "read", .handle = handle_fine, .id = "b" },
    { .method = "POST", .pattern = "/things", .kind = "dataset", .verb = "write", .body = API_BODY_WHOLE, .handle = handle_fine, .id = "c" },
    { .method = NULL },
};

static enum rc authenticate(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    const bool good = (ask->token != NULL && strcmp(ask->token, "t") == 0) || (ask->token == NULL && strcmp(ask->id, "tok-default") == 0);
    ret->grant = arg;
    return good ? RC_OK : why_fail(why, RC_UNAUTHENTICATED, NULL, "unknown");
}

static bool allows(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return true;
}

static struct api *open_api(const char *origins, bool hsts)
{
    static int somebody;
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .auth = { .arg = &somebody, .authenticate = authenticate, .allows = allows },
        .limits = { .json_bytes = 64, .deadline_ms = 10000 },
        .cors_origins = origins,
        .hsts = hsts,
    };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    return api;
}

static void test_cors_create_reads_origins(void **state)
{
    static const char *const good[] = {
        "",
        " ",
        "*",
        "https://a",
        "http://localhost:3000",
        "https://app.example https://b.example:8443",
        "https://127.0.0.1:1 http://[::1]:8080",
        "\thttps://a  ",
    };
    static const char *const bad[] = {
        "a",
        "https://",
        "https://a/",
        "https://a/b",
        "https://a b",
        "HTTPS://a",
        "https://A",
        "https://a:443",
        "http://a:80",
        "https://a:",
        "https://a:70000",
        "ftp://a",
        "null",
        "https://*.a",
        "https://a,https://b",
        "https://u@a",
        "https://a?x",
        "https://a#x",
        "**",
        "file://",
        "https://a\\b",
        "https://\xc3\xa9",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct cors *cors = NULL;
        struct why why = { 0 };
        check_ok(cors_create(good[i], &cors, &why), &why);
        cors_destroy(cors);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct cors *cors = NULL;
        struct why why = { 0 };
        if (cors_create(bad[i], &cors, &why) != RC_INVALID || why.text[0] == '\0') {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    char many[CORS_ORIGINS_MAX * 12 + 20] = "";
    for (int i = 0; i <= CORS_ORIGINS_MAX; i++) {
        struct cors *cors = NULL;
        check_rc(cors_create(many, &cors, NULL), RC_OK);
        cors_destroy(cors);
        (void)snprintf(many + strlen(many), 13, "http://a%d ", i);
    }
    struct cors *cors = NULL;
    check_rc(cors_create(many, &cors, NULL), RC_TOO_LARGE);
    enum rc rc = RC_NO_MEMORY;
    for (int n = 1; rc == RC_NO_MEMORY; n++) {
        mem_fail_at(n);
        rc = cors_create("https://a", &cors, NULL);
        mem_fail_at(0);
    }
    check_rc(rc, RC_OK);
    cors_destroy(cors);
}

struct row {
    const char *origins;
    const char *method, *target, *token;
    const char *origin, *asks; /* Access-Control-Request-Method */
    int status;
    const char *allowed, *methods, *vary; /* "": the header must not be there */
};

static const char A[] = "https://a.example", ALL[] = "https://a.example http://localhost:3000";

static const struct row rows[] = {
    /* none is listed */
    { "", "GET", "/open", NULL, A, NULL, 200, "", "", "" },
    { "", "OPTIONS", "/things", NULL, A, "POST", 204, "", "", "" },
    { NULL, "OPTIONS", "/things", NULL, A, "POST", 204, "", "", "" },
    /* actual replies, errors too */
    { ALL, "GET", "/open", NULL, A, NULL, 200, A, "", "Origin" },
    { ALL, "HEAD", "/open", NULL, A, NULL, 200, A, "", "Origin" },
    { ALL, "GET", "/things", "t", A, NULL, 200, A, "", "Origin" },
    { ALL, "GET", "/things", NULL, A, NULL, 401, A, "", "Origin" },
    { ALL, "GET", "/nothing", NULL, A, NULL, 404, A, "", "Origin" },
    { ALL, "PUT", "/things", "t", "http://localhost:3000", NULL, 405, "http://localhost:3000", "", "Origin" },
    { ALL, "GET", "/a%2fb", NULL, A, NULL, 400, A, "", "Origin" },
    { ALL, "GET", "/open", NULL, NULL, NULL, 200, "", "", "Origin" },
    /* other origins learn nothing */
    { ALL, "GET", "/open", NULL, "https://b.example", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "http://a.example", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "https://a.example:8443", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "https://a.example.evil", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "https://xa.example", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "HTTPS://A.EXAMPLE", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "https://a.example/", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "null", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "*", NULL, 200, "", "", "Origin" },
    { ALL, "GET", "/open", NULL, "https://a.example http://localhost:3000", NULL, 200, "", "", "Origin" },
    /* preflight: no token, the methods of the path */
    { ALL, "OPTIONS", "/things", NULL, A, "POST", 204, A, "GET, HEAD, POST, OPTIONS", "Origin" },
    { ALL, "OPTIONS", "/open", NULL, A, "DELETE", 204, A, "GET, HEAD, OPTIONS", "Origin" },
    { ALL, "OPTIONS", "/things", NULL, "https://b.example", "POST", 204, "", "", "Origin" },
    { ALL, "OPTIONS", "/things", NULL, "null", "POST", 204, "", "", "Origin" },
    { ALL, "OPTIONS", "/things", NULL, A, NULL, 204, A, "", "Origin" },
    { ALL, "OPTIONS", "/things", NULL, NULL, "POST", 204, "", "", "Origin" },
    { ALL, "OPTIONS", "/nothing", NULL, A, "POST", 404, A, "", "Origin" },
    { ALL, "OPTIONS", "*", NULL, A, "POST", 204, A, "GET, HEAD, POST, PUT, DELETE, OPTIONS", "Origin" },
    /* any */
    { "*", "GET", "/open", NULL, A, NULL, 200, "*", "", "" },
    { "*", "GET", "/things", "t", "null", NULL, 200, "*", "", "" },
    { "*", "OPTIONS", "/things", NULL, "https://b.example", "POST", 204, "*", "GET, HEAD, POST, OPTIONS", "" },
    { "*", "GET", "/open", NULL, NULL, NULL, 200, "", "", "" },
};

static void test_cors_answers_pages(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct api *api = open_api(row->origins, false);
        struct loopback_call call = { .method = row->method, .target = row->target, .token = row->token };
        size_t n = 0;
        if (row->origin != NULL) {
            call.more[n++] = (struct api_header){ "Origin", row->origin };
        }
        if (row->asks != NULL) {
            call.more[n++] = (struct api_header){ "Access-Control-Request-Method", row->asks };
        }
        struct loopback_reply reply;
        loopback(api, &call, &reply);
        const char *allowed = loopback_header(&reply, "Access-Control-Allow-Origin");
        const bool good = reply.status == row->status && strcmp(allowed, row->allowed) == 0 &&
                          strcmp(loopback_header(&reply, "Access-Control-Allow-Methods"), row->methods) == 0 &&
                          strcmp(loopback_header(&reply, "Vary"), row->vary) == 0 &&
                          (loopback_header(&reply, "Access-Control-Expose-Headers")[0] != '\0') == (allowed[0] != '\0') &&
                          (loopback_header(&reply, "Access-Control-Allow-Headers")[0] != '\0') == (row->methods[0] != '\0');
        if (!good) {
            fail_msg("row %zu gave %d, \"%s\", \"%s\", \"%s\"", i, reply.status, allowed, loopback_header(&reply, "Access-Control-Allow-Methods"), loopback_header(&reply, "Vary"));
        }
        check_text(loopback_header(&reply, "Access-Control-Allow-Credentials"), "");
        loopback_finish(&reply);
        api_destroy(api);
    }
}

static void test_options_lists_methods(void **state)
{
    static const struct {
        const char *target;
        const char *body;
        int status;
        const char *allow;
    } cases[] = {
        { "/open", NULL, 204, "GET, HEAD, OPTIONS" },
        { "/things", NULL, 204, "GET, HEAD, POST, OPTIONS" },
        { "/things?x=1", NULL, 204, "GET, HEAD, POST, OPTIONS" },
        { "*", NULL, 204, "GET, HEAD, POST, PUT, DELETE, OPTIONS" },
        { "http://localhost/open", NULL, 204, "GET, HEAD, OPTIONS" },
        { "/nothing", NULL, 404, "" },
        { "/things", "{}", 400, "GET, HEAD, POST, OPTIONS" },
        { "**", NULL, 400, "" },
    };
    struct api *api = open_api("", false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = "OPTIONS", .target = cases[i].target, .body = cases[i].body }, &reply);
        check_int(reply.status, cases[i].status);
        check_text(loopback_header(&reply, "Allow"), cases[i].allow);
        check(cases[i].status != 204 || reply.body_bytes == 0);
        loopback_finish(&reply);
    }
    api_destroy(api);
}

/* What the connection stands for is not for pages of others. */
static void test_cors_guard_keeps_pages_from_the_connection(void **state)
{
    static const struct api_listener with_default = { .name = "main", .default_token = "tok-default" }, without = { .name = "main" };
    static const struct address local = { ADDRESS_IPV4, { 127, 0, 0, 1 } }, none = { ADDRESS_NONE, { 0 } };

    static const struct {
        const char *origins, *target, *token, *host, *origin;
        bool by_default, on_socket;
        int status;
    } cases[] = {
        { "", "/things", NULL, "localhost:8443", NULL, true, false, 200 },
        { "", "/things", NULL, "127.0.0.1:8443", NULL, true, false, 200 },
        { "", "/things", NULL, "[::1]:8443", NULL, true, false, 200 },
        { "", "/things", NULL, "LOCALHOST", NULL, true, false, 200 },
        { "", "/things", NULL, "evil.example", NULL, true, false, 403 },
        { "", "/things", NULL, "localhost.evil.example:80", NULL, true, false, 403 },
        { "", "/things", NULL, "127.0.0.1.evil.example", NULL, true, false, 403 },
        { "", "/things", NULL, "evil.example", NULL, true, true, 200 }, /* browsers do not speak to Unix sockets */
        { "", "/open", NULL, "evil.example", "https://evil.example", true, false, 200 },
        { "", "/things", "t", "evil.example", "https://evil.example", true, false, 200 },
        { "", "/things", NULL, "localhost", "https://evil.example", true, false, 403 },
        { "", "/things", NULL, "localhost", "null", true, false, 403 },
        { "", "/things", NULL, "localhost", "http://localhost", true, false, 200 },
        { "", "/things", NULL, "localhost:8080", "http://localhost:8080", true, false, 200 },
        { "", "/things", NULL, "localhost:8080", "http://localhost", true, false, 403 },
        { "", "/things", NULL, "localhost", "https://localhost", true, false, 403 },
        { "", "/things", NULL, "evil.example", "http://evil.example", true, false, 403 },
        { "https://a.example", "/things", NULL, "localhost", "https://a.example", true, false, 200 },
        { "*", "/things", NULL, "localhost", "https://a.example", true, false, 403 },
        { "*", "/things", "t", "localhost", "https://a.example", true, false, 200 },
        { "", "/things", NULL, "localhost", "https://evil.example", false, false, 401 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct api *api = open_api(cases[i].origins, false);
        const struct api_peer peer = {
            .listener = cases[i].by_default ? &with_default : &without,
            .address = cases[i].on_socket ? none : local,
        };
        struct loopback_call call = { .method = "GET", .target = cases[i].target, .token = cases[i].token, .no_host = true, .peer = &peer };
        call.more[0] = (struct api_header){ "Host", cases[i].host };
        call.more[1] = (struct api_header){ cases[i].origin == NULL ? NULL : "Origin", cases[i].origin };
        struct loopback_reply reply;
        loopback(api, &call, &reply);
        if (reply.status != cases[i].status) {
            fail_msg("case %zu gave %d %s", i, reply.status, reply.body);
        }
        loopback_finish(&reply);
        api_destroy(api);
    }
}

static void test_headers_of_every_reply(void **state)
{
    static const char *const targets[] = { "/open", "/things", "/nothing", "/%00", "*" };
    static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS", "BREW" };
    static const char *const wanted[][2] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Cache-Control", "no-store" },
        { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Server", "" },
        { "Strict-Transport-Security", "" },
    };
    struct api *api = open_api("", false);
    for (size_t i = 0; i < COUNT_OF(targets) * COUNT_OF(methods); i++) {
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = methods[i % 5], .target = targets[i / 5] }, &reply);
        for (size_t j = 0; j < COUNT_OF(wanted); j++) {
            check_text(loopback_header(&reply, wanted[j][0]), wanted[j][1]);
        }
        check_contains(loopback_header(&reply, "X-Request-Id"), "req-");
        loopback_finish(&reply);
    }
    api_destroy(api);
}

static void test_hsts_only_over_tls_and_when_asked_for(void **state)
{
    for (int i = 0; i < 4; i++) {
        const struct api_peer peer = { .is_secure = i % 2 == 1 };
        struct api *api = open_api("", i >= 2);
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = "GET", .target = "/open", .peer = &peer }, &reply);
        check_text(loopback_header(&reply, "Strict-Transport-Security"), i == 3 ? "max-age=31536000" : "");
        loopback_finish(&reply);
        api_destroy(api);
    }
}

CHECK_MAIN("api/cors",
           CHECK(test_cors_create_reads_origins),
           CHECK(test_cors_answers_pages),
           CHECK(test_options_lists_methods),
           CHECK(test_cors_guard_keeps_pages_from_the_connection),
           CHECK(test_headers_of_every_reply),
           CHECK(test_hsts_only_over_tls_and_when_asked_for))
