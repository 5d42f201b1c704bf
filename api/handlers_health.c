/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <string.h>

struct health {
    bool live, ready;
};

static const struct field health_fields[] = {
    { .name = "live", .kind = FIELD_BOOLEAN, .offset = offsetof(struct health, live), .about = "The process answers." },
    { .name = "ready", .kind = FIELD_BOOLEAN, .offset = offsetof(struct health, ready), .about = "It takes requests: not while it starts or stops." },
    { .name = NULL },
};
const struct schema health_schema = { "Health", "Whether the server lives and is ready.", sizeof(struct health), health_fields, true };

static enum rc reply_health(struct api_request *request, int status)
{
    const struct health health = { .live = true, .ready = api_is_ready(request->api) };
    struct doc *out = schema_write(&health_schema, &health);
    if (status != 200 && doc_put_string(out, "error", "the server is not ready") != RC_OK) {
        doc_destroy(out);
        return RC_NO_MEMORY;
    }
    return api_reply_doc(request, status, out);
}

enum rc handle_live(struct api_request *request, struct why *why)
{
    return reply_health(request, 200);
}

enum rc handle_ready(struct api_request *request, struct why *why)
{
    return reply_health(request, api_is_ready(request->api) ? 200 : 503);
}

enum rc handle_root(struct api_request *request, struct why *why)
{
    static const char page[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>licit</title>\n"
        "<h1>licit</h1>\n"
        "<p>This is a model server. Its contract is <a href=\"openapi.json\">openapi.json</a>; "
        "the command <code>licit</code> speaks it.</p>\n"
        "<p>Every request but this page, the contract and the probes <a href=\"v2/health/live\">v2/health/live</a> "
        "and <a href=\"v2/health/ready\">v2/health/ready</a> "
        "needs a token: <code>Authorization: Bearer licit_...</code>.</p>\n</html>\n";
    const enum rc rc = api_set_constant(request, "Cache-Control", "no-cache");
    return rc != RC_OK ? rc : api_reply(request, 200, "text/html; charset=utf-8", page, strlen(page));
}

enum rc handle_openapi(struct api_request *request, struct why *why)
{
    const struct buf *text = api_get_openapi(request->api);
    const enum rc rc = api_set_constant(request, "Cache-Control", "no-cache");
    request->response.etag = api_get_openapi_etag(request->api);
    return rc != RC_OK ? rc : api_reply(request, 200, "application/json", text->data, text->len);
}
