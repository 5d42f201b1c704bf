/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_TOKEN_H
#define CORE_SERVICE_TOKEN_H

#include "core/base/address.h"
#include "core/base/field.h"
#include "core/service/service.h"

/*
 * Tokens: who is asking, issue, list, revoke.
 * Threads: any; all calls but caller_find() and caller_may(): disk.
 */

extern const struct schema token_request_schema; /* the body of POST /v1/tokens */
extern const struct schema token_schema;         /* the reply; "token" only in the one that creates it */

/* Who is asking, borrowed from the resident table until caller_release(). */
struct caller;

/* What a request says of itself. All borrowed for the call. */
struct caller_ask {
    const char *token; /* the text that it brings; NULL: the connection stands for the token `id` */
    const char *id;
    const char *path;       /* decoded, without query and prefix */
    const char *model;      /* that the path names; NULL: none */
    struct address address; /* of the client; ADDRESS_NONE: not known */
};

/* RC_UNAUTHENTICATED: malformed, unknown, expired or revoked (the words do not tell which of the last three apart from expiry). */
enum rc caller_find(struct service *service, const struct caller_ask *ask, struct caller **ret, struct why *why) MUST_CHECK;
void caller_release(struct caller *caller);
const char *caller_token_id(const struct caller *caller);

/* May the caller do this to this object (name NULL: to any)? "model", "credit", "predict" */
bool caller_may(const struct caller *caller, const char *kind, const char *name, const char *verb);

/* May the caller serve this purpose (NULL: none is named)? RC_DENIED: its token is limited to purposes, and this
 * is none of them. path is the place that names it. Must not touch the disk. */
enum rc caller_check_purpose(const struct caller *caller, const char *purpose, const char *path, struct why *why) MUST_CHECK;

/* RC_INVALID (scopes, life), RC_DENIED (scopes or purposes wider than the creator's). The reply holds "token" this once. */
enum rc service_token_create(struct service *service, const struct caller *creator, const struct doc *body,
                             struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_token_list(struct service *service, const struct page *page, struct doc **ret,
                           struct why *why) MUST_CHECK;

/* Revokes the token and all that descend from it, with the next request. */
enum rc service_token_revoke(struct service *service, const char *id, struct why *why) MUST_CHECK;

/* First start: when no token is on record, makes one with scope * and writes it to state/first-token
 * (mode 0600); *ret_made tells. */
enum rc service_first_token(struct service *service, bool *ret_made, struct why *why) MUST_CHECK;

#endif
