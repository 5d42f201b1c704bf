/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/str.h"

/* What is read somewhere in the daemon: ASCII, and once where it is one value. The others are nobody's business. */
static const struct known {
    const char *name;
    bool is_list; /* may come in several lines (RFC 9110, 5.3) */
} known[] = {
    { "accept", true },
    { "access-control-request-headers", true },
    { "access-control-request-method", false },
    { "authorization", false },
    { "connection", true },
    { "content-encoding", false },
    { "content-length", false },
    { "content-type", false },
    { "expect", false },
    { "forwarded", true },
    { "host", false },
    { "if-none-match", true },
    { "last-event-id", false },
    { "origin", false },
    { "transfer-encoding", false },
    { "x-forwarded-for", true },
    { "x-forwarded-proto", false },
    { "x-purpose", false },
    { "x-subject", false },
};

static const struct known *find_known(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static bool is_token_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The name in lower case, so that it is found by one comparison. */
static enum rc copy_name(struct region *region, const char *text, const char **ret, struct why *why)
{
    char *out = region_strdup(region, text);
    if (out == NULL) {
        return RC_NO_MEMORY;
    }
    bool good = out[0] != '\0';
    for (char *c = out; *c != '\0'; c++) {
        good = good && is_token_char((unsigned char)*c);
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
    }
    *ret = out;
    return good ? RC_OK : why_fail(why, RC_INVALID, NULL, "the header name \"%.60s\" holds what no name may hold", text);
}

/* Without blanks around it (RFC 9110, 5.5). */
static const char *copy_value(struct region *region, const char *text)
{
    char *out = region_strdup(region, text + strspn(text, " \t"));
    for (size_t n = out == NULL ? 0 : strlen(out); n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'); n--) {
        out[n - 1] = '\0';
    }
    return out;
}

/* The name as it is written in documents: header:Content-Type. */
static enum rc refuse_value(struct why *why, const char *name)
{
    char path[WHY_PATH_MAX];
    (void)snprintf(path, sizeof(path), "header:%s", name); /* the names that we know fit */
    for (char *c = path + strlen("header:"); *c != '\0'; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' && (c[-1] == ':' || c[-1] == '-') ? *c & ~0x20 : *c);
    }
    return why_fail(why, RC_INVALID, path, "must be ASCII");
}

static enum rc check_value(const struct api_header *header, struct why *why)
{
    const bool is_read = find_known(header->name) != NULL;
    for (const char *at = header->value; *at != '\0'; at++) {
        const unsigned char c = (unsigned char)*at;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return why_fail(why, RC_INVALID, NULL, "the header %.60s holds a control character", header->name);
        }
        if (c >= 0x80 && is_read) {
            return refuse_value(why, header->name);
        }
    }
    return RC_OK;
}

static enum rc keep_header(struct api_request *request, const struct api_header *from, struct why *why)
{
    struct api_header header = { .value = copy_value(&request->region, from->value) };
    enum rc rc = header.value == NULL ? RC_NO_MEMORY : copy_name(&request->region, from->name, &header.name, why);
    rc = rc != RC_OK ? rc : check_value(&header, why);
    if (rc == RC_OK) {
        request->headers[request->header_count++] = header;
    }
    return rc;
}

static enum rc keep_headers(struct api_request *request, const struct api_head *head, struct why *why)
{
    size_t bytes = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        bytes += strlen(head->headers[i].name) + strlen(head->headers[i].value);
    }
    if (head->header_count > GATE_HEADERS_MAX || bytes > GATE_HEADER_BYTES_MAX) {
        return why_fail(why, RC_HEADERS_TOO_LARGE, NULL, "at most %d headers of %u bytes together are read", GATE_HEADERS_MAX,
                        GATE_HEADER_BYTES_MAX);
    }
    request->headers = region_alloc(&request->region, head->header_count + 1, sizeof(*request->headers));
    enum rc rc = request->headers == NULL ? RC_NO_MEMORY : RC_OK;
    for (size_t i = 0; i < head->header_count && rc == RC_OK; i++) {
        rc = keep_header(request, &head->headers[i], why);
    }
    return rc;
}

/* The header that stands more often than it may; NULL: none. */
static const char *find_twice(const struct api_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        const struct known *row = find_known(name);
        for (size_t j = 0; row != NULL && !row->is_list && j < i; j++) {
            if (strcmp(request->headers[j].name, name) == 0) {
                return name;
            }
        }
    }
    return NULL;
}

static bool is_port(const char *text)
{
    const size_t n = strspn(text, "0123456789");
    int64_t port;
    return text[n] == '\0' && n <= 5 && (n == 0 || (str_to_int64(text, &port) && port <= 65535));
}

bool gate_is_host(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~";
    size_t n = strspn(text, letters);
    if (strlen(text) > GATE_HOST_BYTES_MAX) {
        return false;
    }
    if (text[0] == '[') {
        struct address address;
        n = strcspn(text, "]");
        if (text[n] == '\0' || memchr(text, ':', n) == NULL || !address_read(text + 1, n - 1, &address)) {
            return false;
        }
        n++;
    }
    return n > 0 && (text[n] == '\0' || (text[n] == ':' && is_port(text + n + 1)));
}

static bool is_digits(const char *text)
{
    int64_t n;
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && str_to_int64(text, &n);
}

/* One way to say where the body ends. */
static enum rc check_length(const struct api_request *request, bool is_old, struct why *why)
{
    const char *length = api_get_header(request, "content-length"), *coding = api_get_header(request, "transfer-encoding");
    if (length != NULL && !is_digits(length)) {
        return why_fail(why, RC_INVALID, "header:Content-Length", "must be digits and below 2^63, got \"%.40s\"", length);
    }
    if (coding != NULL && strcasecmp(coding, "chunked") != 0) {
        return why_fail(why, RC_INVALID, "header:Transfer-Encoding", "must be chunked");
    }
    if (coding != NULL && length != NULL) {
        return why_fail(why, RC_INVALID, "header:Transfer-Encoding", "must not stand beside Content-Length");
    }
    if (coding != NULL && is_old) {
        return why_fail(why, RC_INVALID, "header:Transfer-Encoding", "is not known to HTTP/1.0");
    }
    if (api_get_header(request, "content-encoding") != NULL) {
        return why_fail(why, RC_UNSUPPORTED, "header:Content-Encoding", "must be absent: compressed bodies are not read");
    }
    return RC_OK;
}

/* What makes two readers of one byte stream disagree is refused before anything else. */
static enum rc check_framing(const struct api_request *request, bool is_old, struct why *why)
{
    const char *host = api_get_header(request, "host"), *expect = api_get_header(request, "expect");
    const char *twice = find_twice(request);
    if (host == NULL || (twice != NULL && strcmp(twice, "host") == 0)) {
        return why_fail(why, RC_INVALID, "header:Host", "must be there exactly once");
    }
    if (twice != NULL) {
        return why_fail(why, RC_INVALID, NULL, "the header %s must be there at most once", twice);
    }
    if (!gate_is_host(host)) {
        return why_fail(why, RC_INVALID, "header:Host", "must be host or host:port, got \"%.80s\"", host);
    }
    if (expect != NULL && strcasecmp(expect, "100-continue") != 0) {
        return why_fail(why, RC_EXPECTATION, "header:Expect", "must be 100-continue, got \"%.40s\"", expect);
    }
    const char *length = api_get_header(request, "content-length");
    const bool has_body = api_get_header(request, "transfer-encoding") != NULL || (length != NULL && length[strspn(length, "0")] != '\0');
    if (expect != NULL && !has_body) { /* RFC 9110, 10.1.1; libmicrohttpd closes without a word when another request follows */
        return why_fail(why, RC_EXPECTATION, "header:Expect", "must be absent where there is no body");
    }
    return check_length(request, is_old, why);
}

static enum rc check_method(struct api_request *request, struct why *why)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (strcmp(request->method, methods[i]) == 0) {
            return RC_OK;
        }
    }
    bool good = request->method[0] != '\0';
    for (const char *c = request->method; *c != '\0'; c++) {
        good = good && is_token_char((unsigned char)*c);
    }
    request->method = "other"; /* the log has no room for what somebody thought up */
    if (!good) {
        return why_fail(why, RC_INVALID, NULL, "the method holds what no method may hold");
    }
    return why_fail(why, RC_NOT_IMPLEMENTED, NULL, "must be GET, HEAD, POST, PUT, DELETE or OPTIONS");
}

enum rc gate_pass(struct api_request *request, const struct api_head *head, struct why *why)
{
    const bool is_old = head->version != NULL && strcmp(head->version, "HTTP/1.0") == 0;
    if (head->malformed || (head->version != NULL && !is_old && strcmp(head->version, "HTTP/1.1") != 0)) {
        return why_fail(why, RC_INVALID, NULL, "the request is not well-formed HTTP/1.0 or HTTP/1.1");
    }
    enum rc rc = keep_headers(request, head, why);
    rc = rc != RC_OK ? rc : check_framing(request, is_old, why);
    return rc != RC_OK ? rc : check_method(request, why);
}
