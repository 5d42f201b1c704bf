/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_TOKEN_H
#define CORE_STORE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/id.h"
#include "core/store/store.h"

/*
 * Rows of tokens. The token itself is never kept, only its digest and, sealed,
 * where its narrowing starts. Who may do what with it is the business of core/auth.
 *
 * Threads, memory and common errors: store.h. Logs: no.
 */

#define TOKEN_LIVE_MAX 10000 /* tokens that may be alive at once: a start has to load them all */

struct token_row {
    char id[ID_SIZE];
    char sha256[65]; /* of the token's text */
    const char *name;
    const char *scopes; /* separated by one space each */
    int64_t created_at;
    int64_t expires_at;
    const char *parent;   /* id of the token that made it; NULL: the first one */
    int64_t revoked_at;   /* 0: not revoked */
    int64_t last_used_at; /* 0: never; coarse */
    const char *body;     /* JSON text: limits and purposes; NULL: none */
    const void *chain;    /* sealed; NULL: it cannot be narrowed */
    size_t chain_bytes;
};

struct token_list {
    struct token_row *rows;
    size_t count;
    bool has_more;
};

/* RC_CONFLICT: id or digest are there, or the parent is revoked; RC_NOT_FOUND: the parent; RC_TOO_LARGE:
 * TOKEN_LIVE_MAX are alive at row->created_at. */
enum rc store_token_add(struct store *store, const struct token_row *row, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. */
enum rc store_token_get(struct store *store, const char *id, struct region *region,
                        struct token_row *ret, struct why *why) MUST_CHECK;

/* Newest first, revoked ones included. RC_NOT_FOUND: page->after. */
enum rc store_token_list(struct store *store, const struct store_page *page, struct region *region,
                         struct token_list *ret, struct why *why) MUST_CHECK;

/* All that are neither revoked nor expired at `now`, and those that made them (expired or not), oldest
 * first: what a start has to load. */
enum rc store_token_live(struct store *store, int64_t now, struct region *region,
                         struct token_list *ret, struct why *why) MUST_CHECK;

/* Revokes the token and all that it made, directly or not. RC_NOT_FOUND. One that was revoked before is no error. */
enum rc store_token_revoke(struct store *store, const char *id, int64_t at, struct why *why) MUST_CHECK;

/* Notes the last use. RC_NOT_FOUND. */
enum rc store_token_used(struct store *store, const char *id, int64_t at, struct why *why) MUST_CHECK;

#endif
