/* SPDX-License-Identifier: Apache-2.0 */
#include "api/etag.h"

#include "core/base/mem.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

static const char *body;

static enum rc handle_body(struct api_request *request, struct why *why)
{
    return api_reply(request, 200, "text/plain", body, strlen(body));
}

static enum rc handle_created(struct api_request *request, struct why *why)
{
    return api_reply(request, 201, "text/plain", body, strlen(body));
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/a", .open = true, .handle = handle_body, .id = "a" },
    { .method = "POST", .pattern = "/a", .open = true, .body = API_BODY_WHOLE, .handle = handle_body, .id = "b" },
    { .method = "GET", .pattern = "/made", .open = true, .handle = handle_created, .id = "c" },
    { .method = NULL },
};

static void test_etag_make_is_of_the_body(void **state)
{
    char a[ETAG_SIZE], b[ETAG_SIZE];
    check_rc(etag_make("abc", 3, a), RC_OK);
    check_text(a, "\"ba7816bf8f01cfea414140de5dae2223\"");
    check_rc(etag_make("", 0, b), RC_OK);
    check_text(b, "\"e3b0c44298fc1c149afbf4c8996fb924\"");
}

static void test_etag_matches_lists(void **state)
{
    static const char *const yes[] = { "\"x\"", "*", "W/\"x\"", "\"a\", \"x\"", "\"a\",\"x\"", "\"x\", \"a\"", "\"a\" , W/\"x\" ,", ", \"x\"", "\"\", \"x\"", "\"a,b\", \"x\"", "\"a\"\"x\"" };
    static const char *const no[] = { "", "x", "\"X\"", "\"x", "x\"", "\"x \"", "W/x", "w/\"x\"", "\"a\"", "**", "\"*\"", "\"a\", *", "a, \"x\"", "\"\"", "\"xx\"", ",", "W/", "W/\"" };
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (!etag_matches(yes[i], "\"x\"")) {
            fail_msg("%s names \"x\"", yes[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(no); i++) {
        if (etag_matches(no[i], "\"x\"")) {
            fail_msg("%s does not name \"x\"", no[i]);
        }
    }
}

static void ask(struct api *api, const char *method, const char *target, const char *one, const char *two, struct loopback_reply *ret)
{
    struct loopback_call call = { .method = method, .target = target };
    size_t n = 0;
    if (one != NULL) {
        call.more[n++] = (struct api_header){ "If-None-Match", one };
    }
    if (two != NULL) {
        call.more[n++] = (struct api_header){ "If-None-Match", two };
    }
    loopback(api, &call, ret);
}

static void test_etag_apply_answers_who_has_the_body(void **state)
{
    static const char tag[] = "\"ba7816bf8f01cfea414140de5dae2223\"";

    static const struct {
        const char *method, *target, *one, *two;
        int status;
        bool tagged;
    } rows[] = {
        { "GET", "/a", NULL, NULL, 200, true },
        { "HEAD", "/a", NULL, NULL, 200, true },
        { "GET", "/a", tag, NULL, 304, true },
        { "HEAD", "/a", tag, NULL, 304, true },
        { "GET", "/a", "*", NULL, 304, true },
        { "GET", "/a", "W/\"ba7816bf8f01cfea414140de5dae2223\"", NULL, 304, true },
        { "GET", "/a", "\"x\"", tag, 304, true },
        { "GET", "/a", "\"x\"", "\"y\"", 200, true },
        { "GET", "/a", "garbage", NULL, 200, true },
        { "POST", "/a", "*", NULL, 200, false },
        { "POST", "/a", tag, NULL, 200, false },
        { "GET", "/made", tag, NULL, 201, false },
        { "GET", "/nothing", "*", NULL, 404, false },
    };
    const struct api_settings settings = { .routes = routes, .version = "0", .limits = { .json_bytes = 64, .deadline_ms = 10000 } };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    body = "abc";
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct loopback_reply reply;
        ask(api, rows[i].method, rows[i].target, rows[i].one, rows[i].two, &reply);
        check_int(reply.status, rows[i].status);
        check_text(loopback_header(&reply, "ETag"), rows[i].tagged ? tag : "");
        check_text(loopback_header(&reply, "Cache-Control"), "no-store");
        if (reply.status == 304) {
            check_int(reply.body_bytes, 0);
            check_text(loopback_header(&reply, "Content-Type"), "");
        } else if (reply.status < 300) {
            check_text(reply.body, "abc");
        }
        loopback_finish(&reply);
    }
    struct loopback_reply reply;
    body = "abd";
    ask(api, "GET", "/a", tag, NULL, &reply);
    check_int(reply.status, 200);
    loopback_finish(&reply);
    api_destroy(api);
}

CHECK_MAIN("api/etag",
           CHECK(test_etag_make_is_of_the_body),
           CHECK(test_etag_matches_lists),
           CHECK(test_etag_apply_answers_who_has_the_body))
