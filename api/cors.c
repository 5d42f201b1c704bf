/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cors.h"

#include <string.h>
#include <strings.h>

#include "api/gate.h"
#include "api/route.h"
#include "core/base/mem.h"

#define MAX_AGE "600" /* seconds that a browser may remember a preflight: a removed origin is gone soon */
#define TAKES   "Authorization, Content-Type, Accept, X-Purpose, X-Subject, X-Request-Id, traceparent, tracestate, If-None-Match, Last-Event-ID"
#define SHOWS                                                                                                        \
    "X-Request-Id, X-Client-Request-Id, X-Model-Version, X-Version-Digest, Location, ETag, Retry-After, RateLimit, " \
    "RateLimit-Policy, WWW-Authenticate"

struct cors {
    bool any;
    size_t count;
    char *text; /* the origins, each closed by a NUL */
    const char *origins[CORS_ORIGINS_MAX];
};

/* scheme://host[:port] in lower case, without the port that the scheme has anyway: as browsers write it. */
static bool is_origin(const char *text)
{
    const bool secure = strncmp(text, "https://", 8) == 0;
    if (!secure && strncmp(text, "http://", 7) != 0) {
        return false;
    }
    const char *host = text + (secure ? 8 : 7);
    const size_t n = strlen(host);
    const char *usual = secure ? ":443" : ":80";
    const size_t port = strlen(usual);
    bool upper = false;
    for (const char *c = host; *c != '\0'; c++) {
        upper = upper || (*c >= 'A' && *c <= 'Z');
    }
    return gate_is_host(host) && !upper && n > 0 && host[n - 1] != ':' && (n < port || strcmp(host + n - port, usual) != 0);
}

static enum rc read_origins(struct cors *cors, struct why *why)
{
    char *rest = cors->text;
    for (char *word = strtok_r(rest, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        if (strcmp(word, "*") == 0) {
            cors->any = true;
        } else if (!is_origin(word)) {
            return why_fail(why, RC_INVALID, NULL, "must be origins as browsers write them, https://app.example:8443, got \"%.80s\"", word);
        } else if (cors->count == CORS_ORIGINS_MAX) {
            return why_fail(why, RC_TOO_LARGE, NULL, "at most %d origins can be listed", CORS_ORIGINS_MAX);
        } else {
            cors->origins[cors->count++] = word;
        }
    }
    return RC_OK;
}

enum rc cors_create(const char *text, struct cors **ret, struct why *why)
{
    struct cors *cors = mem_alloc(sizeof(*cors));
    if (cors == NULL) {
        return RC_NO_MEMORY;
    }
    cors->text = mem_strdup(text);
    const enum rc rc = cors->text == NULL ? RC_NO_MEMORY : read_origins(cors, why);
    if (rc != RC_OK) {
        cors_destroy(cors);
        return rc;
    }
    *ret = cors;
    return RC_OK;
}

void cors_destroy(struct cors *cors)
{
    if (cors != NULL) {
        mem_free(cors->text);
        mem_free(cors);
    }
}

static bool is_listed(const struct cors *cors, const char *origin)
{
    for (size_t i = 0; i < cors->count; i++) {
        if (strcmp(cors->origins[i], origin) == 0) {
            return true;
        }
    }
    return false;
}

enum rc cors_add_headers(struct api_request *request, const struct cors *cors)
{
    const char *origin = api_get_header(request, "origin");
    enum rc rc = RC_OK;
    if (!cors->any && cors->count == 0) {
        return RC_OK;
    }
    if (!cors->any) {
        rc = api_add_constant(request, "Vary", "Origin"); /* also without one: a cache must not give this reply to a page */
    }
    if (origin == NULL || (!cors->any && !is_listed(cors, origin))) {
        return rc;
    }
    rc = rc != RC_OK ? rc : cors->any ? api_add_constant(request, "Access-Control-Allow-Origin", "*")
                                      : api_add_header(request, "Access-Control-Allow-Origin", origin);
    return rc != RC_OK ? rc : api_add_constant(request, "Access-Control-Expose-Headers", SHOWS);
}

enum rc cors_add_preflight(struct api_request *request, const struct cors *cors, const char *allow)
{
    const char *origin = api_get_header(request, "origin");
    if (origin == NULL || api_get_header(request, "access-control-request-method") == NULL || (!cors->any && !is_listed(cors, origin))) {
        return RC_OK;
    }
    enum rc rc = api_add_header(request, "Access-Control-Allow-Methods", allow);
    rc = rc != RC_OK ? rc : api_add_constant(request, "Access-Control-Allow-Headers", TAKES);
    return rc != RC_OK ? rc : api_add_constant(request, "Access-Control-Max-Age", MAX_AGE);
}

/* Is the origin the one that the page of our own has? */
static bool is_own(const struct api_request *request, const char *origin)
{
    const char *scheme = request->client_is_secure ? "https://" : "http://";
    const char *host = api_get_header(request, "host");
    return strncmp(origin, scheme, strlen(scheme)) == 0 && host != NULL && strcasecmp(origin + strlen(scheme), host) == 0;
}

/* localhost or an address, with a port or without: no name that somebody else gives away. */
static bool is_local_name(const char *host)
{
    const size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    struct address address;
    return host[0] == '[' || (n == 9 && strncasecmp(host, "localhost", n) == 0) || address_read(host, n, &address);
}

enum rc cors_guard(const struct api_request *request, const struct cors *cors, struct why *why)
{
    const struct api_peer *peer = &request->peer;
    const bool by_default = peer->listener != NULL && peer->listener->default_token != NULL;
    const char *origin = api_get_header(request, "origin"), *host = api_get_header(request, "host");
    if (request->route->open || api_get_header(request, "authorization") != NULL || (peer->token[0] == '\0' && !by_default)) {
        return RC_OK;
    }
    if (origin != NULL && !is_listed(cors, origin) && !is_own(request, origin)) {
        return why_fail(why, RC_DENIED, "header:Origin", "a page of another origin must bring a token of its own");
    }
    if (peer->token[0] == '\0' && peer->address.family != ADDRESS_NONE && !request->is_proxied && !is_local_name(host)) {
        return why_fail(why, RC_DENIED, "header:Host", "must be localhost or an address where no token is brought");
    }
    return RC_OK;
}
