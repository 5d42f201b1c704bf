/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/tokens.h"

#include <pthread.h>

#include "core/auth/token.h"
#include "core/vault/narrow.h"
#include "tests/check.h"

/*
 * 10,000 tokens, 1,000,000 checks, revocations going on: each check is of a token that must be
 * found, or of one that was revoked before it, or of one that may be either and is then itself.
 */

#define TOKENS      10000
#define CHECKS      250000 /* of each thread */
#define THREADS     4      /* all ask, and the first also revokes */
#define REVOKED_MAX 200

struct many {
    struct tokens *tokens;
    char (*texts)[TOKEN_SIZE];
    char (*ids)[ID_SIZE];
    char (*narrowed)[NARROW_TEXT_MAX + 1]; /* of the first REVOKED_MAX */
    atomic_size_t revoked;                 /* those before this number have been */
    atomic_size_t wrong;
};

static int add(struct many *it, size_t i)
{
    struct token_row row = { .name = "one of many", .scopes = "model:credit:predict", .created_at = 1, .expires_at = INT64_MAX };
    unsigned char start[DIGEST_BYTES];
    struct narrowed narrowed;
    id_make("tok", row.id);
    memcpy(it->ids[i], row.id, ID_SIZE);
    if (token_make(it->texts[i]) != RC_OK || token_digest(it->texts[i], row.sha256) != RC_OK) {
        return 1;
    }
    narrow_start(it->texts[i], row.id, start);
    if (tokens_insert(it->tokens, &row, start, NULL) != RC_OK) {
        return 1;
    }
    return i < REVOKED_MAX && (narrow_begin(it->texts[i], row.id, &narrowed, NULL) != RC_OK || narrow_add(&narrowed, "path=/v1/*", NULL) != RC_OK ||
                               narrow_write(&narrowed, it->narrowed[i], NULL) != RC_OK);
}

static int setup(void **state)
{
    struct many *it = mem_alloc(sizeof(*it));
    *state = it;
    it->texts = mem_array(TOKENS, TOKEN_SIZE);
    it->ids = mem_array(TOKENS, ID_SIZE);
    it->narrowed = mem_array(REVOKED_MAX, NARROW_TEXT_MAX + 1);
    int failed = tokens_create(&it->tokens) != RC_OK;
    for (size_t i = 0; failed == 0 && i < TOKENS; i++) {
        failed = add(it, i);
    }
    return failed;
}

static int teardown(void **state)
{
    struct many *it = *state;
    tokens_destroy(it->tokens);
    mem_free(it->texts);
    mem_free(it->ids);
    mem_free(it->narrowed);
    mem_free(it);
    return 0;
}

/* One check; turn says which token, and now and then it is asked for by a narrowed text. */
static void check_one(struct many *it, size_t turn)
{
    static const struct address nobody = { .family = ADDRESS_NONE };
    static const struct caveat_ask ask = { .path = "/v1/models", .address = &nobody };
    const size_t i = turn % 16 == 0 ? turn / 16 % REVOKED_MAX : turn * 7919 % TOKENS;
    const size_t before = atomic_load(&it->revoked);
    struct grant *grant = NULL;
    const enum rc rc = turn % 32 == 0 ? tokens_pin_narrowed(it->tokens, it->narrowed[i], &ask, &grant, NULL)
                                      : tokens_pin(it->tokens, it->texts[i], &grant, NULL);
    const size_t after = atomic_load(&it->revoked) + 1; /* one more may be under way */
    const bool must_be = i >= after, must_not_be = i < before;
    if ((rc == RC_OK ? must_not_be : must_be) || (rc == RC_OK && strcmp(grant->id, it->ids[i]) != 0)) {
        (void)atomic_fetch_add(&it->wrong, 1);
    }
    tokens_unpin(grant);
}

static void *ask_all(void *arg)
{
    for (size_t turn = 0; turn < CHECKS; turn++) {
        check_one(arg, turn);
    }
    return NULL;
}

static void *ask_and_revoke_all(void *arg)
{
    struct many *it = arg;
    for (size_t turn = 0; turn < CHECKS; turn++) {
        check_one(it, turn);
        if (turn % (CHECKS / REVOKED_MAX) == 0) {
            const size_t i = atomic_load(&it->revoked);
            if (tokens_revoke(it->tokens, it->ids[i]) != RC_OK) {
                (void)atomic_fetch_add(&it->wrong, 1);
            }
            atomic_store(&it->revoked, i + 1);
        }
    }
    return NULL;
}

static void test_tokens_many_are_told_apart_while_some_are_revoked(void **state)
{
    struct many *it = *state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        check_int(pthread_create(&threads[i], NULL, i == 0 ? ask_and_revoke_all : ask_all, it), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    check_int(it->wrong, 0);
    check_int(it->revoked, REVOKED_MAX);
    check_int(tokens_count(it->tokens), TOKENS - REVOKED_MAX);
}

CHECK_MAIN("core/auth/many",
           CHECK_WITH(test_tokens_many_are_told_apart_while_some_are_revoked, setup, teardown))
