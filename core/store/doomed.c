/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "core/store/blob.h"
#include "core/store/inside.h"

/*
 * DESIGN. A file and its row cannot go in one step, and an erased file must not
 * come back as "lost" after a crash between the two. So the transaction that
 * forgets the row writes the file's name into the table doomed; the file is
 * removed after the commit; the name is forgotten some time later, since a
 * removal that is repeated does no harm and a commit costs a sync.
 */

#define NAMES_KEPT 16 /* removed names that may stay in the table before a write clears them */
#define NAMES_MAX  64 /* at once */

struct names {
    char name[NAMES_MAX][BLOB_NAME_SIZE];
    size_t count;
};

enum rc store_doom(struct db *db, const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return RC_OK;
    }
    struct query q;
    query_begin(&q, db, "INSERT OR IGNORE INTO doomed (blob) VALUES (?1)");
    query_bind_text(&q, name);
    return query_run(&q);
}

static enum rc list_names(struct db *db, void *arg)
{
    struct names *names = arg;
    struct query q;
    query_begin(&q, db, "SELECT blob FROM doomed LIMIT ?1");
    query_bind_int(&q, NAMES_MAX);
    while (names->count < NAMES_MAX && query_next(&q)) {
        query_copy(&q, 0, names->name[names->count++], BLOB_NAME_SIZE);
    }
    return query_end(&q);
}

static enum rc forget_names(struct db *db, void *arg)
{
    const struct names *names = arg;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < names->count; i++) {
        struct query q;
        query_begin(&q, db, "DELETE FROM doomed WHERE blob = ?1");
        query_bind_text(&q, names->name[i]);
        rc = query_run(&q);
    }
    return rc;
}

/* Are all of them gone for good? */
static bool remove_files(const struct store *store, const struct names *names)
{
    bool ok = true, any = false;
    for (size_t i = 0; i < names->count; i++) {
        const bool removed = unlinkat(store->blobs, names->name[i], 0) == 0;
        ok = ok && (removed || errno == ENOENT);
        any = any || removed;
    }
    return ok && (!any || fsync(store->blobs) == 0);
}

void store_bury(struct store *store)
{
    struct names names;
    do {
        names.count = 0;
        if (store_read(store, list_names, &names) != RC_OK || !remove_files(store, &names)) {
            return; /* the names stay in the table: the next call or start tries again */
        }
        if (names.count > NAMES_KEPT && store_write(store, forget_names, &names) != RC_OK) {
            return;
        }
    } while (names.count == NAMES_MAX);
}
