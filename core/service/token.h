/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_TOKEN_H
#define CORE_SERVICE_TOKEN_H

#include "core/base/field.h"
#include "core/service/caller.h"

/*
 * Tokens: issue, list, revoke, and the first one. Who is asking: caller.h.
 * Threads: any; all calls: disk.
 */

extern const struct schema token_request_schema; /* the body of POST /v1/tokens */
extern const struct schema token_schema;         /* the reply; "token" only in the one that creates it */

/* RC_INVALID (scopes, life), RC_DENIED (scopes or purposes wider than the creator's, or that is narrowed). The reply holds "token" this once. */
enum rc service_token_create(struct service *service, const struct caller *creator, const struct doc *body,
                             struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_token_list(struct service *service, const struct page *page, struct doc **ret,
                           struct why *why) MUST_CHECK;

/* Revokes the token and all that descend from it or were narrowed from it, with the next request. RC_NOT_FOUND,
 * RC_DENIED: the caller's token is narrowed. */
enum rc service_token_revoke(struct service *service, const struct caller *caller, const char *id, struct why *why) MUST_CHECK;

/* First start: when no token is on record, makes one with scope * and writes it to state/first-token
 * (mode 0600); *ret_made tells. */
enum rc service_first_token(struct service *service, bool *ret_made, struct why *why) MUST_CHECK;

#endif
