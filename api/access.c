/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include <string.h>
#include <strings.h>

#include "api/anonymous.h"
#include "api/charge.h"

#define TOKEN_MAX 2048 /* narrowed tokens carry their caveats */

/* What stands behind "Bearer"; without the header, who the connection itself stands for. */
static enum rc find_token(struct api_request *request, struct caller_ask *ask, struct why *why)
{
    const struct api_listener *listener = request->peer.listener;
    const char *header = api_get_header(request, "authorization");
    if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0 && strlen(header) <= TOKEN_MAX) {
        ask->token = header + 7 + strspn(header + 7, " ");
        return RC_OK;
    }
    if (header == NULL && request->peer.token[0] != '\0') {
        ask->id = request->peer.token;
        return RC_OK;
    }
    if (header == NULL && listener != NULL && listener->default_token != NULL) {
        ask->id = listener->default_token;
        ask->needs_scopes = true;
        return RC_OK;
    }
    return why_fail(why, RC_UNAUTHENTICATED, "header:Authorization", "must be Bearer and a token");
}

enum rc access_connection(const struct api_request *request, struct why *why)
{
    const struct why *refused = request->peer.refused;
    return refused == NULL ? RC_OK : why_fail(why, RC_DENIED, refused->path, "%s", refused->text);
}

enum rc access_check(struct api_request *request, struct why *why)
{
    const struct api_auth *auth = &api_get_settings(request->api)->auth;
    const struct api_route *route = request->route;
    if (route->open) {
        return RC_OK;
    }
    struct caller_ask ask = {
        .path = request->path,
        .model = api_get_param(request, "model"),
        .address = request->client,
    };
    enum rc rc = find_token(request, &ask, why);
    rc = rc != RC_OK ? rc : auth->authenticate(auth->arg, &ask, &request->region, &request->caller, why);
    rc = rc != RC_OK ? rc : charge_begin(request, why);
    if (rc != RC_OK) {
        return rc;
    }
    const char *name = route->named == NULL ? NULL : api_get_param(request, route->named);
    return api_require(request, route->kind, name, route->verb, why);
}

/* Could the answer to whom no token stands behind be another one? A malformed head keeps its own, which ends the connection. */
static bool is_ordinary(enum rc rc)
{
    return rc == RC_OK || rc == RC_UNAUTHENTICATED || rc == RC_NOT_FOUND || rc == RC_METHOD;
}

enum rc access_limit_anonymous(struct api_request *request, enum rc rc, struct why *why)
{
    struct anonymous *anonymous = api_get_anonymous(request->api);
    int64_t seconds;
    /* Whom a proxy hides shares the bucket of the proxy. */
    const struct address *address = request->client.family == ADDRESS_NONE ? &request->peer.address : &request->client;
    if (anonymous == NULL || (request->caller.grant != NULL && rc != RC_UNAUTHENTICATED) ||
        anonymous_take(anonymous, address, request->started, &seconds) || !is_ordinary(rc)) {
        return rc;
    }
    request->retry_after = seconds;
    return why_fail(why, RC_LIMITED, "client:address", "at most %lld requests a second may come from one address without a valid token",
                    (long long)api_get_settings(request->api)->limits.anonymous);
}
