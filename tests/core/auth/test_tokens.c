/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/tokens.h"

#include <pthread.h>

#include "core/auth/token.h"
#include "core/base/clock.h"
#include "tests/check.h"

#define NOW INT64_C(1700000000)

struct made {
    char text[TOKEN_SIZE];
    struct token_row row;
};

static int setup(void **state)
{
    struct tokens *tokens = NULL;
    const enum rc rc = tokens_create(&tokens);
    *state = tokens;
    wall_set((struct wall){ NOW * 1000 });
    return rc != RC_OK;
}

static int teardown(void **state)
{
    mem_fail_at(0);
    wall_set((struct wall){ -1 });
    tokens_destroy(*state);
    return 0;
}

static struct made make(const char *parent)
{
    struct made it = { .row = { .name = "it", .scopes = "model:cr*:predict", .created_at = NOW, .expires_at = NOW + 100, .parent = parent, .body = "{}" } };
    check_rc(token_make(it.text), RC_OK);
    check_rc(token_digest(it.text, it.row.sha256), RC_OK);
    id_make("tok", it.row.id);
    return it;
}

static struct made insert(struct tokens *tokens, const char *parent)
{
    const struct made it = make(parent);
    struct why why = { 0 };
    check_ok(tokens_insert(tokens, &it.row, NULL, &why), &why);
    return it;
}

static bool is_alive(struct tokens *tokens, const struct made *it)
{
    struct grant *grant = NULL;
    const enum rc rc = tokens_pin(tokens, it->text, &grant, NULL);
    tokens_unpin(grant);
    return rc == RC_OK;
}

static void test_tokens_pin_finds_what_was_inserted(void **state)
{
    const struct made it = insert(*state, NULL);
    struct grant *grant = NULL;
    struct why why = { 0 };
    check_ok(tokens_pin(*state, it.text, &grant, &why), &why);
    check_text(grant->id, it.row.id);
    check_text(grant->name, "it");
    check_text(grant->body, "{}");
    check(scope_allows(&grant->scopes, SCOPE_MODEL_PREDICT, "credit"));
    check(!scope_allows(&grant->scopes, SCOPE_MODEL_PREDICT, "other"));
    tokens_unpin(grant);
    check_rc(tokens_insert(*state, &it.row, NULL, &why), RC_CONFLICT);
    check_int(tokens_count(*state), 1);
    const struct made stranger = make(NULL);
    check_rc(tokens_pin(*state, stranger.text, &grant, &why), RC_UNAUTHENTICATED);
    check_contains(why.text, "unknown");
    check_rc(tokens_pin(*state, "licit_x", &grant, &why), RC_UNAUTHENTICATED);
    check_contains(why.text, "well-formed");
}

static void test_tokens_pin_looks_at_the_expiry(void **state)
{
    const struct made it = insert(*state, NULL);
    wall_set((struct wall){ (NOW + 99) * 1000 });
    check(is_alive(*state, &it));
    wall_set((struct wall){ (NOW + 100) * 1000 });
    check(!is_alive(*state, &it));
}

static void test_tokens_revoke_takes_the_family_along(void **state)
{
    const struct made root = insert(*state, NULL);
    const struct made child = insert(*state, root.row.id);
    const struct made grandchild = insert(*state, child.row.id);
    const struct made sibling = insert(*state, root.row.id);
    struct grant *held = NULL;
    check_rc(tokens_pin(*state, grandchild.text, &held, NULL), RC_OK);
    check_rc(tokens_revoke(*state, child.row.id), RC_OK);
    check(is_alive(*state, &root) && is_alive(*state, &sibling));
    check(!is_alive(*state, &child) && !is_alive(*state, &grandchild));
    check_text(held->id, grandchild.row.id);
    check(held->revoked);
    tokens_unpin(held);
    check_int(tokens_count(*state), 2);
    check_rc(tokens_revoke(*state, child.row.id), RC_NOT_FOUND);
    check_rc(tokens_revoke(*state, root.row.id), RC_OK);
    check_int(tokens_count(*state), 0);
}

/* At the ceiling expired ones make room, but a child of one of them is still found when that one is revoked. */
static void test_tokens_insert_makes_room_and_keeps_the_lines(void **state)
{
    struct made parent = make(NULL);
    parent.row.expires_at = NOW + 1;
    check_rc(tokens_insert(*state, &parent.row, NULL, NULL), RC_OK);
    const struct made child = insert(*state, parent.row.id);
    struct made last;
    while (tokens_count(*state) < TOKENS_MAX) {
        last = insert(*state, NULL);
    }
    struct why why = { 0 };
    const struct made more = make(NULL);
    check_rc(tokens_insert(*state, &more.row, NULL, &why), RC_TOO_LARGE);
    check_contains(why.text, "20000 tokens");
    check(is_alive(*state, &last));
    wall_set((struct wall){ (NOW + 1) * 1000 });
    check_rc(tokens_insert(*state, &more.row, NULL, NULL), RC_OK);
    check_int(tokens_count(*state), TOKENS_MAX);
    check(is_alive(*state, &child));
    check_rc(tokens_revoke(*state, parent.row.id), RC_OK);
    check(!is_alive(*state, &child));
}

/* A child that nothing could end or limit is not let in. */
static void test_tokens_insert_refuses_a_child_alone(void **state)
{
    struct made parent = make(NULL);
    const struct made child = make(parent.row.id);
    check_rc(tokens_insert(*state, &child.row, NULL, NULL), RC_NOT_FOUND);
    check(!is_alive(*state, &child));
    check_rc(tokens_insert(*state, &parent.row, NULL, NULL), RC_OK);
    check_rc(tokens_insert(*state, &child.row, NULL, NULL), RC_OK);
}

static void test_tokens_insert_refuses_bad_scopes_and_failing_memory(void **state)
{
    struct made it = make(NULL);
    it.row.scopes = "models:read";
    check_rc(tokens_insert(*state, &it.row, NULL, NULL), RC_INVALID);
    it.row.scopes = "model:read";
    for (long n = 1;; n++) {
        mem_fail_at(n);
        const enum rc rc = tokens_insert(*state, &it.row, NULL, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 2);
            break;
        }
        check_rc(rc, RC_NO_MEMORY);
        check_int(tokens_count(*state), 0);
    }
}

static void test_tokens_note_use_is_coarse(void **state)
{
    const struct made it = insert(*state, NULL);
    struct grant *grant = NULL;
    check_rc(tokens_pin(*state, it.text, &grant, NULL), RC_OK);
    check(tokens_note_use(grant, NOW));
    check(!tokens_note_use(grant, NOW + TOKENS_USED_SECONDS - 1));
    check(tokens_note_use(grant, NOW + TOKENS_USED_SECONDS));
    tokens_unpin(grant);
}

/* Some pin while others revoke; nobody may see freed memory (the sanitizers look). */
struct worker {
    struct tokens *tokens;
    const struct made *all;
    size_t count, found;
};

static void *pin_all(void *arg)
{
    struct worker *it = arg;
    for (size_t i = 0; i < it->count; i++) {
        struct grant *grant = NULL;
        if (tokens_pin(it->tokens, it->all[i].text, &grant, NULL) == RC_OK) {
            it->found += strcmp(grant->id, it->all[i].row.id) == 0;
            tokens_unpin(grant);
        }
    }
    return NULL;
}

static void *revoke_all(void *arg)
{
    struct worker *it = arg;
    for (size_t i = it->count; i-- > 0;) {
        it->found += tokens_revoke(it->tokens, it->all[i].row.id) == RC_OK;
    }
    return NULL;
}

static void test_tokens_serve_many_threads(void **state)
{
    enum {
        COUNT = 200,
        THREADS = 4
    };
    static struct made all[COUNT];
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = insert(*state, NULL);
    }
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ *state, all, COUNT, 0 };
        check_int(pthread_create(&threads[i], NULL, i == 0 ? revoke_all : pin_all, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    check_int(workers[0].found, COUNT);
    check_int(tokens_count(*state), 0);
}

CHECK_MAIN("core/auth/tokens",
           CHECK_WITH(test_tokens_pin_finds_what_was_inserted, setup, teardown),
           CHECK_WITH(test_tokens_pin_looks_at_the_expiry, setup, teardown),
           CHECK_WITH(test_tokens_revoke_takes_the_family_along, setup, teardown),
           CHECK_WITH(test_tokens_insert_makes_room_and_keeps_the_lines, setup, teardown),
           CHECK_WITH(test_tokens_insert_refuses_a_child_alone, setup, teardown),
           CHECK_WITH(test_tokens_insert_refuses_bad_scopes_and_failing_memory, setup, teardown),
           CHECK_WITH(test_tokens_note_use_is_coarse, setup, teardown),
           CHECK_WITH(test_tokens_serve_many_threads, setup, teardown))
