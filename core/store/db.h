/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_DB_H
#define CORE_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * The one door to SQLite; private to core/store.
 *
 * A connection keeps its prepared statements, found again by the address of
 * their text, so SQL must be string constants. A query remembers its first
 * error: bind, step and read as if all went well, and look at the end.
 *
 *     struct query q;
 *     query_begin(&q, db, "SELECT name FROM model WHERE seq > ?1");
 *     query_bind_int(&q, 7);
 *     while (query_next(&q)) {
 *         name = query_text(&q, 0, region);
 *     }
 *     return query_end(&q);
 *
 * Threads: a connection belongs to one at a time. Memory: db_close() frees. Logs: no.
 */

#define DB_STATEMENTS_MAX 96 /* more SQL texts than the families have; checked by MUST */

enum db_mode {
    DB_WRITER, /* the only one that writes and checkpoints */
    DB_READER
};

struct db;
struct sqlite3_stmt;

struct query {
    struct db *_db;
    struct sqlite3_stmt *_stmt;
    int _bound;
    enum rc rc; /* the first error */
};

/* RC_CORRUPT, RC_IO, RC_STORAGE_FULL, RC_NO_MEMORY; why says which step. */
enum rc db_open(const char *path, enum db_mode mode, struct db **ret, struct why *why) MUST_CHECK;
void db_close(struct db *db);

/* One statement without values or rows, not kept; constant text. */
enum rc db_exec(struct db *db, const char *sql) MUST_CHECK;

/* Is a transaction open? SQLite ends one by itself after some errors. */
bool db_in_transaction(struct db *db);

/* Takes back what is not committed; no transaction: nothing. The caller holds the rc that says why. */
void db_rollback(struct db *db);

/* Rows that the last INSERT, UPDATE or DELETE touched, and the seq of the last INSERT. */
int64_t db_changes(struct db *db);
int64_t db_last_seq(struct db *db);

void query_begin(struct query *q, struct db *db, const char *sql);

/* Values for ?1, ?2, ... in this order. NULL binds NULL; text and bytes must live until query_end(). */
void query_bind_text(struct query *q, const char *text);
void query_bind_bytes(struct query *q, const void *bytes, size_t n);
void query_bind_int(struct query *q, int64_t n);

/* A row is there to be read. */
bool query_next(struct query *q);

/* Columns from 0. Text and bytes are copied to the region; NULL stays NULL, so does an error. */
int64_t query_int(struct query *q, int column);
const char *query_text(struct query *q, int column, struct region *region);
const void *query_bytes(struct query *q, int column, struct region *region, size_t *ret_n);
void query_copy(struct query *q, int column, char *ret, size_t size); /* NULL gives ""; longer than size is RC_CORRUPT */

/* Gives the statement back. A query of rows may end before the last one. */
enum rc query_end(struct query *q) MUST_CHECK;

/* Steps a statement that gives no rows and ends it. RC_CONFLICT: a uniqueness or foreign key says no. */
enum rc query_run(struct query *q) MUST_CHECK;

#endif
