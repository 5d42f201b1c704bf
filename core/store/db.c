/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/db.h"

#include <string.h>

#include <sqlite3.h>

#include "core/base/mem.h"

#define BUSY_MS 5000

struct db {
    sqlite3 *handle;
    size_t count; /* of kept statements */

    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        bool in_use;
    } kept[DB_STATEMENTS_MAX];
};

/* What SQLite says in the words of licit: the only place that knows its codes. */
static enum rc translate(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return RC_OK;
    case SQLITE_FULL: return RC_STORAGE_FULL;
    case SQLITE_IOERR: return code == SQLITE_IOERR_NOMEM ? RC_NO_MEMORY : RC_IO;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY: return RC_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return RC_CORRUPT;
    case SQLITE_NOMEM: return RC_NO_MEMORY;
    case SQLITE_CONSTRAINT: return RC_CONFLICT;
    case SQLITE_TOOBIG: return RC_TOO_LARGE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return RC_UNAVAILABLE;
    default: return RC_INTERNAL;
    }
}

enum rc db_exec(struct db *db, const char *sql)
{
    return translate(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

/*
 * Two or more connections that checkpoint can lose pages in SQLite before
 * 3.51.3 (sqlite.org/wal.html#walresetbug): only the writer checkpoints, also
 * when connections are closed.
 */
static enum rc configure(struct db *db, enum db_mode mode)
{
    static const char both[] =
        "PRAGMA foreign_keys = ON;"
        "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON;"
        "PRAGMA mmap_size = 0;";
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    enum rc rc = db_exec(db, both);
    if (rc != RC_OK) {
        return rc;
    }
    if (mode == DB_WRITER) {
        return db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                           "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 1000;");
    }
    if (sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK) {
        return RC_INTERNAL;
    }
    return db_exec(db, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;");
}

enum rc db_open(const char *path, enum db_mode mode, struct db **ret, struct why *why)
{
    struct db *db = mem_alloc(sizeof(*db));
    if (db == NULL) {
        return RC_NO_MEMORY;
    }
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (mode == DB_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    enum rc rc = translate(sqlite3_open_v2(path, &db->handle, flags, NULL));
    rc = rc == RC_OK ? configure(db, mode) : rc;
    if (rc != RC_OK) {
        const char *text = db->handle == NULL ? "out of memory" : sqlite3_errmsg(db->handle);
        rc = rc == RC_CORRUPT ? why_fail(why, rc, NULL, "the database is damaged (%s); restore it from a backup", text)
                              : why_fail(why, rc, NULL, "the database cannot be opened: %s", text);
        db_close(db);
        return rc;
    }
    *ret = db;
    return RC_OK;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < db->count; i++) {
        MUST(!db->kept[i].in_use);
        (void)sqlite3_finalize(db->kept[i].stmt); /* repeats the error of the last step, which was seen */
    }
    MUST(sqlite3_close(db->handle) == SQLITE_OK);
    mem_free(db);
}

bool db_in_transaction(struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db)) {
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* fails only when it was done already */
    }
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_last_seq(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

void query_begin(struct query *q, struct db *db, const char *sql)
{
    *q = (struct query){ ._db = db };
    for (size_t i = 0; i < db->count; i++) {
        if (db->kept[i].sql == sql) {
            MUST(!db->kept[i].in_use);
            db->kept[i].in_use = true;
            q->_stmt = db->kept[i].stmt;
            return;
        }
    }
    MUST(db->count < DB_STATEMENTS_MAX);
    sqlite3_stmt *stmt = NULL;
    q->rc = translate(sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
    if (q->rc == RC_OK) {
        db->kept[db->count].sql = sql;
        db->kept[db->count].stmt = stmt;
        db->kept[db->count].in_use = true;
        db->count++;
        q->_stmt = stmt;
    }
}

void query_bind_text(struct query *q, const char *text)
{
    q->_bound++;
    if (q->rc == RC_OK) {
        q->rc = translate(sqlite3_bind_text64(q->_stmt, q->_bound, text, text == NULL ? 0 : strlen(text), SQLITE_STATIC, SQLITE_UTF8));
    }
}

void query_bind_bytes(struct query *q, const void *bytes, size_t n)
{
    q->_bound++;
    if (q->rc == RC_OK) {
        q->rc = translate(sqlite3_bind_blob64(q->_stmt, q->_bound, bytes, n, SQLITE_STATIC));
    }
}

void query_bind_int(struct query *q, int64_t n)
{
    q->_bound++;
    if (q->rc == RC_OK) {
        q->rc = translate(sqlite3_bind_int64(q->_stmt, q->_bound, n));
    }
}

bool query_next(struct query *q)
{
    if (q->rc != RC_OK) {
        return false;
    }
    const int code = sqlite3_step(q->_stmt);
    q->rc = translate(code);
    return code == SQLITE_ROW;
}

int64_t query_int(struct query *q, int column)
{
    return q->rc == RC_OK ? sqlite3_column_int64(q->_stmt, column) : 0;
}

const char *query_text(struct query *q, int column, struct region *region)
{
    if (q->rc != RC_OK || sqlite3_column_type(q->_stmt, column) == SQLITE_NULL) {
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(q->_stmt, column);
    const char *copy = text == NULL ? NULL : region_strdup(region, text);
    q->rc = copy == NULL ? RC_NO_MEMORY : RC_OK;
    return copy;
}

const void *query_bytes(struct query *q, int column, struct region *region, size_t *ret_n)
{
    *ret_n = 0;
    if (q->rc != RC_OK || sqlite3_column_type(q->_stmt, column) == SQLITE_NULL) {
        return NULL;
    }
    const void *bytes = sqlite3_column_blob(q->_stmt, column); /* NULL for none, too */
    const size_t n = bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(q->_stmt, column);
    void *copy = region_alloc(region, n, 1);
    q->rc = copy == NULL ? RC_NO_MEMORY : RC_OK;
    if (copy != NULL && n > 0) {
        memcpy(copy, bytes, n);
        *ret_n = n;
    }
    return copy;
}

void query_copy(struct query *q, int column, char *ret, size_t size)
{
    ret[0] = '\0';
    if (q->rc != RC_OK || sqlite3_column_type(q->_stmt, column) == SQLITE_NULL) {
        return;
    }
    const char *text = (const char *)sqlite3_column_text(q->_stmt, column);
    if (text == NULL) {
        q->rc = RC_NO_MEMORY;
    } else if (strlen(text) >= size) {
        q->rc = RC_CORRUPT;
    } else {
        memcpy(ret, text, strlen(text) + 1);
    }
}

enum rc query_end(struct query *q)
{
    if (q->_stmt != NULL) {
        (void)sqlite3_reset(q->_stmt); /* repeats the error of the last step, which is in q->rc */
        (void)sqlite3_clear_bindings(q->_stmt);
        for (size_t i = 0; i < q->_db->count; i++) {
            q->_db->kept[i].in_use = q->_db->kept[i].stmt != q->_stmt && q->_db->kept[i].in_use;
        }
        q->_stmt = NULL;
    }
    return q->rc;
}

enum rc query_run(struct query *q)
{
    while (query_next(q)) {
    }
    return query_end(q);
}
