/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include "core/service/model.h"

enum rc handle_model_list(struct api_request *request, struct why *why)
{
    return handlers_list(request, why, service_model_list);
}

enum rc handle_model_get(struct api_request *request, struct why *why)
{
    struct doc *doc = NULL;
    request->log_model = api_get_param(request, "model");
    const enum rc rc = service_model_get(request->service, request->log_model, &doc, why);
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}

enum rc handle_model_erase(struct api_request *request, struct why *why)
{
    request->log_model = api_get_param(request, "model");
    const enum rc rc = service_model_erase(request->service, request->log_model, why);
    return rc != RC_OK ? rc : handlers_no_content(request);
}

enum rc handle_version_get(struct api_request *request, struct why *why)
{
    struct doc *doc = NULL;
    request->log_model = api_get_param(request, "model");
    request->log_version = api_get_version(request);
    const enum rc rc = service_version_get(request->service, request->log_model, request->log_version, &doc, why);
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}

enum rc handle_version_erase(struct api_request *request, struct why *why)
{
    request->log_model = api_get_param(request, "model");
    request->log_version = api_get_version(request);
    const enum rc rc = service_version_erase(request->service, request->log_model, request->log_version, why);
    return rc != RC_OK ? rc : handlers_no_content(request);
}

enum rc handle_label_remove(struct api_request *request, struct why *why)
{
    request->log_model = api_get_param(request, "model");
    const enum rc rc = service_label_remove(request->service, request->log_model, api_get_param(request, "label"), why);
    return rc != RC_OK ? rc : handlers_no_content(request);
}

enum rc handle_label_set(struct api_request *request, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    struct doc *doc = NULL;
    request->log_model = api_get_param(request, "model");
    enum rc rc = api_read_doc(request, &body, why);
    rc = rc != RC_OK ? rc : service_label_set(request->service, request->log_model, api_get_param(request, "label"), body, &doc, why);
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}
