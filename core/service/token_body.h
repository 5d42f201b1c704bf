/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_TOKEN_BODY_H
#define CORE_SERVICE_TOKEN_BODY_H

#include "core/service/token.h"

/*
 * The bodies of tokens (contract: Token) as C structs and field tables, and
 * what a token's row keeps beside its columns.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

struct token_request {
    const char *name;
    struct field_list scopes, purposes; /* const char * */
    int64_t expires_in;
};

struct token_view {
    const char *id, *object, *name, *token, *parent;
    struct field_list scopes, purposes; /* const char * */
    int64_t created_at, expires_at, revoked_at, last_used_at;
};

/* What a token's row keeps beside the columns: the list of its purposes. */
extern const struct schema token_body_schema;

/* The purposes to which a token is limited; none: it is not. RC_CORRUPT, RC_NO_MEMORY. */
enum rc token_read_purposes(const char *json, struct region *region, struct field_list *ret, struct why *why) MUST_CHECK;

/* NULL is no purpose. */
bool token_has_purpose(const struct field_list *purposes, const char *purpose);

#endif
