/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include "core/service/token.h"

enum rc handle_token_create(struct api_request *request, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    struct doc *doc = NULL;
    enum rc rc = api_read_doc(request, &body, why);
    rc = rc != RC_OK ? rc : service_token_create(request->service, request->caller.grant, body, &doc, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = api_add_header(request, "Cache-Control", "no-store"); /* the reply holds a secret */
    if (rc != RC_OK) {
        doc_destroy(doc);
        return rc;
    }
    return api_reply_doc(request, 201, doc);
}

enum rc handle_token_list(struct api_request *request, struct why *why)
{
    return handlers_list(request, why, service_token_list);
}

enum rc handle_token_revoke(struct api_request *request, struct why *why)
{
    const enum rc rc = service_token_revoke(request->service, request->caller.grant, api_get_param(request, "token"), why);
    return rc != RC_OK ? rc : handlers_no_content(request);
}
