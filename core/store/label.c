/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/str.h"
#include "core/store/inside.h"
#include "core/store/model.h"
#include "core/store/row.h"

/* The row of the label, in this spelling alone; 0: there is none. */
static enum rc find_label(struct db *db, int64_t model, const char *label, int64_t *ret_seq, struct why *why)
{
    char spelling[STR_NAME_MAX + 1] = "";
    struct query q;
    query_begin(&q, db, "SELECT seq, label FROM label WHERE model = ?1 AND label = ?2 COLLATE NOCASE");
    query_bind_int(&q, model);
    query_bind_text(&q, label);
    const bool found = query_next(&q);
    *ret_seq = found ? query_int(&q, 0) : 0;
    if (found) {
        query_copy(&q, 1, spelling, sizeof(spelling));
    }
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && found && strcmp(spelling, label) != 0) {
        return why_fail(why, RC_CONFLICT, NULL, "the label is written \"%s\"; names are unique ignoring case", spelling);
    }
    return rc;
}

/* Whoever may set labels must not be able to set more than the next start can load. */
static enum rc check_count(struct db *db, struct why *why)
{
    struct query q;
    query_begin(&q, db, "SELECT count(*) FROM label");
    const int64_t count = query_next(&q) ? query_int(&q, 0) : 0;
    const enum rc rc = query_end(&q);
    return rc == RC_OK && count >= LABELS_MAX ? why_fail(why, RC_TOO_LARGE, NULL, "there are %d labels, and no more are allowed", LABELS_MAX) : rc;
}

static enum rc insert(struct db *db, int64_t model, const struct label_row *row)
{
    struct query q;
    query_begin(&q, db, "INSERT INTO label (model, label, updated_at, body) VALUES (?1, ?2, ?3, ?4)");
    query_bind_int(&q, model);
    query_bind_text(&q, row->label);
    query_bind_int(&q, row->updated_at);
    query_bind_text(&q, row->body);
    return query_run(&q);
}

static enum rc update(struct db *db, int64_t seq, const struct label_row *row)
{
    struct query q;
    query_begin(&q, db, "DELETE FROM label_version WHERE label = ?1");
    query_bind_int(&q, seq);
    const enum rc rc = query_run(&q);
    if (rc != RC_OK) {
        return rc;
    }
    query_begin(&q, db, "UPDATE label SET updated_at = ?2, body = ?3 WHERE seq = ?1");
    query_bind_int(&q, seq);
    query_bind_int(&q, row->updated_at);
    query_bind_text(&q, row->body);
    return query_run(&q);
}

/* The foreign key says whether the version is there. */
static enum rc name_versions(struct db *db, int64_t seq, int64_t model, const struct label_row *row, struct why *why)
{
    for (size_t i = 0; i < row->count; i++) {
        struct query q;
        query_begin(&q, db, "INSERT INTO label_version (label, position, model, number) VALUES (?1, ?2, ?3, ?4)");
        query_bind_int(&q, seq);
        query_bind_int(&q, (int64_t)i);
        query_bind_int(&q, model);
        query_bind_int(&q, row->versions[i]);
        const enum rc rc = query_run(&q);
        if (rc == RC_CONFLICT) {
            return why_fail(why, RC_NOT_FOUND, NULL, "there is no version %lld of model \"%s\"", (long long)row->versions[i], row->model);
        }
        if (rc != RC_OK) {
            return rc;
        }
    }
    return RC_OK;
}

enum rc store_put_label(struct db *db, const struct label_row *row, struct why *why)
{
    int64_t model, seq = 0;
    enum rc rc = store_find_model(db, row->model, &model, why);
    rc = rc == RC_OK ? find_label(db, model, row->label, &seq, why) : rc;
    if (rc == RC_OK && seq == 0) {
        rc = check_count(db, why);
    }
    if (rc == RC_OK && seq == 0) {
        rc = insert(db, model, row);
        seq = db_last_seq(db);
    } else if (rc == RC_OK) {
        rc = update(db, seq, row);
    }
    return rc == RC_OK ? name_versions(db, seq, model, row, why) : rc;
}

struct set {
    const struct label_row *row;
    struct why *why;
};

static enum rc set(struct db *db, void *arg)
{
    const struct set *it = arg;
    return store_put_label(db, it->row, it->why);
}

enum rc store_label_set(struct store *store, const struct label_row *row, struct why *why)
{
    MUST(row->count >= 1 && row->count <= LABEL_VERSIONS_MAX);
    struct set it = { row, why };
    return store_write(store, set, &it);
}

struct removal {
    const char *model, *label;
    struct why *why;
};

static enum rc remove_label(struct db *db, void *arg)
{
    const struct removal *it = arg;
    struct query q;
    query_begin(&q, db, "DELETE FROM label WHERE label = ?2 COLLATE BINARY"
                        " AND model = (SELECT seq FROM model WHERE name = ?1 COLLATE BINARY)");
    query_bind_text(&q, it->model);
    query_bind_text(&q, it->label);
    const enum rc rc = query_run(&q);
    return rc == RC_OK && db_changes(db) == 0 ? row_missing(it->why, "label", it->label) : rc;
}

enum rc store_label_remove(struct store *store, const char *model, const char *label, struct why *why)
{
    struct removal it = { model, label, why };
    return store_write(store, remove_label, &it);
}

struct list {
    const char *model; /* NULL: of all */
    const char *label; /* NULL: all */
    struct region *region;
    struct label_list list;
};

/* The numbers that belong to one label, in their order. */
static enum rc read_versions(struct db *db, int64_t seq, struct region *region, struct label_row *row)
{
    int64_t *versions = region_alloc(region, LABEL_VERSIONS_MAX, sizeof(*versions));
    if (versions == NULL) {
        return RC_NO_MEMORY;
    }
    struct query q;
    query_begin(&q, db, "SELECT number FROM label_version WHERE label = ?1 ORDER BY position");
    query_bind_int(&q, seq);
    while (row->count < LABEL_VERSIONS_MAX && query_next(&q)) {
        versions[row->count++] = query_int(&q, 0);
    }
    row->versions = versions;
    return query_end(&q);
}

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    struct row_page rows;
    row_page_begin(&rows, it->region, LABELS_MAX, sizeof(struct label_row));
    struct query q;
    query_begin(&q, db, "SELECT label.seq, model.name, label.label, updated_at, body FROM label"
                        " JOIN model ON model.seq = label.model"
                        " WHERE (?1 IS NULL OR model.name = ?1 COLLATE BINARY) AND (?2 IS NULL OR label.label = ?2 COLLATE BINARY)"
                        " ORDER BY model.name, label.label");
    query_bind_text(&q, it->model);
    query_bind_text(&q, it->label);
    for (struct label_row *row; (row = row_page_next(&rows, &q)) != NULL;) {
        row->model = query_text(&q, 1, it->region);
        row->label = query_text(&q, 2, it->region);
        row->updated_at = query_int(&q, 3);
        row->body = query_text(&q, 4, it->region);
        const enum rc rc = read_versions(db, query_int(&q, 0), it->region, row);
        q.rc = q.rc == RC_OK ? rc : q.rc;
    }
    it->list = (struct label_list){ rows.items, rows.count };
    return query_end(&q);
}

enum rc store_label_list(struct store *store, const char *model, struct region *region,
                         struct label_list *ret, struct why *why)
{
    struct list it = { .model = model, .region = region };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

enum rc store_label_get(struct store *store, const char *model, const char *label, struct region *region,
                        struct label_row *ret, struct why *why)
{
    struct list it = { .model = model, .label = label, .region = region };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK && it.list.count == 0) {
        return row_missing(why, "label", label);
    }
    if (rc == RC_OK) {
        *ret = it.list.rows[0];
    }
    return rc;
}
