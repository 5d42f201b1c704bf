/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX 100

static const char *lower(struct region *region, const char *text)
{
    char *out = region_strdup(region, text);
    for (char *c = out; c != NULL && *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return out;
}

static enum rc check_value(const struct api_header *header, struct why *why)
{
    for (const char *c = header->value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 && *c != '\t') {
            return why_fail(why, RC_INVALID, NULL, "the header %.60s holds a control character", header->name);
        }
    }
    return RC_OK;
}

static enum rc keep_headers(struct api_request *request, const struct api_head *head, struct why *why)
{
    if (head->header_count > HEADERS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "at most %d headers are read", HEADERS_MAX);
    }
    request->headers = region_alloc(&request->region, head->header_count + 1, sizeof(*request->headers));
    if (request->headers == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < head->header_count; i++) {
        const struct api_header header = {
            .name = lower(&request->region, head->headers[i].name),
            .value = region_strdup(&request->region, head->headers[i].value),
        };
        if (header.name == NULL || header.value == NULL) {
            return RC_NO_MEMORY;
        }
        const enum rc rc = check_value(&header, why);
        if (rc != RC_OK) {
            return rc;
        }
        request->headers[request->header_count++] = header;
    }
    return RC_OK;
}

static size_t count_header(const struct api_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        count += strcmp(request->headers[i].name, name) == 0;
    }
    return count;
}

/* What makes two readers of one byte stream disagree is refused before anything else. */
static enum rc check_framing(const struct api_request *request, struct why *why)
{
    static const char *const once[] = { "content-length", "transfer-encoding", "authorization", "content-type" };
    if (count_header(request, "host") != 1) {
        return why_fail(why, RC_INVALID, "header:Host", "must be there exactly once");
    }
    for (size_t i = 0; i < COUNT_OF(once); i++) {
        if (count_header(request, once[i]) > 1) {
            return why_fail(why, RC_INVALID, NULL, "the header %s must be there at most once", once[i]);
        }
    }
    const char *coding = api_get_header(request, "transfer-encoding");
    if (coding != NULL && strcasecmp(coding, "chunked") != 0) {
        return why_fail(why, RC_INVALID, "header:Transfer-Encoding", "must be chunked");
    }
    if (coding != NULL && api_get_header(request, "content-length") != NULL) {
        return why_fail(why, RC_INVALID, "header:Transfer-Encoding", "must not stand beside Content-Length");
    }
    if (api_get_header(request, "content-encoding") != NULL) {
        return why_fail(why, RC_UNSUPPORTED, "header:Content-Encoding", "must be absent: compressed bodies are not read");
    }
    return RC_OK;
}

/* Another system's id is echoed and logged only when it looks like one. */
static bool is_client_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=";
    const size_t n = strlen(text);
    return n > 0 && n <= API_CLIENT_ID_MAX && strspn(text, allowed) == n;
}

static void find_client_id(struct api_request *request)
{
    static const char *const names[] = { "x-request-id", "traceparent" };
    for (size_t i = 0; i < COUNT_OF(names) && request->client_id == NULL; i++) {
        const char *text = api_get_header(request, names[i]);
        request->client_id = text != NULL && is_client_id(text) ? text : NULL;
    }
}

enum rc gate_pass(struct api_request *request, const struct api_head *head, struct why *why)
{
    if (head->malformed) {
        return why_fail(why, RC_INVALID, NULL, "the request is not well-formed HTTP");
    }
    enum rc rc = keep_headers(request, head, why);
    rc = rc != RC_OK ? rc : check_framing(request, why);
    if (rc == RC_OK) {
        find_client_id(request);
    }
    return rc;
}
