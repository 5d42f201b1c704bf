/* SPDX-License-Identifier: Apache-2.0 */
#include "api/error.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/str.h"

#define RETRY_AFTER 1 /* seconds: a queue empties in less */

struct problem {
    const char *type, *title, *detail, *code, *path, *request_id;
    int64_t status;
};

static const struct field problem_fields[] = {
    { .name = "type", .kind = FIELD_STRING, .offset = offsetof(struct problem, type), .flags = FIELD_REQUIRED, .about = "urn:licit:error: and the code." },
    { .name = "title", .kind = FIELD_STRING, .offset = offsetof(struct problem, title), .flags = FIELD_REQUIRED, .about = "The same words for every error of this code." },
    { .name = "status", .kind = FIELD_INTEGER, .offset = offsetof(struct problem, status), .flags = FIELD_REQUIRED, .about = "The HTTP status." },
    { .name = "detail", .kind = FIELD_STRING, .offset = offsetof(struct problem, detail), .flags = FIELD_REQUIRED, .about = "What was wrong here, and what would be right." },
    { .name = "code", .kind = FIELD_STRING, .offset = offsetof(struct problem, code), .flags = FIELD_REQUIRED, .about = "For programs; never renamed." },
    { .name = "path", .kind = FIELD_STRING, .offset = offsetof(struct problem, path), .about = "Where in the input: network.layers[2].units, header:Content-Type." },
    { .name = "request_id", .kind = FIELD_STRING, .offset = offsetof(struct problem, request_id), .flags = FIELD_REQUIRED, .about = "As in the header X-Request-Id." },
    { .name = NULL },
};
const struct schema api_problem_schema = { "Problem", "An error (RFC 9457).", sizeof(struct problem), problem_fields, true };

/* Every code of rc.h once; docs/errors.md is made from this table. The last row before the end answers for a code that is missing. */
const struct api_error api_errors[] = {
    { 400, "invalid_json", "The body is not well-formed", "send well-formed JSON in UTF-8" },
    { 400, "duplicate_key", "A key is given twice", "send every key once" },
    { 400, "unknown_key", "A key is not known", "the detail lists the keys that are known there" },
    { 400, "invalid_value", "A value is not allowed", "the detail says what would be right" },
    { 401, "unauthenticated", "A valid token is needed", "send a valid token: `Authorization: Bearer licit_...`" },
    { 403, "forbidden", "The token does not allow this", "ask for a token with the scope that the detail names" },
    { 404, "not_found", "There is no such thing", "check the id; for a prediction: label a version `production`, or name one" },
    { 405, "method_not_allowed", "The method is not offered here", "the header `Allow` lists the methods" },
    { 409, "conflict", "It clashes with the present state", "the present state forbids it, such as removing a version that a label names" },
    { 410, "gone", "It was here and has been erased", "an erased dataset answers with what remains on record" },
    { 413, "too_large", "It is larger than the ceiling", "the ceiling is in the detail and in `licitd.conf`" },
    { 414, "uri_too_long", "The target is too long", "the ceiling is in the detail; long input belongs into the body" },
    { 415, "unsupported_media", "This form is not supported", "send the media type that the detail names" },
    { 417, "expectation_failed", "The expectation cannot be met", "send `Expect: 100-continue` or no `Expect`" },
    { 422, "unprocessable", "Well-formed, but not possible with this data", "the detail says what the data does not allow" },
    { 429, "queue_full", "The queue is full", "try again after `Retry-After` seconds" },
    { 429, "rate_limited", "Too many requests", "try again after `Retry-After` seconds" },
    { 429, "concurrency_limited", "Too many requests at a time", "wait for the answers of those under way" },
    { 429, "rows_limited", "The rows of the day are used up", "try again after `Retry-After` seconds, or send fewer rows" },
    { 429, "bytes_limited", "The bytes of the day are used up", "try again after `Retry-After` seconds, or send less" },
    { 429, "bits_limited", "The information of the day is used up", "try again after `Retry-After` seconds, or send fewer rows" },
    { 431, "headers_too_large", "The headers are too large", "the ceiling is in the detail" },
    { 499, "cancelled", "It was cancelled", "the client left, or a job was cancelled" },
    { 501, "not_implemented", "No path offers this method", "the methods are GET, HEAD, POST, PUT, DELETE and OPTIONS" },
    { 503, "unavailable", "Not ready for this now", "the server is starting, stopping or short of memory: try again after `Retry-After` seconds" },
    { 504, "deadline", "The deadline has passed", "it waited too long; try again when there is less to do" },
    { 507, "storage_full", "The disk is full", "nothing was changed; whoever runs the server makes room" },
    { 500, "internal", "An internal error", "a fault of the server: report it with the request id" },
    { 0, NULL, NULL, NULL },
};

/* RC_OK is no error; a result code without a row would be our own fault. */
struct api_error api_error_of(enum rc rc)
{
    const struct api_error *error = api_errors;
    while (error[1].code != NULL && strcmp(error->code, rc_code(rc)) != 0) {
        error++;
    }
    return *error;
}

/* Our own fault is told in the log; the client gets the request id to ask with. */
static const char *public_detail(const struct api_request *request, enum rc rc, const struct why *why)
{
    const char *words = why != NULL && why->text[0] != '\0' ? why->text : NULL;
    if (rc == RC_IO || rc == RC_CORRUPT || rc == RC_INTERNAL) {
        log_error("request_failed", "request=%s rc=%s why=%s", request->id, rc_name(rc), log_quote(words).text);
        return "the request could not be served; the log of the daemon says why under this request id";
    }
    return words != NULL ? words : rc_text(rc);
}

/* Words may quote a client's bytes and may be cut within a character: JSON wants UTF-8. */
static const char *clean(struct api_request *request, const char *text)
{
    if (text == NULL || str_is_utf8(text, strlen(text))) {
        return text;
    }
    char *copy = region_strdup(&request->region, text);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    return copy;
}

/* The kinds that the OpenAI SDKs know. */
static const char *sdk_type(int status)
{
    if (status == 401) {
        return "authentication_error";
    }
    if (status == 429) {
        return "rate_limit_error";
    }
    return status < 500 ? "invalid_request_error" : "server_error";
}

static enum rc put_sdk_error(struct doc *out, const struct problem *problem)
{
    struct doc *error = doc_new_object();
    enum rc rc = doc_put_string(error, "message", problem->detail);
    rc = rc != RC_OK ? rc : doc_put_string(error, "type", sdk_type((int)problem->status));
    rc = rc != RC_OK ? rc : doc_put_string(error, "param", problem->path);
    rc = rc != RC_OK ? rc : doc_put_string(error, "code", problem->code);
    const enum rc put = doc_put(out, "error", error);
    return rc != RC_OK ? rc : put;
}

static enum rc plain_body(struct api_request *request, const struct problem *problem)
{
    AUTO_FREE char *text = NULL;
    struct buf words;
    buf_init(&words, WHY_PATH_MAX + WHY_TEXT_MAX + 8);
    (void)buf_printf(&words, "%s%s%s", problem->path == NULL ? "" : problem->path, problem->path == NULL ? "" : ": ", problem->detail);
    text = buf_take(&words, NULL);
    struct doc *out = doc_new_object();
    if (text == NULL || doc_put_string(out, "error", text) != RC_OK) {
        doc_destroy(out);
        return RC_NO_MEMORY;
    }
    return api_reply_doc(request, (int)problem->status, out);
}

static enum rc native_body(struct api_request *request, const struct problem *problem, enum api_style style)
{
    struct doc *out = schema_write(&api_problem_schema, problem);
    if (out == NULL || (style == API_STYLE_OPENAI && put_sdk_error(out, problem) != RC_OK)) {
        doc_destroy(out);
        return RC_NO_MEMORY;
    }
    AUTO(buf) struct buf text;
    buf_init(&text, request->response.body.max);
    enum rc rc = doc_write(out, DOC_COMPACT, &text);
    doc_destroy(out);
    return rc != RC_OK ? rc : api_reply(request, (int)problem->status, "application/problem+json", text.data, text.len);
}

static enum rc add_headers(struct api_request *request, enum rc rc)
{
    if (rc == RC_UNAUTHENTICATED) {
        return api_add_header(request, "WWW-Authenticate", "Bearer realm=\"licit\"");
    }
    if (api_error_of(rc).status == 429 || api_error_of(rc).status == 503) {
        char seconds[24];
        const int64_t wait = request->retry_after > 0 ? request->retry_after : RETRY_AFTER;
        (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)wait); /* an integer fits */
        return api_add_header(request, "Retry-After", seconds);
    }
    return rc == RC_CONFLICT ? api_add_header(request, "x-should-retry", "false") : RC_OK;
}

void api_error_reply(struct api_request *request, enum rc rc, const struct why *why)
{
    const struct api_error error = api_error_of(rc);
    char type[64];
    (void)snprintf(type, sizeof(type), "urn:licit:error:%s", error.code); /* codes are short */
    const struct problem problem = {
        .type = type,
        .title = error.title,
        .detail = clean(request, public_detail(request, rc, why)),
        .code = error.code,
        .path = why != NULL && why->path[0] != '\0' ? clean(request, why->path) : NULL,
        .request_id = request->id,
        .status = error.status,
    };
    const enum api_style style = route_style(request->path);
    enum rc made = style == API_STYLE_PLAIN ? plain_body(request, &problem) : native_body(request, &problem, style);
    made = made != RC_OK ? made : add_headers(request, rc);
    if (made != RC_OK) { /* an empty body is still an answer */
        buf_clear(&request->response.body);
        request->response.status = error.status;
    }
    request->response.code = error.code;
}
