/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_TOKENS_H
#define CORE_AUTH_TOKENS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/auth/scope.h"
#include "core/base/cleanup.h"
#include "core/base/id.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/store/token.h"

/*
 * The tokens that are alive, in memory: a request is authenticated without the
 * disk. The service loads it at start from store_token_live(), and tells it of
 * every token that is made or revoked after the store has kept that.
 *
 * A found grant is pinned and stays readable until it is unpinned, also when it
 * is revoked meanwhile. Expiry is looked at when it is found.
 *
 * Threads: any. Memory: tokens_destroy() frees, when nothing is pinned. Logs: no.
 */

#define TOKENS_MAX          100000
#define TOKENS_USED_SECONDS 600 /* how coarse last_used_at is */

/* Set at insertion, then constant, except where marked. */
struct grant {
    char id[ID_SIZE];
    char sha256[65];
    char parent[ID_SIZE]; /* empty: none */
    const char *name;
    const char *body; /* JSON text: limits and purposes; NULL: none */
    struct scope_list scopes;
    int64_t created_at;
    int64_t expires_at;
    atomic_bool revoked;
    _Atomic int64_t last_used_at;
    atomic_uint _pins;
    struct grant *_next;
    struct region _region;
};

struct tokens;

enum rc tokens_create(struct tokens **ret) MUST_CHECK;
void tokens_destroy(struct tokens *tokens);
DEFINE_AUTO_PTR(tokens)

/* Takes a copy of the row. RC_CONFLICT: it is there; RC_TOO_LARGE: TOKENS_MAX; RC_INVALID: its scopes; RC_NO_MEMORY. */
enum rc tokens_insert(struct tokens *tokens, const struct token_row *row, struct why *why) MUST_CHECK;

/* By the text of a token. RC_UNAUTHENTICATED: malformed, unknown, revoked or expired (why tells the first from
 * the rest); RC_NO_MEMORY. Unpin it. */
enum rc tokens_pin(struct tokens *tokens, const char *text, struct grant **ret, struct why *why) MUST_CHECK;
void tokens_unpin(struct grant *grant);

/* Forgets the token and all that it made. RC_NOT_FOUND. */
enum rc tokens_revoke(struct tokens *tokens, const char *id) MUST_CHECK;

/* Notes a use; true once in TOKENS_USED_SECONDS, when the caller should have the store keep it. */
bool tokens_note_use(struct grant *grant, int64_t now);

size_t tokens_count(struct tokens *tokens);

#endif
