/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/str.h"
#include "core/store/inside.h"
#include "core/store/model.h"
#include "core/store/row.h"

#define COLUMNS                                                              \
    "model.name, number, version.created_at, dataset, job, weights_digest, " \
    "version_digest, parameters, body, blob, blob_sha256, blob_bytes"
#define FROM " FROM version JOIN model ON model.seq = version.model"

static void read_row(struct query *q, struct region *region, struct version_row *row)
{
    *row = (struct version_row){ 0 };
    row->model = query_text(q, 0, region);
    row->number = query_int(q, 1);
    row->created_at = query_int(q, 2);
    row->dataset = query_text(q, 3, region);
    row->job = query_text(q, 4, region);
    row->weights_digest = query_text(q, 5, region);
    row->version_digest = query_text(q, 6, region);
    row->parameters = query_int(q, 7);
    row->body = query_text(q, 8, region);
    row_get_blob(q, 9, &row->weights);
}

struct add {
    const struct version_row *row;
    const struct job_move *finish;
    const char *label;
    int64_t model, number;
    struct why *why;
};

static enum rc make_model(struct db *db, const struct version_row *row)
{
    struct query q;
    query_begin(&q, db, "INSERT INTO model (name, created_at, next_number) VALUES (?1, ?2, 1)");
    query_bind_text(&q, row->model);
    query_bind_int(&q, row->created_at);
    return query_run(&q);
}

/* The model under any spelling, deleted or not. */
static enum rc find_model(struct db *db, struct add *it, bool *ret_found)
{
    char spelling[STR_NAME_MAX + 1] = "";
    struct query q;
    query_begin(&q, db, "SELECT seq, next_number, name FROM model WHERE name = ?1 COLLATE NOCASE");
    query_bind_text(&q, it->row->model);
    const bool found = query_next(&q);
    if (found) {
        it->model = query_int(&q, 0);
        it->number = query_int(&q, 1);
        query_copy(&q, 2, spelling, sizeof(spelling));
    }
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && found && strcmp(spelling, it->row->model) != 0) {
        return why_fail(it->why, RC_CONFLICT, NULL, "the name is taken as \"%s\"; names are unique ignoring case", spelling);
    }
    *ret_found = found;
    return rc;
}

/* Takes the next number; a model that was deleted lives again, with a new time. */
static enum rc take_number(struct db *db, struct add *it)
{
    bool found = false;
    enum rc rc = find_model(db, it, &found);
    if (rc == RC_OK && !found) {
        rc = make_model(db, it->row);
        it->model = db_last_seq(db);
        it->number = 1;
    }
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "UPDATE model SET next_number = ?2 + 1, created_at = iif(deleted, ?3, created_at), deleted = 0 WHERE seq = ?1");
    query_bind_int(&q, it->model);
    query_bind_int(&q, it->number);
    query_bind_int(&q, it->row->created_at);
    return query_run(&q);
}

static enum rc insert(struct db *db, const struct add *it)
{
    const struct version_row *row = it->row;
    struct query q;
    query_begin(&q, db, "INSERT INTO version (model, number, created_at, dataset, job, weights_digest, version_digest,"
                        " parameters, body, network, transforms, card, blob, blob_sha256, blob_bytes)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
    query_bind_int(&q, it->model);
    query_bind_int(&q, it->number);
    query_bind_int(&q, row->created_at);
    query_bind_text(&q, row->dataset);
    query_bind_text(&q, row->job);
    query_bind_text(&q, row->weights_digest);
    query_bind_text(&q, row->version_digest);
    query_bind_int(&q, row->parameters);
    query_bind_text(&q, row->body);
    query_bind_text(&q, row->network);
    query_bind_text(&q, row->transforms);
    query_bind_text(&q, row->card);
    row_bind_blob(&q, &row->weights);
    return query_run(&q);
}

static enum rc finish_job(struct db *db, const struct add *it)
{
    struct job_move move = *it->finish;
    move.version = it->number;
    return store_move_job(db, it->row->job, &move, it->why);
}

static enum rc set_label(struct db *db, const struct add *it)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"versions\":[{\"version\":%lld}]}", (long long)it->number); /* fits */
    const struct label_row row = { it->row->model, it->label, it->row->created_at, &it->number, 1, body };
    return store_put_label(db, &row, it->why);
}

static enum rc add(struct db *db, void *arg)
{
    struct add *it = arg;
    enum rc rc = take_number(db, it);
    rc = rc == RC_OK ? insert(db, it) : rc;
    rc = rc == RC_OK && it->finish != NULL ? finish_job(db, it) : rc;
    return rc == RC_OK && it->label != NULL ? set_label(db, it) : rc;
}

enum rc store_version_add(struct store *store, const struct version_row *row, const struct job_move *finish,
                          const char *label, int64_t *ret_number, struct why *why)
{
    MUST(finish == NULL || row->job != NULL);
    struct add it = { .row = row, .finish = finish, .label = label, .why = why };
    const enum rc rc = store_write(store, add, &it);
    if (rc == RC_OK) {
        *ret_number = it.number;
        if (finish != NULL && finish->drop_checkpoint) {
            store_bury(store);
        }
    }
    return rc;
}

struct get {
    const char *model;
    int64_t number;
    struct region *region;
    struct version_row row;
    struct why *why;
};

static enum rc missing(struct why *why, const char *model, int64_t number)
{
    return why_fail(why, RC_NOT_FOUND, NULL, "there is no version %lld of model \"%s\"", (long long)number, model);
}

static enum rc get(struct db *db, void *arg)
{
    struct get *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS ", network, transforms, card" FROM " WHERE model.name = ?1 COLLATE BINARY AND number = ?2");
    query_bind_text(&q, it->model);
    query_bind_int(&q, it->number);
    const bool found = query_next(&q);
    if (found) {
        read_row(&q, it->region, &it->row);
        it->row.network = query_text(&q, 12, it->region);
        it->row.transforms = query_text(&q, 13, it->region);
        it->row.card = query_text(&q, 14, it->region);
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? missing(it->why, it->model, it->number) : rc;
}

enum rc store_version_get(struct store *store, const char *model, int64_t number, struct region *region,
                          struct version_row *ret, struct why *why)
{
    struct get it = { .model = model, .number = number, .region = region, .why = why };
    const enum rc rc = store_read(store, get, &it);
    if (rc == RC_OK) {
        *ret = it.row;
    }
    return rc;
}

struct list {
    const char *model;
    int64_t below, limit;
    struct region *region;
    struct version_list list;
};

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    struct row_page rows;
    row_page_begin(&rows, it->region, it->limit, sizeof(struct version_row));
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS FROM " WHERE model.name = ?1 COLLATE BINARY AND number < ?2"
                        " ORDER BY number DESC LIMIT ?3");
    query_bind_text(&q, it->model);
    query_bind_int(&q, it->below == 0 ? INT64_MAX : it->below);
    query_bind_int(&q, it->limit + 1);
    for (struct version_row *row; (row = row_page_next(&rows, &q)) != NULL;) {
        read_row(&q, it->region, row);
    }
    it->list = (struct version_list){ rows.items, rows.count, rows.has_more };
    return query_end(&q);
}

enum rc store_version_list(struct store *store, const char *model, int64_t below, int64_t limit,
                           struct region *region, struct version_list *ret, struct why *why)
{
    MUST(limit >= 1 && limit <= STORE_PAGE_MAX);
    struct list it = { .model = model, .below = below, .limit = limit, .region = region };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

struct removal {
    const char *model;
    int64_t number;
    struct why *why;
};

/* Which label keeps it? An empty text: none. */
static enum rc find_label(struct db *db, int64_t model, int64_t number, char ret[STR_NAME_MAX + 1])
{
    ret[0] = '\0';
    struct query q;
    query_begin(&q, db, "SELECT label.label FROM label_version JOIN label ON label.seq = label_version.label"
                        " WHERE label_version.model = ?1 AND number = ?2 LIMIT 1");
    query_bind_int(&q, model);
    query_bind_int(&q, number);
    if (query_next(&q)) {
        query_copy(&q, 0, ret, STR_NAME_MAX + 1);
    }
    return query_end(&q);
}

static enum rc delete_row(struct db *db, int64_t model, const struct removal *it)
{
    char name[BLOB_NAME_SIZE] = "";
    struct query q;
    query_begin(&q, db, "DELETE FROM version WHERE model = ?1 AND number = ?2 RETURNING blob");
    query_bind_int(&q, model);
    query_bind_int(&q, it->number);
    const bool found = query_next(&q);
    if (found) {
        query_copy(&q, 0, name, sizeof(name));
    }
    const enum rc rc = query_run(&q);
    if (rc == RC_OK && !found) {
        return missing(it->why, it->model, it->number);
    }
    return rc == RC_OK ? store_doom(db, name) : rc;
}

static enum rc remove_version(struct db *db, void *arg)
{
    const struct removal *it = arg;
    int64_t model;
    char label[STR_NAME_MAX + 1] = "";
    enum rc rc = store_find_model(db, it->model, &model, it->why);
    rc = rc == RC_OK ? find_label(db, model, it->number, label) : rc;
    if (rc == RC_OK && label[0] != '\0') {
        return why_fail(it->why, RC_CONFLICT, NULL, "the label \"%s\" names version %lld; move or remove the label first", label, (long long)it->number);
    }
    return rc == RC_OK ? delete_row(db, model, it) : rc;
}

enum rc store_version_remove(struct store *store, const char *model, int64_t number, struct why *why)
{
    struct removal it = { model, number, why };
    const enum rc rc = store_write(store, remove_version, &it);
    if (rc == RC_OK) {
        store_bury(store);
    }
    return rc;
}
