/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_TOKEN_BODY_H
#define CORE_SERVICE_TOKEN_BODY_H

#include "core/auth/quota.h"
#include "core/service/token.h"

/*
 * The bodies of tokens (contract: Token) as C structs and field tables, and
 * what a token's row keeps beside its columns.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

/* Absent ones are FIELD_ABSENT. */
struct token_limits {
    int64_t requests_per_second, concurrent, rows_per_day, bytes_per_day, bits_per_day;
};

struct token_request {
    const char *name;
    struct field_list scopes, purposes; /* const char * */
    const struct token_limits *limits;  /* NULL: none */
    int64_t expires_in, uses;
};

struct token_view {
    const char *id, *object, *name, *token, *parent;
    struct field_list scopes, purposes; /* const char * */
    const struct token_limits *limits;  /* NULL: none */
    int64_t created_at, expires_at, revoked_at, last_used_at, uses;
};

/* What a token's row keeps beside the columns. */
struct token_body {
    struct field_list purposes; /* const char * */
    const struct token_limits *limits;
    int64_t uses;
};

extern const struct schema token_body_schema;

/* NULL: nothing is kept. RC_CORRUPT, RC_NO_MEMORY. */
enum rc token_read_body(const char *json, struct region *region, struct token_body *ret, struct why *why) MUST_CHECK;

/* The purposes alone to which a token is limited; none: it is not. */
enum rc token_read_purposes(const char *json, struct region *region, struct field_list *ret, struct why *why) MUST_CHECK;

/* The limits in the numbers of a quota; false: there are none. */
bool token_get_limits(const struct token_limits *limits, int64_t uses, struct quota_numbers *ret);

/* Where a limit stands in the request: "limits.rows_per_day". */
const char *token_limit_path(enum quota_kind kind);

/* NULL is no purpose. */
bool token_has_purpose(const struct field_list *purposes, const char *purpose);

#endif
