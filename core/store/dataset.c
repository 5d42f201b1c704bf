/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/dataset.h"

#include "core/store/inside.h"
#include "core/store/row.h"

#define COLUMNS "id, name, version, erased_at, created_at, rows, bytes, sha256, blob, blob_sha256, blob_bytes, body"

static void read_row(struct query *q, struct region *region, struct dataset_row *row)
{
    *row = (struct dataset_row){ 0 };
    query_copy(q, 0, row->id, sizeof(row->id));
    row->name = query_text(q, 1, region);
    row->version = query_int(q, 2);
    row->erased_at = query_int(q, 3);
    row->erased = row->erased_at != 0;
    row->created_at = query_int(q, 4);
    row->rows = query_int(q, 5);
    row->bytes = query_int(q, 6);
    query_copy(q, 7, row->sha256, sizeof(row->sha256));
    row_get_blob(q, 8, &row->blob);
    row->body = query_text(q, 11, region);
}

struct add {
    const struct dataset_row *row;
    int64_t version;
    struct why *why;
};

static enum rc find_version(struct db *db, struct add *it)
{
    struct query q;
    query_begin(&q, db, "SELECT coalesce(max(version), 0) + 1 FROM dataset WHERE name = ?1");
    query_bind_text(&q, it->row->name);
    it->version = query_next(&q) ? query_int(&q, 0) : 0;
    return query_end(&q);
}

static enum rc add(struct db *db, void *arg)
{
    struct add *it = arg;
    const struct dataset_row *row = it->row;
    enum rc rc = find_version(db, it);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "INSERT INTO dataset (id, name, version, created_at, rows, bytes, sha256, body, blob, blob_sha256, blob_bytes)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    query_bind_text(&q, row->id);
    query_bind_text(&q, row->name);
    query_bind_int(&q, it->version);
    query_bind_int(&q, row->created_at);
    query_bind_int(&q, row->rows);
    query_bind_int(&q, row->bytes);
    query_bind_text(&q, row->sha256);
    query_bind_text(&q, row->body);
    row_bind_blob(&q, &row->blob);
    rc = query_run(&q);
    return rc == RC_CONFLICT ? why_fail(it->why, rc, NULL, "there is a dataset with this id or this file") : rc;
}

enum rc store_dataset_add(struct store *store, const struct dataset_row *row, int64_t *ret_version,
                          struct why *why)
{
    struct add it = { row, 0, why };
    const enum rc rc = store_write(store, add, &it);
    if (rc == RC_OK) {
        *ret_version = it.version;
    }
    return rc;
}

struct get {
    const char *id;
    struct region *region;
    struct dataset_row row;
    struct why *why;
};

static enum rc get(struct db *db, void *arg)
{
    struct get *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS " FROM dataset WHERE id = ?1");
    query_bind_text(&q, it->id);
    const bool found = query_next(&q);
    if (found) {
        read_row(&q, it->region, &it->row);
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? row_missing(it->why, "dataset", it->id) : rc;
}

enum rc store_dataset_get(struct store *store, const char *id, struct region *region,
                          struct dataset_row *ret, struct why *why)
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
    struct region *region;
    struct dataset_list list;
    struct why *why;
};

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    int64_t before;
    enum rc rc = store_page_start(db, it->page, "SELECT seq FROM dataset WHERE id = ?1", &before, it->why);
    if (rc != RC_OK) {
        return rc;
    }
    struct row_page rows;
    row_page_begin(&rows, it->region, it->page->limit, sizeof(struct dataset_row));
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS " FROM dataset WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
    query_bind_int(&q, before);
    query_bind_int(&q, it->page->limit + 1);
    for (struct dataset_row *row; (row = row_page_next(&rows, &q)) != NULL;) {
        read_row(&q, it->region, row);
    }
    rc = query_end(&q);
    it->list = (struct dataset_list){ rows.items, rows.count, rows.has_more };
    return rc;
}

enum rc store_dataset_list(struct store *store, const struct store_page *page, struct region *region,
                           struct dataset_list *ret, struct why *why)
{
    struct list it = { .page = page, .region = region, .why = why };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

struct erase {
    const char *id;
    int64_t at;
    const char *body;
    struct why *why;
};

static enum rc erase(struct db *db, void *arg)
{
    const struct erase *it = arg;
    char name[BLOB_NAME_SIZE] = "";
    struct query q;
    query_begin(&q, db, "SELECT erased_at, blob FROM dataset WHERE id = ?1");
    query_bind_text(&q, it->id);
    const bool found = query_next(&q);
    const bool erased = found && query_int(&q, 0) != 0;
    if (found) {
        query_copy(&q, 1, name, sizeof(name));
    }
    enum rc rc = query_end(&q);
    if (rc == RC_OK && !found) {
        return row_missing(it->why, "dataset", it->id);
    }
    if (rc == RC_OK && erased) {
        return why_fail(it->why, RC_GONE, NULL, "the dataset was erased before");
    }
    rc = rc == RC_OK ? store_check_no_job(db, "SELECT id FROM job WHERE status IN ('queued', 'running', 'paused') AND dataset = ?1 LIMIT 1", it->id, it->why) : rc;
    rc = rc == RC_OK ? store_doom(db, name) : rc;
    if (rc != RC_OK) {
        return rc;
    }
    query_begin(&q, db, "UPDATE dataset SET erased_at = ?1, body = coalesce(?2, body),"
                        " blob = NULL, blob_sha256 = NULL, blob_bytes = NULL WHERE id = ?3");
    query_bind_int(&q, it->at);
    query_bind_text(&q, it->body);
    query_bind_text(&q, it->id);
    return query_run(&q);
}

enum rc store_dataset_erase(struct store *store, const char *id, int64_t at, const char *body, struct why *why)
{
    struct erase it = { id, at, body, why };
    const enum rc rc = store_write(store, erase, &it);
    if (rc == RC_OK) {
        store_bury(store);
    }
    return rc;
}
