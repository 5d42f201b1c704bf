/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/job.h"

#include <string.h>

#include "core/store/inside.h"
#include "core/store/row.h"

#define COLUMNS                                                                       \
    "id, type, status, model, version, dataset, token, created_at, started_at, "      \
    "finished_at, spec, progress, error, metrics, weights_digest, checkpoint_epoch, " \
    "blob, blob_sha256, blob_bytes"

static void read_row(struct query *q, struct region *region, struct job_row *row)
{
    *row = (struct job_row){ 0 };
    query_copy(q, 0, row->id, sizeof(row->id));
    row->type = query_text(q, 1, region);
    row->status = query_text(q, 2, region);
    row->model = query_text(q, 3, region);
    row->version = query_int(q, 4);
    row->dataset = query_text(q, 5, region);
    row->token = query_text(q, 6, region);
    row->created_at = query_int(q, 7);
    row->started_at = query_int(q, 8);
    row->finished_at = query_int(q, 9);
    row->spec = query_text(q, 10, region);
    row->progress = query_text(q, 11, region);
    row->error = query_text(q, 12, region);
    row->metrics = query_text(q, 13, region);
    row->weights_digest = query_text(q, 14, region);
    row->checkpoint_epoch = query_int(q, 15);
    row_get_blob(q, 16, &row->checkpoint);
}

struct add {
    const struct job_row *row;
    struct why *why;
};

static enum rc add(struct db *db, void *arg)
{
    const struct add *it = arg;
    const struct job_row *row = it->row;
    struct query q;
    query_begin(&q, db, "INSERT INTO job (id, type, status, model, version, dataset, token, created_at, started_at,"
                        " finished_at, spec, progress, error, metrics, weights_digest)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
    query_bind_text(&q, row->id);
    query_bind_text(&q, row->type);
    query_bind_text(&q, row->status);
    query_bind_text(&q, row->model);
    query_bind_int(&q, row->version);
    query_bind_text(&q, row->dataset);
    query_bind_text(&q, row->token);
    query_bind_int(&q, row->created_at);
    query_bind_int(&q, row->started_at);
    query_bind_int(&q, row->finished_at);
    query_bind_text(&q, row->spec);
    query_bind_text(&q, row->progress);
    query_bind_text(&q, row->error);
    query_bind_text(&q, row->metrics);
    query_bind_text(&q, row->weights_digest);
    const enum rc rc = query_run(&q);
    return rc == RC_CONFLICT ? why_fail(it->why, rc, NULL, "there is a job with this id") : rc;
}

enum rc store_job_add(struct store *store, const struct job_row *row, struct why *why)
{
    struct add it = { row, why };
    return store_write(store, add, &it);
}

struct get {
    const char *id;
    struct region *region;
    struct job_row row;
    struct why *why;
};

static enum rc get(struct db *db, void *arg)
{
    struct get *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT " COLUMNS " FROM job WHERE id = ?1");
    query_bind_text(&q, it->id);
    const bool found = query_next(&q);
    if (found) {
        read_row(&q, it->region, &it->row);
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? row_missing(it->why, "job", it->id) : rc;
}

enum rc store_job_get(struct store *store, const char *id, struct region *region, struct job_row *ret,
                      struct why *why)
{
    struct get it = { .id = id, .region = region, .why = why };
    const enum rc rc = store_read(store, get, &it);
    if (rc == RC_OK) {
        *ret = it.row;
    }
    return rc;
}

struct list {
    const char *status;
    const struct store_page *page;
    struct region *region;
    struct job_list list;
    struct why *why;
};

/* Reads what the query gives, whose values are bound, and ends it. */
static enum rc collect(struct query *q, struct list *it, int64_t limit)
{
    struct row_page rows;
    row_page_begin(&rows, it->region, limit, sizeof(struct job_row));
    for (struct job_row *row; (row = row_page_next(&rows, q)) != NULL;) {
        read_row(q, it->region, row);
    }
    it->list = (struct job_list){ rows.items, rows.count, rows.has_more };
    return query_end(q);
}

static enum rc list(struct db *db, void *arg)
{
    struct list *it = arg;
    int64_t before;
    const enum rc rc = store_page_start(db, it->page, "SELECT seq FROM job WHERE id = ?1", &before, it->why);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    if (it->status == NULL) {
        query_begin(&q, db, "SELECT " COLUMNS " FROM job WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
    } else {
        query_begin(&q, db, "SELECT " COLUMNS " FROM job WHERE seq < ?1 AND status = ?3 ORDER BY seq DESC LIMIT ?2");
    }
    query_bind_int(&q, before);
    query_bind_int(&q, it->page->limit + 1);
    if (it->status != NULL) {
        query_bind_text(&q, it->status);
    }
    return collect(&q, it, it->page->limit);
}

enum rc store_job_list(struct store *store, const char *status, const struct store_page *page,
                       struct region *region, struct job_list *ret, struct why *why)
{
    struct list it = { .status = status, .page = page, .region = region, .why = why };
    const enum rc rc = store_read(store, list, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

static enum rc list_pending(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "SELECT id, type, status, model, version, dataset, token, created_at, started_at, finished_at,"
                        " NULL, NULL, NULL, NULL, NULL, checkpoint_epoch, blob, blob_sha256, blob_bytes"
                        " FROM job WHERE status IN ('queued', 'running') ORDER BY seq");
    return collect(&q, arg, INT64_MAX);
}

enum rc store_job_pending(struct store *store, struct region *region, struct job_list *ret, struct why *why)
{
    struct list it = { .region = region, .why = why };
    const enum rc rc = store_read(store, list_pending, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}

/* What a change has to know of the job before it. */
struct present {
    int64_t seq;
    int64_t checkpoint_epoch;
    char checkpoint[BLOB_NAME_SIZE];
};

/* RC_CONFLICT when it is not in the state `status` (NULL: any will do). */
static enum rc look(struct db *db, const char *id, const char *status, struct present *ret, struct why *why)
{
    char now[32] = "";
    struct query q;
    query_begin(&q, db, "SELECT seq, status, checkpoint_epoch, blob FROM job WHERE id = ?1");
    query_bind_text(&q, id);
    const bool found = query_next(&q);
    if (found) {
        ret->seq = query_int(&q, 0);
        query_copy(&q, 1, now, sizeof(now));
        ret->checkpoint_epoch = query_int(&q, 2);
        query_copy(&q, 3, ret->checkpoint, sizeof(ret->checkpoint));
    }
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && !found) {
        return row_missing(why, "job", id);
    }
    if (rc == RC_OK && status != NULL && strcmp(now, status) != 0) {
        return why_fail(why, RC_CONFLICT, NULL, "the job is %s, not %s", now, status);
    }
    return rc;
}

static enum rc drop_checkpoint(struct db *db, const struct present *present)
{
    const enum rc rc = store_doom(db, present->checkpoint);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "UPDATE job SET checkpoint_epoch = 0, blob = NULL, blob_sha256 = NULL, blob_bytes = NULL WHERE seq = ?1");
    query_bind_int(&q, present->seq);
    return query_run(&q);
}

enum rc store_move_job(struct db *db, const char *id, const struct job_move *move, struct why *why)
{
    struct present present;
    enum rc rc = look(db, id, move->from, &present, why);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "UPDATE job SET status = ?2, started_at = iif(?3 = 0, started_at, ?3),"
                        " finished_at = iif(?4 = 0, finished_at, ?4), version = iif(?5 = 0, version, ?5),"
                        " progress = coalesce(?6, progress), error = coalesce(?7, error),"
                        " metrics = coalesce(?8, metrics), weights_digest = coalesce(?9, weights_digest) WHERE seq = ?1");
    query_bind_int(&q, present.seq);
    query_bind_text(&q, move->to);
    query_bind_int(&q, move->started_at);
    query_bind_int(&q, move->finished_at);
    query_bind_int(&q, move->version);
    query_bind_text(&q, move->progress);
    query_bind_text(&q, move->error);
    query_bind_text(&q, move->metrics);
    query_bind_text(&q, move->weights_digest);
    rc = query_run(&q);
    return rc == RC_OK && move->drop_checkpoint ? drop_checkpoint(db, &present) : rc;
}

enum rc store_check_no_job(struct db *db, const char *sql, const char *name, struct why *why)
{
    char id[ID_SIZE] = "";
    struct query q;
    query_begin(&q, db, sql);
    query_bind_text(&q, name);
    const bool found = query_next(&q);
    if (found) {
        query_copy(&q, 0, id, sizeof(id));
    }
    const enum rc rc = query_end(&q);
    return rc == RC_OK && found ? why_fail(why, RC_CONFLICT, NULL, "the job %s, which has not ended, needs \"%s\"; cancel it first", id, name) : rc;
}

struct move {
    const char *id;
    const struct job_move *move;
    struct why *why;
};

static enum rc move_job(struct db *db, void *arg)
{
    const struct move *it = arg;
    return store_move_job(db, it->id, it->move, it->why);
}

enum rc store_job_move(struct store *store, const char *id, const struct job_move *move, struct why *why)
{
    struct move it = { id, move, why };
    const enum rc rc = store_write(store, move_job, &it);
    if (rc == RC_OK && move->drop_checkpoint) {
        store_bury(store);
    }
    return rc;
}

static enum rc forget_epochs(struct db *db, int64_t seq, int64_t from)
{
    struct query q;
    query_begin(&q, db, "DELETE FROM epoch WHERE job = ?1 AND epoch >= ?2");
    query_bind_int(&q, seq);
    query_bind_int(&q, from);
    return query_run(&q);
}

struct epoch {
    const char *id;
    const struct job_epoch *epoch;
    const char *progress;
    const struct blob_ref *checkpoint;
    struct why *why;
};

static enum rc add_epoch(struct db *db, int64_t seq, const struct job_epoch *epoch)
{
    enum rc rc = forget_epochs(db, seq, epoch->epoch);
    if (rc != RC_OK) {
        return rc;
    }
    struct query q;
    query_begin(&q, db, "INSERT INTO epoch (job, epoch, body) VALUES (?1, ?2, ?3)");
    query_bind_int(&q, seq);
    query_bind_int(&q, epoch->epoch);
    query_bind_text(&q, epoch->body);
    return query_run(&q);
}

static enum rc set_progress(struct db *db, int64_t seq, const char *progress)
{
    struct query q;
    query_begin(&q, db, "UPDATE job SET progress = coalesce(?2, progress) WHERE seq = ?1");
    query_bind_int(&q, seq);
    query_bind_text(&q, progress);
    return query_run(&q);
}

static enum rc set_checkpoint(struct db *db, int64_t seq, int64_t epoch, const struct blob_ref *checkpoint)
{
    struct query q;
    query_begin(&q, db, "UPDATE job SET checkpoint_epoch = ?1, blob = ?2, blob_sha256 = ?3, blob_bytes = ?4 WHERE seq = ?5");
    query_bind_int(&q, epoch);
    row_bind_blob(&q, checkpoint);
    query_bind_int(&q, seq);
    return query_run(&q);
}

static enum rc keep_epoch(struct db *db, void *arg)
{
    const struct epoch *it = arg;
    struct present present;
    enum rc rc = look(db, it->id, "running", &present, it->why);
    rc = rc == RC_OK ? add_epoch(db, present.seq, it->epoch) : rc;
    rc = rc == RC_OK ? set_progress(db, present.seq, it->progress) : rc;
    if (rc == RC_OK && it->checkpoint != NULL) {
        rc = store_doom(db, present.checkpoint);
        rc = rc == RC_OK ? set_checkpoint(db, present.seq, it->epoch->epoch, it->checkpoint) : rc;
    }
    return rc;
}

enum rc store_job_epoch(struct store *store, const char *id, const struct job_epoch *epoch,
                        const char *progress, const struct blob_ref *checkpoint, struct why *why)
{
    struct epoch it = { id, epoch, progress, checkpoint, why };
    const enum rc rc = store_write(store, keep_epoch, &it);
    if (rc == RC_OK && checkpoint != NULL) {
        store_bury(store);
    }
    return rc;
}

static enum rc rewind_job(struct db *db, void *arg)
{
    const struct move *it = arg;
    struct present present;
    const enum rc rc = look(db, it->id, NULL, &present, it->why);
    return rc == RC_OK ? forget_epochs(db, present.seq, present.checkpoint_epoch + 1) : rc;
}

enum rc store_job_rewind(struct store *store, const char *id, struct why *why)
{
    struct move it = { id, NULL, why };
    return store_write(store, rewind_job, &it);
}

struct history {
    const char *id;
    int64_t after, limit;
    struct region *region;
    struct job_history list;
};

static enum rc list_epochs(struct db *db, void *arg)
{
    struct history *it = arg;
    struct row_page rows;
    row_page_begin(&rows, it->region, it->limit, sizeof(struct job_epoch));
    struct query q;
    query_begin(&q, db, "SELECT epoch, body FROM epoch WHERE job = (SELECT seq FROM job WHERE id = ?1)"
                        " AND epoch > ?2 ORDER BY epoch LIMIT ?3");
    query_bind_text(&q, it->id);
    query_bind_int(&q, it->after);
    query_bind_int(&q, it->limit);
    for (struct job_epoch *row; (row = row_page_next(&rows, &q)) != NULL;) {
        row->epoch = query_int(&q, 0);
        row->body = query_text(&q, 1, it->region);
    }
    it->list = (struct job_history){ rows.items, rows.count };
    return query_end(&q);
}

enum rc store_job_history(struct store *store, const char *id, int64_t after, int64_t limit,
                          struct region *region, struct job_history *ret, struct why *why)
{
    struct history it = { .id = id, .after = after, .limit = limit, .region = region };
    const enum rc rc = store_read(store, list_epochs, &it);
    if (rc == RC_OK) {
        *ret = it.list;
    }
    return rc;
}
