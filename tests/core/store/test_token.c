/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/token.h"

#include <sqlite3.h>

#include "tests/core/store/place.h"

static struct token_row add_token(struct place *it, const char *parent, int64_t expires_at)
{
    static int number;
    struct token_row row = { .name = "it", .scopes = "model:*:predict -model:x:predict", .created_at = 5, .expires_at = expires_at, .parent = parent, .body = "{}" };
    id_make("tok", row.id);
    (void)snprintf(row.sha256, sizeof(row.sha256), "%064d", ++number);
    check_ok(store_token_add(it->store, &row, &it->why), &it->why);
    return row;
}

static struct token_row get_token(struct place *it, const char *id)
{
    struct token_row row;
    check_ok(store_token_get(it->store, id, &it->region, &row, &it->why), &it->why);
    return row;
}

static void test_store_token_add_keeps_every_field(void **state)
{
    struct place *it = *state;
    const struct token_row root = add_token(it, NULL, 100);
    const struct token_row child = add_token(it, root.id, 90);
    place_reopen(it);
    const struct token_row back = get_token(it, child.id);
    check_text(back.sha256, child.sha256);
    check_text(back.name, "it");
    check_text(back.scopes, "model:*:predict -model:x:predict");
    check_int(back.created_at, 5);
    check_int(back.expires_at, 90);
    check_text(back.parent, root.id);
    check_int(back.revoked_at, 0);
    check_int(back.last_used_at, 0);
    check_text(back.body, "{}");
    check(get_token(it, root.id).parent == NULL);
    check(back.chain == NULL);
    check_int(back.chain_bytes, 0);
    check_rc(store_token_add(it->store, &child, &it->why), RC_CONFLICT);
    struct token_row orphan = child;
    id_make("tok", orphan.id);
    orphan.sha256[0] = 'f';
    orphan.parent = "tok-none";
    check_rc(store_token_add(it->store, &orphan, &it->why), RC_NOT_FOUND);
}

static void test_store_token_add_keeps_the_chain(void **state)
{
    struct place *it = *state;
    static const unsigned char chain[] = { 0, 1, 0, 255, 0 };
    struct token_row row = { .name = "it", .scopes = "*", .expires_at = 100, .sha256 = "x", .chain = chain, .chain_bytes = sizeof(chain) };
    id_make("tok", row.id);
    check_ok(store_token_add(it->store, &row, &it->why), &it->why);
    place_reopen(it);
    const struct token_row back = get_token(it, row.id);
    check_int(back.chain_bytes, sizeof(chain));
    check_bytes(back.chain, chain, sizeof(chain));
}

static int keep_text(void *arg, int columns, char **values, char **names)
{
    (void)snprintf(arg, 1000, "%s", values[0]);
    return 0;
}

/* As the first form had it: without what later steps brought. */
static void take_back_steps(sqlite3 *db)
{
    char drops[1000] = "";
    check_int(sqlite3_exec(db, "SELECT group_concat('DROP TABLE ' || name, ';') FROM sqlite_schema WHERE type = 'table' AND name NOT IN"
                               " ('dataset', 'job', 'epoch', 'model', 'version', 'label', 'label_version', 'token', 'doomed')",
                           keep_text, drops, NULL),
              SQLITE_OK);
    check_int(sqlite3_exec(db, drops, NULL, NULL, NULL), SQLITE_OK);
    check_int(sqlite3_exec(db, "ALTER TABLE token DROP COLUMN chain; PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
}

static void test_store_token_of_the_first_form_has_no_chain(void **state)
{
    struct place *it = *state;
    const struct token_row row = add_token(it, NULL, 100);
    store_close(TAKE(it->store));
    sqlite3 *db = NULL;
    check_int(sqlite3_open(place_path(it, ".", "licit.db").text, &db), SQLITE_OK);
    take_back_steps(db);
    check_int(sqlite3_close(db), SQLITE_OK);
    check_ok(store_open(it->dir, &it->store, &it->why), &it->why);
    check(get_token(it, row.id).chain == NULL);
}

static void test_store_token_revoke_takes_the_children_along(void **state)
{
    struct place *it = *state;
    const struct token_row root = add_token(it, NULL, 100);
    const struct token_row child = add_token(it, root.id, 100);
    const struct token_row grandchild = add_token(it, child.id, 100);
    const struct token_row sibling = add_token(it, root.id, 100);
    check_ok(store_token_revoke(it->store, child.id, 50, &it->why), &it->why);
    check_int(get_token(it, root.id).revoked_at, 0);
    check_int(get_token(it, child.id).revoked_at, 50);
    check_int(get_token(it, grandchild.id).revoked_at, 50);
    check_int(get_token(it, sibling.id).revoked_at, 0);
    struct token_row late = grandchild;
    id_make("tok", late.id);
    late.sha256[0] = 'f';
    check_rc(store_token_add(it->store, &late, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "revoked");
    check_ok(store_token_revoke(it->store, root.id, 60, &it->why), &it->why);
    check_int(get_token(it, child.id).revoked_at, 50);
    check_int(get_token(it, sibling.id).revoked_at, 60);
    check_rc(store_token_revoke(it->store, "tok-none", 60, &it->why), RC_NOT_FOUND);
}

static void test_store_token_live_leaves_out_revoked_and_expired(void **state)
{
    struct place *it = *state;
    const struct token_row one = add_token(it, NULL, 100);
    const struct token_row expired = add_token(it, NULL, 50);
    const struct token_row revoked = add_token(it, NULL, 100);
    const struct token_row two = add_token(it, NULL, 51);
    check_rc(store_token_revoke(it->store, revoked.id, 10, NULL), RC_OK);
    struct token_list list;
    check_rc(store_token_live(it->store, 50, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 2);
    check_text(list.rows[0].id, one.id);
    check_text(list.rows[1].id, two.id);
    /* The one that made a live one is needed for revoking. */
    const struct token_row child = add_token(it, expired.id, 100);
    check_rc(store_token_live(it->store, 50, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 4);
    check_text(list.rows[1].id, expired.id);
    check_text(list.rows[3].id, child.id);
    const struct store_page page = { .limit = 3 };
    check_rc(store_token_list(it->store, &page, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 3);
    check(list.has_more);
    check_text(list.rows[0].id, child.id);
}

/* Put there behind the store's back, since adding them one by one would take a sync each. */
static void test_store_token_add_has_a_ceiling(void **state)
{
    struct place *it = *state;
    store_close(TAKE(it->store));
    sqlite3 *db = NULL;
    check_int(sqlite3_open(place_path(it, ".", "licit.db").text, &db), SQLITE_OK);
    check_int(sqlite3_exec(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
                               " INSERT INTO token (id, sha256, name, scopes, created_at, expires_at)"
                               " SELECT 'tok-' || i, 'x' || i, '', '*', 1, iif(i = 7, 5, 100) FROM n",
                           NULL, NULL, NULL),
              SQLITE_OK);
    check_int(sqlite3_close(db), SQLITE_OK);
    check_ok(store_open(it->dir, &it->store, &it->why), &it->why);
    (void)add_token(it, NULL, 100);
    (void)add_token(it, NULL, 100);
    struct token_row row = { .name = "", .scopes = "*", .created_at = 5, .expires_at = 100 };
    check_rc(store_token_add(it->store, &row, &it->why), RC_TOO_LARGE);
    check_contains(it->why.text, "10000 tokens");
}

static void test_store_token_used_never_goes_back(void **state)
{
    struct place *it = *state;
    const struct token_row row = add_token(it, NULL, 100);
    check_rc(store_token_used(it->store, row.id, 30, NULL), RC_OK);
    check_rc(store_token_used(it->store, row.id, 20, NULL), RC_OK);
    check_int(get_token(it, row.id).last_used_at, 30);
    check_rc(store_token_used(it->store, "tok-none", 20, NULL), RC_NOT_FOUND);
}

CHECK_MAIN("core/store/token",
           PLACE_CHECK(test_store_token_add_keeps_every_field),
           PLACE_CHECK(test_store_token_add_keeps_the_chain),
           PLACE_CHECK(test_store_token_of_the_first_form_has_no_chain),
           PLACE_CHECK(test_store_token_revoke_takes_the_children_along),
           PLACE_CHECK(test_store_token_live_leaves_out_revoked_and_expired),
           PLACE_CHECK(test_store_token_add_has_a_ceiling),
           PLACE_CHECK(test_store_token_used_never_goes_back))
