/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_TOKENS_H
#define CORE_AUTH_TOKENS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/auth/caveat.h"
#include "core/auth/quota.h"
#include "core/auth/scope.h"
#include "core/base/cleanup.h"
#include "core/base/id.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/store/token.h"
#include "core/vault/digest.h"

/*
 * The tokens that are alive, in memory: a request is authenticated without the
 * disk. The service loads it at start from store_token_live(), and tells it of
 * every token that is made or revoked after the store has kept that.
 *
 * Finding takes no lock (core/base/grace.h), so that no prediction waits for
 * another or for a revocation; insertion and revocation wait for each other.
 *
 * A found grant is pinned and stays readable until it is unpinned, also when it
 * is revoked meanwhile; a long request may look at `revoked`. A grant pins the
 * one that made it, so that revoking reaches the children of a token that has
 * expired since. Expiry is looked at when a grant is found.
 *
 * Threads: any. Memory: tokens_destroy() frees, when nothing is pinned. Logs: no.
 */

#define TOKENS_MAX          (2 * TOKEN_LIVE_MAX) /* with room for expired ones; about 4.5 kB each */
#define TOKENS_USED_SECONDS 600                  /* how coarse last_used_at is */

/* Set at insertion, then constant, except where marked. */
struct grant {
    char id[ID_SIZE];
    unsigned char digest[DIGEST_BYTES]; /* of the token's text */
    const char *name;
    const char *body; /* JSON text: limits and purposes; NULL: none */
    struct scope_list scopes;
    int64_t created_at;
    int64_t expires_at;
    unsigned char _start[DIGEST_BYTES]; /* of its narrowing: core/vault/narrow.h */
    bool _can_narrow;                   /* _start is set */
    atomic_bool revoked;                /* changes at any time */
    _Atomic int64_t last_used_at;       /* changes at any time */
    struct quota *quota;                /* of its limits, or of the nearest token above it that has any; NULL: none */
    struct quota *_own;                 /* NULL: none */
    atomic_uint _pins;
    struct grant *_parent;                              /* pinned; NULL: none */
    _Atomic(struct grant *) _next_by_hash, _next_by_id; /* written under the table's lock */
    struct grant *_next_gone;                           /* guarded by the table's lock */
    struct region _region;
};

struct tokens;

/* RC_NO_MEMORY. */
enum rc tokens_create(struct tokens **ret) MUST_CHECK;
void tokens_destroy(struct tokens *tokens);
DEFINE_AUTO_PTR(tokens)

/* Takes a copy of the row; its parent must have been inserted before. start: of its narrowing, opened; NULL: it
 * cannot be narrowed, and row->chain is not looked at. RC_CONFLICT: it is there; RC_NOT_FOUND: its parent is not;
 * RC_TOO_LARGE: TOKENS_MAX; RC_INVALID: its scopes; RC_CORRUPT: its digest; RC_NO_MEMORY. */
enum rc tokens_insert(struct tokens *tokens, const struct token_row *row, const unsigned char *start, struct why *why) MUST_CHECK;

/* Limits an inserted token, for itself and for all that it will make: before anybody can know it. lease (NULL: none)
 * is what it has been given. RC_NOT_FOUND, RC_NO_MEMORY. */
enum rc tokens_limit(struct tokens *tokens, const char *id, const struct quota_numbers *limits,
                     const struct quota_lease *lease) MUST_CHECK;

/* Visits the quotas of all limited tokens, under the table's lock. */
void tokens_each_quota(struct tokens *tokens, void (*visit)(void *arg, struct quota *quota), void *arg);

/* By the text of a token. RC_UNAUTHENTICATED: malformed, unknown, revoked or expired (why tells the first from
 * the rest); RC_NO_MEMORY. Unpin it. */
enum rc tokens_pin(struct tokens *tokens, const char *text, struct grant **ret, struct why *why) MUST_CHECK;

/* By its id, for connections that stand for a token. RC_UNAUTHENTICATED: unknown, revoked or expired. */
enum rc tokens_pin_id(struct tokens *tokens, const char *id, struct grant **ret, struct why *why) MUST_CHECK;

/* By the text of a narrowed token: the grant of the token that it was narrowed from, when all its caveats let the
 * request through. RC_UNAUTHENTICATED: malformed, altered, or that token is unknown, revoked, expired or cannot be
 * narrowed; RC_DENIED: a caveat. */
enum rc tokens_pin_narrowed(struct tokens *tokens, const char *text, const struct caveat_ask *ask,
                            struct grant **ret, struct why *why) MUST_CHECK;
void tokens_unpin(struct grant *grant);

/* Forgets the token and all that it made. RC_NOT_FOUND: none of them is here. */
enum rc tokens_revoke(struct tokens *tokens, const char *id) MUST_CHECK;

/* Notes a use; true once in TOKENS_USED_SECONDS, when the caller should have the store keep it. */
bool tokens_note_use(struct grant *grant, int64_t now);

size_t tokens_count(struct tokens *tokens);

#endif
