/* SPDX-License-Identifier: Apache-2.0 */
#include "api/trace.h"

#include "api/api.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

#define ID     "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

/* The rows follow the trace-context specification, 3.2.2 and its list of what is invalid. */
static void test_trace_read_takes_what_the_specification_takes(void **state)
{
    static const struct {
        const char *text;
        bool taken;
    } rows[] = {
        { "00-" ID "-" PARENT "-01", true },
        { "00-" ID "-" PARENT "-00", true },
        { "00-" ID "-" PARENT "-ff", true },
        { "01-" ID "-" PARENT "-01", true },
        { "cc-" ID "-" PARENT "-01-what-the-future-will-be-like", true },
        { "fe-" ID "-" PARENT "-01-", true },
        { "cc-" ID "-" PARENT "-01.what-the-future-will-be-like", false },
        { "00-" ID "-" PARENT "-01-more", false },
        { "00-" ID "-" PARENT "-01 ", false },
        { "00-" ID "-" PARENT "-1", false },
        { "00-" ID "-" PARENT "-", false },
        { "00-" ID "-" PARENT "-.0", false },
        { "00-" ID "-" PARENT "-0G", false },
        { "00-" ID "-" PARENT "-0A", false },
        { "ff-" ID "-" PARENT "-01", false },
        { "FF-" ID "-" PARENT "-01", false },
        { "0-" ID "-" PARENT "-001", false },
        { "000-" ID "-" PARENT "-01", false },
        { ".0-" ID "-" PARENT "-01", false },
        { "00-00000000000000000000000000000000-" PARENT "-01", false },
        { "00-" ID "-0000000000000000-01", false },
        { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", false },
        { "00-" ID "-00F067AA0BA902B7-01", false },
        { "00-4bf92f3577b34da6a3ce929d0e0e473-0" PARENT "-01", false },
        { "00-.bf92f3577b34da6a3ce929d0e0e4736-" PARENT "-01", false },
        { "00_" ID "-" PARENT "-01", false },
        { "00-" ID "_" PARENT "-01", false },
        { "00-" ID "-" PARENT "_01", false },
        { " 00-" ID "-" PARENT "-01", false },
        { "00-" ID, false },
        { "00", false },
        { "", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct trace trace = { .flags = 77 };
        if (trace_read(rows[i].text, &trace) != rows[i].taken) {
            fail_msg("\"%s\" is %staken", rows[i].text, rows[i].taken ? "not " : "");
        }
        if (rows[i].taken) {
            check_text(trace.id, ID);
            check_text(trace.parent, PARENT);
            check(trace.flags <= 3);
        } else {
            check_int(trace.flags, 77); /* nothing is written on failure */
        }
    }
}

static void test_trace_is_state_has_ceilings(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "a=1", true },
        { "a=1,b=2", true },
        { " a=1 ,\tb=2 ", true },
        { "a=1,,b=2", true },
        { "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true },
        { "tenant@system=x y", true },
        { "0a/_-*=!", true },
        { "", false },
        { " , ", false },
        { "a", false },
        { "a=", false },
        { "=1", false },
        { "A=1", false },
        { "a =1", false },
        { "@a=1", false },
        { "a=1=2", false },
        { "a=\xc3\xa4", false },
        { "a=1\x01", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (trace_is_state(rows[i].text) != rows[i].is) {
            fail_msg("\"%s\" is %sa tracestate", rows[i].text, rows[i].is ? "not " : "");
        }
    }
    char many[4 * TRACE_STATES_MAX + 8] = "", wide[TRACE_STATE_MAX + 2];
    for (int i = 0; i < TRACE_STATES_MAX; i++) {
        memcpy(many + i * 4, "a=1,", 5);
    }
    check(trace_is_state(many));
    memcpy(many + sizeof(many) - 8, "a=1", 4);
    check(!trace_is_state(many));
    memset(wide, 'v', sizeof(wide));
    memcpy(wide, "a=", 2);
    wide[2 + 256] = '\0';
    check(trace_is_state(wide));
    wide[2 + 256] = 'v';
    wide[2 + 257] = '\0';
    check(!trace_is_state(wide)); /* a value has at most 256 bytes */
    memset(wide, ',', sizeof(wide));
    memcpy(wide, "a=1", 3);
    wide[TRACE_STATE_MAX] = '\0';
    check(trace_is_state(wide));
    wide[TRACE_STATE_MAX] = ',';
    wide[TRACE_STATE_MAX + 1] = '\0';
    check(!trace_is_state(wide));
}

static char logged[REQLOG_LINE_MAX + 1];

static void keep_line(void *arg, const char *line, size_t n)
{
    memcpy(logged, line, n);
    logged[n] = '\0';
}

static enum rc answer(struct api_request *request, struct why *why)
{
    return api_reply(request, 200, "text/plain", "x", 1);
}

static struct api *open_api(void)
{
    static const struct api_route routes[] = {
        { .method = "GET", .pattern = "/open", .open = true, .handle = answer, .id = "open", .status = 200 },
        { .method = NULL },
    };
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .limits = { .deadline_ms = 10000 },
        .log = { .write = keep_line },
    };
    struct api *api = NULL;
    check_rc(api_create(&settings, &api), RC_OK);
    return api;
}

/* The reply names the trace and a span of ours; the line of the log has the same, and who asked. */
static void test_trace_is_carried_through(void **state)
{
    static const char *const targets[] = { "/open", "/nothing", "/%zz" };
    struct api *api = open_api();
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct loopback_reply reply;
        const struct loopback_call call = {
            .method = "GET",
            .target = targets[i],
            .more = { { "TraceParent", "00-" ID "-" PARENT "-07" }, { "tracestate", "a=1" }, { "tracestate", "b=2" } },
        };
        loopback(api, &call, &reply);
        struct trace trace = { .flags = 0 };
        check(trace_read(loopback_header(&reply, "traceparent"), &trace));
        check_text(trace.id, ID);
        check(strcmp(trace.parent, PARENT) != 0);
        check_int(trace.flags, 3);
        check_text(loopback_header(&reply, "tracestate"), "a=1,b=2");
        check_text(loopback_header(&reply, "X-Client-Request-Id"), "00-" ID "-" PARENT "-07");
        AUTO_PTR(doc) struct doc *line = NULL;
        check_rc(doc_parse(logged, strlen(logged), &line, NULL), RC_OK);
        check_text(doc_get_string(line, "trace_id", ""), ID);
        check_text(doc_get_string(line, "parent_id", ""), PARENT);
        check_text(doc_get_string(line, "span_id", ""), trace.parent);
        loopback_finish(&reply);
    }
    api_destroy(api);
}

static void test_trace_malformed_is_ignored(void **state)
{
    static const struct {
        struct api_header more[4];
        const char *parent, *state, *client;
    } rows[] = {
        { { { "traceparent", "00-" ID "-0000000000000000-01" }, { "tracestate", "a=1" } }, "", "", "" },
        { { { "tracestate", "a=1" } }, "", "", "" },
        { { { "traceparent", "00-" ID "-" PARENT "-01" }, { "traceparent", "00-" ID "-" PARENT "-01" } }, "", "", "" },
        { { { "traceparent", "00-" ID "-" PARENT "-01" }, { "tracestate", "A=1" } }, "00-" ID, "", "00-" ID "-" PARENT "-01" },
        { { { "traceparent", "00-" ID "-" PARENT "-01" }, { "X-Request-Id", "mine" } }, "00-" ID, "", "mine" },
        { { { "traceparent", "00-" ID "-" PARENT "-01" }, { "X-Request-Id", "x y" } }, "00-" ID, "", "00-" ID "-" PARENT "-01" },
        { { { "traceparent", "nonsense" }, { "X-Request-Id", "mine" } }, "", "", "mine" },
    };
    struct api *api = open_api();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct loopback_call call = { .method = "GET", .target = "/open" };
        memcpy(call.more, rows[i].more, sizeof(call.more));
        struct loopback_reply reply;
        loopback(api, &call, &reply);
        check_int(reply.status, 200);
        check(strncmp(loopback_header(&reply, "traceparent"), rows[i].parent, 35) == 0);
        check_int(rows[i].parent[0] == '\0', strstr(logged, "trace_id") == NULL);
        check_text(loopback_header(&reply, "tracestate"), rows[i].state);
        check_text(loopback_header(&reply, "X-Client-Request-Id"), rows[i].client);
        loopback_finish(&reply);
    }
    api_destroy(api);
}

CHECK_MAIN("api/trace",
           CHECK(test_trace_read_takes_what_the_specification_takes),
           CHECK(test_trace_is_state_has_ceilings),
           CHECK(test_trace_is_carried_through),
           CHECK(test_trace_malformed_is_ignored))
