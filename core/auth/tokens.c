/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/tokens.h"

#include <pthread.h>
#include <string.h>

#include "core/auth/token.h"
#include "core/base/clock.h"
#include "core/base/grace.h"
#include "core/base/mem.h"
#include "core/vault/narrow.h"

#define SLOTS           16384 /* a little below TOKENS_MAX: chains of one or two */
#define GRANT_BYTES_MAX 65536 /* strings and rules of one token */

struct tokens {
    pthread_mutex_t lock; /* of those who write */
    struct grace grace;
    /* written under the lock, read inside a grace period */
    _Atomic(struct grant *) by_hash[SLOTS];
    _Atomic(struct grant *) by_id[SLOTS];
    atomic_size_t count;
};

enum rc tokens_create(struct tokens **ret)
{
    struct tokens *tokens = mem_alloc(sizeof(*tokens));
    if (tokens == NULL) {
        return RC_NO_MEMORY;
    }
    (void)pthread_mutex_init(&tokens->lock, NULL); /* cannot fail on Linux with default attributes */
    *ret = tokens;
    return RC_OK;
}

/* The table's own pin and those of children are among them: the last to let go frees, and lets the parent go. */
void tokens_unpin(struct grant *grant)
{
    while (grant != NULL && atomic_fetch_sub(&grant->_pins, 1) == 1) {
        struct grant *parent = grant->_parent;
        region_finish(&grant->_region);
        mem_wipe(grant->_start, sizeof(grant->_start));
        quota_destroy(grant->_own);
        mem_free(grant);
        grant = parent;
    }
}

/* A digest is random already. */
static size_t slot_of_digest(const unsigned char *digest)
{
    uint64_t head;
    memcpy(&head, digest, sizeof(head));
    return (size_t)head % SLOTS;
}

/* FNV-1a. Ids are ours and random, so nobody can choose them to collide. */
static size_t slot_of_id(const char *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) % SLOTS;
}

/* Inside a grace period or under the lock; NULL: there is none. */
static struct grant *find_digest(struct tokens *tokens, const unsigned char *digest)
{
    struct grant *it = atomic_load(&tokens->by_hash[slot_of_digest(digest)]);
    while (it != NULL && !digest_equal(it->digest, digest, DIGEST_BYTES)) {
        it = atomic_load(&it->_next_by_hash);
    }
    return it;
}

static struct grant *find_id(struct tokens *tokens, const char *id)
{
    struct grant *it = atomic_load(&tokens->by_id[slot_of_id(id)]);
    while (it != NULL && strcmp(it->id, id) != 0) {
        it = atomic_load(&it->_next_by_id);
    }
    return it;
}

/* Under the lock, as all that follow up to tokens_insert(). Whole before it can be found. */
static void link_grant(struct tokens *tokens, struct grant *grant, const char *parent)
{
    _Atomic(struct grant *) *hash = &tokens->by_hash[slot_of_digest(grant->digest)];
    _Atomic(struct grant *) *id = &tokens->by_id[slot_of_id(grant->id)];
    grant->_parent = parent == NULL ? NULL : find_id(tokens, parent);
    if (grant->_parent != NULL) {
        (void)atomic_fetch_add(&grant->_parent->_pins, 1);
        grant->quota = grant->_parent->quota;
    }
    atomic_store(&grant->_next_by_hash, atomic_load(hash));
    atomic_store(&grant->_next_by_id, atomic_load(id));
    atomic_store(hash, grant);
    atomic_store(id, grant);
    (void)atomic_fetch_add(&tokens->count, 1);
}

static void unlink_id(struct tokens *tokens, struct grant *grant)
{
    _Atomic(struct grant *) *at = &tokens->by_id[slot_of_id(grant->id)];
    for (struct grant *it = atomic_load(at); it != grant; it = atomic_load(at)) {
        at = &it->_next_by_id;
    }
    atomic_store(at, atomic_load(&grant->_next_by_id));
}

/* Takes out every grant that should_go() names; gives how many. Who walks the table meanwhile may stand on
 * one of them, so its links stay, and it is let go when nobody can. */
static size_t take_out(struct tokens *tokens, bool (*should_go)(struct grant *grant, const void *arg), const void *arg)
{
    size_t count = 0;
    struct grant *gone = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        _Atomic(struct grant *) *at = &tokens->by_hash[i];
        for (struct grant *grant = atomic_load(at); grant != NULL; grant = atomic_load(at)) {
            if (!should_go(grant, arg)) {
                at = &grant->_next_by_hash;
                continue;
            }
            atomic_store(at, atomic_load(&grant->_next_by_hash));
            unlink_id(tokens, grant);
            grant->_next_gone = gone;
            gone = grant;
            count++;
        }
    }
    (void)atomic_fetch_sub(&tokens->count, count);
    grace_wait(&tokens->grace);
    while (gone != NULL) {
        struct grant *next = gone->_next_gone;
        tokens_unpin(gone);
        gone = next;
    }
    return count;
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
    (void)pthread_mutex_destroy(&tokens->lock);
    mem_free(tokens);
}

static enum rc fill(struct grant *grant, const struct token_row *row, struct why *why)
{
    memcpy(grant->id, row->id, sizeof(grant->id));
    if (!digest_from_hex(row->sha256, sizeof(grant->digest), grant->digest)) {
        return why_fail(why, RC_CORRUPT, NULL, "the digest of a token is not one");
    }
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

static enum rc make_grant(const struct token_row *row, const unsigned char *start, struct grant **ret, struct why *why)
{
    struct grant *grant = mem_alloc(sizeof(*grant));
    if (grant == NULL) {
        return RC_NO_MEMORY;
    }
    atomic_init(&grant->_pins, 1);
    region_init(&grant->_region, GRANT_BYTES_MAX);
    if (start != NULL) {
        memcpy(grant->_start, start, sizeof(grant->_start));
        grant->_can_narrow = true;
    }
    const enum rc rc = fill(grant, row, why);
    if (rc != RC_OK) {
        tokens_unpin(grant);
        return rc;
    }
    *ret = grant;
    return RC_OK;
}

enum rc tokens_insert(struct tokens *tokens, const struct token_row *row, const unsigned char *start, struct why *why)
{
    struct grant *grant = NULL;
    enum rc rc = make_grant(row, start, &grant, why);
    if (rc != RC_OK) {
        return rc;
    }
    (void)pthread_mutex_lock(&tokens->lock);
    if (atomic_load(&tokens->count) >= TOKENS_MAX) {
        const int64_t now = wall_seconds();
        (void)take_out(tokens, is_expired, &now);
    }
    if (find_digest(tokens, grant->digest) != NULL || find_id(tokens, row->id) != NULL) {
        rc = why_fail(why, RC_CONFLICT, NULL, "there is such a token");
    } else if (row->parent != NULL && find_id(tokens, row->parent) == NULL) {
        rc = why_fail(why, RC_NOT_FOUND, NULL, "the token that made it is not here, and would neither limit nor end it");
    } else if (atomic_load(&tokens->count) >= TOKENS_MAX) {
        rc = why_fail(why, RC_TOO_LARGE, NULL, "there are %d tokens, and no more are allowed; revoke some", TOKENS_MAX);
    } else {
        link_grant(tokens, TAKE(grant), row->parent);
    }
    (void)pthread_mutex_unlock(&tokens->lock);
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

/* Inside a grace period: pins one that has not expired; NULL stays NULL. */
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
    unsigned char digest[DIGEST_BYTES];
    const size_t n = strnlen(text, TOKEN_SIZE);
    if (n != TOKEN_SIZE - 1) {
        return refuse(text, why);
    }
    const enum rc rc = digest_sha256(text, n, digest);
    if (rc != RC_OK) {
        return rc;
    }
    atomic_uint *mark = grace_enter(&tokens->grace);
    struct grant *grant = pin_living(find_digest(tokens, digest));
    grace_leave(mark);
    if (grant == NULL) {
        return refuse(text, why);
    }
    *ret = grant;
    return RC_OK;
}

/* NULL: there is none that is alive. */
static struct grant *pin_by_id(struct tokens *tokens, const char *id)
{
    atomic_uint *mark = grace_enter(&tokens->grace);
    struct grant *grant = pin_living(find_id(tokens, id));
    grace_leave(mark);
    return grant;
}

enum rc tokens_pin_id(struct tokens *tokens, const char *id, struct grant **ret, struct why *why)
{
    struct grant *grant = pin_by_id(tokens, id);
    if (grant == NULL) {
        return why_fail(why, RC_UNAUTHENTICATED, NULL, "the token that this connection stands for is unknown, revoked or expired");
    }
    *ret = grant;
    return RC_OK;
}

/* Is it what it says, and do all its caveats let the request through? The mac comes first: before that, nothing
 * that it says is worth an answer. */
static enum rc check_narrowed(const struct narrowed *narrowed, const struct grant *grant, const struct caveat_ask *ask, struct why *why)
{
    if (grant != NULL && !grant->_can_narrow) {
        return why_fail(why, RC_UNAUTHENTICATED, NULL, "the token was made before tokens could be narrowed; make a new one and narrow that");
    }
    if (grant == NULL || !narrow_is_genuine(narrowed, grant->_start)) {
        return why_fail(why, RC_UNAUTHENTICATED, NULL, "the narrowed token is altered, or its token is unknown, revoked or expired");
    }
    enum rc rc = RC_OK;
    for (const char *it = narrow_next(narrowed, NULL); rc == RC_OK && it != NULL; it = narrow_next(narrowed, it)) {
        rc = caveat_check(it, ask, why);
    }
    return rc;
}

enum rc tokens_pin_narrowed(struct tokens *tokens, const char *text, const struct caveat_ask *ask,
                            struct grant **ret, struct why *why)
{
    struct narrowed narrowed;
    if (narrow_read(text, &narrowed, why) != RC_OK) {
        return RC_UNAUTHENTICATED; /* with its words */
    }
    struct grant *grant = pin_by_id(tokens, narrowed.id);
    const enum rc rc = check_narrowed(&narrowed, grant, ask, why);
    mem_wipe(&narrowed.mac, sizeof(narrowed.mac));
    if (rc != RC_OK) {
        tokens_unpin(grant);
        return rc;
    }
    *ret = grant;
    return RC_OK;
}

enum rc tokens_limit(struct tokens *tokens, const char *id, const struct quota_numbers *limits, const struct quota_lease *lease)
{
    enum rc rc = RC_NOT_FOUND;
    (void)pthread_mutex_lock(&tokens->lock);
    struct grant *grant = find_id(tokens, id);
    if (grant != NULL) {
        MUST(grant->_own == NULL);
        rc = quota_create(id, limits, grant->quota, &grant->_own);
    }
    if (rc == RC_OK) {
        grant->quota = grant->_own;
        if (lease != NULL) {
            quota_load(grant->_own, lease);
        }
    }
    (void)pthread_mutex_unlock(&tokens->lock);
    return rc;
}

void tokens_each_quota(struct tokens *tokens, void (*visit)(void *arg, struct quota *quota), void *arg)
{
    (void)pthread_mutex_lock(&tokens->lock);
    for (size_t i = 0; i < SLOTS; i++) {
        for (struct grant *it = atomic_load(&tokens->by_id[i]); it != NULL; it = atomic_load(&it->_next_by_id)) {
            if (it->_own != NULL) {
                visit(arg, it->_own);
            }
        }
    }
    (void)pthread_mutex_unlock(&tokens->lock);
}

enum rc tokens_revoke(struct tokens *tokens, const char *id)
{
    (void)pthread_mutex_lock(&tokens->lock);
    const size_t gone = take_out(tokens, is_of_family, id);
    (void)pthread_mutex_unlock(&tokens->lock);
    return gone > 0 ? RC_OK : RC_NOT_FOUND;
}

bool tokens_note_use(struct grant *grant, int64_t now)
{
    int64_t last = atomic_load(&grant->last_used_at);
    return now - last >= TOKENS_USED_SECONDS && atomic_compare_exchange_strong(&grant->last_used_at, &last, now);
}

size_t tokens_count(struct tokens *tokens)
{
    return atomic_load(&tokens->count);
}
