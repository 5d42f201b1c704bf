/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/usage.h"

#include "core/store/inside.h"
#include "core/store/row.h"

static void bind_row(struct query *q, const struct usage_row *row)
{
    query_bind_text(q, row->token);
    query_bind_int(q, row->day);
    query_bind_int(q, row->rows);
    query_bind_int(q, row->bytes);
    query_bind_int(q, row->bits);
    query_bind_int(q, row->uses);
}

struct lease {
    const struct usage_row *row;
    struct why *why;
};

/* Of two numbers that of the later day counts, of the same day the larger. */
#define LATER(column) \
    column " = iif(excluded.day > day, excluded." column ", iif(excluded.day = day, max(" column ", excluded." column "), " column "))"

static enum rc lease(struct db *db, void *arg)
{
    const struct lease *it = arg;
    struct query q;
    query_begin(&q, db, "INSERT INTO token_usage (token, day, rows, bytes, bits, uses)"
                        " SELECT seq, ?2, ?3, ?4, ?5, ?6 FROM token WHERE id = ?1"
                        " ON CONFLICT (token) DO UPDATE SET " LATER("rows") ", " LATER("bytes") ", " LATER("bits") ","
                                                                                                                   " uses = max(uses, excluded.uses), day = max(day, excluded.day)");
    bind_row(&q, it->row);
    const enum rc rc = query_run(&q);
    return rc == RC_OK && db_changes(db) == 0 ? row_missing(it->why, "token", it->row->token) : rc;
}

enum rc store_usage_lease(struct store *store, const struct usage_row *row, struct why *why)
{
    struct lease it = { row, why };
    return store_write(store, lease, &it);
}

struct settle {
    const struct usage_row *rows;
    size_t count;
};

static enum rc settle(struct db *db, void *arg)
{
    const struct settle *it = arg;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < it->count; i++) {
        struct query q;
        query_begin(&q, db, "UPDATE token_usage SET day = ?2, rows = ?3, bytes = ?4, bits = ?5, uses = ?6"
                            " WHERE token = (SELECT seq FROM token WHERE id = ?1)");
        bind_row(&q, &it->rows[i]);
        rc = query_run(&q);
    }
    return rc;
}

enum rc store_usage_settle(struct store *store, const struct usage_row *rows, size_t count)
{
    struct settle it = { rows, count };
    return store_write(store, settle, &it);
}

struct list {
    struct region *region;
    struct usage_list list;
};

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    struct query q;
    struct row_page rows;
    query_begin(&q, db, "SELECT id, day, rows, bytes, bits, uses FROM token_usage JOIN token ON token.seq = token_usage.token"
                        " WHERE revoked_at = 0 ORDER BY id");
    row_page_begin(&rows, it->region, INT64_MAX, sizeof(struct usage_row));
    for (struct usage_row *row; (row = row_page_next(&rows, &q)) != NULL;) {
        *row = (struct usage_row){ .day = query_int(&q, 1), .rows = query_int(&q, 2), .bytes = query_int(&q, 3), .bits = query_int(&q, 4), .uses = query_int(&q, 5) };
        query_copy(&q, 0, row->token, sizeof(row->token));
    }
    it->list = (struct usage_list){ rows.items, rows.count };
    return query_end(&q);
}

enum rc store_usage_list(struct store *store, struct region *region, struct usage_list *ret)
{
    struct list it = { .region = region };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}
