/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include "api/api.h"
#include "core/base/mem.h"
#include "tests/check.h"

#define HOST        \
    {               \
        "Host", "a" \
    }

struct row {
    const char *method, *version;
    struct api_header headers[6];
    enum rc rc;
    const char *part; /* of the words or the path */
};

static enum rc pass(const struct row *row, struct api_request *request, struct why *why)
{
    struct api_head head = { .method = row->method, .version = row->version, .headers = row->headers };
    while (head.header_count < COUNT_OF(row->headers) && row->headers[head.header_count].name != NULL) {
        head.header_count++;
    }
    *request = (struct api_request){ .method = row->method };
    region_init(&request->region, API_REGION_MAX);
    return gate_pass(request, &head, why);
}

static void check_row(const struct row *row)
{
    struct api_request request;
    struct why why = { 0 };
    const enum rc rc = pass(row, &request, &why);
    const bool said = row->part == NULL || strstr(why.text, row->part) != NULL || strstr(why.path, row->part) != NULL;
    if (rc != row->rc || !said || (rc != RC_OK) != (why.text[0] != '\0')) {
        fail_msg("%s %s %s: %s gave %s at \"%s\": %s", row->method, row->version, row->headers[1].name, row->headers[1].value, rc_name(rc), why.path, why.text);
    }
    region_finish(&request.region);
}

static const struct row rows[] = {
    { "GET", NULL, { HOST }, RC_OK, NULL },
    { "HEAD", "HTTP/1.1", { HOST }, RC_OK, NULL },
    { "POST", "HTTP/1.0", { HOST }, RC_OK, NULL },
    { "PUT", "HTTP/1.1", { HOST }, RC_OK, NULL },
    { "DELETE", "HTTP/1.1", { HOST }, RC_OK, NULL },
    { "OPTIONS", "HTTP/1.1", { HOST }, RC_OK, NULL },
    { "PATCH", NULL, { HOST }, RC_NOT_IMPLEMENTED, "must be GET" },
    { "TRACE", NULL, { HOST }, RC_NOT_IMPLEMENTED, "OPTIONS" },
    { "CONNECT", NULL, { HOST }, RC_NOT_IMPLEMENTED, NULL },
    { "get", NULL, { HOST }, RC_NOT_IMPLEMENTED, NULL },
    { "GETS", NULL, { HOST }, RC_NOT_IMPLEMENTED, NULL },
    { "", NULL, { HOST }, RC_INVALID, "the method" },
    { "GE\xffT", NULL, { HOST }, RC_INVALID, "the method" },
    { "G(T", NULL, { HOST }, RC_INVALID, "the method" },
    { "PRI", NULL, { HOST }, RC_NOT_IMPLEMENTED, NULL },
    { "GET", "HTTP/1.2", { HOST }, RC_INVALID, "HTTP/1.0 or HTTP/1.1" },
    { "GET", "HTTP/0.9", { HOST }, RC_INVALID, NULL },
    { "GET", "HTTP/2.0", { HOST }, RC_INVALID, NULL },
    { "GET", "http/1.1", { HOST }, RC_INVALID, NULL },
    { "GET", "HTTP/1.1 ", { HOST }, RC_INVALID, NULL },
    { "GET", "", { HOST }, RC_INVALID, NULL },
    /* Host */
    { "GET", NULL, { { NULL, NULL } }, RC_INVALID, "header:Host" },
    { "GET", "HTTP/1.0", { { "X", "y" } }, RC_INVALID, "header:Host" },
    { "GET", NULL, { HOST, HOST }, RC_INVALID, "header:Host" },
    { "GET", NULL, { HOST, { "hOST", "b" } }, RC_INVALID, "exactly once" },
    { "GET", NULL, { { "Host", "" } }, RC_INVALID, "header:Host" },
    { "GET", NULL, { { "Host", "a b" } }, RC_INVALID, "header:Host" },
    /* names */
    { "GET", NULL, { HOST, { "X-a!#$%&'*+-.^_`|~9", "y" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X ", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { " X", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X\t", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "Content-Length ", "3" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X(", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X\"", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X/Y", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X,", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "X\x7f", "y" } }, RC_INVALID, "header name" },
    { "GET", NULL, { HOST, { "\xc3\xa9", "y" } }, RC_INVALID, "header name" },
    /* values */
    { "GET", NULL, { HOST, { "X", "" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "X", "a\tb" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "X", "\xc3\xa9\xff\x80" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "X", "a\nb" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "X", "a\rb" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "X", "\x01" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "X", "\x0b" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "X", "\x1b[0m" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "X", "a\x7f" } }, RC_INVALID, "control" },
    { "GET", NULL, { HOST, { "Authorization", "Bearer \xc3\xa9" } }, RC_INVALID, "header:Authorization" },
    { "GET", NULL, { HOST, { "X-Forwarded-For", "\x80" } }, RC_INVALID, "header:X-Forwarded-For" },
    { "GET", NULL, { HOST, { "Forwarded", "for=\xc3\xa9" } }, RC_INVALID, "ASCII" },
    { "GET", NULL, { HOST, { "X-Purpose", "\xc3\xa9" } }, RC_INVALID, "ASCII" },
    /* once */
    { "GET", NULL, { HOST, { "X", "1" }, { "X", "2" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "Accept", "a/b" }, { "accept", "c/d" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "X-Forwarded-For", "1" }, { "X-Forwarded-For", "2" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "Authorization", "x" }, { "Authorization", "x" } }, RC_INVALID, "authorization" },
    { "GET", NULL, { HOST, { "Content-Type", "x" }, { "content-type", "x" } }, RC_INVALID, "content-type" },
    { "GET", NULL, { HOST, { "Origin", "x" }, { "ORIGIN", "x" } }, RC_INVALID, "origin" },
    { "GET", NULL, { HOST, { "X-Subject", "x" }, { "X-Subject", "x" } }, RC_INVALID, "x-subject" },
    { "GET", NULL, { HOST, { "X-Purpose", "x" }, { "X-Purpose", "y" } }, RC_INVALID, "x-purpose" },
    { "GET", NULL, { HOST, { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Proto", "http" } }, RC_INVALID, "x-forwarded-proto" },
    /* length */
    { "POST", NULL, { HOST, { "Content-Length", "0" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Content-Length", "007" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Content-Length", " 7 " } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Content-Length", "9223372036854775807" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Content-Length", "9223372036854775808" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "18446744073709551615" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "18446744073709551616" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "-1" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "+1" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "0x3" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3, 3" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3 3" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3.0" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3;" } }, RC_INVALID, "header:Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3" }, { "Content-Length", "3" } }, RC_INVALID, "content-length" },
    { "POST", NULL, { HOST, { "Content-Length", "3" }, { "content-length", "4" } }, RC_INVALID, "content-length" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "transfer-encoding", "Chunked " } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "xchunked" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked, chunked" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "gzip, chunked" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked, identity" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "identity" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked;x" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "\"chunked\"" } }, RC_INVALID, "header:Transfer-Encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "\x0b"
                                                   "chunked" } },
      RC_INVALID,
      "control" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } }, RC_INVALID, "transfer-encoding" },
    { "POST", NULL, { HOST, { "Transfer-Encoding", "chunked" }, { "Content-Length", "3" } }, RC_INVALID, "Content-Length" },
    { "POST", NULL, { HOST, { "Content-Length", "3" }, { "Transfer-Encoding", "chunked" } }, RC_INVALID, "Content-Length" },
    { "POST", "HTTP/1.0", { HOST, { "Transfer-Encoding", "chunked" } }, RC_INVALID, "HTTP/1.0" },
    { "POST", "HTTP/1.0", { HOST, { "Content-Length", "3" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Content-Encoding", "gzip" } }, RC_UNSUPPORTED, "header:Content-Encoding" },
    { "POST", NULL, { HOST, { "Content-Encoding", "identity" } }, RC_UNSUPPORTED, "header:Content-Encoding" },
    /* expectations, protocols, hop by hop */
    { "POST", NULL, { HOST, { "Expect", "100-continue" }, { "Content-Length", "7" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Expect", "100-Continue" }, { "Transfer-Encoding", "chunked" } }, RC_OK, NULL },
    { "POST", NULL, { HOST, { "Expect", "100-continue" } }, RC_EXPECTATION, "no body" },
    { "POST", NULL, { HOST, { "Expect", "100-continue" }, { "Content-Length", "00" } }, RC_EXPECTATION, "no body" },
    { "POST", NULL, { HOST, { "Expect", "" } }, RC_EXPECTATION, "header:Expect" },
    { "POST", NULL, { HOST, { "Expect", "200-ok" } }, RC_EXPECTATION, "header:Expect" },
    { "POST", NULL, { HOST, { "Expect", "100-continue, x" } }, RC_EXPECTATION, "header:Expect" },
    { "POST", NULL, { HOST, { "Expect", "100-continue" }, { "Expect", "100-continue" } }, RC_INVALID, "expect" },
    { "GET", NULL, { HOST, { "Upgrade", "h2c" }, { "Connection", "Upgrade, HTTP2-Settings" }, { "HTTP2-Settings", "AAMA" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "Connection", "authorization, host" }, { "Authorization", "Bearer x" } }, RC_OK, NULL },
    { "GET", NULL, { HOST, { "TE", "trailers, deflate;q=0.5" }, { "Trailer", "x" } }, RC_OK, NULL },
};

static void test_gate_takes_or_refuses(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_row(&rows[i]);
    }
}

static void test_gate_is_host(void **state)
{
    static const char *const good[] = {
        /* a port may be empty (RFC 3986, 3.2.3) */
        "a",
        "localhost",
        "localhost:8443",
        "a.b-c.example",
        "a_b",
        "127.0.0.1",
        "127.0.0.1:0",
        "a:65535",
        "a:",
        "[::1]",
        "[::1]:8443",
        "[2001:db8::1]",
        "A.EXAMPLE.",
        "~x",
        "[::1]:",
    };
    static const char *const bad[] = {
        "",
        ":80",
        "a b",
        "a,b",
        "a/b",
        "a@b",
        "a:b",
        "a:80:80",
        "a:65536",
        "a:999999",
        "a:-1",
        "[::1",
        "::1",
        "[::1]x",

        "[::1]:x",
        "[]",
        "[1.2.3.4]",
        "[::g]",
        "http://a",
        "a?b",
        "a#b",
        "a\\b",
        "a%00",
        "a;b",
        "\"a\"",
        "a\tb",
        "user:pass@a",
        "a:+1",
        "a:1 ",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (!gate_is_host(good[i])) {
            fail_msg("\"%s\" is a host", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (gate_is_host(bad[i])) {
            fail_msg("\"%s\" is no host", bad[i]);
        }
    }
    char text[GATE_HOST_BYTES_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[GATE_HOST_BYTES_MAX + 1] = '\0';
    check(!gate_is_host(text));
    text[GATE_HOST_BYTES_MAX] = '\0';
    check(gate_is_host(text));
}

static void test_gate_bounds_the_headers(void **state)
{
    static char large[GATE_HEADER_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large) - 1);
    struct api_header headers[GATE_HEADERS_MAX + 1] = { HOST };
    for (size_t i = 1; i < COUNT_OF(headers); i++) {
        headers[i] = (struct api_header){ "X", "" };
    }
    for (int turn = 0; turn < 4; turn++) {
        struct api_request request = { .method = "GET" };
        region_init(&request.region, API_REGION_MAX);
        struct api_head head = { .method = "GET", .headers = headers, .header_count = turn == 0 ? GATE_HEADERS_MAX : GATE_HEADERS_MAX + 1 };
        if (turn >= 2) { /* Host and its a, X, and as much as there may be: or one byte more */
            headers[1].value = turn == 2 ? large + 6 : large + 5;
            head.header_count = 2;
        }
        check_rc(gate_pass(&request, &head, NULL), turn % 2 == 0 ? RC_OK : RC_HEADERS_TOO_LARGE);
        region_finish(&request.region);
    }
}

static void test_gate_cleans_names_and_values(void **state)
{
    static const struct row row = { "GET", "HTTP/1.1", { { "HOST", " \ta.example:1 \t" }, { "X-MiXed_Z", "a  b" }, { "Empty", " \t " } }, RC_OK, NULL };
    struct api_request request;
    check_rc(pass(&row, &request, NULL), RC_OK);
    check_int(request.header_count, 3);
    check_text(api_get_header(&request, "host"), "a.example:1");
    check_text(api_get_header(&request, "x-mixed_z"), "a  b");
    check_text(api_get_header(&request, "empty"), "");
    region_finish(&request.region);
}

static void test_gate_runs_out_of_memory(void **state)
{
    static const struct row row = { "GET", "HTTP/1.1", { HOST, { "A", "b" }, { "C", "d" } }, RC_OK, NULL };
    enum rc rc = RC_NO_MEMORY;
    for (int n = 1; rc == RC_NO_MEMORY; n++) {
        struct api_request request;
        check(n < 100);
        mem_fail_at(n);
        rc = pass(&row, &request, NULL);
        mem_fail_at(0);
        region_finish(&request.region);
    }
    check_rc(rc, RC_OK);
}

CHECK_MAIN("api/gate",
           CHECK(test_gate_takes_or_refuses),
           CHECK(test_gate_is_host),
           CHECK(test_gate_bounds_the_headers),
           CHECK(test_gate_cleans_names_and_values),
           CHECK(test_gate_runs_out_of_memory))
