/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_INSIDE_H
#define CORE_STORE_INSIDE_H

#include "core/store/db.h"
#include "core/store/store.h"

/*
 * What the files of core/store share; nobody else includes it.
 *
 * A closure of store_write() runs on the ledger's thread, one of store_read()
 * on the caller's; each sees one consistent state of the database. It may fill
 * the caller's why and results, since the caller waits. It must not call the
 * store, and must not leave a query open.
 *
 * Threads: any. Memory: see each. Logs: no.
 */

#define STORE_DATABASE_LOST "the state directory holds stored files but no database; restore licit.db from a backup, or use an empty directory"

struct store {
    int dir;   /* fds; the paths are not needed after the start */
    int blobs; /* DIR/blobs */
    int lost;  /* DIR/lost */
    int lock;  /* DIR/lock, held by flock(2) */
    struct ledger *ledger;
    struct readers *readers;
};

/* RC_OK: what fn did is on the disk. Otherwise nothing of it is. */
enum rc store_write(struct store *store, enum rc (*fn)(struct db *db, void *arg), void *arg) MUST_CHECK;
enum rc store_read(struct store *store, enum rc (*fn)(struct db *db, void *arg), void *arg) MUST_CHECK;

/* The rc of an errno of a file call. */
enum rc store_rc_of_errno(int number);

/* The row of page->after in a list; INT64_MAX without one. sql: "SELECT seq FROM x WHERE id = ?1".
 * RC_NOT_FOUND with words. */
enum rc store_page_start(struct db *db, const struct store_page *page, const char *sql,
                         int64_t *ret_before, struct why *why) MUST_CHECK;

/* In a closure: this file loses its row with the transaction; empty or NULL names are let pass. */
enum rc store_doom(struct db *db, const char *name) MUST_CHECK;

/* After the commit: removes the files of all that is doomed, then forgets their names. What cannot be
 * removed now is removed at the next call or start. */
void store_bury(struct store *store);

/* In a closure: store_job_move(). */
struct job_move;
enum rc store_move_job(struct db *db, const char *id, const struct job_move *move, struct why *why) MUST_CHECK;

/* In a closure: RC_CONFLICT when the query, which is given the name, finds a job (why says which). */
enum rc store_check_no_job(struct db *db, const char *sql, const char *name, struct why *why) MUST_CHECK;

/* In a closure: the seq of a model that is not deleted. RC_NOT_FOUND with words. */
enum rc store_find_model(struct db *db, const char *name, int64_t *ret_seq, struct why *why) MUST_CHECK;

/* In a closure: store_label_set(). */
struct label_row;
enum rc store_put_label(struct db *db, const struct label_row *row, struct why *why) MUST_CHECK;

#endif
