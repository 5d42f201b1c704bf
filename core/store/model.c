/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/model.h"

#include <string.h>

#include "core/base/str.h"
#include "core/store/inside.h"
#include "core/store/row.h"

enum rc store_find_model(struct db *db, const char *name, int64_t *ret_seq, struct why *why)
{
    struct query q;
    /* BINARY: found only in its own spelling, as scopes compare it. */
    query_begin(&q, db, "SELECT seq FROM model WHERE name = ?1 COLLATE BINARY AND deleted = 0");
    query_bind_text(&q, name);
    const bool found = query_next(&q);
    *ret_seq = query_int(&q, 0);
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? row_missing(why, "model", name) : rc;
}

struct named {
    const char *name;
    struct why *why;
};

static enum rc check_name(struct db *db, void *arg)
{
    const struct named *it = arg;
    char spelling[STR_NAME_MAX + 1] = "";
    struct query q;
    query_begin(&q, db, "SELECT name FROM model WHERE name = ?1 COLLATE NOCASE");
    query_bind_text(&q, it->name);
    const bool found = query_next(&q);
    if (found) {
        query_copy(&q, 0, spelling, sizeof(spelling));
    }
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && found && strcmp(spelling, it->name) != 0) {
        return why_fail(it->why, RC_CONFLICT, NULL, "the name is taken as \"%s\"; names are unique ignoring case", spelling);
    }
    return rc;
}

enum rc store_model_check(struct store *store, const char *name, struct why *why)
{
    struct named it = { name, why };
    return store_read(store, check_name, &it);
}

static void read_row(struct query *q, struct region *region, struct model_row *row)
{
    row->name = query_text(q, 0, region);
    row->created_at = query_int(q, 1);
}

struct get {
    const char *name;
    struct region *region;
    struct model_row row;
    struct why *why;
};

static enum rc get(struct db *db, void *arg)
{
    struct get *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT name, created_at FROM model WHERE name = ?1 COLLATE BINARY AND deleted = 0");
    query_bind_text(&q, it->name);
    const bool found = query_next(&q);
    if (found) {
        read_row(&q, it->region, &it->row);
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? row_missing(it->why, "model", it->name) : rc;
}

enum rc store_model_get(struct store *store, const char *name, struct region *region,
                        struct model_row *ret, struct why *why)
{
    struct get it = { .name = name, .region = region, .why = why };
    const enum rc rc = store_read(store, get, &it);
    if (rc == RC_OK) {
        *ret = it.row;
    }
    return rc;
}

struct list {
    const struct store_page *page;
    struct region *region;
    struct model_list list;
    struct why *why;
};

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    int64_t before;
    enum rc rc = store_page_start(db, it->page, "SELECT seq FROM model WHERE name = ?1 COLLATE BINARY", &before, it->why);
    if (rc != RC_OK) {
        return rc;
    }
    struct row_page rows;
    row_page_begin(&rows, it->region, it->page->limit, sizeof(struct model_row));
    struct query q;
    query_begin(&q, db, "SELECT name, created_at FROM model WHERE seq < ?1 AND deleted = 0 ORDER BY seq DESC LIMIT ?2");
    query_bind_int(&q, before);
    query_bind_int(&q, it->page->limit + 1);
    for (struct model_row *row; (row = row_page_next(&rows, &q)) != NULL;) {
        read_row(&q, it->region, row);
    }
    rc = query_end(&q);
    it->list = (struct model_list){ rows.items, rows.count, rows.has_more };
    return rc;
}

enum rc store_model_list(struct store *store, const struct store_page *page, struct region *region,
                         struct model_list *ret, struct why *why)
{
    struct list it = { .page = page, .region = region, .why = why };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

static enum rc run_on(struct db *db, const char *sql, int64_t seq)
{
    struct query q;
    query_begin(&q, db, sql);
    query_bind_int(&q, seq);
    return query_run(&q);
}

static enum rc check_no_label(struct db *db, const char *name, int64_t model, struct why *why)
{
    char label[STR_NAME_MAX + 1] = "";
    struct query q;
    query_begin(&q, db, "SELECT label FROM label WHERE model = ?1 LIMIT 1");
    query_bind_int(&q, model);
    const bool found = query_next(&q);
    if (found) {
        query_copy(&q, 0, label, sizeof(label));
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && found ? why_fail(why, RC_CONFLICT, NULL, "the label \"%s\" names a version of \"%s\"; remove the label first", label, name) : rc;
}

/* The row stays, so that numbers are not given again; nothing else does. */
static enum rc remove_model(struct db *db, void *arg)
{
    const struct named *it = arg;
    int64_t seq;
    enum rc rc = store_find_model(db, it->name, &seq, it->why);
    rc = rc == RC_OK ? check_no_label(db, it->name, seq, it->why) : rc;
    rc = rc == RC_OK ? store_check_no_job(db, "SELECT id FROM job WHERE status IN ('queued', 'running', 'paused') AND model = ?1 LIMIT 1", it->name, it->why) : rc;
    rc = rc == RC_OK ? run_on(db, "INSERT OR IGNORE INTO doomed SELECT blob FROM version WHERE model = ?1 AND blob IS NOT NULL", seq) : rc;
    rc = rc == RC_OK ? run_on(db, "DELETE FROM version WHERE model = ?1", seq) : rc;
    return rc == RC_OK ? run_on(db, "UPDATE model SET deleted = 1 WHERE seq = ?1", seq) : rc;
}

enum rc store_model_remove(struct store *store, const char *name, struct why *why)
{
    struct named it = { name, why };
    const enum rc rc = store_write(store, remove_model, &it);
    if (rc == RC_OK) {
        store_bury(store);
    }
    return rc;
}
