/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/token.h"

#include "core/store/inside.h"
#include "core/store/row.h"

#define COLUMNS "id, sha256, name, scopes, created_at, expires_at, parent, revoked_at, last_used_at, body, chain"

static void read_row(struct query *q, struct region *region, struct token_row *row)
{
    *row = (struct token_row){ 0 };
    query_copy(q, 0, row->id, sizeof(row->id));
    query_copy(q, 1, row->sha256, sizeof(row->sha256));
    row->name = query_text(q, 2, region);
    row->scopes = query_text(q, 3, region);
    row->created_at = query_int(q, 4);
    row->expires_at = query_int(q, 5);
    row->parent = query_text(q, 6, region);
    row->revoked_at = query_int(q, 7);
    row->last_used_at = query_int(q, 8);
    row->body = query_text(q, 9, region);
    row->chain = query_bytes(q, 10, region, &row->chain_bytes);
}

struct add {
    const struct token_row *row;
    struct why *why;
};

/* A token that is being revoked must not leave a child behind: looked at in the same transaction. */
static enum rc check_parent(struct db *db, const char *parent, struct why *why)
{
    struct query q;
    query_begin(&q, db, "SELECT revoked_at FROM token WHERE id = ?1");
    query_bind_text(&q, parent);
    const bool found = query_next(&q);
    const bool revoked = found && query_int(&q, 0) != 0;
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && !found) {
        return row_missing(why, "token", parent);
    }
    return rc == RC_OK && revoked ? why_fail(why, RC_CONFLICT, NULL, "the token that asks for it is revoked") : rc;
}

/* Whoever may make tokens must not be able to make more than the next start can load. */
static enum rc check_count(struct db *db, int64_t now, struct why *why)
{
    struct query q;
    query_begin(&q, db, "SELECT count(*) FROM token WHERE revoked_at = 0 AND expires_at > ?1");
    query_bind_int(&q, now);
    const int64_t count = query_next(&q) ? query_int(&q, 0) : 0;
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && count >= TOKEN_LIVE_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "there are %d tokens alive, and no more are allowed; revoke some", TOKEN_LIVE_MAX);
    }
    return rc;
}

static enum rc add(struct db *db, void *arg)
{
    const struct add *it = arg;
    const struct token_row *row = it->row;
    enum rc rc = check_count(db, row->created_at, it->why);
    rc = rc == RC_OK && row->parent != NULL ? check_parent(db, row->parent, it->why) : rc;
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "INSERT INTO token (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    query_bind_text(&q, row->id);
    query_bind_text(&q, row->sha256);
    query_bind_text(&q, row->name);
    query_bind_text(&q, row->scopes);
    query_bind_int(&q, row->created_at);
    query_bind_int(&q, row->expires_at);
    query_bind_text(&q, row->parent);
    query_bind_int(&q, row->revoked_at);
    query_bind_int(&q, row->last_used_at);
    query_bind_text(&q, row->body);
    query_bind_bytes(&q, row->chain, row->chain_bytes);
    rc = query_run(&q);
    return rc == RC_CONFLICT ? why_fail(it->why, rc, NULL, "there is a token with this id or this digest") : rc;
}

enum rc store_token_add(struct store *store, const struct token_row *row, struct why *why)
{
    struct add it = { row, why };
    return store_write(store, add, &it);
}

struct get {
    const char *id;
    struct region *region;
    struct token_row row;
    struct why *why;
};

static enum rc get(struct db *db, void *arg)
{
    struct get *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS " FROM token WHERE id = ?1");
    query_bind_text(&q, it->id);
    const bool found = query_next(&q);
    if (found) {
        read_row(&q, it->region, &it->row);
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? row_missing(it->why, "token", it->id) : rc;
}

enum rc store_token_get(struct store *store, const char *id, struct region *region,
                        struct token_row *ret, struct why *why)
{
    struct get it = { .id = id, .region = region, .why = why };
    const enum rc rc = store_read(store, get, &it);
    if (rc == RC_OK) {
        *ret = it.row;
    }
    return rc;
}

struct list {
    const struct store_page *page;
    int64_t now;
    struct region *region;
    struct token_list list;
    struct why *why;
};

/* Reads what the query gives, whose values are bound, and ends it. */
static enum rc collect(struct query *q, struct list *it, int64_t limit)
{
    struct row_page rows;
    row_page_begin(&rows, it->region, limit, sizeof(struct token_row));
    for (struct token_row *row; (row = row_page_next(&rows, q)) != NULL;) {
        read_row(q, it->region, row);
    }
    it->list = (struct token_list){ rows.items, rows.count, rows.has_more };
    return query_end(q);
}

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    int64_t before;
    const enum rc rc = store_page_start(db, it->page, "SELECT seq FROM token WHERE id = ?1", &before, it->why);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS " FROM token WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
    query_bind_int(&q, before);
    query_bind_int(&q, it->page->limit + 1);
    return collect(&q, it, it->page->limit);
}

enum rc store_token_list(struct store *store, const struct store_page *page, struct region *region,
                         struct token_list *ret, struct why *why)
{
    struct list it = { .page = page, .region = region, .why = why };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

static enum rc list_live(struct db *db, void *arg)
{
    struct list *it = arg;
    struct query q;
    query_begin(&q, db, "WITH RECURSIVE line (id) AS (SELECT id FROM token WHERE revoked_at = 0 AND expires_at > ?1"
                        " UNION SELECT parent FROM token JOIN line USING (id) WHERE parent IS NOT NULL)"
                        " SELECT " COLUMNS " FROM token WHERE id IN line ORDER BY seq");
    query_bind_int(&q, it->now);
    return collect(&q, it, INT64_MAX);
}

enum rc store_token_live(struct store *store, int64_t now, struct region *region, struct token_list *ret,
                         struct why *why)
{
    struct list it = { .now = now, .region = region, .why = why };
    const enum rc rc = store_read(store, list_live, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

struct change {
    const char *id;
    int64_t at;
    struct why *why;
};

static enum rc revoke_family(struct db *db, void *arg)
{
    const struct change *it = arg;
    struct query q;
    /* Those revoked before keep their time; the walk goes through them all the same. */
    query_begin(&q, db, "WITH RECURSIVE family (id) AS (SELECT id FROM token WHERE id = ?1"
                        " UNION SELECT token.id FROM token JOIN family ON token.parent = family.id)"
                        " UPDATE token SET revoked_at = iif(revoked_at = 0, ?2, revoked_at) WHERE id IN family");
    query_bind_text(&q, it->id);
    query_bind_int(&q, it->at);
    const enum rc rc = query_run(&q);
    return rc == RC_OK && db_changes(db) == 0 ? row_missing(it->why, "token", it->id) : rc;
}

enum rc store_token_revoke(struct store *store, const char *id, int64_t at, struct why *why)
{
    struct change it = { id, at, why };
    return store_write(store, revoke_family, &it);
}

static enum rc note_use(struct db *db, void *arg)
{
    const struct change *it = arg;
    struct query q;
    query_begin(&q, db, "UPDATE token SET last_used_at = max(last_used_at, ?2) WHERE id = ?1");
    query_bind_text(&q, it->id);
    query_bind_int(&q, it->at);
    const enum rc rc = query_run(&q);
    return rc == RC_OK && db_changes(db) == 0 ? row_missing(it->why, "token", it->id) : rc;
}

enum rc store_token_used(struct store *store, const char *id, int64_t at, struct why *why)
{
    struct change it = { id, at, why };
    return store_write(store, note_use, &it);
}
