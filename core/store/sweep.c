/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/blob.h"

#define DAY_SECONDS 86400

/* Calls visit() for every name but "." and ".."; stops at the first rc that is not RC_OK. */
static enum rc each_name(int folder, enum rc (*visit)(void *arg, const char *name), void *arg)
{
    const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        const int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return store_rc_of_errno(number);
    }
    enum rc rc = RC_OK;
    errno = 0;
    for (const struct dirent *it; rc == RC_OK && (it = readdir(entries)) != NULL; errno = 0) {
        if (strcmp(it->d_name, ".") != 0 && strcmp(it->d_name, "..") != 0) {
            rc = visit(arg, it->d_name);
        }
    }
    rc = rc == RC_OK && errno != 0 ? store_rc_of_errno(errno) : rc;
    (void)closedir(entries);
    return rc;
}

static bool is_unfinished(const char *name)
{
    return strncmp(name, BLOB_UNFINISHED, strlen(BLOB_UNFINISHED)) == 0;
}

static enum rc note_file(void *arg, const char *name)
{
    bool *found = arg;
    *found = *found || !is_unfinished(name);
    return RC_OK;
}

enum rc sweep_has_files(int blobs, bool *ret)
{
    bool found = false;
    const enum rc rc = each_name(blobs, note_file, &found);
    if (rc == RC_OK) {
        *ret = found;
    }
    return rc;
}

enum fate {
    FATE_KEPT,
    FATE_DOOMED,
    FATE_LOST
};

static enum rc find_fate(struct db *db, const char *name, enum fate *ret)
{
    struct query q;
    query_begin(&q, db, "SELECT EXISTS (SELECT 1 FROM doomed WHERE blob = ?1),"
                        " EXISTS (SELECT 1 FROM dataset WHERE blob = ?1)"
                        " OR EXISTS (SELECT 1 FROM job WHERE blob = ?1)"
                        " OR EXISTS (SELECT 1 FROM version WHERE blob = ?1)");
    query_bind_text(&q, name);
    if (query_next(&q)) {
        *ret = query_int(&q, 0) != 0 ? FATE_DOOMED : query_int(&q, 1) != 0 ? FATE_KEPT
                                                                           : FATE_LOST;
    }
    return query_end(&q);
}

struct visit {
    struct store *store;
    struct db *db;
};

static enum rc sweep_name(void *arg, const char *name)
{
    const struct visit *visit = arg;
    enum fate fate = FATE_DOOMED;
    const enum rc rc = is_unfinished(name) ? RC_OK : find_fate(visit->db, name, &fate);
    if (rc != RC_OK || fate == FATE_KEPT) {
        return rc;
    }
    if (fate == FATE_DOOMED) {
        return unlinkat(visit->store->blobs, name, 0) == 0 ? RC_OK : store_rc_of_errno(errno);
    }
    log_warn("blob_lost", "name=%s hint=\"no row names it; moved to lost/\"", log_quote(name).text);
    return renameat(visit->store->blobs, name, visit->store->lost, name) == 0 ? RC_OK : store_rc_of_errno(errno);
}

/* The time of the rename counts, not that of the writing. */
static enum rc drop_old(void *arg, const char *name)
{
    const struct store *store = arg;
    struct stat status;
    if (fstatat(store->lost, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
        wall_seconds() - status.st_ctim.tv_sec > (int64_t)SWEEP_LOST_DAYS * DAY_SECONDS) {
        (void)unlinkat(store->lost, name, 0); /* the next start tries again */
    }
    return RC_OK;
}

enum rc sweep_run(struct store *store, struct db *db)
{
    struct visit visit = { store, db };
    enum rc rc = each_name(store->blobs, sweep_name, &visit);
    rc = rc == RC_OK && fsync(store->blobs) != 0 ? store_rc_of_errno(errno) : rc;
    rc = rc == RC_OK ? db_exec(db, "DELETE FROM doomed") : rc;
    return rc == RC_OK ? each_name(store->lost, drop_old, store) : rc;
}
