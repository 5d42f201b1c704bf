/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <string.h>

#include "core/base/str.h"
#include "core/service/caller.h"
#include "core/service/lease.h"

struct list_query {
    int64_t limit;
    const char *after;
};

static const struct field list_query_fields[] = {
    { .name = "limit", .kind = FIELD_INTEGER, .offset = offsetof(struct list_query, limit), .min = 1, .max = 1000, .fallback = "20", .about = "How many at most." },
    { .name = "after", .kind = FIELD_STRING, .offset = offsetof(struct list_query, after), .min = 1, .max = 63, .about = "Only what is older than this one: the last id of the page before." },
    { .name = NULL },
};
const struct schema list_query_schema = { "ListQuery", "A page of a list.", sizeof(struct list_query), list_query_fields, false };

enum rc handlers_list(struct api_request *request, struct why *why,
                      enum rc (*use_case)(struct service *, const struct page *, struct doc **, struct why *))
{
    const struct list_query *query = request->query;
    const struct page page = { .limit = (int)query->limit, .after = query->after };
    struct doc *doc = NULL;
    const enum rc rc = use_case(request->service, &page, &doc, why);
    if (rc == RC_NOT_FOUND) { /* what `after` names */
        return why_under(why, rc, "query");
    }
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}

enum rc handlers_no_content(struct api_request *request)
{
    request->response.status = 204;
    return RC_OK;
}

enum rc handlers_created(struct api_request *request, int status, const char *collection, struct doc *doc)
{
    const char *prefix = api_get_settings(request->api)->prefix;
    const char *place = region_printf(&request->region, "%s%s/%s", prefix == NULL ? "" : prefix, collection, doc_get_string(doc, "id", ""));
    const enum rc rc = place == NULL ? RC_NO_MEMORY : api_add_header(request, "Location", place);
    if (rc != RC_OK) {
        doc_destroy(doc);
        return rc;
    }
    return api_reply_doc(request, status, doc);
}

static enum rc find_caller(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    struct caller *caller = NULL;
    const enum rc rc = caller_find(arg, ask, &caller, why);
    if (rc != RC_OK) {
        return rc;
    }
    ret->grant = caller;
    ret->quota = caller_quota(caller);
    (void)str_copy(ret->token, sizeof(ret->token), caller_token_id(caller)); /* an id fits */
    return RC_OK;
}

static bool may(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return caller_may(caller->grant, kind, name, verb);
}

static enum rc lease(void *arg, struct quota *quota, const struct quota_numbers *cost, struct why *why)
{
    return lease_extend(arg, quota, cost, why);
}

static void release(void *arg, struct api_caller *caller)
{
    caller_release(caller->grant);
}

struct api_auth handlers_auth(struct service *service)
{
    return (struct api_auth){ .arg = service, .authenticate = find_caller, .allows = may, .release = release, .lease = lease };
}
