/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/tokens.h"

#include <pthread.h>
#include <string.h>

#include "core/auth/token.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define SLOTS           16384 /* a little below TOKENS_MAX: chains of one or two */
#define GRANT_BYTES_MAX 65536 /* strings and rules of one token */

struct tokens {
    /* guarded by lock */
    pthread_rwlock_t lock;
    struct grant *by_hash[SLOTS];
    struct grant *by_id[SLOTS];
    size_t count;
};

enum rc tokens_create(struct tokens **ret)
{
    struct tokens *tokens = mem_alloc(sizeof(*tokens));
    if (tokens == NULL) {
        return RC_NO_MEMORY;
    }
    (void)pthread_rwlock_init(&tokens->lock, NULL); /* cannot fail on Linux with default attributes */
    *ret = tokens;
    return RC_OK;
}

/* The table's own pin and those of children are among them: the last to let go frees, and lets the parent go. */
void tokens_unpin(struct grant *grant)
{
    while (grant != NULL && atomic_fetch_sub(&grant->_pins, 1) == 1) {
        struct grant *parent = grant->_parent;
        region_finish(&grant->_region);
        mem_free(grant);
        grant = parent;
    }
}

/* FNV-1a. Ids and digests are ours and random, so nobody can choose them to collide. */
static size_t slot_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) % SLOTS;
}

/* Under the lock; NULL: there is none. A digest of 256 random bits may be compared in any time. */
static struct grant *find_hash(struct tokens *tokens, const char *sha256)
{
    struct grant *it = tokens->by_hash[slot_of(sha256)];
    while (it != NULL && strcmp(it->sha256, sha256) != 0) {
        it = it->_next_by_hash;
    }
    return it;
}

static struct grant *find_id(struct tokens *tokens, const char *id)
{
    struct grant *it = tokens->by_id[slot_of(id)];
    while (it != NULL && strcmp(it->id, id) != 0) {
        it = it->_next_by_id;
    }
    return it;
}

/* Under the lock for writing, as all that follow up to tokens_insert(). */
static void link_grant(struct tokens *tokens, struct grant *grant, const char *parent)
{
    struct grant **hash = &tokens->by_hash[slot_of(grant->sha256)], **id = &tokens->by_id[slot_of(grant->id)];
    grant->_parent = parent == NULL ? NULL : find_id(tokens, parent);
    if (grant->_parent != NULL) {
        (void)atomic_fetch_add(&grant->_parent->_pins, 1);
    }
    grant->_next_by_hash = *hash;
    grant->_next_by_id = *id;
    *hash = *id = grant;
    tokens->count++;
}

static void unlink_id(struct tokens *tokens, const struct grant *grant)
{
    struct grant **at = &tokens->by_id[slot_of(grant->id)];
    while (*at != grant) {
        at = &(*at)->_next_by_id;
    }
    *at = grant->_next_by_id;
}

/* Takes out every grant that should_go() names; gives how many. */
static size_t take_out(struct tokens *tokens, bool (*should_go)(struct grant *grant, const void *arg), const void *arg)
{
    size_t gone = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        for (struct grant **at = &tokens->by_hash[i]; *at != NULL;) {
            struct grant *grant = *at;
            if (!should_go(grant, arg)) {
                at = &grant->_next_by_hash;
                continue;
            }
            *at = grant->_next_by_hash;
            unlink_id(tokens, grant);
            tokens->count--;
            gone++;
            tokens_unpin(grant);
        }
    }
    return gone;
}

static bool is_any(struct grant *grant, const void *arg)
{
    return true;
}

static bool is_expired(struct grant *grant, const void *arg)
{
    return grant->expires_at <= *(const int64_t *)arg;
}

/* Is it the one with this id, or made by it, directly or not? Says so to those who hold it. */
static bool is_of_family(struct grant *grant, const void *arg)
{
    for (const struct grant *it = grant; it != NULL; it = it->_parent) {
        if (strcmp(it->id, arg) == 0) {
            atomic_store(&grant->revoked, true);
            return true;
        }
    }
    return false;
}

void tokens_destroy(struct tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    (void)take_out(tokens, is_any, NULL);
    (void)pthread_rwlock_destroy(&tokens->lock);
    mem_free(tokens);
}

static enum rc fill(struct grant *grant, const struct token_row *row, struct why *why)
{
    memcpy(grant->id, row->id, sizeof(grant->id));
    memcpy(grant->sha256, row->sha256, sizeof(grant->sha256));
    grant->created_at = row->created_at;
    grant->expires_at = row->expires_at;
    atomic_init(&grant->last_used_at, row->last_used_at);
    grant->name = region_strdup(&grant->_region, row->name);
    grant->body = row->body == NULL ? NULL : region_strdup(&grant->_region, row->body);
    if (grant->name == NULL || (row->body != NULL && grant->body == NULL)) {
        return RC_NO_MEMORY;
    }
    return scope_parse_line(row->scopes, &grant->_region, &grant->scopes, why);
}

static enum rc make_grant(const struct token_row *row, struct grant **ret, struct why *why)
{
    struct grant *grant = mem_alloc(sizeof(*grant));
    if (grant == NULL) {
        return RC_NO_MEMORY;
    }
    atomic_init(&grant->_pins, 1);
    region_init(&grant->_region, GRANT_BYTES_MAX);
    const enum rc rc = fill(grant, row, why);
    if (rc != RC_OK) {
        tokens_unpin(grant);
        return rc;
    }
    *ret = grant;
    return RC_OK;
}

enum rc tokens_insert(struct tokens *tokens, const struct token_row *row, struct why *why)
{
    struct grant *grant = NULL;
    enum rc rc = make_grant(row, &grant, why);
    if (rc != RC_OK) {
        return rc;
    }
    (void)pthread_rwlock_wrlock(&tokens->lock);
    if (tokens->count >= TOKENS_MAX) {
        const int64_t now = wall_seconds();
        (void)take_out(tokens, is_expired, &now);
    }
    if (find_hash(tokens, row->sha256) != NULL || find_id(tokens, row->id) != NULL) {
        rc = why_fail(why, RC_CONFLICT, NULL, "there is such a token");
    } else if (tokens->count >= TOKENS_MAX) {
        rc = why_fail(why, RC_TOO_LARGE, NULL, "there are %d tokens, and no more are allowed; revoke some", TOKENS_MAX);
    } else {
        link_grant(tokens, TAKE(grant), row->parent);
    }
    (void)pthread_rwlock_unlock(&tokens->lock);
    tokens_unpin(grant);
    return rc;
}

/* The check of the text costs as much as finding it, so it is made only to find words for what was not found. */
static enum rc refuse(const char *text, struct why *why)
{
    if (!token_is_well_formed(text)) {
        return why_fail(why, RC_UNAUTHENTICATED, NULL, "the token is not well-formed; was it copied whole?");
    }
    return why_fail(why, RC_UNAUTHENTICATED, NULL, "the token is unknown, revoked or expired");
}

/* Under the lock: pins one that has not expired; NULL stays NULL. */
static struct grant *pin_living(struct grant *grant)
{
    if (grant == NULL || grant->expires_at <= wall_seconds()) {
        return NULL;
    }
    (void)atomic_fetch_add(&grant->_pins, 1);
    return grant;
}

enum rc tokens_pin(struct tokens *tokens, const char *text, struct grant **ret, struct why *why)
{
    char sha256[DIGEST_HEX_SIZE];
    if (strnlen(text, TOKEN_SIZE) != TOKEN_SIZE - 1) {
        return refuse(text, why);
    }
    const enum rc rc = token_digest(text, sha256);
    if (rc != RC_OK) {
        return rc;
    }
    (void)pthread_rwlock_rdlock(&tokens->lock);
    struct grant *grant = pin_living(find_hash(tokens, sha256));
    (void)pthread_rwlock_unlock(&tokens->lock);
    if (grant == NULL) {
        return refuse(text, why);
    }
    *ret = grant;
    return RC_OK;
}

enum rc tokens_pin_id(struct tokens *tokens, const char *id, struct grant **ret, struct why *why)
{
    (void)pthread_rwlock_rdlock(&tokens->lock);
    struct grant *grant = pin_living(find_id(tokens, id));
    (void)pthread_rwlock_unlock(&tokens->lock);
    if (grant == NULL) {
        return why_fail(why, RC_UNAUTHENTICATED, NULL, "the token that this connection stands for is unknown, revoked or expired");
    }
    *ret = grant;
    return RC_OK;
}

enum rc tokens_revoke(struct tokens *tokens, const char *id)
{
    (void)pthread_rwlock_wrlock(&tokens->lock);
    const size_t gone = take_out(tokens, is_of_family, id);
    (void)pthread_rwlock_unlock(&tokens->lock);
    return gone > 0 ? RC_OK : RC_NOT_FOUND;
}

bool tokens_note_use(struct grant *grant, int64_t now)
{
    int64_t last = atomic_load(&grant->last_used_at);
    return now - last >= TOKENS_USED_SECONDS && atomic_compare_exchange_strong(&grant->last_used_at, &last, now);
}

size_t tokens_count(struct tokens *tokens)
{
    (void)pthread_rwlock_rdlock(&tokens->lock);
    const size_t count = tokens->count;
    (void)pthread_rwlock_unlock(&tokens->lock);
    return count;
}
