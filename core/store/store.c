/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/store/blob.h"
#include "core/store/inside.h"
#include "core/store/ledger.h"
#include "core/store/migrate.h"
#include "core/store/readers.h"
#include "core/store/sweep.h"

#define DATABASE "licit.db"

enum rc store_rc_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return RC_STORAGE_FULL;
    case ENOMEM: return RC_NO_MEMORY;
    default: return RC_IO;
    }
}

static enum rc fail_errno(struct why *why, const char *what)
{
    const int number = errno;
    return why_fail(why, store_rc_of_errno(number), NULL, "%s: %s", what, strerror(number));
}

/* Makes the folder when it is missing and opens it. */
static enum rc open_folder(int at, const char *name, int *ret_fd)
{
    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST) {
        return store_rc_of_errno(errno);
    }
    *ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd < 0 ? store_rc_of_errno(errno) : RC_OK;
}

static enum rc take_lock(struct store *store, struct why *why)
{
    store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock < 0) {
        return fail_errno(why, "the lock of the state directory cannot be made");
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0) {
        return RC_OK;
    }
    if (errno == EWOULDBLOCK) {
        return why_fail(why, RC_CONFLICT, NULL, "another process is using this state directory; stop it first");
    }
    return fail_errno(why, "the state directory cannot be locked");
}

static enum rc open_folders(struct store *store, const char *dir, struct why *why)
{
    if (open_folder(AT_FDCWD, dir, &store->dir) != RC_OK) {
        return fail_errno(why, "the state directory cannot be made or opened");
    }
    const enum rc rc = take_lock(store, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (open_folder(store->dir, "blobs", &store->blobs) != RC_OK || open_folder(store->dir, "lost", &store->lost) != RC_OK) {
        return fail_errno(why, "the folders of the state directory cannot be made or opened");
    }
    return RC_OK;
}

/* Must be asked before SQLite looks: it drops a write-ahead log that has lost its database. */
static enum rc check_not_lost(struct store *store, bool has_files, struct why *why)
{
    struct stat status;
    if (fstatat(store->dir, DATABASE, &status, 0) == 0 && status.st_size > 0) {
        return RC_OK;
    }
    if (fstatat(store->dir, DATABASE "-wal", &status, 0) == 0 && status.st_size > 0) {
        return why_fail(why, RC_CONFLICT, NULL, "the state directory holds a write-ahead log but no database; restore licit.db from a backup");
    }
    if (has_files) {
        return why_fail(why, RC_CONFLICT, NULL, STORE_DATABASE_LOST);
    }
    return RC_OK;
}

/* SQLite would make the file readable for all. */
static enum rc make_file(struct store *store, struct why *why)
{
    const int fd = openat(store->dir, DATABASE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_errno(why, "the database cannot be opened");
    }
    (void)close(fd);
    return fsync(store->dir) == 0 ? RC_OK : fail_errno(why, "the state directory cannot be synced");
}

/* The pages are sound; what they say is not covered, SQLite has no checksums. */
static enum rc quick_check(struct db *db, struct why *why)
{
    char answer[WHY_TEXT_MAX / 2] = "";
    struct query q;
    query_begin(&q, db, "SELECT substr(quick_check, 1, 150) FROM pragma_quick_check(1)");
    if (query_next(&q)) {
        query_copy(&q, 0, answer, sizeof(answer));
    }
    const enum rc rc = query_end(&q);
    if (rc == RC_OK && strcmp(answer, "ok") == 0) {
        return RC_OK;
    }
    if (rc != RC_OK && rc != RC_CORRUPT) {
        return why_fail(why, rc, NULL, "the database cannot be read: %s", rc_text(rc));
    }
    return why_fail(why, RC_CORRUPT, NULL, "the database is damaged (%s); restore it from a backup", rc == RC_OK ? answer : "its pages make no sense");
}

static enum rc open_database(struct store *store, const char *path, struct why *why)
{
    bool has_files = false;
    struct db *db = NULL;
    enum rc rc = sweep_has_files(store->blobs, &has_files);
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the stored files cannot be listed: %s", rc_text(rc));
    }
    rc = check_not_lost(store, has_files, why);
    rc = rc == RC_OK ? make_file(store, why) : rc;
    rc = rc == RC_OK ? db_open(path, DB_WRITER, &db, why) : rc;
    if (rc != RC_OK) {
        return rc;
    }
    rc = quick_check(db, why);
    rc = rc == RC_OK ? migrate_run(db, has_files, why) : rc;
    if (rc == RC_OK) {
        rc = sweep_run(store, db);
        if (rc != RC_OK) {
            rc = why_fail(why, rc, NULL, "the stored files cannot be swept: %s", rc_text(rc));
        }
    }
    if (rc != RC_OK) {
        db_close(db);
        return rc;
    }
    return ledger_create(db, &store->ledger);
}

static enum rc open_all(struct store *store, const char *dir, struct why *why)
{
    enum rc rc = open_folders(store, dir, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO(buf) struct buf path;
    buf_init(&path, PATH_MAX);
    rc = buf_printf(&path, "%s/" DATABASE, dir);
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the path of the state directory is too long");
    }
    rc = open_database(store, path.data, why);
    return rc == RC_OK ? readers_create(path.data, &store->readers, why) : rc;
}

enum rc store_open(const char *dir, struct store **ret, struct why *why)
{
    struct store *store = mem_alloc(sizeof(*store));
    if (store == NULL) {
        return RC_NO_MEMORY;
    }
    const struct mono start = mono_now();
    store->dir = store->blobs = store->lost = store->lock = -1;
    const enum rc rc = open_all(store, dir, why);
    if (rc != RC_OK) {
        store_close(store);
        return rc;
    }
    log_info("store_opened", "ms=%lld", (long long)(mono_since(start) / 1000000));
    *ret = store;
    return RC_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    /* The writer goes last: its closing checkpoints, and then nobody else has the database. */
    readers_destroy(store->readers);
    ledger_destroy(store->ledger);
    const int fds[] = { store->lost, store->blobs, store->lock, store->dir };
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    mem_free(store);
}

bool store_is_degraded(struct store *store)
{
    return ledger_is_degraded(store->ledger);
}

struct store_numbers store_look(struct store *store)
{
    return ledger_look(store->ledger);
}

enum rc store_write(struct store *store, enum rc (*fn)(struct db *db, void *arg), void *arg)
{
    return ledger_write(store->ledger, fn, arg);
}

enum rc store_read(struct store *store, enum rc (*fn)(struct db *db, void *arg), void *arg)
{
    struct db *db = readers_take(store->readers);
    enum rc rc = db_exec(db, "BEGIN");
    if (rc == RC_OK) {
        rc = fn(db, arg);
        const enum rc end = db_exec(db, "COMMIT");
        rc = rc == RC_OK ? end : rc;
    }
    readers_give(store->readers, db);
    return rc;
}

enum rc store_page_start(struct db *db, const struct store_page *page, const char *sql,
                         int64_t *ret_before, struct why *why)
{
    MUST(page->limit >= 1 && page->limit <= STORE_PAGE_MAX);
    *ret_before = INT64_MAX;
    if (page->after == NULL) {
        return RC_OK;
    }
    struct query q;
    query_begin(&q, db, sql);
    query_bind_text(&q, page->after);
    const bool found = query_next(&q);
    *ret_before = query_int(&q, 0);
    const enum rc rc = query_end(&q);
    return rc == RC_OK && !found ? why_fail(why, RC_NOT_FOUND, "after", "names nothing in this list") : rc;
}
