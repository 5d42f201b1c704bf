/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/migrate.h"

#include "core/base/cleanup.h"
#include "core/store/inside.h"

#define APPLICATION_ID 1818847092 /* "lict": what file(1) and we know our database by */

/*
 * seq orders rows by their making. Times are Unix seconds, 0: not yet. A blob
 * is three columns: name, sha256, bytes; name NULL: none.
 */
static const char first[] =
    "CREATE TABLE dataset ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, erased_at INTEGER NOT NULL DEFAULT 0,"
    " rows INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, body TEXT NOT NULL,"
    " blob TEXT UNIQUE, blob_sha256 TEXT, blob_bytes INTEGER,"
    " UNIQUE (name, version)) STRICT;"

    "CREATE TABLE job ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, status TEXT NOT NULL,"
    " model TEXT NOT NULL, version INTEGER NOT NULL, dataset TEXT NOT NULL, token TEXT,"
    " created_at INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,"
    " spec TEXT NOT NULL, progress TEXT, error TEXT, metrics TEXT, weights_digest TEXT,"
    " checkpoint_epoch INTEGER NOT NULL DEFAULT 0,"
    " blob TEXT UNIQUE, blob_sha256 TEXT, blob_bytes INTEGER) STRICT;"
    "CREATE INDEX job_status ON job (status, seq);"

    "CREATE TABLE epoch ("
    " job INTEGER NOT NULL REFERENCES job (seq), epoch INTEGER NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (job, epoch)) STRICT, WITHOUT ROWID;"

    /* A deleted model keeps its row, so that its numbers are not given again. */
    "CREATE TABLE model ("
    " seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, created_at INTEGER NOT NULL,"
    " next_number INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0) STRICT;"

    "CREATE TABLE version ("
    " model INTEGER NOT NULL REFERENCES model (seq), number INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " dataset TEXT, job TEXT, weights_digest TEXT NOT NULL, version_digest TEXT NOT NULL,"
    " parameters INTEGER NOT NULL, body TEXT NOT NULL, network TEXT, transforms TEXT, card TEXT,"
    " blob TEXT UNIQUE, blob_sha256 TEXT, blob_bytes INTEGER,"
    " PRIMARY KEY (model, number)) STRICT;"

    "CREATE TABLE label ("
    " seq INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES model (seq),"
    " label TEXT NOT NULL COLLATE NOCASE, updated_at INTEGER NOT NULL, body TEXT NOT NULL,"
    " UNIQUE (model, label)) STRICT;"

    /* What keeps a version alive: the foreign key refuses its deletion. */
    "CREATE TABLE label_version ("
    " label INTEGER NOT NULL REFERENCES label (seq) ON DELETE CASCADE, position INTEGER NOT NULL,"
    " model INTEGER NOT NULL, number INTEGER NOT NULL,"
    " PRIMARY KEY (label, position), FOREIGN KEY (model, number) REFERENCES version (model, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX label_version_of ON label_version (model, number);"

    "CREATE TABLE token ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " scopes TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    " parent TEXT REFERENCES token (id), revoked_at INTEGER NOT NULL DEFAULT 0,"
    " last_used_at INTEGER NOT NULL DEFAULT 0, body TEXT) STRICT;"
    "CREATE INDEX token_parent ON token (parent);"

    /* Files whose row is gone and which are still to be removed: erasing survives a crash. */
    "CREATE TABLE doomed (blob TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"

    "PRAGMA application_id = 1818847092;"
    "PRAGMA user_version = 1;";

static const char second[] =
    /* Where offline narrowing starts, sealed under the root key; NULL: made before there was narrowing. */
    "ALTER TABLE token ADD COLUMN chain BLOB;"

    /* Single things that the database knows of the whole state, by name. */
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"

    "PRAGMA user_version = 2;";

static const char third[] =
    /* What was leased to a limited token: on the day, and of its life. */
    "CREATE TABLE token_usage ("
    " token INTEGER PRIMARY KEY REFERENCES token (seq), day INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " bits INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT;"

    "PRAGMA user_version = 3;";

static const char *const steps[] = { first, second, third };

static enum rc read_number(struct db *db, const char *sql, int64_t *ret)
{
    struct query q;
    query_begin(&q, db, sql);
    const int64_t n = query_next(&q) ? query_int(&q, 0) : 0;
    const enum rc rc = query_end(&q);
    if (rc == RC_OK) {
        *ret = n;
    }
    return rc;
}

static enum rc run_step(struct db *db, const char *sql)
{
    enum rc rc = db_exec(db, "BEGIN IMMEDIATE");
    rc = rc == RC_OK ? db_exec(db, sql) : rc;
    rc = rc == RC_OK ? db_exec(db, "COMMIT") : rc;
    db_rollback(db);
    return rc;
}

/* Why may a database that says `done` steps were made not be used? RC_OK: it may. */
static enum rc check_origin(struct db *db, int64_t done, bool has_files, struct why *why)
{
    const int64_t last = COUNT_OF(steps);
    int64_t application = 0, things = 0;
    enum rc rc = read_number(db, "PRAGMA application_id", &application);
    rc = rc == RC_OK ? read_number(db, "SELECT count(*) FROM sqlite_schema", &things) : rc;
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the database cannot be read: %s", rc_text(rc));
    }
    if (done < 0 || application != (done > 0 ? APPLICATION_ID : 0) || (done == 0 && things > 0)) {
        return why_fail(why, RC_CONFLICT, NULL, "licit.db is a database of another program");
    }
    if (done > last) {
        return why_fail(why, RC_CONFLICT, NULL, "the database was made by a newer licit (its form is %lld, this program knows up to %lld); run that version, or restore a backup", (long long)done, (long long)last);
    }
    if (done == 0 && has_files) {
        return why_fail(why, RC_CONFLICT, NULL, STORE_DATABASE_LOST);
    }
    return RC_OK;
}

enum rc migrate_run(struct db *db, bool has_files, struct why *why)
{
    int64_t done = 0;
    enum rc rc = read_number(db, "PRAGMA user_version", &done);
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the database cannot be read: %s", rc_text(rc));
    }
    rc = check_origin(db, done, has_files, why);
    for (int64_t i = done; rc == RC_OK && i < (int64_t)COUNT_OF(steps); i++) {
        rc = run_step(db, steps[i]);
        if (rc != RC_OK) {
            rc = why_fail(why, rc, NULL, "the database cannot be brought to form %lld: %s", (long long)i + 1, rc_text(rc));
        }
    }
    return rc;
}
