/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "core/base/str.h"

const char *api_get_header(const struct api_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

const char *api_get_param(const struct api_request *request, const char *name)
{
    for (size_t i = 0; i < request->param_count; i++) {
        if (strcmp(request->params[i].name, name) == 0) {
            return request->params[i].value;
        }
    }
    return NULL;
}

int64_t api_get_version(const struct api_request *request)
{
    const char *text = api_get_param(request, "version");
    int64_t version = 0;
    return text != NULL && str_to_int64(text, &version) ? version : 0;
}

enum rc api_require(const struct api_request *request, const char *kind, const char *name,
                    const char *verb, struct why *why)
{
    const struct api_auth *auth = &api_get_settings(request->api)->auth;
    if (auth->allows(auth->arg, &request->caller, kind, name, verb)) {
        return RC_OK;
    }
    return why_fail(why, RC_DENIED, NULL, "the token lacks the scope %s:%s:%s", kind, name == NULL ? "*" : name, verb);
}

/* "application/json", with or without parameters; absent counts as JSON. */
static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    const size_t n = type == NULL ? 0 : strcspn(type, "; \t");
    return type == NULL || (n == strlen(json) && strncasecmp(type, json, n) == 0);
}

enum rc api_read_doc(struct api_request *request, struct doc **ret, struct why *why)
{
    const char *type = api_get_header(request, "content-type");
    if (!is_json_type(type)) {
        return why_fail(why, RC_UNSUPPORTED, "header:Content-Type", "must be application/json, got \"%.60s\"", type);
    }
    return doc_parse(request->body.data == NULL ? "" : request->body.data, request->body.len, ret, why);
}

enum rc api_add_constant(struct api_request *request, const char *name, const char *value)
{
    struct api_response *response = &request->response;
    if (response->header_count == API_REPLY_HEADERS_MAX) {
        return RC_NO_MEMORY;
    }
    response->headers[response->header_count++] = (struct api_header){ name, value };
    return RC_OK;
}

enum rc api_set_constant(struct api_request *request, const char *name, const char *value)
{
    struct api_response *response = &request->response;
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0) {
            response->headers[i].value = value;
            return RC_OK;
        }
    }
    return api_add_constant(request, name, value);
}

enum rc api_add_header(struct api_request *request, const char *name, const char *value)
{
    const char *copy = region_strdup(&request->region, value);
    return copy == NULL ? RC_NO_MEMORY : api_add_constant(request, name, copy);
}

enum rc api_reply(struct api_request *request, int status, const char *type, const void *bytes, size_t n)
{
    buf_clear(&request->response.body);
    enum rc rc = api_add_header(request, "Content-Type", type);
    rc = rc != RC_OK || n == 0 ? rc : buf_append(&request->response.body, bytes, n);
    if (rc == RC_OK) {
        request->response.status = status;
    }
    return rc;
}

enum rc api_reply_doc(struct api_request *request, int status, struct doc *doc)
{
    buf_clear(&request->response.body);
    enum rc rc = doc == NULL ? RC_NO_MEMORY : doc_write(doc, DOC_COMPACT, &request->response.body);
    doc_destroy(doc);
    rc = rc != RC_OK ? rc : api_add_header(request, "Content-Type", "application/json");
    if (rc == RC_OK) {
        request->response.status = status;
    }
    return rc;
}

enum rc api_reply_stream(struct api_request *request, const char *type, struct api_stream stream)
{
    request->response.stream = stream;
    const enum rc rc = api_add_header(request, "Content-Type", type);
    if (rc == RC_OK) {
        request->response.status = 200;
    }
    return rc;
}
